// Package ocsf writes each finding of a review as an IAM Analysis Finding of the
// Open Cybersecurity Schema Framework, for a SIEM: rows come in, JSON lines go out.
package ocsf

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const File = "findings.ocsf.jsonl"

// What keeps an event small enough for a SIEM, however long a text or a list is. An
// event that lacks something says is_truncated; the CSV files have all of it.
const (
	longestText    = 1000 // characters
	mostPrivileges = 1000
)

// Events writes each finding as an IAM Analysis Finding of OCSF 1.8, one JSON object
// a line, in the order of the records.
type Events struct {
	in   table.Input
	file *os.File
	buf  *bufio.Writer
	json *json.Encoder
}

func New(s *table.Staging, in table.Input) (*Events, error) {
	f, err := s.Create(File)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(f, 64<<10)
	return &Events{in, f, buf, json.NewEncoder(buf)}, nil
}

func (e *Events) Add(r *table.Row) error {
	for _, f := range r.Findings {
		if !f.Reported(e.in.Summary.Started) {
			continue
		}
		if err := e.json.Encode(newEvent(e.in, r.Of(f))); err != nil {
			return err
		}
	}
	return nil
}

func (e *Events) Finish(context.Context, *audit.Highlights) ([]table.Shown, error) {
	return nil, errors.Join(e.buf.Flush(), e.file.Sync())
}

func (e *Events) Close() error { return e.file.Close() }

func newEvent(in table.Input, r *table.Row) event {
	t, s, f := new(trimmer), in.Summary, r.Finding
	severity := severityOf(f.Severity)
	status, activity := standingOf(f.State)
	e := event{
		CategoryUID: 2, CategoryName: "Findings", ClassUID: 2008, ClassName: "IAM Analysis Finding",
		ActivityID: activity.id, ActivityName: activity.caption,
		TypeUID: 200800 + activity.id, TypeName: "IAM Analysis Finding: " + activity.caption,
		SeverityID: severity.id, Severity: severity.caption, StatusID: status.id, Status: status.caption,
		Time:    millis(s.Started),
		Message: t.text(strings.TrimSuffix(r.Check.Title+": "+f.Detail, ": ")),
		FindingInfo: findingInfo{
			UID:   t.text(strings.Join([]string{r.Target, r.OrgID, r.Key(), f.Check}, "/")),
			Title: r.Check.Title, Desc: r.Check.Why, Types: []string{f.Check},
			Analytic: analytic{UID: f.Check, Name: r.Check.Title, TypeID: 1, Type: "Rule", Version: s.Tool.Version},
			Tags:     controlTags(in.Controls[f.Check]),
		},
		Applications: []entity{{Name: t.text(r.Target), Type: "InfluxDB"}},
		Resources: []resource{{
			UID: t.text(r.Key()), Name: t.text(r.Description), Namespace: t.text(r.Target), Type: kindOf(r.Record), RoleID: 1, Role: "Target",
			Created: millis(r.CreatedAt), Modified: millis(r.UpdatedAt),
		}},
		Unmapped: unmapped{Run: s.ID, State: string(f.State), Product: r.ProductName},
	}
	if !f.Current() { // since when says no more than that
		e.FindingInfo.Modified = millis(f.Since)
	} else {
		e.FindingInfo.FirstSeen, e.FindingInfo.LastSeen = millis(f.Since), millis(r.LastSeen)
	}
	if r.Check.Fix != "" {
		e.Remediation = &remediation{Desc: r.Check.Fix}
	}
	if a := f.Approval; a != nil {
		e.Comment = fmt.Sprintf("Excepted until %s: %s (requested by %s, approved by %s", a.Expires.UTC().Format(time.RFC3339), a.Reason, a.Requested, a.ApprovedBy)
		if a.Ticket != "" {
			e.Comment += ", ticket " + a.Ticket
		}
		e.Comment = t.text(e.Comment + ")")
	}
	if !r.IsServer() { // else it is no authorization
		e.identity = t.identity(s.Policy, r)
		e.Unmapped.Status, e.Unmapped.Presence, e.Unmapped.OwnerState = t.text(string(r.Status)), string(r.Presence), string(r.Owner.State)
		if !r.Product.V2() {
			e.Unmapped.StatusNow, e.Unmapped.Expires, e.Unmapped.Revoked = string(r.StatusAt(r.Now)), millis(r.ExpiresAt), millis(r.RevokedAt)
		}
		e.Unmapped.PresenceEvidence, e.Unmapped.OwnerEvidence = t.text(r.Evidence), t.text(r.Owner.Evidence)
	}
	e.Metadata = metadata{
		Version: "1.8.0", Product: product{Name: s.Tool.Name, Vendor: s.Tool.Name, Version: s.Tool.Version},
		UID: s.ID + "/" + e.FindingInfo.UID, Correlation: s.ID, Truncated: t.cut,
	}
	return e
}

// controlTags has a tag for each framework and strength.
func controlTags(controls []audit.Control) []tag {
	var tags []tag
	for _, c := range controls {
		name := fmt.Sprintf("relates to %s %s (%s)", c.Framework, c.Version, c.Strength)
		if n := len(tags); n == 0 || tags[n-1].Name != name {
			tags = append(tags, tag{Name: name})
		}
		last := &tags[len(tags)-1]
		last.Values = append(last.Values, c.ID)
	}
	return tags
}

func kindOf(r audit.Record) string {
	switch {
	case r.ID == audit.ServerID:
		return "InfluxDB server"
	case r.IsOfOtherOrg():
		return "InfluxDB authorization of another org"
	case r.IsCredential():
		return "tokenaudit credential"
	case r.IsServer():
		return "tokenaudit exceptions"
	case r.Product == audit.ProductV1:
		return r.Product.Name() + " user"
	case !r.Product.V2():
		return r.Product.Name() + " token"
	case r.Legacy:
		return "InfluxDB 1.x authorization"
	}
	return "InfluxDB authorization"
}

// millis since 1970 as OCSF has its times; 0, which is left out, for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// trimmer makes what comes from outside safe and short, and knows whether it cut
// anything.
type trimmer struct{ cut bool }

func (t *trimmer) text(s string) string {
	line := audit.Line(s, longestText)
	t.cut = t.cut || line != audit.Visible(s, false)
	return line
}

// identity is the authorization and its owner, if anything is known of one. Whether
// that is a person cannot be told, so a type stands only where the policy says service
// user.
func (t *trimmer) identity(p audit.AppliedPolicy, r *table.Row) identity {
	key := t.text(r.Key())
	granted := permissions{Policy: policy{UID: key, Name: r.Access.Class(), Desc: t.text(r.Access.WriteScope())}, Count: len(r.Permissions)}
	t.cut = t.cut || len(r.Permissions) > mostPrivileges
	for _, p := range r.Permissions[:min(len(r.Permissions), mostPrivileges)] {
		granted.Granted = append(granted.Granted, t.text(p.String()))
	}
	out := identity{Metrics: &metrics{Credentials: []credential{{UID: key, Type: "API Token"}}}, Permissions: []permissions{granted}}
	u := user{UID: t.text(r.UserID), Name: t.text(r.OwnerName())}
	if u.UID == "" && u.Name == "" {
		return out
	}
	if r.IsService(p) {
		u.TypeID, u.Type = 4, "Service"
	}
	if r.OrgID != "" || r.Org != "" {
		u.Org = &entity{UID: t.text(r.OrgID), Name: t.text(r.Org)}
	}
	out.User = &u
	return out
}
