package campaign

import (
	"bytes"
	_ "embed"
	"net/url"
	"strings"
	"text/template"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
)

// ScriptFile is the script that deletes what was decided to be revoked.
const ScriptFile = "revoke.sh"

//go:embed revoke.sh.tmpl
var scriptTemplate string

// revoked is a token that has to go, for the template. Texts that are not quoted there are
// of one line.
type revoked struct {
	Target, URL, ID, Fingerprint string
	Legacy                       int
	Skip                         string // why it cannot be asked for

	Token, Owner, Decision, Ticket, Why string
	Modify                              bool
	Scope, Create                       string
}

// Script is revoke.sh of a campaign: what is decided, signed and not settled. A token to
// modify is in a comment, since a narrower one has to be made first. The addresses are the
// URLs of the targets, by name.
func Script(b *campaign.Book, addresses map[string]string) ([]byte, error) {
	t, err := template.New(ScriptFile).Funcs(template.FuncMap{"quote": pack.Quote}).Parse(scriptTemplate)
	if err != nil {
		return nil, err
	}
	var tokens []revoked
	for _, r := range newView(b, Made{}, closingKey{}).Revocations() {
		if !r.Settled() {
			tokens = append(tokens, newRevoked(r, addresses[r.Item.Target]))
		}
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"ID": b.ID(), "Tokens": tokens})
	return out.Bytes(), err
}

func newRevoked(r row, address string) revoked {
	d, it := r.Decision, r.Item
	out := revoked{
		Target: it.Target, ID: it.Authorization, Fingerprint: d.Fingerprint,
		Token: "Token: " + r.Token() + " (" + audit.Line(it.Authorization, 60) + ") of " + audit.Line(it.Target, 100), Owner: joined(", ", it.OwnerName(), it.Responsible),
		Decision: string(d.Decision) + " by " + audit.Line(d.By, 200) + " on " + day(d.At), Ticket: audit.Line(d.Ticket, 100), Why: audit.Line(d.Justification, 300),
		Modify: d.Decision == campaign.Modify, Scope: audit.Line(d.UntilOrScope, 300),
	}
	if it.Legacy {
		out.Legacy = 1
	}
	if it.OwnerState == audit.OwnerDeleted {
		out.Owner = joined(", ", it.OwnerName()+" (deleted: the token can only be deleted)", it.Responsible)
	}
	out.Create = "influx auth create --org-id " + audit.Line(it.OrgID, 60) + " --user " + pack.Quote(it.OwnerName()) + " --description " + pack.Quote(audit.Line(it.Description, 200)) + " and a flag for each permission"
	switch base, err := url.Parse(address); {
	case err != nil, base.Host == "", base.User != nil, base.Scheme != "http" && base.Scheme != "https":
		out.Skip = "the address of its target is not known"
	case !isHex(it.Authorization):
		out.Skip = "it has no ID to ask for"
	default:
		base.RawQuery, base.Fragment = "", ""
		out.URL = strings.TrimSuffix(base.String(), "/")
	}
	return out
}

// isHex reports whether an ID is one that InfluxDB gives.
func isHex(id string) bool {
	return len(id) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}
