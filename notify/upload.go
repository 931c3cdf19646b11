package notify

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/slack-go/slack"
)

// upload puts a file of the evidence into the thread. The first two of its three
// requests show nothing to anybody, so that only the last one must not be repeated.
func (s session) upload(ctx context.Context, m Message, at place, name string) (string, error) {
	size, err := measure(ctx, m, name)
	if err != nil {
		return "", s.report.notTried(err)
	}
	shown := fileName(m, name)
	slot, err := s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: shown, FileSize: size})
	if err != nil {
		return "", fmt.Errorf("uploading %s: %w", name, s.unposted(err))
	}
	if err := s.fill(ctx, m, name, shown, slot.UploadURL); err != nil {
		return "", fmt.Errorf("uploading %s: %w", name, err)
	}
	_, err = s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: []slack.FileSummary{{ID: slot.FileID, Title: shown}}, Channel: at.channel, ThreadTimestamp: at.thread,
	})
	if err != nil {
		return "", fmt.Errorf("uploading %s: %w", name, s.report.explain(err))
	}
	return at.channel + "/" + slot.FileID, nil
}

func (s session) fill(ctx context.Context, m Message, name, shown, url string) error {
	file, err := m.Open(ctx, name)
	if err != nil {
		return s.report.notTried(err)
	}
	defer file.Close()
	s.report.hide = append(s.report.hide, url)
	if err := s.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: url, Reader: file, Filename: shown}); err != nil {
		return s.unposted(err)
	}
	return nil
}

// measure reads a file once for its size, which Slack wants to know first.
func measure(ctx context.Context, m Message, name string) (int, error) {
	file, err := m.Open(ctx, name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := io.Copy(io.Discard, file)
	return int(n), err
}

// fileName tells the files of several reviews apart in a folder of downloads.
func fileName(m Message, name string) string {
	return strings.ReplaceAll(m.Summary.ID, "/", "-") + "-" + name
}
