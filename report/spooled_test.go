package report

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

func sample(text string, seconds int64, place int) *row {
	r := &row{now: began, place: place, scope: text}
	r.Target, r.Description, r.Legacy, r.CreatedAt = "prod", text, place%2 == 1, time.Unix(seconds, 5).UTC()
	r.finding = audit.Finding{Check: "operator", Severity: audit.Critical, State: audit.New, Since: began}
	r.check = audit.CheckOf("operator")
	r.changed = changed{what: "Gone", From: text}
	return r
}

func FuzzSpooledRow(f *testing.F) {
	f.Add("", int64(0), 0)
	f.Add("a\x00\xff🔑", int64(-62135596800), 1<<40)
	f.Fuzz(func(t *testing.T, text string, seconds int64, place int) {
		if place < 0 || seconds < -1e15 || seconds > 1e15 {
			return
		}
		want, got := sample(text, seconds, place), &row{now: began}
		b := appendRow(nil, want)
		p := rowParser{left: string(b), ok: true}
		if err := p.row(got); err != nil || p.left != "" {
			t.Fatal(p.left, err)
		}
		if diff := cmp.Diff(want.texts(), got.texts()) + cmp.Diff(want.times(), got.times()); diff != "" {
			t.Error(diff)
		}
		if got.place != want.place || got.Legacy != want.Legacy || got.check.Title != want.check.Title {
			t.Errorf("place %d, legacy %v, check %s", got.place, got.Legacy, got.check.Title)
		}
		cut := rowParser{left: string(b[:len(b)-1]), ok: true}
		if err := cut.row(&row{}); err == nil {
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
