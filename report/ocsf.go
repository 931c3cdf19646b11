package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tokenaudit/jobs/audit"
)

const ocsfFile = "findings.ocsf.jsonl"

// What keeps an event small enough for a SIEM, however long a text or a list is. An
// event that lacks something says is_truncated; the CSV files have all of it.
const (
	longestText    = 1000 // characters
	mostPrivileges = 1000
)

// writeOCSF writes each finding as an IAM Analysis Finding of OCSF 1.8, one JSON
// object a line, in the order of the records. It walks the records and not the
// piles of findings, which have no permissions.
func writeOCSF(ctx context.Context, d *draft) error {
	return d.File(ocsfFile, func(w io.Writer) error {
		out := json.NewEncoder(w)
		for r, err := range d.records(ctx) {
			if err != nil {
				return err
			}
			if err := d.writeEvents(out, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *draft) writeEvents(out *json.Encoder, r audit.Record) error {
	for _, f := range r.Findings {
		if !f.Reported(d.in.Summary.Started) {
			continue
		}
		if err := out.Encode(newEvent(d.in, r, f)); err != nil {
			return err
		}
	}
	return nil
}

func newEvent(in Input, r audit.Record, f audit.Finding) ocsfEvent {
	t := new(trimmer)
	row := &row{Record: r, finding: f, check: audit.CheckOf(f.Check), access: audit.AccessOf(r.Authorization), now: in.Summary.Started}
	e := ocsfEvent{
		ocsfClass:    classOf(f),
		Time:         millis(in.Summary.Started),
		Message:      t.text(strings.TrimSuffix(row.check.Title+": "+f.Detail, ": ")),
		Comment:      t.comment(f.Approval),
		FindingInfo:  t.findingInfo(in, row),
		Applications: []ocsfEntity{{Name: t.text(r.Target), Type: "InfluxDB"}},
		Resources:    []ocsfResource{t.resource(r)},
		Unmapped:     t.unmapped(in, row),
	}
	if row.check.Fix != "" {
		e.Remediation = &ocsfRemediation{Desc: row.check.Fix}
	}
	if !r.IsServer() {
		e.ocsfIdentity = t.identity(in, row)
	}
	e.Metadata = metadataOf(in.Summary, e.FindingInfo.UID, t.cut)
	return e
}

// classOf numbers an event as OCSF has it: 2 is Findings, 2008 the class in it.
func classOf(f audit.Finding) ocsfClass {
	status, severity := ocsfStates()[f.State], ocsfSeverities()[f.Severity]
	return ocsfClass{
		CategoryUID: 2, CategoryName: "Findings",
		ClassUID: 2008, ClassName: "IAM Analysis Finding",
		ActivityID: status.activity.id, ActivityName: status.activity.caption(),
		TypeUID: 200800 + status.activity.id, TypeName: "IAM Analysis Finding: " + status.activity.caption(),
		SeverityID: severity.id, Severity: severity.caption(),
		StatusID: status.id, Status: status.caption(),
	}
}

func metadataOf(s audit.Summary, finding string, cut bool) ocsfMetadata {
	return ocsfMetadata{
		Version:     "1.8.0",
		Product:     ocsfProduct{Name: s.Tool.Name, Vendor: s.Tool.Name, Version: s.Tool.Version},
		UID:         s.ID + "/" + finding,
		Correlation: s.ID,
		Truncated:   cut,
	}
}

// findingInfo of a resolved finding has no times but the one at which it was seen
// gone: Since of such a one says no more.
func (t *trimmer) findingInfo(in Input, r *row) ocsfFinding {
	info := ocsfFinding{
		UID:   t.text(strings.Join([]string{r.Target, r.OrgID, r.Key(), r.finding.Check}, "/")),
		Title: r.check.Title, Desc: r.check.Why, Types: []string{r.finding.Check},
		Analytic: ocsfAnalytic{UID: r.finding.Check, Name: r.check.Title, TypeID: 1, Type: "Rule", Version: in.Summary.Tool.Version},
		Tags:     controlTags(in.Controls[r.finding.Check]),
	}
	if r.finding.State == audit.Resolved {
		info.Modified = millis(r.finding.Since)
		return info
	}
	info.FirstSeen, info.LastSeen = millis(r.finding.Since), millis(r.LastSeen)
	return info
}

// controlTags has a tag for each framework and strength.
func controlTags(controls []audit.Control) []ocsfTag {
	var tags []ocsfTag
	for _, c := range controls {
		name := fmt.Sprintf("relates to %s %s (%s)", c.Framework, c.Version, c.Strength)
		if n := len(tags); n == 0 || tags[n-1].Name != name {
			tags = append(tags, ocsfTag{Name: name})
		}
		last := &tags[len(tags)-1]
		last.Values = append(last.Values, c.ID)
	}
	return tags
}

func (t *trimmer) resource(r audit.Record) ocsfResource {
	return ocsfResource{
		UID: t.text(r.Key()), Name: t.text(r.Description), Namespace: t.text(r.Target), Type: kindOf(r), RoleID: 1, Role: "Target",
		Created: millis(r.CreatedAt), Modified: millis(r.UpdatedAt),
	}
}

func kindOf(r audit.Record) string {
	switch {
	case r.ID == audit.ServerID:
		return "InfluxDB server"
	case r.IsServer():
		return "tokenaudit exceptions"
	case r.Legacy:
		return "InfluxDB 1.x authorization"
	}
	return "InfluxDB authorization"
}

func (t *trimmer) identity(in Input, r *row) ocsfIdentity {
	credential := ocsfCredential{UID: t.text(r.Key()), Type: "API Token"}
	return ocsfIdentity{
		User:    t.user(in.Summary.Policy, r),
		Metrics: &ocsfMetrics{Credentials: []ocsfCredential{credential}},
		Permissions: []ocsfPermissions{{
			Policy:  ocsfPolicy{UID: credential.UID, Name: r.access.Class(), Desc: t.text(r.access.WriteScope())},
			Granted: t.privileges(r.Permissions),
			Count:   len(r.Permissions),
		}},
	}
}
