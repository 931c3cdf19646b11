package query

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/influxdata/influxql"
)

// hostile are names that could end a name, a statement or a line.
var hostile = []string{
	"alice", "Alice", "a b", " ", "SELECT", `"`, `""`, `\`, `\\`, `\"`, `a"; DROP USER "root`, `a\"; DROP USER "root`, `\"; DROP DATABASE db --`,
	"line\nbreak", "\n", `back\nslash`, "tab\tx", "'", "a'b", "--", "/* */", ";", `"."`, "%22%3B", "%", "=1+1", "@SUM(A1)", "\u202egnp.exe", "\u200b", "日本", "🔑",
	"\ufeffbom", "\x01\x1b[31m", "\ufffd", "user/alice", strings.Repeat("x", 200_000), strings.Repeat(`\"`, 1000), "$1", "{{.}}", "<script>",
}

// TestGrantsIsOneStatement has InfluxDB's own parser read the statement about each name.
func TestGrantsIsOneStatement(t *testing.T) {
	t.Parallel()
	for _, name := range hostile {
		if s, err := showGrants(name); err != nil {
			t.Errorf("%.40q: %v", name, err)
		} else {
			isShowGrants(t, s, name)
		}
	}
	for _, name := range []string{"", "a\x00", "a\rb", "\r\n", "a\xffb"} {
		if s, err := showGrants(name); err == nil {
			t.Errorf("%q: the statement %q, in place of an error", name, s.text)
		}
	}
}

func TestUsersIsOneStatement(t *testing.T) {
	t.Parallel()
	q, err := influxql.ParseQuery(showUsers().text)
	if err != nil || len(q.Statements) != 1 {
		t.Fatal(q, err)
	}
	if _, ok := q.Statements[0].(*influxql.ShowUsersStatement); !ok {
		t.Fatalf("it is a %T", q.Statements[0])
	}
}

// FuzzGrantsIsOneStatement: whatever the name is, nothing but SHOW GRANTS is sent, and it
// asks for that name.
func FuzzGrantsIsOneStatement(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Add("a\x00")
	f.Add("a\xff\r")
	f.Fuzz(func(t *testing.T, name string) {
		s, err := showGrants(name)
		possible := name != "" && utf8.ValidString(name) && !strings.ContainsAny(name, "\x00\r")
		if (err == nil) != possible {
			t.Fatalf("%q: %v", name, err)
		}
		if err == nil {
			isShowGrants(t, s, name)
		}
	})
}

func isShowGrants(t *testing.T, s statement, name string) {
	t.Helper()
	q, err := influxql.ParseQuery(s.text)
	switch {
	case err != nil:
		t.Errorf("%.60q: InfluxDB cannot read %.80q: %v", name, s.text, err)
		return
	case len(q.Statements) != 1:
		t.Errorf("%.60q: %d statements", name, len(q.Statements))
		return
	}
	show, ok := q.Statements[0].(*influxql.ShowGrantsForUserStatement)
	switch {
	case !ok:
		t.Errorf("%.60q: the statement is a %T", name, q.Statements[0])
	case show.Name != name:
		t.Errorf("%.60q: it asks for %.60q", name, show.Name)
	}
}
