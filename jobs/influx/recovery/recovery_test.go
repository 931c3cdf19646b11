package recovery

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// recoveryToken is the value of a token in a list.
const recoveryToken = "CANARY-c0ffee=="

// recovery is a row, in the order of the columns.
type recovery [6]string

func rowOf(id, name, userID, description string) recovery {
	return recovery{id, name, userID, description, recoveryToken, "[read:buckets]"}
}

// printed is what influxd makes of rows: cmd/influxd/recovery/auth with
// pkg/tabwriter of influx-cli, InfluxDB 2.9.1.
func printed(rows ...recovery) string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 8, 1, '\t', 0)
	for _, row := range append([]recovery{{"ID", "User Name", "User ID", "Description", "Token", "Permissions"}}, rows...) {
		fmt.Fprintln(w, strings.Join(row[:], "\t"))
	}
	w.Flush()
	return out.String()
}

// listed reads a list; each authorization is "ID by NAME USERID: DESCRIPTION", and
// its permissions unless it has one.
func listed(t *testing.T, text string) ([]string, error) {
	t.Helper()
	out := []string{}
	err := Read(strings.NewReader(text), func(a audit.Authorization) error {
		if strings.Contains(fmt.Sprint(a), "CANARY") {
			t.Errorf("%+v", a)
		}
		if a.Status != "" || !a.CreatedAt.IsZero() {
			t.Errorf("status and date, of which the list says nothing: %+v", a)
		}
		line := fmt.Sprintf("%s by %q %s: %q", a.ID, a.User, a.UserID, a.Description)
		if len(a.Permissions) != 1 {
			line += fmt.Sprint(" with ", a.Permissions)
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("the error holds what is in the list: %v", err)
		}
		return nil, err
	}
	return out, nil
}

const (
	first  = "0000000000000001"
	second = "0000000000000002"
	owner  = "00000000000000aa"
)

func TestRecoveryList(t *testing.T) {
	long := strings.Repeat("long ", 50_000)
	tests := map[string]struct {
		text string
		want []string
	}{
		"none":              {printed(), []string{}},
		"one":               {printed(rowOf(first, "alice", owner, "sensor")), []string{first + ` by "alice" ` + owner + `: "sensor"`}},
		"deleted user":      {printed(rowOf(first, "", owner, "sensor")), []string{first + ` by "" ` + owner + `: "sensor"`}},
		"no description":    {printed(rowOf(first, "alice", owner, "")), []string{first + ` by "alice" ` + owner + `: ""`}},
		"neither":           {printed(rowOf(first, "", owner, "")), []string{first + ` by "" ` + owner + `: ""`}},
		"name is an ID":     {printed(rowOf(first, second, owner, "")), []string{first + ` by "` + second + `" ` + owner + `: ""`}},
		"text is an ID":     {printed(rowOf(first, "", owner, second)), []string{first + ` by "" ` + owner + `: "` + second + `"`}},
		"not ascending":     {printed(rowOf(second, "b", owner, "2"), rowOf(first, "", owner, "1")), []string{second + ` by "b" ` + owner + `: "2"`, first + ` by "" ` + owner + `: "1"`}},
		"wide letters":      {printed(rowOf(first, "Zoë 漢字", owner, "naïve 漢字"), rowOf(second, "", owner, "e\u0301")), []string{first + ` by "Zoë 漢字" ` + owner + `: "naïve 漢字"`, second + ` by "" ` + owner + `: "e` + "\u0301" + `"`}},
		"long":              {printed(rowOf(first, "alice", owner, long)), []string{fmt.Sprintf("%s by %q %s: %q", first, "alice", owner, long)}},
		"log before it":     {"2026-01-02T03:04:05Z\tinfo\tResources opened\n" + printed(rowOf(first, "a", owner, "x")), []string{first + ` by "a" ` + owner + `: "x"`}},
		"CRLF and BOM":      {"\ufeff" + strings.ReplaceAll(printed(rowOf(first, "a", owner, "x")), "\n", "\r\n"), []string{first + ` by "a" ` + owner + `: "x"`}},
		"tab in the text":   {printed(rowOf(first, "a", owner, "x\ty"), rowOf(second, "", owner, "z")), []string{first + ` by "a" ` + owner + `: ""`, second + ` by "" ` + owner + `: "z"`}},
		"line in the text":  {printed(rowOf(first, "a", owner, "x\n\ny\tz"), rowOf(second, "", owner, "z")), []string{first + ` by "a" ` + owner + `: ""`, second + ` by "" ` + owner + `: "z"`}},
		"page in the text":  {printed(rowOf(first, "a", owner, "x\fy"), rowOf(second, "", owner, "z")), []string{first + ` by "a" ` + owner + `: ""`, second + ` by "" ` + owner + `: "z"`}},
		"text like columns": {printed(rowOf(first, "a", owner, "[x] [read:buckets]")), []string{first + ` by "a" ` + owner + `: "[x] [read:buckets]"`}},
		"tab in the token":  {printed(recovery{first, "a", owner, "", "CANARY\tCANARY", "[read:buckets]"}), []string{first + ` by "a" ` + owner + `: ""`}},
		"line in the token": {printed(recovery{first, "a", owner, "x", "CANARY\nCANARY", "[read:buckets]"}), []string{first + ` by "a" ` + owner + `: ""`}},
		"forged row":        {printed(rowOf(first, "a", owner, "x\tN/A\t[]\n"+second+"\tb\t"+owner)), []string{first + ` by "a" ` + owner + `: "x" with []`, second + ` by "b" ` + owner + `: ""`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := listed(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRecoveryListRefuses(t *testing.T) {
	good := printed(rowOf(first, "a", owner, "x"))
	tests := map[string]struct{ text, want string }{
		"empty":            {"", "no line has the columns"},
		"other columns":    {strings.Replace(good, "User ID", "Person ", 1), "no line has the columns"},
		"UTF-16":           {"\xff\xfeI\x00D\x00\t\x00", "it is not UTF-8"},
		"spaces for tabs":  {strings.SplitAfter(good, "\n")[0] + "0000000000000001        a       00000000000000aa CANARY\n", "line 2 is not a row"},
		"something after":  {good + "CANARY\n", "line 3 is not a row"},
		"no user":          {printed(rowOf(first, "a", "", recoveryToken)), "line 2: the user ID is missing"},
		"tab in the name":  {printed(rowOf(first, "a\tCANARY", owner, "x")), "line 2: the user ID is missing"},
		"cut in a row":     {good + "0000000000000002\tb\t00000000000000aa\tx\tCANARY", "line 3: the permissions at the end are missing"},
		"row in a row":     {printed(rowOf(first, "a", owner, "x\n"+second+"\tb\t"+owner+"\ty")), "line 2: the permissions at the end are missing"},
		"odd permissions":  {printed(recovery{first, "a", owner, "x", recoveryToken, "[CANARY]"}), "line 2: the permissions at the end are missing"},
		"longer than sane": {good + first + "\t" + strings.Repeat("x", longestRow), "line 3 is longer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := listed(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v, want %q", err, test.want)
			}
		})
	}
}

func TestRecoveryPermissions(t *testing.T) {
	const org, bucket = "00000000000000c1", "00000000000000b1"
	tests := map[string]struct {
		text string
		want []audit.Permission // nil where it is no list of permissions
	}{
		"none":         {"[]", []audit.Permission{}},
		"every org":    {"[read:buckets]", []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets"}}}},
		"whole org":    {"[write:orgs/" + org + "/tasks]", []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "tasks", OrgID: org}}}},
		"one thing":    {"[read:orgs/" + org + "/buckets/" + bucket + "]", []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets", OrgID: org, ID: bucket}}}},
		"one org":      {"[read:orgs/" + org + "]", []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "orgs", ID: org}}}},
		"orgs":         {"[read:orgs]", []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "orgs"}}}},
		"two":          {"[read:users/" + bucket + " write:carrots]", []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "users", ID: bucket}}, {Action: "write", Resource: audit.Resource{Type: "carrots"}}}},
		"no bracket":   {"[read:buckets", nil},
		"other action": {"[own:buckets]", nil},
		"no type":      {"[read:]", nil},
		"no ID":        {"[read:buckets/telemetry]", nil},
		"no org ID":    {"[read:orgs/acme/buckets]", nil},
		"too deep":     {"[read:orgs/" + org + "/buckets/" + bucket + "/x]", nil},
		"text":         {"[see ticket 7]", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := parsePermissions(test.text)
			if ok != (test.want != nil) {
				t.Fatalf("%v, %v", got, ok)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzRecoveryList: whatever stands in a description or a name, the token is not
// taken for something else, and nothing panics.
func FuzzRecoveryList(f *testing.F) {
	for _, text := range []string{"", "x", "x\ty", "x\ny", "x\fy\v", "[read:buckets]", "x\tN/A\t[]\n" + second + "\tb\t" + owner, "\n" + first + "\t"} {
		f.Add("alice", text, text)
		f.Add("", text, "y")
		f.Add(text, "", "")
	}
	f.Fuzz(func(t *testing.T, name, text, other string) {
		if strings.Contains(name+text+other, "CANARY") {
			t.Skip("the input holds the canary itself")
		}
		text = printed(rowOf(first, name, owner, text), rowOf(second, "", owner, other))
		if _, err := listed(t, text); err != nil && !strings.Contains(err.Error(), "line") {
			t.Errorf("no line number: %v", err)
		}
		Read(strings.NewReader(name+other), func(audit.Authorization) error { return nil }) // must not panic
	})
}
