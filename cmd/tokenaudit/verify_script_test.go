package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/pack"
)

// cmdSeal seals a made-up review at evidence/weekly, signed if there is a file
// named key, and links it to the one sealed before: seal SLOT TRIGGER VERDICT
func cmdSeal(ts *testscript.TestScript, _ bool, args []string) {
	slot, err := time.Parse("2006-01-02T1504Z", args[0])
	ts.Check(err)
	run := audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Trigger(args[1]), Started: slot.Add(time.Minute)}
	cov := audit.NewCoverage("prod")
	cov.Verdict = audit.Verdict(args[2])
	p := pack.Input{
		Summary: audit.Summarize(run, []audit.Item{{Coverage: cov}}, slot.Add(time.Hour), tool(), audit.Policy{}, nil),
		Files:   []string{"findings.csv"}, Schedule: "0 9 * * 1", Zone: "Europe/Berlin",
	}
	folder := ts.MkAbs("evidence/weekly")
	p.Previous = headOf(ts, folder)
	if p.Key, err = os.ReadFile(ts.MkAbs("key")); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	ts.Check(err)
	dir := filepath.Join(folder, run.SlotName())
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "findings.csv"), []byte("run\r\n"+run.ID()+"\r\n"), 0o600))
	_, err = pack.Seal(context.Background(), dir, p)
	ts.Check(err)
}

// cmdOpen opens a made-up campaign beside the packs at evidence, has a draft imported that
// revokes its token, and writes the report: open
func cmdOpen(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, opened := context.Background(), time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	c := campaign.Campaign{Format: campaign.Format, Name: "quarterly", Opened: opened, Job: "weekly", Zone: "UTC", Scope: campaign.ScopeAll, Due: opened.AddDate(0, 0, 14), Manager: "cleo@example.com", Items: 1}
	folder := evidence.CampaignAt(ts.MkAbs("evidence/campaigns/" + c.ID()))
	items := []campaign.Item{{ID: "prod/aa/0000000000000001", Target: "prod", OrgID: "aa", Authorization: "0000000000000001", Description: "telegraf", User: "telegraf", Fingerprint: "f1", Reviewer: "ben@example.com", Presence: audit.Listed}}
	b, err := campaign.Create(ctx, folder, c, items)
	ts.Check(err)
	var file bytes.Buffer
	lines := b.Lines(items)
	ts.Check(campaignfiles.WriteCSV(&file, b.Campaign, "ben@example.com", lines, map[string]campaign.Decision{lines[0].ID: {Decision: campaign.Revoke}}))
	r := campaign.Received{Name: "ben.csv", Content: file.Bytes(), Reviewer: "ben@example.com"}
	rows, ext, err := campaignfiles.Read(r.Content)
	ts.Check(err)
	in := b.NewImport(r, ext, opened.Add(time.Hour))
	ts.Check(b.Take(ctx, folder, in, r, b.Judge(in, rows)))
	ts.Check(campaignfiles.Write(ctx, folder, b, campaignfiles.Made{At: opened.Add(2 * time.Hour), Tool: tool()}, nil))
}

func headOf(ts *testscript.TestScript, folder string) *audit.Link {
	text, err := os.ReadFile(filepath.Join(folder, "chain.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ts.Check(err)
	var chain struct{ Head audit.Link }
	ts.Check(json.Unmarshal(text, &chain))
	return &chain.Head
}

// cmdFlip changes one byte in the middle of a file: flip FILE
func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	content := []byte(ts.ReadFile(args[0]))
	content[len(content)/2] ^= 1
	ts.Check(os.WriteFile(path, content, 0o600))
}
