package evidence

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/minio/minio-go/v7"

	"tokenaudit/configs/remedy"
)

// TestBucketRemedies: what to do fits the cause, and the right that is missing is named.
func TestBucketRemedies(t *testing.T) {
	t.Parallel()
	answer := func(code string) error { return minio.ErrorResponse{Code: code, Message: "no"} }
	tests := []struct {
		name, doing string
		err         error
		want        string
	}{
		{"no such bucket", "listing", answer("NoSuchBucket"), "Create the bucket audit"},
		{"may not write", "writing", answer("AccessDenied"), "Allow these credentials s3:PutObject on the bucket audit"},
		{"may not list", "listing", answer("AccessDenied"), "Allow these credentials s3:ListBucket on"},
		{"may not lock", "locking", answer("AccessDenied"), "Allow these credentials s3:PutObjectRetention on"},
		{"unknown key", "writing", answer("InvalidAccessKeyId"), "a valid access key"},
		{"wrong secret", "writing", answer("SignatureDoesNotMatch"), "the secret key"},
		{"ended session", "writing", answer("ExpiredToken"), "Renew the session"},
		{"clock", "writing", answer("RequestTimeTooSkewed"), "Set the clock"},
		{"wrong region", "writing", minio.ErrorResponse{Code: "AuthorizationHeaderMalformed", Region: "eu-central-1"}, "Set region=eu-central-1 in evidence"},
		{"another region", "writing", answer("PermanentRedirect"), "Set region in evidence"},
		{"out of order", "writing", minio.ErrorResponse{Code: "InternalError", StatusCode: 500}, "Check the server of the bucket"},
		{"refused", "writing", &url.Error{Op: "Put", URL: "http://s3.example.com?X-Amz-Security-Token=canary-token", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, "Nothing listens at s3.example.com: start the server of the bucket"},
		{"no credentials", "writing", fmt.Errorf("put: %w", &noCredentialsError{fmt.Errorf("no credentials")}), "Set credentials in the environment"},
		{"not known", "writing", answer("Teapot"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := &bucket{address: address{bucket: "audit", endpoint: &url.URL{Scheme: "https", Host: "s3.example.com"}}, location: "s3://audit"}
			err := b.failed(test.doing, "key", test.err)
			if got := remedy.Of(err); !strings.Contains(got, test.want) || test.want == "" && got != "" || strings.Contains(got+err.Error(), "canary-token") {
				t.Errorf("remedy %q of %v, want %q", got, err, test.want)
			}
		})
	}
}
