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
	"unicode/utf8"

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

// written is what a snapshot holds of records.
func written(t *testing.T, records ...audit.Record) ([]byte, error) {
	t.Helper()
	var b bytes.Buffer
	err := writeLines(&b, func(yield func(audit.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	})
	return b.Bytes(), err
}

// FuzzRecord: what is written is what encoding/json wrote in snapshots of earlier
// releases, and comes back.
func FuzzRecord(f *testing.F) {
	for _, text := range []string{"", "plain", "<&> \u202e \x00\x1f\x7f", "\u2028\u2029\ufffd", "\b\f\n\r\t\"\\/", "温度", "\U0001f600", `\ud800`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("nothing in a record is not UTF-8")
		}
		for _, r := range []audit.Record{fullRecord(text), {}, {Authorization: audit.Authorization{Permissions: []audit.Permission{}}}} {
			want := asJSON(t, r)
			got, err := written(t, r)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("error %v\n%s instead of\n%s", err, got, want)
			}
			back, err := all(readLines(bytes.NewReader(got)))
			if err != nil || !cmp.Equal([]audit.Record{r}, back) {
				t.Fatalf("error %v (-written +read)\n%s", err, cmp.Diff([]audit.Record{r}, back))
			}
		}
	})
}

// FuzzReadLines: what is read without an error is JSON, and what is cut is an error.
func FuzzReadLines(f *testing.F) {
	for _, text := range []string{
		`{"id":"a","new":[1],"permissions":[{"action":"read"}],"permissions":null}`, `{"id":"a"}{"id":"b"}`,
		`{"description":"\ud83d\ude00 \ud800 \uD800\ud83d\ude00"}`, `{"findings":[{"approval":{"expires":"2026-01-01T00:00:00Z"}}]}`,
		`{"owner":{"id":null},"firstSeen":"yesterday"}`, "null\n", `{"id":`, "{}\n{}", "", "x",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := all(readLines(bytes.NewReader(b)))
		if err == io.EOF {
			t.Fatalf("%q: a bare EOF reads like a proper end", b)
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		for i := 0; err == nil; i++ {
			var any json.RawMessage
			if end := dec.Decode(&any); end != nil {
				if end != io.EOF || i != len(records) {
					t.Fatalf("%q: %d records, and after %d encoding/json says %v", b, len(records), i, end)
				}
				return
			}
		}
	})
}

func TestDamagedLines(t *testing.T) {
	whole, err := written(t, fullRecord("a"), fullRecord("b"))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	for end := range whole {
		records, err := all(readLines(bytes.NewReader(whole[:end])))
		if between := end == 0 || end == first-1 || end == first || end == len(whole)-1; (err == nil) != between {
			t.Fatalf("cut after %d of %d: %d records and %v", end, len(whole), len(records), err)
		}
	}
	for what, line := range map[string]string{
		"another kind": `{"description":["a"]}`, "a list": `[]`, "a text": `"a"`, "no time": `{"firstSeen":"yesterday"}`, "no JSON": `{"id":"a"` + "\n" + `{"id":"b"}`,
	} {
		if _, err := all(readLines(strings.NewReader(line + "\n"))); err == nil {
			t.Errorf("%s is no error", what)
		}
	}
}

func TestTimesThatJSONCannotHold(t *testing.T) {
	r := fullRecord("a")
	r.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := written(t, r); err == nil {
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
