package campaign

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/pack"
)

// ScriptFile is the script that deletes what was decided to be revoked.
const ScriptFile = "revoke.sh"

//go:embed revoke.sh.tmpl
var scriptTemplate string

// revoked is a token that has to go, for the template. All of its texts are of one line.
type revoked struct {
	Token, Owner, Decision, Ticket, Why string
	Modify                              bool
	Scope, Create                       string
	Call                                string // a line of the script: revoke… or skip
	skipped                             bool
}

// credential is what the script needs to ask a target.
type credential struct{ Variable, Target, What string }

// Script is revoke.sh of a campaign: what is decided, signed and not settled. A token to
// modify is in a comment, since a narrower one has to be made first. The addresses are the
// URLs of the targets, by name; of Cloud Dedicated and Clustered, those of their database
// tokens.
func Script(b *campaign.Book, addresses map[string]string) ([]byte, error) {
	t, err := template.New(ScriptFile).Funcs(template.FuncMap{"quote": pack.Quote}).Parse(scriptTemplate)
	if err != nil {
		return nil, err
	}
	var tokens []revoked
	var credentials []credential
	skipped := 0
	for _, r := range newView(b, Made{}, closingKey{}).Revocations() {
		if r.Settled() {
			continue
		}
		at := slices.IndexFunc(credentials, func(c credential) bool { return c.Target == r.Item.Target })
		if at < 0 {
			at = len(credentials)
			credentials = append(credentials, credential{variable(r.Item.Target, credentials), r.Item.Target, credentialOf(r.Item.Product)})
		}
		made := newRevoked(r, addresses[r.Item.Target], credentials[at].Variable)
		if tokens = append(tokens, made); made.skipped {
			skipped++
		}
	}
	var out bytes.Buffer
	data := map[string]any{"ID": b.ID(), "Tokens": tokens, "Credentials": credentials}
	if skipped > 0 {
		data["Skipped"] = audit.Plural(skipped, "token")
	}
	err = t.Execute(&out, data)
	return out.Bytes(), err
}

// variable is the name of the environment variable for the credential of a target, unlike
// those that there are.
func variable(target string, others []credential) string {
	name := "INFLUX_TOKEN_" + strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, target)
	for n, free := 2, name; ; n++ {
		if !slices.ContainsFunc(others, func(c credential) bool { return c.Variable == free }) {
			return free
		}
		free = name + "_" + strconv.Itoa(n)
	}
}

// credentialOf says what a script needs to revoke tokens of a product.
func credentialOf(p audit.Product) string {
	switch {
	case p.V2():
		return "a token that may write authorizations"
	case p.V3():
		return "an admin token of " + p.Name()
	case p == audit.ProductV1:
		return "NAME:PASSWORD of an admin of " + p.Name()
	}
	return "a management token of " + p.Name()
}

func newRevoked(r row, address, variable string) revoked {
	d, it := r.Decision, r.Item
	out := revoked{
		Token: "Token: " + r.Token() + " (" + audit.Line(it.Authorization, 240) + ") of " + audit.Line(it.Target, 100), Owner: joined(", ", it.OwnerWords(), it.Responsible),
		Decision: string(d.Decision) + " by " + audit.Line(d.By, 200) + " on " + day(d.At), Ticket: audit.Line(d.Ticket, 100), Why: audit.Line(d.Justification, 300),
		Modify: d.Decision == campaign.Modify, Scope: audit.Line(d.UntilOrScope, 300),
	}
	if it.OwnerState == audit.OwnerDeleted {
		out.Owner = joined(", ", it.OwnerName()+" (deleted: the token can only be deleted)", it.Responsible)
	}
	if it.Product.V2() {
		out.Create = "influx auth create --org-id " + audit.Line(it.OrgID, 60) + " --user " + pack.Quote(it.OwnerName()) + " --description " + pack.Quote(audit.Line(it.Description, 200)) + " and a flag for each permission"
	}
	call := func(function string, words ...string) {
		for i, word := range words {
			words[i] = pack.Quote(word)
		}
		out.Call = function + " " + strings.Join(words, " ")
	}
	why := ""
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "http" && base.Scheme != "https" {
		why, base = "the address of its target is not known", &url.URL{}
	}
	base.RawQuery, base.Fragment = "", ""
	at := strings.TrimSuffix(base.String(), "/")
	a := audit.Authorization{ID: it.Authorization, Product: it.Product, Description: it.Description, User: it.User}
	id, known := audit.TokenIDOf(it.Authorization)
	number, err := strconv.ParseUint(it.Authorization, 16, 64)
	switch {
	case why != "":
	case !known || id != it.Authorization:
		why = "it has no ID to ask for"
	case it.Product.V2() && !isHex(id):
		why = "it has no ID of InfluxDB 2"
	case it.Product.V2():
		legacy := "0"
		if it.Legacy {
			legacy = "1"
		}
		call("revoke", it.Target, at, legacy, id, d.Fingerprint, variable)
	case a.IsOperator():
		why = "the operator token cannot be deleted; " + audit.RegenerateCommand(a) + " ends its value"
	case audit.DeleteCommand(a) == "":
		why = "its name cannot be said safely, or this version does not know its product"
	case it.Product.V3() && err != nil:
		why = "it has no ID of InfluxDB 3"
	case it.Product.V3():
		call("revoke3", it.Target, at, variable, id, strconv.FormatUint(number, 10), it.Description, sumOf(it, "name "+it.Description, "created "+it.Created.UTC().Format("2006-01-02T15:04:05")))
	case it.Product == audit.ProductV1:
		call("revoke1", it.Target, at, variable, id, it.User, audit.QuotedIdent(it.User), sumOf(it))
	default:
		call("revokedb", it.Target, at, variable, id, sumOf(it))
	}
	if out.skipped = why != ""; out.skipped {
		call("skip", it.Target, it.Authorization, why)
	}
	return out
}

// sumOf is a hash of what may not have changed since the decision: the permissions in the
// words of the script, and some more lines.
func sumOf(it campaign.Item, more ...string) string {
	lines := more
	for _, p := range it.Permissions {
		action, resource, _ := strings.Cut(p, ":")
		resource = strings.TrimPrefix(strings.TrimPrefix(resource, "orgs/"+it.OrgID), "/")
		if kind, rest, _ := strings.Cut(resource, "/"); kind == "buckets" {
			resource = strings.TrimSuffix("db/"+rest, "/")
		}
		if resource == "" || action != "read" && action != "write" { // kept as the server wrote it
			lines = append(lines, strings.TrimSuffix(p, ":/"))
			continue
		}
		lines = append(lines, action+" "+resource)
	}
	slices.Sort(lines)
	var all strings.Builder // one that may do nothing has no line
	for _, line := range slices.Compact(lines) {
		all.WriteString(line + "\n")
	}
	sum := sha256.Sum256([]byte(all.String()))
	return hex.EncodeToString(sum[:8])
}

// isHex reports whether an ID is one that InfluxDB 2 gives.
func isHex(id string) bool {
	return len(id) == 16 && strings.Trim(id, "0123456789abcdef") == ""
}
