package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Premise is something from which it follows that a review saw everything. Its ID never
// changes: configurations name it.
type Premise struct {
	ID    string       `json:"id"`
	State PremiseState `json:"state"`
	// Evidence is what was seen of it, or why it is not needed.
	Evidence []string `json:"evidence,omitempty"`
}

// PremiseState says whether a premise holds.
type PremiseState string

const (
	Holds     PremiseState = "holds"
	Fails     PremiseState = "does not hold"
	NotNeeded PremiseState = "not needed" // by this product, or this target
)

// Gap is a premise that does not hold, and what of it. Its ID is that of the premise,
// with what it is about behind a "/" where that matters: owner-configured/0772396d1f411000.
type Gap struct {
	ID       string       `json:"id"`
	Verdict  Verdict      `json:"verdict"` // that it lowers the review of its target to
	Reason   string       `json:"reason"`
	Fix      string       `json:"fix,omitempty"`      // what to do, where more is known than the premise says
	Accepted *AcceptedGap `json:"accepted,omitempty"` // where two people decided that it may stand
	Expired  *AcceptedGap `json:"expired,omitempty"`  // where they did, until a day that has passed
}

// Premise is the ID of the premise that does not hold.
func (g Gap) Premise() string {
	id, _, _ := strings.Cut(g.ID, "/")
	return id
}

// KnownPremise is what there is to say of a premise whatever the target.
type KnownPremise struct {
	ID    string
	Title string // what holds, in a few words
	Why   string // what a review without it may miss
	Fix   string // how to make it hold
	// Acceptable: two people may accept that it does not hold. Where an answer was cut,
	// refused or contradicts itself, nobody knows what they would accept.
	Acceptable bool
}

// Premises are all of them, in the order in which they are shown.
func Premises() []KnownPremise { return slices.Clone(premises[:]) }

// IDs of the premises.
const (
	TargetReviewed     = "target-reviewed"
	CredentialActive   = "credential-active"
	CredentialSeesAll  = "credential-sees-all"
	ProductKnown       = "product-known"
	SourceSame         = "source-same"
	ListWhole          = "list-whole"
	ListsAgree         = "lists-agree"
	RowsReadable       = "rows-readable"
	CanaryListed       = "canary-listed"
	StoredListed       = "stored-listed"
	InstanceSeen       = "instance-seen"
	LegacyListed       = "legacy-listed"
	DatabasesListed    = "databases-listed"
	UsersPresent       = "users-present"
	OwnCredentialShown = "own-credential-shown"
	OwnersConfigured   = "owners-configured"
	OwnersKnown        = "owners-known"
	RosterFresh        = "roster-fresh"
	ImportCurrent      = "import-current"
	CopyCurrent        = "copy-current"
	EarlierSeen        = "earlier-seen"
	BaselineRead       = "baseline-read"
	TargetsConfigured  = "targets-configured"
)

var premises = [...]KnownPremise{
	{TargetReviewed, "The target was reviewed to the end", "Unanswered questions may hide tokens.", "Read the reason. If time ran out, raise deadline.", false},
	{CredentialActive, "The credential is active and accepted", "InfluxDB answers an inactive credential with empty lists.", "Give the target an active credential.", false},
	{CredentialSeesAll, "The credential sees the tokens of every user", "InfluxDB leaves out tokens that the credential may not read, and gives no error.", "OSS: influx auth create --read-authorizations --read-users --read-orgs. Cloud: give each user its own credential under users.", true},
	{ProductKnown, "The product is known", "The tokens that a list leaves out depend on the product.", "Set kind, or allow the headers X-Influxdb-Build and X-Influxdb-Version in the proxy.", true},
	{SourceSame, "The same org and server answered as in earlier reviews", "A new server cannot prove that an earlier token is gone.", "Set the target to the earlier server again. If that server no longer exists, run tokenaudit history retire -c FILE SOURCE --reason TEXT.", false},
	{ListWhole, "Every list is complete and not from a cache", "Some tokens may be missing.", "Check the proxy between the review and InfluxDB, and run the review again.", false},
	{ListsAgree, "The lists show the same tokens and do not contradict each other", "One of them is wrong or incomplete.", "Run the review again. If the gap stays, look for a proxy or a replica with old data.", false},
	{RowsReadable, "Every token has permissions, a status and dates that can be read", "A token whose permissions cannot be read may write anything.", "Check the token in InfluxDB, and report the format of the answer to the makers of tokenaudit.", true},
	{CanaryListed, "The canary is in the list", "A list without the canary is not complete.", "Create the canary again, or find out what hides it.", false},
	{StoredListed, "Every stored token is listed, or is known although hidden", "OSS leaves the tokens of deleted users and orgs out of every list.", "Set import to the output of influxd recovery auth list once, or review a copy of the database file.", true},
	{InstanceSeen, "Tokens of other orgs that may write to this org were checked", "An operator token of another org can write to this org. Hidden tokens are counted for the whole instance only.", "Give the target a credential that may read every org (tokenaudit help credential). Or two people accept the gap instance-seen (accepted_gaps).", true},
	{LegacyListed, "The tokens of the 1.x API were listed", "They can write too, and are in a separate list.", "Allow the credential to read /private/legacy/authorizations.", true},
	{DatabasesListed, "The databases were listed", "A permission on a deleted database is not known. On Dedicated and Clustered it works again for a new database of the name.", "Allow the credential to list databases.", true},
	{UsersPresent, "Every configured user exists", "A user that is not found may be misspelt or deleted.", "Correct the name under users, or remove it.", true},
	{OwnCredentialShown, "Each list shows the credential that requested it", "A list that does not show its own credential may hide other tokens too.", "Allow the credential to read authorizations and its own user.", false},
	{OwnersConfigured, "Every owner is a configured user", "On Cloud, only the tokens of configured users can be read.", "Add the owner under users, with its own credential.", true},
	{OwnersKnown, "The state of every owner is known", "The token of a deleted user may work again.", "Allow the credential to read all users.", true},
	{RosterFresh, "The roster could be read and is not old", "People who left after the export still count as members of the organization.", "Export the roster again before each review. roster_max_age is its maximum age.", true},
	{ImportCurrent, "The imported list could be read, is from this server, and is not old", "It proves nothing about tokens created later.", "Make a new list: influxd recovery auth list.", true},
	{CopyCurrent, "The copy of the database file is newer than the review before", "Later changes are not in it.", "Make a new copy before each review.", true},
	{EarlierSeen, "Every token of earlier reviews was found again or is proven gone", "Tokens that could not be looked up may still write.", "Allow the credential to read the token by its ID.", true},
	{BaselineRead, "The review before could be read", "Changed and deleted tokens are not known.", "Restore the snapshot from a backup, or wait for the next review.", false},
	{TargetsConfigured, "Every target of the review before is still configured", "Its findings are no longer checked.", "Configure the target again, or run tokenaudit history retire.", true},
}

// PremiseOf finds a premise by its ID, or by that of a gap.
func PremiseOf(id string) (KnownPremise, bool) {
	at := slices.IndexFunc(premises[:], func(p KnownPremise) bool { return p.ID == Gap{ID: id}.Premise() })
	if at < 0 {
		return KnownPremise{}, false
	}
	return premises[at], true
}

// Hold notes that a premise holds, by evidence, unless a gap says that it does not.
func (c *Coverage) Hold(id, format string, args ...any) {
	c.note(id, Holds, fmt.Sprintf(format, args...))
}

// NoNeed notes that a premise is not needed, and why.
func (c *Coverage) NoNeed(id, format string, args ...any) {
	c.note(id, NotNeeded, fmt.Sprintf(format, args...))
}

// Gap notes that a premise does not hold, which makes the verdict no better than v. The
// ID may say what it is about; see Gap. The same gap is noted once. The first of args
// that knows a remedy (Remedy() string), or that is an error because of one that does,
// gives the gap its fix.
func (c *Coverage) Gap(id string, v Verdict, format string, args ...any) {
	c.AddGap(Gap{ID: id, Verdict: v, Reason: fmt.Sprintf(format, args...), Fix: remedyIn(args)})
}

// AddGap notes a gap, with a remedy of its own if it has one.
func (c *Coverage) AddGap(g Gap) {
	if slices.ContainsFunc(c.Gaps, func(o Gap) bool { return o.ID == g.ID && o.Reason == g.Reason }) {
		return
	}
	c.Gaps = append(c.Gaps, g)
	c.note(g.Premise(), Fails, g.Reason)
	c.Reasons = append(c.Reasons, g.Reason)
	if g.Verdict.worseThan(c.Verdict) {
		c.Verdict = g.Verdict
	}
}

// remedyIn is what the first of args that knows one says.
func remedyIn(args []any) string {
	for _, arg := range args {
		knows, ok := arg.(interface{ Remedy() string })
		if err, isError := arg.(error); !ok && isError {
			ok = errors.As(err, &knows)
		}
		if ok && knows.Remedy() != "" {
			return knows.Remedy()
		}
	}
	return ""
}

// MaxRemedy is how many characters a remedy has at most. Outputs show it whole; whoever
// words one shortens the text from outside in it.
const MaxRemedy = 500

// Remedy is what to do about the gap: what is known of this one, else of its premise.
func (g Gap) Remedy() string {
	premise, _ := PremiseOf(g.ID)
	return cmp.Or(g.Fix, premise.Fix)
}

// Clone is a copy that can be added to.
func (c Coverage) Clone() Coverage {
	c.Asked, c.Gaps, c.Reasons, c.BlindSpots = slices.Clone(c.Asked), slices.Clone(c.Gaps), slices.Clone(c.Reasons), slices.Clone(c.BlindSpots)
	c.Premises = slices.Clone(c.Premises)
	for i := range c.Premises {
		c.Premises[i].Evidence = slices.Clone(c.Premises[i].Evidence)
	}
	return c
}

// note: what fails stays failed, and evidence of another state goes.
func (c *Coverage) note(id string, state PremiseState, evidence string) {
	at := slices.IndexFunc(c.Premises, func(p Premise) bool { return p.ID == id })
	switch {
	case at < 0:
		c.Premises = append(c.Premises, Premise{id, state, []string{evidence}})
	case c.Premises[at].State == state && !slices.Contains(c.Premises[at].Evidence, evidence):
		c.Premises[at].Evidence = append(c.Premises[at].Evidence, evidence)
	case c.Premises[at].State != state && c.Premises[at].State != Fails:
		c.Premises[at].State, c.Premises[at].Evidence = state, []string{evidence}
	}
}
