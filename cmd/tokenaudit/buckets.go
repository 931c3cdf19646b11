package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcp"

	"tokenaudit/jobs/evidence"
)

// openSnapshots opens the evidence. The driver of Google goes on without credentials
// and prints a warning among the output, so they are looked for first.
func openSnapshots(ctx context.Context, address string) (evidence.Archive, error) {
	if strings.HasPrefix(address, "gs://") && os.Getenv("STORAGE_EMULATOR_HOST") == "" {
		if _, err := gcp.DefaultCredentials(ctx); err != nil {
			return evidence.Archive{}, fmt.Errorf("evidence: %w", err)
		}
	}
	return evidence.Open(ctx, address)
}
