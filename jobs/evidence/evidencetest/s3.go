// Package evidencetest runs a server of the S3 API for a test: versitygw on folders of
// the test's own, with versions and Object Lock as a real one has them.
package evidencetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a server with buckets of a test.
type S3 struct {
	*minio.Client
	Endpoint string
	Log      *bytes.Buffer
}

// NewS3 starts a server that ends with the test, and puts its credentials into the
// environment. Where versitygw is missing the test is skipped, and fails in CI.
func NewS3(t testing.TB) *S3 {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip("no versitygw on the PATH; .ci/run installs it")
	}
	id, key := "test", rand.Text()
	Credentials(t, id, key)
	dir := t.TempDir()
	for _, name := range []string{"buckets", "versions"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	log := &bytes.Buffer{}
	cmd := exec.Command(program, "--quiet", "--port", address, "posix", "--versioning-dir", filepath.Join(dir, "versions"), filepath.Join(dir, "buckets"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+id, "ROOT_SECRET_KEY="+key)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw:\n%s", log)
		}
	})
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(id, key, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	s := &S3{Client: client, Endpoint: "http://" + address, Log: log}
	s.await(t)
	return s
}

// Credentials are all that the environment has of them.
func Credentials(t testing.TB, id, key string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": key, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *S3) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := s.ListBuckets(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("versitygw does not answer: %v\n%s", err, s.Log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Bucket makes one, with Object Lock or without, and gives the URL of a prefix in it.
func (s *S3) Bucket(t testing.TB, name string, locking bool) string {
	t.Helper()
	if err := s.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: locking}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("s3://%s/team/audit?region=us-east-1&endpoint=%s", name, s.Endpoint)
}

// Fault answers a request in place of the server, which next is.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Through gives the URL of a place with a proxy in front of the server, where requests
// can fail.
func (s *S3) Through(t testing.TB, place string, fault Fault) string {
	t.Helper()
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fault(w, r, next) }))
	t.Cleanup(proxy.Close)
	return strings.ReplaceAll(place, s.Endpoint, proxy.URL)
}

// Versions are the IDs of all versions of an object; marks of removal are none.
func (s *S3) Versions(t testing.TB, bucket, key string) (ids []string) {
	t.Helper()
	for o := range s.ListObjectsIter(t.Context(), bucket, minio.ListObjectsOptions{Prefix: key, Recursive: true, WithVersions: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		if o.Key == key && !o.IsDeleteMarker {
			ids = append(ids, o.VersionID)
		}
	}
	return ids
}

// Objects are the keys that a bucket shows.
func (s *S3) Objects(t testing.TB, bucket string) (keys []string) {
	t.Helper()
	for o := range s.ListObjectsIter(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}
