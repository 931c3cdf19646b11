package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/jobs/audit"
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
