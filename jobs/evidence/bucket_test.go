package evidence

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"
)

// values of the options that do not take any text.
var optionValues = map[string]string{
	"ssetype": "aws:kms", "role": "arn:aws:iam::1:role/audit", "rate_limiter_capacity": "5", "endpoint": "https://minio.example.com", "protocol": "https",
	"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
}

// TestOptionsAreKnown: what Check lets through, gocloud.dev takes.
func TestOptionsAreKnown(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "localhost:1")
	t.Setenv("AZURE_STORAGE_ACCOUNT", "acme")
	t.Setenv("AWS_REGION", "us-east-1")
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[profile true]\nregion = us-east-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("TMPDIR", t.TempDir())
	for scheme, options := range bucketOptions {
		for _, option := range options {
			value := optionValues[option]
			if value == "" {
				value = "true"
			}
			address := scheme + "://bucket/prefix?" + option + "=" + url.QueryEscape(value)
			s, err := Open(t.Context(), address)
			if err != nil {
				t.Errorf("%s: %v", address, err)
				continue
			}
			if got, want := s.Location(weekly(0)), scheme+"://bucket/prefix/weekly/2026-11-23T0900Z"; got != want {
				t.Errorf("location %q, want %q", got, want)
			}
			s.Close()
		}
	}
}

// TestErrorsHoldNoToken: the URLs in errors of the SDK of Azure may hold one.
func TestErrorsHoldNoToken(t *testing.T) {
	b := &bucket{location: "azblob://c"}
	cause := &url.Error{Op: "Get", URL: "https://acme.blob.core.windows.net/c?sv=2025&sig=hunter2%3D%3D", Err: errors.New("dial tcp:\nrefused")}
	err := b.failed("reading", "weekly/chain.json", cause)
	want := `evidence: reading azblob://c/weekly/chain.json: Get "https://acme.blob.core.windows.net/c?…": dial tcp: refused`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := b.failed("reading", "x", context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// TestWorkFolders: that of a killed process goes, that of a living one stays, and
// what is not known to be one stays, too.
func TestWorkFolders(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	killed, other := filepath.Join(dir, "tokenaudit-evidence-1"), filepath.Join(dir, "tokenaudit-evidence-2")
	for _, path := range []string{filepath.Join(killed, "weekly"), other} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(killed, workLock), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := newWorkFolder()
	if err != nil {
		t.Fatal(err)
	}
	second, err := newWorkFolder()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{killed: false, other: true, first.path: true, second.path: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
	if err := errors.Join(first.remove(), second.remove()); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); strings.Join(left, " ") != other {
		t.Errorf("left %v", left)
	}
}
