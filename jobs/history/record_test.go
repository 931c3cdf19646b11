package history

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// fullRecord has something in every field.
func fullRecord(text string) audit.Record {
	at := time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)
	return audit.Record{
		Target: "prod", Presence: audit.Hidden, Evidence: text, OrgDeleted: true, FirstSeen: monday, LastSeen: at,
		Authorization: audit.Authorization{
			ID: "0a1b2c3d4e5f6071", OrgID: "o", Org: text, UserID: "u", User: text, Description: text, Status: audit.Active, Legacy: true, CreatedAt: at, UpdatedAt: monday,
			Permissions: []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "buckets", ID: "b", Name: text, OrgID: "o", Org: text}}, {Action: "read"}},
		},
		Owner:   audit.Owner{ID: "u", Name: text, State: audit.OwnerDeleted, MembershipKnown: true, Evidence: text},
		Changes: []audit.Change{{Field: "description", From: text, To: "<b>"}},
		Findings: []audit.Finding{
			{Check: "operator", Severity: audit.Critical, Detail: text, State: audit.Excepted, Since: at, Approval: &audit.Approval{Reason: text, Expires: monday}},
			{Check: text, State: audit.New},
		},
	}
}

func asJSON(t *testing.T, r audit.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzRecord writes and reads a record as encoding/json does.
func FuzzRecord(f *testing.F) {
	for _, text := range []string{"", "plain", "<&> \u202e \x00\x1f\x7f", "\u2028\u2029\ufffd", "a\xffb\xc3", "\b\f\n\r\t\"\\/", "温度", "\xed\xa0\x80", "\U0001f600", `\ud800`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []audit.Record{fullRecord(text), {}, {Authorization: audit.Authorization{Permissions: []audit.Permission{}}}} {
			want := asJSON(t, r)
			got, err := appendRecord(nil, &r)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("error %v\n%s instead of\n%s", err, got, want)
			}
			sameRecord(t, want)
		}
	})
}

// FuzzRecordReader reads any line as encoding/json does, errors too.
func FuzzRecordReader(f *testing.F) {
	f.Add([]byte(`{"id":"a","ID":"b","new":[1],"permissions":[{"action":"read"}],"permissions":null}`))
	f.Add([]byte(`{"id":"a"}{"id":"b"}`))
	f.Add([]byte(`{"description":"\ud83d\ude00 \ud800 \uD800\ud83d\ude00"}`))
	f.Add([]byte(`{"findings":[{"approval":{"expires":"2026-01-01T00:00:00Z"}}],"findings":[]}`))
	f.Add([]byte(`{"owner":{"id":null},"firstSeen":"yesterday"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"id":`))
	f.Add(appendMust(fullRecord("a")))
	f.Fuzz(func(t *testing.T, line []byte) { sameRecord(t, line) })
}

func appendMust(r audit.Record) []byte {
	b, err := appendRecord(nil, &r)
	if err != nil {
		panic(err)
	}
	return b
}

func sameRecord(t *testing.T, line []byte) {
	t.Helper()
	var want audit.Record
	wantErr := json.Unmarshal(line, &want)
	got, err := newRecordReader().read(line)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, encoding/json: %v", line, err, wantErr)
	}
	if diff := cmp.Diff(want, got); err == nil && diff != "" {
		t.Fatalf("%q (-encoding/json +got):\n%s", line, diff)
	}
}

// TestWhatIsWrittenIsUsual: no line of a snapshot takes the slow way.
func TestWhatIsWrittenIsUsual(t *testing.T) {
	for _, r := range []audit.Record{fullRecord("plain"), fullRecord("\x00\u2028 <&> \xff"), {}} {
		if line := appendMust(r); !newRecordReader().usual(line, new(audit.Record)) {
			t.Errorf("%s is left to encoding/json", line)
		}
	}
}

func TestTimesThatJSONCannotHold(t *testing.T) {
	r := fullRecord("a")
	r.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := appendRecord(nil, &r); err == nil {
		t.Error("no error for the year 10000")
	}
}

// TestLongLines: a description of a megabyte is longer than any buffer.
func TestLongLines(t *testing.T) {
	s, run := Snapshots{Evidence: t.TempDir()}, weekly(0)
	want := []audit.Record{fullRecord("a"), fullRecord(string(bytes.Repeat([]byte("x"), 1<<20))), fullRecord("b")}
	seq := func(yield func(audit.Record, error) bool) {
		for _, r := range want {
			if !yield(r, nil) {
				return
			}
		}
	}
	if err := s.Write(t.Context(), run, "prod", seq); err != nil {
		t.Fatal(err)
	}
	got, err := all(s.Read(t.Context(), run, "prod"))
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("error %v, %d records", err, len(got))
	}
}

func BenchmarkEncode(b *testing.B) {
	r := fullRecord("telegraf on gateway 12")
	var line []byte
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			line, _ = appendRecord(line[:0], &r)
			b.SetBytes(int64(len(line)))
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		enc := json.NewEncoder(io.Discard)
		enc.SetEscapeHTML(false)
		for b.Loop() {
			if err := enc.Encode(r); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(line)))
		}
	})
}

const benchRows = 20_000

func BenchmarkRead(b *testing.B) {
	s, run := Snapshots{Evidence: b.TempDir()}, weekly(0)
	if err := s.Write(b.Context(), run, "prod", records(benchRows)); err != nil {
		b.Fatal(err)
	}
	perAuthorization(b, func() error {
		_, err := last(s.Read(b.Context(), run, "prod"))
		return err
	})
}

func last(seq iter.Seq2[audit.Record, error]) (r audit.Record, err error) {
	for r, err = range seq {
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// perAuthorization measures a walk of benchRows records.
func perAuthorization(b *testing.B, run func() error) {
	b.SetBytes(int64(benchRows * len(appendMust(must(last(records(1)))))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	rows := float64(b.N) * benchRows
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/authorization")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/rows, "allocs/authorization")
}

func must(r audit.Record, err error) audit.Record {
	if err != nil {
		panic(err)
	}
	return r
}
