package xlsx

import (
	"cmp"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// totals are what the workbook must know before its small sheets. Memory grows with
// the users only.
type totals struct {
	in             table.Input
	authorizations counts
	findings       table.FindingCounts
	owners         map[ownerKey]*owner
	exceptions     *exceptions
	inventory      inventory
	tasks          *table.Worst[taskRank, task]
	worst          *table.Worst[table.Group, finding]
	changes        *table.Worst[int, change]
}

// counts are numbers of authorizations by what formulas tell apart.
type counts map[kind]int

type kind struct {
	target          string
	presence        audit.Presence
	owner           audit.OwnerState
	status          audit.Status // as it was at the review
	legacy, flagged bool
	needs           bool // action
}

func kindOf(r *table.Row) kind {
	return kind{r.Target, r.Presence, r.Owner.State, r.StatusAt(r.Now), r.Legacy, r.WorstSeverity != "", r.NeedsAction(r.Now)}
}

func (k kind) exists() bool { return k.presence != audit.Gone }

func (c counts) sum(counted func(kind) bool) int {
	n := 0
	for k, m := range c {
		if counted(k) {
			n += m
		}
	}
	return n
}

func newTotals(in table.Input, most bounds) *totals {
	return &totals{
		in: in, authorizations: counts{}, findings: table.FindingCounts{}, owners: map[ownerKey]*owner{}, exceptions: newExceptions(in.Summary), inventory: inventory{},
		tasks:   table.NewWorst[taskRank, task](most.tasks, compareTasks),
		worst:   table.NewWorst[table.Group, finding](most.findings, table.CompareGroups),
		changes: table.NewWorst[int, change](most.changes, cmp.Compare[int]),
	}
}

// add counts a row; place is that of the authorization in the population.
func (t *totals) add(r *table.Row, place int) {
	var shared *brief
	kept := func() *brief { // for the lists, made when one of them wants it
		if shared == nil {
			shared = briefOf(r)
		}
		return shared
	}
	if !r.IsServer() {
		t.authorizations[kindOf(r)]++
	}
	if r.Exists() {
		t.addOwner(r)
		t.inventory.add(r)
	}
	t.exceptions.add(r, kept)
	for i := range r.Record.Findings {
		f := &r.Record.Findings[i]
		if f.Reported(r.Now) {
			t.findings.Add(f)
			t.worst.Offer(table.GroupOf(*f), func() finding { return finding{kept(), *f} })
		}
	}
	if rank, is := rankOf(r); is {
		t.tasks.Offer(rank, func() task { return taskOf(r, kept(), rank, place, t.in.Summary.Previous != nil) })
	}
	if t.in.Summary.Previous != nil { // in a first review everything is new, and nothing has changed
		for _, d := range r.Deltas(r.Now) {
			seen := t.changes.Seen()
			t.changes.Offer(d.Rank(), func() change { d.To = strings.Clone(d.To); return change{kept(), d, seen} }) // the scope shares the memory of all permissions
		}
	}
}

// brief is what the lists of tasks, findings and changes show of an authorization,
// and no more: many of them wait in memory.
type brief struct {
	target, org, orgID, id, userID, owner, description string
	status                                             audit.Status
	presence                                           audit.Presence
	evidence                                           string
	ownerState                                         audit.OwnerState
	product                                            audit.Product
	productName                                        string
	created, expires, revoked                          time.Time
	legacy                                             bool
	scope                                              string
	worst                                              audit.Severity
	contact                                            audit.Contact
	related                                            map[string]string // shared by all rows
}

func briefOf(r *table.Row) *brief {
	return &brief{
		target: r.Target, org: r.Org, orgID: r.OrgID, id: r.ID, userID: r.UserID, owner: r.OwnerName(), description: r.Description,
		status: r.Status, presence: r.Presence, evidence: r.Evidence, ownerState: r.Owner.State, created: r.CreatedAt,
		product: r.Product, productName: r.ProductName, expires: r.ExpiresAt, revoked: r.RevokedAt,
		scope: strings.Clone(r.Scope), legacy: r.Legacy, worst: r.WorstSeverity, contact: r.Contact, related: r.Related, // the scope shares the memory of all permissions
	}
}

// row is the row that k is brief of.
func (k *brief) row(now time.Time) *table.Row {
	return &table.Row{
		Record: audit.Record{
			Target: k.target, Presence: k.presence, Evidence: k.evidence, Owner: audit.Owner{Name: k.owner, State: k.ownerState},
			Authorization: audit.Authorization{
				ID: k.id, OrgID: k.orgID, Org: k.org, UserID: k.userID, User: k.owner, Description: k.description, Status: k.status, CreatedAt: k.created, Legacy: k.legacy,
				Product: k.product, ExpiresAt: k.expires, RevokedAt: k.revoked,
			},
		},
		Now: now, ProductName: k.productName, Scope: k.scope, Contact: k.contact, Related: k.related, FindingWords: table.FindingWords{WorstSeverity: k.worst},
	}
}
