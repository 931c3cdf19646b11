package evidence

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// bucket holds evidence where every process sees it. Its keys are the paths of the
// files in an evidence folder.
type bucket struct {
	*blob.Bucket
	location string // its URL without options
	work     workFolder
}

// openBucket sends nothing: whether the bucket is there, the first request tells.
func openBucket(ctx context.Context, address string) (*bucket, error) {
	u, err := parseBucket(address)
	if err != nil {
		return nil, err
	}
	prefix := prefixOf(u)
	u.Path = ""
	quietChecksums(u)
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, &bucketError{"evidence: opening the bucket", err}
	}
	location := u.Scheme + "://" + u.Host
	if prefix == "" {
		return &bucket{Bucket: b, location: location}, nil
	}
	return &bucket{Bucket: blob.PrefixedBucket(b, prefix+"/"), location: location + "/" + prefix}, nil
}

// upload stores a file and returns its SHA-256.
func (b *bucket) upload(ctx context.Context, key, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	// One part of a file at a time: several files are on their way already.
	options := &blob.WriterOptions{ContentType: "application/octet-stream", MaxConcurrency: 1}
	if err := b.Upload(ctx, key, io.TeeReader(f, hash), options); err != nil {
		return "", b.failed("writing", key, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// sum reads an object back and returns its SHA-256.
func (b *bucket) sum(ctx context.Context, key string) (string, error) {
	hash := sha256.New()
	if err := b.Download(ctx, key, hash, nil); err != nil {
		return "", b.failed("reading", key, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// fetch copies an object to a file, which appears whole or not at all. It grows in
// the folder for work, so that nobody takes it for a part of a pack. The error is
// fs.ErrNotExist if there is no such object.
func (b *bucket) fetch(ctx context.Context, key, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(b.work.path, ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(b.Download(ctx, key, f, nil), f.Close()); err != nil {
		return b.failed("reading", key, err)
	}
	return os.Rename(f.Name(), path)
}

// keys walks the objects under a prefix. The marks that some programs set for a
// folder are none.
func (b *bucket) keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		list := b.List(&blob.ListOptions{Prefix: prefix})
		for {
			o, err := list.Next(ctx)
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield("", b.failed("listing", prefix, err))
				return
			case !strings.HasSuffix(o.Key, "/") && !yield(o.Key, nil):
				return
			}
		}
	}
}

// remove takes an object away, if it is there.
func (b *bucket) remove(ctx context.Context, key string) error {
	if err := b.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return b.failed("removing", key, err)
	}
	return nil
}

// try does all that a review does to a bucket, with an object of its own.
func (b *bucket) try(ctx context.Context) error {
	key := ".tokenaudit-doctor-" + rand.Text()
	if err := b.WriteAll(ctx, key, []byte(key), nil); err != nil {
		return b.failed("writing", key, err)
	}
	_, err := b.sum(ctx, key)
	for _, listed := range b.keys(ctx, key) {
		err = errors.Join(err, listed)
	}
	return errors.Join(err, b.remove(ctx, key))
}

func (b *bucket) failed(doing, key string, err error) error {
	what := fmt.Sprintf("evidence: %s %s/%s", doing, b.location, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", what, fs.ErrNotExist)
	}
	return &bucketError{what, err}
}

// bucketError is a bucket that could not be asked, which says nothing of what it
// holds. The text leaves out the options of URLs: the SDK of Azure puts a SAS token
// there, and Go puts URLs into errors.
type bucketError struct {
	what string
	err  error
}

var queryPart = regexp.MustCompile(`\?[^\s"']*`)

func (e *bucketError) Error() string {
	text := strings.Join(strings.Fields(e.err.Error()), " ")
	return e.what + ": " + queryPart.ReplaceAllString(text, "?…")
}

func (e *bucketError) Unwrap() error { return e.err }

// Unreachable tells it from an object that is missing or damaged.
func (e *bucketError) Unreachable() {}

// quietChecksums keeps the client of S3 from writing a line to standard error for
// every answer without a checksum, as many servers give them: what is read is
// compared with the manifest anyway.
func quietChecksums(u *url.URL) {
	const option = "response_checksum_validation"
	q := u.Query()
	if u.Scheme != "s3" || q.Has(option) {
		return
	}
	q.Set(option, "when_required")
	u.RawQuery = q.Encode()
}

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

// Check says what is wrong with the place of the evidence. It repeats
// nothing of it: that may be a credential.
func Check(evidence string) error {
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
