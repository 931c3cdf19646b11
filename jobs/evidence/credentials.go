package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// credentialChain looks where the SDKs of AWS look, in their order: the environment,
// web identity (roles of pods, IRSA), the profile in the files of the AWS tools, and the
// role of the pod or the machine. That of minio-go goes on without credentials when it
// finds none, and does not say what was wrong with those it passed over.
type credentialChain struct {
	profile   string
	providers []credentials.Provider
	current   credentials.Provider // that gave the credentials in use
}

func newCredentials(profile, region string) *credentials.Credentials {
	file, role := &credentials.FileAWSCredentials{Profile: profile}, &credentials.IAM{Region: region}
	c := &credentialChain{profile: cmp.Or(profile, os.Getenv("AWS_PROFILE"), "default")}
	switch {
	case profile != "": // the URL names it, so nothing else is meant
		c.providers = []credentials.Provider{file}
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		role.Endpoint = os.Getenv("AWS_ENDPOINT_URL_STS")
		c.providers = []credentials.Provider{&credentials.EnvAWS{}, role}
	case os.Getenv("AWS_EC2_METADATA_DISABLED") == "true" && os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") == "" && os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") == "":
		c.providers = []credentials.Provider{&credentials.EnvAWS{}, file}
	default:
		c.providers = []credentials.Provider{&credentials.EnvAWS{}, file, role}
	}
	return credentials.New(c)
}

// RetrieveWithCredContext implements credentials.Provider.
func (c *credentialChain) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	var reason error
	for _, p := range c.providers {
		value, err := p.RetrieveWithCredContext(cc)
		if err == nil && value.AccessKeyID != "" && value.SecretAccessKey != "" {
			c.current = p
			return value, nil
		}
		if _, isFile := p.(*credentials.FileAWSCredentials); isFile && err != nil && !errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("the profile %q cannot be used", c.profile) // the error quotes lines of the file
		}
		reason = cmp.Or(reason, err)
		if reason != nil && os.Getenv("AWS_PROFILE") != "" { // another identity is not what was asked for
			break
		}
	}
	err := fmt.Errorf("no credentials found: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile %q, or a role of the pod or the machine", c.profile)
	if reason != nil {
		err = fmt.Errorf("%w: %w", err, reason)
	}
	return credentials.Value{}, &noCredentialsError{err}
}

// noCredentialsError: there are none for a bucket.
type noCredentialsError struct{ err error }

func (e *noCredentialsError) Error() string { return e.err.Error() }

func (e *noCredentialsError) Unwrap() error { return e.err }

// Retrieve implements credentials.Provider.
func (c *credentialChain) Retrieve() (credentials.Value, error) {
	return c.RetrieveWithCredContext(nil)
}

// IsExpired implements credentials.Provider.
func (c *credentialChain) IsExpired() bool { return c.current == nil || c.current.IsExpired() }
