package evidence

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

func TestAddress(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "eu-west-1")
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_ENDPOINT_URL_S3", "")
	for place, want := range map[string]string{
		"s3://b":   "https://s3.amazonaws.com b  eu-west-1",
		"s3://b/p": "https://s3.amazonaws.com b p eu-west-1",
		"s3://b/team/audit/?region=eu-central-1&dualstack=true&profile=audit":                                               "https://s3.amazonaws.com b team/audit eu-central-1",
		"s3://b/p?region=us-east-1&endpoint=https://minio.example.com:9000&s3ForcePathStyle=true":                           "https://minio.example.com:9000 b p us-east-1",
		"s3://b/p?endpoint=http://10.0.0.1:9000/&use_path_style=true&ssetype=aws:kms&kmskeyid=arn:aws:kms:eu:1:key/a-b-c-d": "http://10.0.0.1:9000/ b p eu-west-1",
	} {
		if err := Check(place); err != nil {
			t.Errorf("%s: %v", place, err)
		}
		a, err := parseAddress(place)
		if err != nil {
			continue
		}
		if got := strings.Join([]string{a.endpoint.String(), a.bucket, a.prefix, a.region}, " "); got != want {
			t.Errorf("%s: %s, want %s", place, got, want)
		}
	}
	for place, want := range map[string]string{
		"gs://b/p": "HMAC keys", "azblob://c/p?storage_account=acme": "Mount it", "ftp://b/p": "needs a folder, or a bucket",
		"s3://b?role=arn:aws:iam::1:role/audit": "role, which is no longer supported", "s3://b?response_checksum_validation=when_required": "remove it",
		"s3://b?s3ForcePathStyle=yes!": "true or false", "s3://b?kmskeyid=x": "aws:kms", "s3://b?ssetype=x": "AES256", "s3://b?endpoint=https://h/path": "invalid endpoint",
	} {
		if err := Check(place); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", place, err, want)
		}
	}
}

// TestErrorsHoldNoToken: the URLs in errors may hold one, as those of credentials do.
func TestErrorsHoldNoToken(t *testing.T) {
	b := &bucket{location: "s3://b"}
	cause := &url.Error{Op: "Post", URL: "https://sts.amazonaws.com/?WebIdentityToken=hunter2%3D%3D", Err: errors.New("dial tcp:\nrefused")}
	err := b.failed("reading", "weekly/chain.json", cause)
	want := `evidence: reading s3://b/weekly/chain.json: Post "https://sts.amazonaws.com/?…": dial tcp: refused`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := b.failed("reading", "x", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// noCredentials empties the environment, so that a test has none but its own.
func noCredentials(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// TestCredentials: they are found where the SDKs of AWS find them.
func TestCredentials(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	profiles := write("credentials", "[default]\naws_access_key_id=default-id\naws_secret_access_key=s\n[audit]\naws_access_key_id=audit-id\naws_secret_access_key=s\naws_session_token=session\n")
	config := write("config", "[profile team]\naws_access_key_id=team-id\naws_secret_access_key=s\n")
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "pod-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Write([]byte(`{"AccessKeyId":"pod-id","SecretAccessKey":"s","Token":"session","Expiration":"2099-01-01T00:00:00Z"}`))
	}))
	t.Cleanup(pod.Close)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("WebIdentityToken") != "web-token" || r.PostFormValue("RoleArn") != "arn:aws:iam::1:role/audit" || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Write([]byte(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>web-id</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			`<SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`))
	}))
	t.Cleanup(sts.Close)
	for name, test := range map[string]struct {
		env     map[string]string
		profile string
		want    string // ID and session token
	}{
		"environment":         {map[string]string{"AWS_ACCESS_KEY_ID": "env-id", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_SHARED_CREDENTIALS_FILE": profiles}, "", "env-id t"},
		"file":                {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles}, "", "default-id "},
		"profile":             {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_PROFILE": "audit"}, "", "audit-id session"},
		"profile of the URL":  {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_ACCESS_KEY_ID": "env-id", "AWS_SECRET_ACCESS_KEY": "s"}, "audit", "audit-id session"},
		"profile of config":   {map[string]string{"AWS_CONFIG_FILE": config, "AWS_PROFILE": "team"}, "", "team-id "},
		"role of a pod (EKS)": {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": pod.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": write("token", "pod-token")}, "", "pod-id session"},
		"role of a task":      {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": pod.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "pod-token"}, "", "pod-id session"},
		"web identity (IRSA)": {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": write("web", "web-token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/audit", "AWS_ENDPOINT_URL_STS": sts.URL, "AWS_SHARED_CREDENTIALS_FILE": profiles}, "", "web-id session"},
		"wrong web identity":  {map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": write("wrong", "hunter2"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/audit", "AWS_ENDPOINT_URL_STS": sts.URL, "AWS_SHARED_CREDENTIALS_FILE": profiles}, "", ""},
		"none":                {nil, "", ""},
		"no profile, a role":  {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_PROFILE": "nobody", "AWS_CONTAINER_CREDENTIALS_FULL_URI": pod.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "pod-token"}, "", ""},
		"no such profile":     {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": profiles, "AWS_PROFILE": "nobody"}, "", ""},
		"damaged file":        {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": write("damaged", "[default\nhunter2 hunter2\n")}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			noCredentials(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			value, err := newCredentials(test.profile, "").GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
			if test.want == "" {
				if err == nil || !strings.Contains(err.Error(), "no credentials found: AWS_ACCESS_KEY_ID") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%+v, error %v", value, err)
				}
				return
			}
			if got := value.AccessKeyID + " " + value.SessionToken; err != nil || got != test.want {
				t.Errorf("%q, error %v; want %q", got, err, test.want)
			}
		})
	}
}
