package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ActionCounts count the tokens that need action: those with a finding that stands, is
// critical or high, and is not excepted, and those with one that is overdue. The unit is
// the token; one with several such findings counts once.
type ActionCounts struct {
	Tokens  int `json:"tokens"`
	New     int `json:"new"`     // of Tokens: needed none at the review before
	First   int `json:"first"`   // of Tokens: of targets without a review to compare with
	Overdue int `json:"overdue"` // of Tokens
	// Fixed needed action at the review before and need none now. Excepted need none
	// because an exception allows what was found.
	Fixed    int `json:"fixed"`
	Excepted int `json:"excepted"`
	// BySeverity counts Tokens by the worst finding that needs action. It is nil in the
	// summaries of earlier versions, which did not count.
	BySeverity map[Severity]int       `json:"by_severity,omitempty"`
	ByCheck    map[string]CheckAction `json:"by_check,omitempty"`
	// Server counts the findings that need action and are about no token of the
	// population: about the server, a credential of the review, a token of another org.
	// ServerNew of them no review before had; ServerFixed needed action then.
	Server      int `json:"server"`
	ServerNew   int `json:"server_new"`
	ServerFixed int `json:"server_fixed"`
}

// CheckAction is what needs action by one check.
type CheckAction struct {
	Tokens  int       `json:"tokens"` // or findings about no token
	New     int       `json:"new"`    // of Tokens: needed no action at the review before
	Overdue int       `json:"overdue"`
	Oldest  time.Time `json:"oldest"`       // since when the oldest finding stands
	Due     time.Time `json:"due,omitzero"` // the earliest due date, zero without any
	// ByProduct counts those of Tokens that are of a product after v2. Earlier versions do not
	// count.
	ByProduct map[Product]int `json:"by_product,omitempty"`
}

// products are those of the tokens, each once. All of v2 are one, whose words are the same.
func (c CheckAction) products() []Product {
	out, later := slices.Sorted(maps.Keys(c.ByProduct)), 0
	for _, n := range c.ByProduct {
		later += n
	}
	if c.Tokens > later {
		out = append(out, ProductUnknown)
	}
	return out
}

func newActionCounts() ActionCounts {
	return ActionCounts{BySeverity: map[Severity]int{}, ByCheck: map[string]CheckAction{}}
}

// Known reports whether the review counted. Earlier versions did not.
func (a ActionCounts) Known() bool { return a.BySeverity != nil }

// Before is how many of the tokens that this review knows needed action at the review
// before, under the policy of this one.
func (a ActionCounts) Before() int { return a.Tokens - a.New - a.First + a.Fixed + a.Excepted }

// Change is the difference to the review before, as far as both can be compared; positive
// is worse.
func (a ActionCounts) Change() int { return a.New - a.Fixed - a.Excepted }

// count takes in one record of the review that took place at the given time.
func (a *ActionCounts) count(r *Record, at time.Time) {
	var worst Severity
	overdue, excepted := false, false
	for _, f := range r.Findings {
		excepted = excepted || f.State == Excepted && f.Severity.AtLeast(High)
		if r.IsServer() && f.State == Resolved && f.Since.Equal(at) && f.Severity.AtLeast(High) {
			a.ServerFixed++
		}
		if !f.NeedsAction(at) || !r.Exists() && !r.IsServer() {
			continue
		}
		if worst == "" || f.Severity.AtLeast(worst) {
			worst = f.Severity
		}
		overdue = overdue || f.Overdue(at)
		c := CheckAction{Tokens: 1, Oldest: f.Since, Due: f.Due}
		if f.Overdue(at) {
			c.Overdue = 1
		}
		if !r.Product.V2() {
			c.ByProduct = map[Product]int{r.Product: 1}
		}
		if r.IsServer() {
			a.Server++
			if f.Fresh() {
				a.ServerNew++
				c.New = 1
			}
		} else if !r.NeededAction {
			c.New = 1
		}
		a.ByCheck[f.Check] = a.ByCheck[f.Check].plus(c)
	}
	switch {
	case r.IsServer():
		return
	case worst == "" && r.NeededAction && excepted && r.Exists():
		a.Excepted++
	case worst == "" && r.NeededAction:
		a.Fixed++
	}
	if worst == "" {
		return
	}
	a.Tokens++
	a.BySeverity[worst]++
	if !r.NeededAction {
		a.New++
	}
	if overdue {
		a.Overdue++
	}
}

func (c CheckAction) plus(o CheckAction) CheckAction {
	c.Tokens, c.New, c.Overdue = c.Tokens+o.Tokens, c.New+o.New, c.Overdue+o.Overdue
	c.Oldest, c.Due = Earlier(c.Oldest, o.Oldest), Earlier(c.Due, o.Due)
	if len(o.ByProduct) > 0 {
		sum := map[Product]int{} // maps of others stay as they are
		addAll(sum, c.ByProduct)
		addAll(sum, o.ByProduct)
		c.ByProduct = sum
	}
	return c
}

// Earlier is the first of two times that are known.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (a *ActionCounts) add(o ActionCounts) {
	a.Tokens += o.Tokens
	a.New += o.New
	a.First += o.First
	a.Overdue += o.Overdue
	a.Fixed += o.Fixed
	a.Excepted += o.Excepted
	a.Server += o.Server
	a.ServerNew += o.ServerNew
	a.ServerFixed += o.ServerFixed
	addAll(a.BySeverity, o.BySeverity)
	for check, c := range o.ByCheck {
		a.ByCheck[check] = a.ByCheck[check].plus(c)
	}
}

// Inventory counts the active write tokens, as the check active-write finds them.
type Inventory struct {
	ActiveWrite int `json:"active_write"`
	New         int `json:"new"`  // found by no review before
	Gone        int `json:"gone"` // found by the review before, and not by this one
}

// InventoryCheck finds the active write tokens.
const InventoryCheck = "active-write"

func (i *Inventory) count(f Finding) {
	if f.Check != InventoryCheck {
		return
	}
	if f.Current() {
		i.ActiveWrite++
	}
	if f.Fresh() {
		i.New++
	}
	if f.State == Resolved {
		i.Gone++
	}
}

func (i *Inventory) add(o Inventory) {
	i.ActiveWrite += o.ActiveWrite
	i.New += o.New
	i.Gone += o.Gone
}

// Decision is a check by which something needs action, in the words of the products that have it.
type Decision struct {
	Check    Check
	Severity Severity
	CheckAction
}

// Decide are the checks by which something needs action, in the order of the policy:
// worst first. What is critical about a server leads: what was found in its tokens is of little
// use before that is fixed.
func (s Summary) Decide() []Decision {
	var out []Decision
	for _, c := range s.Policy.Checks {
		if found := s.NeedsAction.ByCheck[c.Check]; found.Tokens > 0 {
			out = append(out, Decision{CheckOf(c.Check).onAll(found.products()), c.Severity, found})
		}
	}
	for id, found := range s.NeedsAction.ByCheck { // of another version
		if !slices.ContainsFunc(out, func(d Decision) bool { return d.Check.ID == id }) {
			out = append(out, Decision{CheckOf(id).onAll(found.products()), High, found})
		}
	}
	slices.SortStableFunc(out, func(a, b Decision) int {
		switch {
		case a.Leads() && !b.Leads():
			return -1
		case b.Leads() && !a.Leads():
			return 1
		}
		place := func(d Decision) int { return CheckPlace(d.Check.ID) }
		if place(a) < 0 && place(b) < 0 {
			return strings.Compare(a.Check.ID, b.Check.ID)
		}
		return 0
	})
	return out
}

// Leads reports whether it is critical and about a server.
func (d Decision) Leads() bool { return d.Check.Server && d.Severity == Critical }

// IDs as InfluxDB gives them. Nothing else may stand in a command that people run.
var (
	tokenIDs = regexp.MustCompile(`^[0-9a-f]{16}$`)
	uuids    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// userIDs are those of users of InfluxDB 1.x, which tell upper from lower case.
var userIDs = regexp.MustCompile(`^user/[0-9A-Za-z._~%-]{1,220}$`)

// TokenIDOf is the ID of a token, of any product, as records have it; ok is false for what has
// the form of none.
func TokenIDOf(text string) (id string, ok bool) {
	if id = strings.ToLower(text); tokenIDs.MatchString(id) || uuids.MatchString(id) {
		return id, true
	}
	return text, userIDs.MatchString(text)
}

// IsCalled reports whether a is the token that people mean by an ID, or by a name where the
// product tells tokens or users apart by it. A text in the form of the IDs of the product is
// no name: whoever may create tokens could give one the ID of another as its name.
func (a *Authorization) IsCalled(text string) bool {
	id, ok := TokenIDOf(text)
	switch {
	case ok && a.TokenID() == id:
		return true
	case a.Product.V3():
		return a.Description == text && !tokenIDs.MatchString(id)
	}
	return a.Product == ProductV1 && a.User == text && !userIDs.MatchString(id)
}

// Command is the command that ends what a finding is about, one of the product's own CLI where
// it can; empty where none does.
func Command(r *Record, f Finding) string {
	if r.IsServer() || !f.Actionable() || f.Check == "no-description" || aboutExceptions(f.Check) {
		return ""
	}
	switch {
	case f.Check == "expires-soon": // it ends by itself
		return ""
	case r.OfReview && !r.Product.V2(): // without it the reviews see nothing
		return ""
	case r.IsOperator() && (f.Check == "not-rotated" || f.Check == "secret-replaced"):
		return RegenerateCommand(r.Authorization)
	case r.IsOperator(): // nothing else can be done about it
		return ""
	case r.Product == ProductV1 && slices.Contains(adminChecks[:], f.Check):
		return statement("REVOKE ALL PRIVILEGES FROM ", r.User)
	case !r.Product.V2():
		return DeleteCommand(r.Authorization)
	case f.Check == "deleted-owner", f.Check == "deleted-org", r.orphaned():
		return APIDeleteCommand(r.Authorization)
	case CheckOf(f.Check).Deletes:
		return DeleteCommand(r.Authorization)
	case r.Status == Inactive:
		return ""
	}
	return InactiveCommand(r.Authorization)
}

// adminChecks find users of InfluxDB 1.x who administer. They go on as users without that right.
var adminChecks = [...]string{"operator", "mints-tokens", "administers-users", "too-many-admins"}

// orphaned tokens do not work: their user or their org was deleted.
func (r *Record) orphaned() bool { return r.Owner.State == OwnerDeleted || r.OrgDeleted }

// operatorName is the name of the first admin token of InfluxDB 3. It cannot be deleted, and no
// other one can get a new secret.
const operatorName = "_admin"

// IsOperator reports whether it is the first admin token of InfluxDB 3.
func (a *Authorization) IsOperator() bool { return a.Product.V3() && a.Description == operatorName }

// DeleteCommand is the command of the product's CLI that deletes a token, or a user of InfluxDB
// 1.x; "" where none can be said safely. That of InfluxDB 2 asks for the token first: it cannot
// delete one whose user was deleted.
func DeleteCommand(a Authorization) string {
	switch {
	case a.Product.V3() && !a.IsOperator() && sayable(a.Description):
		name := " " + ShellQuoted(a.Description)
		if strings.HasPrefix(a.Description, "-") { // else it is taken for an option
			name = "=" + ShellQuoted(a.Description)
		}
		return "influxdb3 delete token --token-name" + name
	case (a.Product == ProductDedicated || a.Product == ProductClustered) && uuids.MatchString(a.ID):
		return "influxctl token delete " + a.ID
	case a.Product == ProductV1:
		return statement("DROP USER ", a.User)
	case !a.Product.V2(), !tokenIDs.MatchString(a.ID):
		return ""
	case a.Legacy:
		return "influx v1 auth delete --id " + a.ID
	}
	return "influx auth delete --id " + a.ID
}

// RegenerateCommand gives the operator token of InfluxDB 3 a new secret, and ends the old one.
// It is "" for others: they cannot get one.
func RegenerateCommand(a Authorization) string {
	if !a.IsOperator() {
		return ""
	}
	return "influxdb3 create token --admin --regenerate"
}

// statement is the command of the influx shell of 1.x for a statement about a user, "" where it
// cannot be said safely. The shell has its credential from INFLUX_USERNAME and INFLUX_PASSWORD.
func statement(begin, user string) string {
	if !sayable(user) {
		return ""
	}
	return "influx -execute " + ShellQuoted(begin+QuotedIdent(user))
}

// QuotedIdent quotes a name for InfluxQL.
func QuotedIdent(name string) string {
	return `"` + strings.NewReplacer("\n", `\n`, `\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// mostSaid is how long a name in a command may be, in bytes. It is less than what is kept of a
// name in highlights: a command with a name that was cut would be about another token.
const mostSaid = 200

// sayable: the name is all there, and what a reader sees of it is what it is.
func sayable(name string) bool {
	return name != "" && len(name) <= mostSaid && Visible(name, false) == name && !strings.Contains(name, Redacted)
}

// APIDeleteCommand deletes a token whose user or org was deleted, to which nothing else can be
// done. The credential is in no argument that others could see. "" as in DeleteCommand.
func APIDeleteCommand(a Authorization) string {
	if !a.Product.V2() || !tokenIDs.MatchString(a.ID) {
		return ""
	}
	return `printf 'Authorization: Token %s\n' "$INFLUX_TOKEN" | curl -fsS -X DELETE -H @- "$INFLUX_HOST` + APIPath(a) + "/" + a.ID + `"`
}

// APIPath is where the API of InfluxDB 2 has authorizations of the kind of a.
func APIPath(a Authorization) string {
	if a.Legacy {
		return "/private/legacy/authorizations"
	}
	return "/api/v2/authorizations"
}

// InactiveCommand is the one that sets a token inactive, which only InfluxDB 2 can.
func InactiveCommand(a Authorization) string {
	switch {
	case !a.Product.V2(), !tokenIDs.MatchString(a.ID):
		return ""
	case a.Legacy:
		return "influx v1 auth set-inactive --id " + a.ID
	}
	return "influx auth inactive --id " + a.ID
}

// replaced are the checks whose tokens are in use until another one takes their place.
var replaced = [...]string{"operator", "mints-tokens", "auditor-can-write", "administers-users", "all-access", "org-wide-write", "personal-write", "auditor-personal", "not-rotated", "dangling-grant"}

// BeforeCommand says what has to be true before Command is run, without a full stop; empty
// where nothing has to be. Whatever uses a token stops at once when it is set inactive, and
// where a product cannot do that, for good.
func BeforeCommand(r *Record, f Finding) string {
	switch {
	case r.IsOperator():
		return "When what uses it can get the new secret at once"
	case !r.Product.V2() && !CheckOf(f.Check).Deletes, !r.orphaned() && slices.Contains(replaced[:], f.Check):
		return "After the replacement works"
	}
	return ""
}
