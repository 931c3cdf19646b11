package history

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
)

// bucketOptions are what a URL may say besides bucket and prefix, as
// gocloud.dev/blob takes it (packages s3blob, gcsblob and azureblob, v0.47.0). What
// is, or leads to, a credential is not among them.
var bucketOptions = map[string][]string{
	"s3": {
		"region", "endpoint", "s3ForcePathStyle", "use_path_style", "disable_https", "hostname_immutable", "dualstack", "fips", "accelerate",
		"profile", "role", "ssetype", "kmskeyid", "rate_limiter_capacity", "request_checksum_calculation", "response_checksum_validation",
	},
	"gs":     {"universe_domain"},
	"azblob": {"storage_account", "domain", "protocol", "cdn", "localemu"},
}

// IsBucket tells the URL of a bucket from a folder.
func IsBucket(evidence string) bool { return strings.Contains(evidence, "://") }

// CheckEvidence says what is wrong with the place of the evidence. It repeats
// nothing of it: that may be a credential.
func CheckEvidence(evidence string) error {
	if evidence == "" {
		return errors.New("needs a folder, such as ./data/evidence, or a bucket, such as s3://BUCKET/PREFIX")
	}
	if !IsBucket(evidence) {
		return nil
	}
	_, err := parseBucket(evidence)
	return err
}

func parseBucket(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil { // its text quotes the URL
		return nil, errors.New("is no URL; needs s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX")
	}
	options, known := bucketOptions[u.Scheme]
	prefix := prefixOf(u)
	switch {
	case !known:
		return nil, errors.New("needs a folder, or a bucket: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or azblob://CONTAINER/PREFIX")
	case u.User != nil:
		return nil, errors.New("holds a credential; take it out, credentials come from the environment, as for the tools of the provider")
	case u.Host == "":
		return nil, fmt.Errorf("names no bucket; needs %s://BUCKET/PREFIX", u.Scheme)
	case prefix != "" && !fs.ValidPath(prefix), u.Fragment != "":
		return nil, errors.New("has a path that is no prefix; write it as team/tokenaudit")
	}
	return u, checkOptions(u, options)
}

func checkOptions(u *url.URL, known []string) error {
	given, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("has options that cannot be read; write them as ?name=value&name=value")
	}
	for name, values := range given {
		if !slices.Contains(known, name) || len(values) > 1 {
			return fmt.Errorf("has an option that is not known, or is a credential, or is given twice; known: %s. Credentials come from the environment", strings.Join(known, ", "))
		}
	}
	if endpoint := given.Get("endpoint"); endpoint != "" {
		e, err := url.Parse(endpoint)
		if err != nil || e.Scheme != "https" && e.Scheme != "http" || e.Host == "" || e.User != nil || e.RawQuery != "" {
			return errors.New("has an endpoint that is no plain URL; write it as https://HOST:PORT")
		}
	}
	return nil
}

func prefixOf(u *url.URL) string { return strings.Trim(u.Path, "/") }
