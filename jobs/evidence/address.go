package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"tokenaudit/configs/setting"
)

// options are what the URL of a bucket may say besides bucket and prefix. What is, or
// leads to, a credential is not among them.
var options = []string{"region", "endpoint", "profile", "s3ForcePathStyle", "dualstack", "ssetype", "kmskeyid"}

// gone are options of the versions that came with the SDKs of AWS, Google and Azure, and
// what to do about each.
var gone = map[string]string{
	"disable_https":                "remove it; an endpoint contains http:// or https://",
	"fips":                         "remove it and set endpoint=https://s3-fips.REGION.amazonaws.com",
	"accelerate":                   "remove it",
	"hostname_immutable":           "remove it",
	"rate_limiter_capacity":        "remove it",
	"request_checksum_calculation": "remove it; every object is written with its MD5",
	"response_checksum_validation": "remove it; every object is read back and compared",
	"role":                         "remove it and set the credentials of the role in the environment",
}

// IsBucket tells the URL of a bucket from a folder.
func IsBucket(place string) bool { return strings.Contains(place, "://") }

// Check says what is wrong with the place of the evidence. It repeats nothing of it:
// that may be a credential.
func Check(place string) error {
	if place == "" {
		return errors.New("needs a folder, such as ./data/evidence, or a bucket, such as s3://BUCKET/PREFIX")
	}
	if !IsBucket(place) {
		return nil
	}
	_, err := parseAddress(place)
	return err
}

// address is the URL of a bucket, taken apart.
type address struct {
	bucket, prefix string
	endpoint       *url.URL
	region         string // "" to ask the server
	profile        string // of the files of the AWS tools; "" for AWS_PROFILE
	lookup         minio.BucketLookupType
	dualstack      bool
	encryption     encrypt.ServerSide
}

func parseAddress(place string) (address, error) {
	u, err := url.Parse(place)
	if err != nil { // its text quotes the URL
		return address{}, errors.New("is not a URL; needs s3://BUCKET/PREFIX")
	}
	a := address{bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	switch {
	case u.Scheme == "gs":
		return a, errors.New("is a bucket of Google Cloud Storage. Use its S3 endpoint: s3://BUCKET/PREFIX?endpoint=https://storage.googleapis.com&region=auto, with HMAC keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.Scheme == "azblob":
		return a, errors.New("is a container of Azure, which has no S3 endpoint. Mount it (blobfuse2 or NFS) and set the folder, with evidence_shared: on if several hosts have it")
	case u.Scheme != "s3":
		return a, errors.New("needs a folder, or a bucket: s3://BUCKET/PREFIX")
	case u.User != nil:
		return a, errors.New("contains a credential; remove it. Credentials come from the environment, as for the AWS tools")
	case a.bucket == "":
		return a, errors.New("names no bucket; needs s3://BUCKET/PREFIX")
	case a.prefix != "" && !fs.ValidPath(a.prefix), u.Fragment != "":
		return a, errors.New("has an invalid prefix; write it as team/tokenaudit")
	}
	return a, a.readOptions(u.RawQuery)
}

func (a *address) readOptions(query string) error {
	given, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("has options that cannot be read; write them as ?name=value&name=value")
	}
	if given.Has("use_path_style") && !given.Has("s3ForcePathStyle") { // another name of it
		given["s3ForcePathStyle"] = given["use_path_style"]
		delete(given, "use_path_style")
	}
	for name, values := range given {
		if what, ok := gone[name]; ok {
			return fmt.Errorf("has the option %s, which is no longer supported: %s", name, what)
		}
		if !slices.Contains(options, name) || len(values) > 1 {
			return fmt.Errorf("has an option that is unknown, is a credential, or is given twice; known: %s. Credentials come from the environment", strings.Join(options, ", "))
		}
	}
	a.profile = given.Get("profile")
	a.region = cmp.Or(given.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if style := given.Get("s3ForcePathStyle"); style != "" {
		path, err := strconv.ParseBool(style)
		if err != nil {
			return errors.New("needs true or false in s3ForcePathStyle")
		}
		a.lookup = minio.BucketLookupDNS
		if path {
			a.lookup = minio.BucketLookupPath
		}
	}
	if stack := given.Get("dualstack"); stack != "" {
		if a.dualstack, err = strconv.ParseBool(stack); err != nil {
			return errors.New("needs true or false in dualstack")
		}
	}
	switch key := given.Get("kmskeyid"); {
	case given.Get("ssetype") == "aws:kms":
		if a.encryption, err = encrypt.NewSSEKMS(key, nil); err != nil {
			return err
		}
	case key != "":
		return errors.New("needs ssetype=aws:kms with kmskeyid")
	case given.Get("ssetype") == "AES256":
		a.encryption = encrypt.NewSSE()
	case given.Get("ssetype") != "":
		return errors.New("needs AES256 or aws:kms in ssetype")
	}
	// AWS has a host for each region, which the client finds by itself.
	endpoint := cmp.Or(given.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), "https://s3.amazonaws.com")
	e, err := setting.ParseURL(endpoint, "https://minio.example.com:9000")
	if err != nil || e.User != nil || e.RawQuery != "" || strings.Trim(e.Path, "/") != "" {
		return errors.New("has an invalid endpoint; write it as https://HOST:PORT")
	}
	a.endpoint = e
	return nil
}
