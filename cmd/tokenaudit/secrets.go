package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tokenaudit/configs"
)

// needSecrets refuses to begin, before anything is asked, while a secret under one of the
// keys cannot be had: a review without it would be one of nothing. A key ends with a dot
// where it stands for all below it.
func needSecrets(ctx context.Context, f *configs.File, keys ...string) error {
	err := f.CheckSecrets(ctx, func(key string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return k == key || strings.HasSuffix(k, ".") && strings.HasPrefix(key, k) })
	})
	if err != nil {
		return usageError{err}
	}
	return nil
}

// reviewSecrets are the keys of what a review by the job of that name needs, "" for all
// jobs. A dry run tells nobody and signs nothing.
func reviewSecrets(f *configs.File, job string, dryRun bool) []string {
	keys := []string{"store_password"}
	for i, j := range f.Jobs {
		if job != "" && j.Name != job {
			continue
		}
		if !dryRun {
			keys = append(keys, fmt.Sprintf("jobs[%d].", i))
		}
		for n, t := range f.Targets {
			if len(j.Targets) == 0 || slices.Contains(j.Targets, t.Name) {
				keys = append(keys, fmt.Sprintf("targets[%d].", n))
			}
		}
	}
	return keys
}

// notifierSecrets are those of the channels of a job.
func notifierSecrets(f *configs.File, job string) []string {
	var keys []string
	for i, j := range f.Jobs {
		for _, channel := range []string{"slack", "webhook", "email"} {
			if job == "" || j.Name == job {
				keys = append(keys, fmt.Sprintf("jobs[%d].%s.", i, channel))
			}
		}
	}
	return keys
}
