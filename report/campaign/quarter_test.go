package campaign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/jobs/evidence"
	"tokenaudit/report/signature"
)

const (
	anna = "anna@example.com"
	cleo = "cleo@example.com" // the manager
)

// days is a time so many days after the opening.
func days(n float64) time.Time { return opened.Add(time.Duration(n * 24 * float64(time.Hour))) }

// evil is text that would do harm in a page, a cell, a shell or a terminal.
const evil = "=cmd|'/c calc'!A1 <script>alert(1)</script> '; touch pwned; $(touch pwned) `touch pwned` \"\\ \n# \u202e\x1b[2J"

// quarter is a campaign in its folder, and the keys of its people.
type quarter struct {
	t       *testing.T
	archive evidence.Archive
	folder  evidence.CampaignFolder
	dir     string
	book    *campaign.Book
	people  map[string][]byte
	signers []byte
	key     []byte // of the job
	public  string
}

func newKey(t *testing.T) (private []byte, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	must(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(t, err)
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writer is the item of a token that may write a bucket.
func writer(id, description, owner string, s audit.Severity) campaign.Item {
	it := campaign.Item{
		ID: "plant/00000000000000aa/" + id, Target: "plant", OrgID: "00000000000000aa", Org: "factory", Authorization: id, Description: description, Status: audit.Active,
		UserID: "00000000000000u1", User: owner, OwnerState: audit.OwnerPresent, Responsible: "otto@example.com", Team: "line 3", Purpose: "telemetry",
		Class: "write", Writes: "bucket 00000000000000bb", Permissions: []string{"write:orgs/00000000000000aa/buckets/00000000000000bb"},
		Severity: s, Created: days(-400), FirstSeen: days(-100), Presence: audit.Listed, Fingerprint: "fp" + id, Reviewer: ben,
	}
	if s != "" {
		it.Why = []string{string(s) + ": active-write", string(s) + ": no-rotation (older than 365 days)"}
	}
	return it
}

func newQuarter(t *testing.T, items ...campaign.Item) *quarter {
	t.Helper()
	q := &quarter{t: t, people: map[string][]byte{}, archive: evidence.Archive{Root: t.TempDir()}}
	q.folder = q.archive.Campaign(campaign.ID("quarterly", opened))
	q.dir = q.folder.Location()
	var signers strings.Builder
	for _, who := range []string{anna, ben, cleo} {
		private, public := newKey(t)
		q.people[who] = private
		fmt.Fprintf(&signers, "%s namespaces=\"tokenaudit-review\" %s\n", who, public)
	}
	q.signers = []byte(signers.String())
	q.key, q.public = newKey(t)
	c := campaign.Campaign{
		Format: campaign.Format, Name: "quarterly", Opened: opened, Trigger: audit.Scheduled, Job: "weekly-review", Zone: "Europe/Berlin",
		Run: "weekly-review/2026-09-28T0700Z", Manifest: strings.Repeat("ab", 32), Scope: campaign.ScopeAll, Basis: "TRA-2026-07, section 3", Due: days(14),
		Reminders: []campaign.Reminder{{Name: "3d", At: days(11)}}, RevokeWithin: map[string]int64{"critical": 3 * 24 * 3600, "high": 14 * 24 * 3600, "default": 30 * 24 * 3600},
		Reviewer: ben, Manager: cleo, Items: len(items), Tool: audit.Tool{Name: "tokenaudit", Version: "1.0.0"},
	}
	for _, it := range items {
		if it.Reviewer != "" && !slices.Contains(c.Reviewers, it.Reviewer) {
			c.Reviewers = append(c.Reviewers, it.Reviewer)
		}
	}
	book, err := campaign.Create(t.Context(), q.folder, c, items)
	must(t, err)
	q.book = book
	return q
}

// decision is what a reviewer fills in.
type decision struct {
	id, kind, why, scope, ticket string
}

// imported has a file of a reviewer imported, signed or as a draft: a row for each of the
// decisions, also where the item is another reviewer's or of no campaign.
func (q *quarter) imported(at time.Time, reviewer string, signed bool, decisions ...decision) campaign.Outcome {
	q.t.Helper()
	var lines []campaign.Line
	decided := map[string]campaign.Decision{}
	for _, d := range decisions {
		has := func(items []campaign.Item) bool {
			return slices.ContainsFunc(items, func(it campaign.Item) bool { return it.Authorization == d.id })
		}
		all := q.book.Lines(append(q.book.ItemsOf(reviewer), slices.DeleteFunc(slices.Clone(q.book.Items), func(it campaign.Item) bool { return campaign.Same(it.Reviewer, reviewer) })...))
		i := slices.IndexFunc(all, func(l campaign.Line) bool { return has(l.Items) })
		if i < 0 {
			all, i = q.book.Lines([]campaign.Item{writer(d.id, "", "", "")}), 0
		}
		lines = append(lines, all[i])
		decided[all[i].ID] = campaign.Decision{Decision: campaign.Kind(d.kind), Justification: d.why, UntilOrScope: d.scope, Ticket: d.ticket}
	}
	var text bytes.Buffer
	must(q.t, WriteCSV(&text, q.book.Campaign, reviewer, lines, decided))
	r := campaign.Received{Name: "decisions.csv", Content: text.Bytes(), Reviewer: reviewer}
	if signed {
		r.Signature = q.sign(q.people[reviewer], r.Content, campaign.Namespace)
		key, err := signature.KeyOf("", r.Content, r.Signature, campaign.Namespace)
		must(q.t, err)
		r.Key = ssh.FingerprintSHA256(key)
	}
	rows, ext, err := Read(r.Content)
	must(q.t, err)
	in := q.book.NewImport(r, ext, at)
	out := q.book.Judge(in, rows)
	must(q.t, q.book.Take(q.t.Context(), q.folder, in, r, out))
	return out
}

func (q *quarter) sign(private, content []byte, namespace string) []byte {
	q.t.Helper()
	key, err := signature.ParseKey(private)
	must(q.t, err)
	signed, err := signature.Sign(content, key, namespace)
	must(q.t, err)
	return signed
}

// saw lets a review see tokens: presence and status by ID.
func (q *quarter) saw(at time.Time, seen map[string]audit.Record) {
	q.t.Helper()
	run := audit.Run{Job: "weekly-review", Slot: at, Started: at}
	sighting := campaign.NewSighting(run, audit.Contacts{}, q.book)
	for _, it := range q.book.Items {
		r, ok := seen[it.Authorization]
		if !ok {
			r = audit.Record{Presence: audit.Listed, Authorization: audit.Authorization{Status: audit.Active}}
		}
		r.Target, r.OrgID, r.ID, r.UserID = it.Target, it.OrgID, it.Authorization, it.UserID
		sighting.Add(&r)
	}
	lines := q.book.Compare(sighting)
	must(q.t, q.book.Remember(q.t.Context(), q.folder, slices.DeleteFunc(lines, func(m campaign.Remediation) bool { return m.State == campaign.TokenChanged })))
}

var (
	gone     = audit.Record{Presence: audit.Gone, Evidence: "404 authorization not found"}
	inactive = audit.Record{Presence: audit.Listed, Authorization: audit.Authorization{Status: audit.Inactive}}
)

// write makes the report as it stands at a time.
func (q *quarter) write(at time.Time) {
	q.t.Helper()
	must(q.t, Write(q.t.Context(), q.folder, q.book, Made{at, audit.Tool{Name: "tokenaudit", Version: "1.0.0", Build: "abc, go1.26"}}, q.key))
}

// closed closes it, and has the manager sign.
func (q *quarter) closed(at time.Time, reason string) {
	q.t.Helper()
	files, err := State(q.t.Context(), q.folder)
	must(q.t, err)
	must(q.t, q.book.Close(q.t.Context(), q.folder, reason, "root", files, at))
	content, err := q.folder.Read(q.t.Context(), campaign.ClosedFile)
	must(q.t, err)
	must(q.t, q.folder.Write(q.t.Context(), campaign.ClosedFile+campaign.SignatureSuffix, q.sign(q.people[cleo], content, campaign.Namespace)))
}

// played is a quarter with some of everything.
func played(t *testing.T) *quarter {
	t.Helper()
	own := writer("0000000000000009", "ben's own script", ben, audit.Medium)
	own.Reviewer = anna
	items := []campaign.Item{
		writer("0000000000000001", "telegraf line 3", "telegraf-writer", audit.Critical), writer("0000000000000002", "grafana", "grafana", audit.High),
		writer("0000000000000003", evil, "o'neil <b>", audit.High), writer("0000000000000004", "", "telegraf-writer", audit.Medium),
		writer("0000000000000005", "backup job", "backup", audit.Low), writer("0000000000000006", "old notebook", "carl", ""),
		writer("0000000000000007", "export to the data lake, which runs each night", "exporter", audit.Medium), writer("0000000000000008", "test", "dora", ""), own,
	}
	q := newQuarter(t, items...)
	must(t, q.book.Note(t.Context(), q.folder, campaign.Export{At: days(1), Reviewer: ben, Items: 8, SHA256: strings.Repeat("cd", 32)}))
	q.imported(days(2), ben, false, decision{"0000000000000005", "keep", "needed by the nightly backup", "", ""}, decision{"0000000000000008", "revoke", "", "", ""})
	q.imported(days(3), ben, true,
		decision{"0000000000000001", "revoke", "nobody uses it", "", "OPS-1"}, decision{"0000000000000002", "keep", "dashboards of the plant; " + evil, "2027-01-31", ""}, decision{"0000000000000003", "revoke", "", "", "OPS-2"},
		decision{"0000000000000004", "modify", "reads only", "read bucket 00000000000000bb", "OPS-3"}, decision{"0000000000000005", "keep", "needed by the nightly backup", "", ""},
		decision{"0000000000000009", "keep", "mine", "", ""}, decision{"00000000000000ff", "keep", "", "", ""}, decision{"0000000000000006", "perhaps", "", "", ""})
	a, err := q.book.Assign("0000000000000007", anna, "ben is on leave", "root", days(5))
	must(t, err)
	must(t, q.book.Reassign(t.Context(), q.folder, a))
	q.saw(days(4), map[string]audit.Record{"0000000000000003": gone})
	q.imported(days(15), anna, true, decision{"0000000000000007", "revoke", "replaced by the new exporter", "", "OPS-4"}, decision{"0000000000000009", "keep", "asked him", "", ""})
	q.saw(days(18), map[string]audit.Record{"0000000000000003": gone, "0000000000000004": inactive, "0000000000000007": {Presence: audit.Unseen, Evidence: "the target could not be read"}})
	return q
}
