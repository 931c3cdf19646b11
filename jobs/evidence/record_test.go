package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
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
		var writer recordWriter
		for _, r := range []audit.Record{fullRecord(text), {}, fullRecord(text), {Authorization: audit.Authorization{Permissions: []audit.Permission{}}}} {
			want := asJSON(t, r)
			got, err := writer.append(nil, &r)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("error %v\n%s instead of\n%s", err, got, want)
			}
			sameRecord(t, want)
		}
	})
}

// TestTextsOfEveryLength has every kind of character at every place of a text.
func TestTextsOfEveryLength(t *testing.T) {
	for n := range 20 {
		for at := range n + 1 {
			for _, c := range []string{"a", `"`, `\`, "\n", "\x1f", " ", "!", "#", "[", "]", "\x7f", "\x80", "ü", "\u2028"} {
				sameText(t, strings.Repeat("a", at)+c+strings.Repeat("z", n-at))
			}
		}
	}
}

func sameText(t *testing.T, s string) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	got := append(appendText(nil, s), '\n')
	if !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%s instead of %s", got, want.Bytes())
	}
	l := lineReader{rest: got}
	if back := l.text(""); string(back) != strings.ToValidUTF8(s, "\ufffd") || l.unusual || string(l.rest) != "\n" {
		t.Fatalf("%q came back as %q, before %q", s, back, l.rest)
	}
}

// FuzzRecordReader reads any line as encoding/json does, errors too, whatever the
// reader keeps of the line before.
func FuzzRecordReader(f *testing.F) {
	plain := appendMust(fullRecord("a"))
	add := func(line []byte) { f.Add(line, line); f.Add(plain, line) }
	add([]byte(`{"id":"a","ID":"b","new":[1],"permissions":[{"action":"read"}],"permissions":null}`))
	add([]byte(`{"id":"a"}{"id":"b"}`))
	add([]byte(`{"description":"\ud83d\ude00 \ud800 \uD800\ud83d\ude00"}`))
	add([]byte(`{"findings":[{"approval":{"expires":"2026-01-01T00:00:00Z"}}],"findings":[]}`))
	add([]byte(`{"owner":{"id":null},"firstSeen":"yesterday"}`))
	add([]byte(`null`))
	add([]byte(`{"id":`))
	for _, text := range []string{"a", "b", "}}", "}", "\"}},", "\n}}"} {
		add(appendMust(fullRecord(text)))
	}
	add(bytes.Replace(plain, []byte(`,"name":"a"`), []byte(`,"name":"a","name":"}}"`), 1))
	f.Fuzz(func(t *testing.T, before, line []byte) { sameRecord(t, line, before, line) })
}

func appendMust(r audit.Record) []byte {
	b, err := new(recordWriter).append(nil, &r)
	if err != nil {
		panic(err)
	}
	return b
}

// sameRecord: a reader of the lines before reads line as encoding/json does.
func sameRecord(t *testing.T, line []byte, before ...[]byte) {
	t.Helper()
	reader := newRecordReader()
	for _, b := range before {
		_, _ = reader.read(b)
	}
	var want audit.Record
	wantErr := json.Unmarshal(line, &want)
	got, err := reader.read(line)
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
	if _, err := new(recordWriter).append(nil, &r); err == nil {
		t.Error("no error for the year 10000")
	}
}

// TestLongLines: a description of a megabyte is longer than any buffer.
func TestLongLines(t *testing.T) {
	s, run := Archive{Root: t.TempDir()}, weekly(0)
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
	var writer recordWriter
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			line, _ = writer.append(line[:0], &r)
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

// population has n records as reviews write them: owners of 100 authorizations each,
// 1 to 6 permissions out of 200 buckets, two findings, in no order.
func population(n int) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		random := rand.New(rand.NewPCG(22708, 0))
		for i := range n {
			owner := random.IntN(n/100 + 1)
			o := audit.Owner{ID: fmt.Sprintf("11adece3%08x", owner), Name: fmt.Sprintf("gateway-%05d", owner), State: audit.OwnerPresent, MembershipKnown: true, Evidence: "GET /api/v2/users: status active"}
			at := monday.AddDate(-2, 0, 0).Add(time.Duration(i) * 2 * 365 * 24 * time.Hour / time.Duration(n)).Add(time.Duration(random.IntN(1e9)))
			r := audit.Record{Target: "prod", Presence: audit.Listed, Owner: o, FirstSeen: monday, LastSeen: monday.AddDate(0, 0, 7)}
			r.Authorization = audit.Authorization{ID: fmt.Sprintf("%016x", i), OrgID: "a5528a874dbcfb6c", Org: "acme", UserID: o.ID, User: o.Name, Status: audit.Active, CreatedAt: at, UpdatedAt: at}
			r.Description = fmt.Sprintf("telegraf on gateway %d, hall %d", i, random.IntN(40))
			var names []string
			for range 1 + random.IntN(6) {
				bucket := random.IntN(200)
				names = append(names, fmt.Sprintf("plant-%03d-telemetry", bucket))
				buckets := audit.Resource{Type: "buckets", ID: fmt.Sprintf("83f63bee%08x", bucket), Name: names[len(names)-1], OrgID: r.OrgID, Org: r.Org}
				r.Permissions = append(r.Permissions, audit.Permission{Action: []string{"read", "write"}[random.IntN(2)], Resource: buckets})
			}
			age := fmt.Sprintf("%d days old", int(monday.Sub(at).Hours()/24))
			r.Findings = []audit.Finding{
				{Check: "active-write", Severity: audit.Medium, Detail: strings.Join(names, ", "), State: audit.Open, Since: monday},
				{Check: "not-rotated", Severity: audit.Medium, Detail: age, State: audit.Open, Since: monday},
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	s, run := Archive{Root: b.TempDir()}, weekly(0)
	if err := s.Write(b.Context(), run, "prod", population(benchRows)); err != nil {
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
	b.SetBytes(int64(benchRows * len(appendMust(must(last(population(1)))))))
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
