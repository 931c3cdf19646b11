package configs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify/slack"
)

// TestContacts: the owners of the Slack settings of a job, the form of earlier versions,
// say who is told there where the owners of the file do not.
func TestContacts(t *testing.T) {
	t.Parallel()
	f := File{Owners: map[string]Owner{"telegraf": {Responsible: "anna@example.com", Team: "plant"}, "grafana": {Slack: "U0123456789"}}}
	job := Job{Slack: &slack.Config{Owners: map[string]string{"telegraf": "C0123456789", "grafana": "U9999999999", "iot": "bob@example.com"}}}
	want := audit.Contacts{
		"telegraf": {Responsible: "anna@example.com", Team: "plant", Slack: "C0123456789"}, "grafana": {Slack: "U0123456789"}, "iot": {Slack: "bob@example.com"},
	}
	if diff := cmp.Diff(want, f.Contacts(job)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.Contacts(Job{}); len(got) != 2 || got["telegraf"].Slack != "" {
		t.Errorf("without Slack: %+v", got)
	}
}

// TestOwnersProblems: names differ in case alone, as in InfluxDB; a name without a user, or
// of a target that does not exist, would never apply to a token.
func TestOwnersProblems(t *testing.T) {
	t.Parallel()
	const nobody = "needs the name or the ID of a user, or TARGET/NAME or TARGET/ID"
	for name, test := range map[string]struct {
		owners string
		want   []string
	}{
		"good":             {"{bob: {team: a}, BOB: {team: b}, prod/bob: {team: c}, prod/team/bob: {team: d}}", nil},
		"empty":            {"{'': {team: a}, prod/: {team: a}}", []string{nobody, nobody}},
		"target not known": {"{plant/dora: {team: a}}", []string{`unknown target "plant", known: prod (a name with a "/" needs TARGET/ in front)`}},
		"all at once":      {"{prdo/: {slack: dora}, erna: {}}", []string{"needs responsible", `unknown target "prdo", did you mean "prod"?`, nobody, "needs a Slack user ID"}},
	} {
		_, _, problems := parse([]byte(minimal + "owners: " + test.owners + "\n"))
		ok := len(problems) == len(test.want)
		for i := range problems {
			ok = ok && strings.HasPrefix(problems[i].Text, test.want[i])
		}
		if !ok {
			t.Errorf("%s: %+v, want %q", name, problems, test.want)
		}
	}
}

// TestOwnersOfTokens: what is named in a way that no token of the target can meet is told.
func TestOwnersOfTokens(t *testing.T) {
	t.Parallel()
	const edge, prod = "{name: edge, kind: core, url: 'https://edge.example.com:8181', token: {env: TOKEN}}", "{name: prod, url: 'https://influx.example.com', token: {env: TOKEN}}"
	for name, test := range map[string]struct{ targets, owner, want string }{
		"name of a token":         {edge, "edge/etl", ""},
		"all tokens of a target":  {edge, "edge/*", ""},
		"a user of another":       {edge + ", " + prod, "etl", ""},
		"a target as a whole":     {edge + ", " + prod, "edge", "is the name of a target: write edge/* for all of its tokens"},
		"a user of no target":     {edge, "etl", "does nothing: no target has users; write TARGET/NAME"},
		"a user called as target": {edge + ", " + prod, "prod", ""},
	} {
		_, _, problems := parse([]byte("targets: [" + test.targets + "]\njobs: [{name: weekly, schedule: '@weekly'}]\nowners: {'" + test.owner + "': {team: a}}\n"))
		if len(problems) > 1 || len(problems) == 1 != (test.want != "") || len(problems) == 1 && !strings.HasPrefix(problems[0].Text, test.want) {
			t.Errorf("%s: %+v, want %q", name, problems, test.want)
		}
	}
}

// TestOldKeys: an owner who also stands in the Slack settings of a job with another
// recipient is named, with the entry that wins.
func TestOldKeys(t *testing.T) {
	t.Parallel()
	const old = "slack.owners is an old key: move its entries to owners at the top level, as NAME: {slack: …}"
	f := File{Owners: map[string]Owner{"bob": {Slack: "U0000000001"}, "prod/bob": {Team: "plant"}, "anna": {Team: "plant"}, "carl": {Slack: "U0000000003"}}}
	for name, test := range map[string]struct {
		owners map[string]string
		want   []string
	}{
		"none":             {nil, nil},
		"same recipient":   {map[string]string{"carl": "U0000000003"}, []string{old}},
		"no recipient":     {map[string]string{"anna": "U0000000002"}, []string{old}},
		"other recipients": {map[string]string{"bob": "U0000000009"}, []string{old, "owners.bob wins over slack.owners.bob, which has another recipient", `owners."prod/bob" wins over slack.owners.bob, which has another recipient`}},
	} {
		if diff := cmp.Diff(test.want, f.OldKeys(Job{Slack: &slack.Config{Owners: test.owners}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
