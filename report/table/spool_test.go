package table

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

var began = time.Date(2026, 11, 23, 8, 0, 3, 0, time.UTC)

func sample(text string, seconds int64, place int) *Row {
	r := &Row{Now: began, Place: place, Scope: text}
	r.Target, r.Description, r.Legacy, r.CreatedAt = "prod", text, place%2 == 1, time.Unix(seconds, 5).UTC()
	r.Finding = audit.Finding{Check: "operator", Severity: audit.Critical, State: audit.New, Since: began}
	r.Check = audit.CheckOf("operator")
	r.Changed = Changed{What: "Gone", From: text}
	return r
}

func FuzzSpooledRow(f *testing.F) {
	f.Add("", int64(0), 0)
	f.Add("a\x00\xff🔑", int64(-62135596800), 1<<40)
	f.Fuzz(func(t *testing.T, text string, seconds int64, place int) {
		if place < 0 || seconds < -1e15 || seconds > 1e15 {
			return
		}
		want, got := sample(text, seconds, place), &Row{Now: began}
		b := appendRow(nil, want)
		p := rowParser{left: string(b), ok: true}
		if err := p.row(got); err != nil || p.left != "" {
			t.Fatal(p.left, err)
		}
		if diff := cmp.Diff(want.texts(), got.texts()) + cmp.Diff(want.times(), got.times()); diff != "" {
			t.Error(diff)
		}
		if got.Place != want.Place || got.Legacy != want.Legacy || got.Check.Title != want.Check.Title {
			t.Errorf("place %d, legacy %v, check %s", got.Place, got.Legacy, got.Check.Title)
		}
		cut := rowParser{left: string(b[:len(b)-1]), ok: true}
		if err := cut.row(&Row{}); err == nil {
			t.Error("a row without its end is taken for one")
		}
	})
}

// A spool that was cut short ends in an error, never in fewer rows.
func TestSpoolCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s, err := newSpool(path, began)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.put(sample("text", 1, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = range s.all() {
		if n++; err == nil {
			t.Error("gives a row of a block that is cut")
		}
	}
	if n != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d rows, %v", n, err)
	}
}
