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

func (e *Events) Finish(context.Context) ([]table.Shown, error) {
	return nil, errors.Join(e.buf.Flush(), e.file.Sync())
}

func (e *Events) Close() error { return e.file.Close() }

func newEvent(in table.Input, r *table.Row) event {
	t := new(trimmer)
	e := event{
		class:        classOf(r.Finding),
		Time:         millis(in.Summary.Started),
		Message:      t.text(strings.TrimSuffix(r.Check.Title+": "+r.Finding.Detail, ": ")),
		Comment:      t.comment(r.Finding.Approval),
		FindingInfo:  t.findingInfo(in, r),
		Applications: []entity{{Name: t.text(r.Target), Type: "InfluxDB"}},
		Resources:    []resource{t.resource(r.Record)},
		Unmapped:     t.unmapped(in, r),
	}
	if r.Check.Fix != "" {
		e.Remediation = &remediation{Desc: r.Check.Fix}
	}
	if !r.IsServer() {
		e.identity = t.identity(in, r)
	}
	e.Metadata = metadataOf(in.Summary, e.FindingInfo.UID, t.cut)
	return e
}

// classOf numbers an event as OCSF has it: 2 is Findings, 2008 the class in it.
func classOf(f audit.Finding) class {
	status, severity := states()[f.State], severities()[f.Severity]
	return class{
		CategoryUID: 2, CategoryName: "Findings",
		ClassUID: 2008, ClassName: "IAM Analysis Finding",
		ActivityID: status.activity.id, ActivityName: status.activity.caption(),
		TypeUID: 200800 + status.activity.id, TypeName: "IAM Analysis Finding: " + status.activity.caption(),
		SeverityID: severity.id, Severity: severity.caption(),
		StatusID: status.id, Status: status.caption(),
	}
}

func metadataOf(s audit.Summary, finding string, cut bool) metadata {
	return metadata{
		Version:     "1.8.0",
		Product:     product{Name: s.Tool.Name, Vendor: s.Tool.Name, Version: s.Tool.Version},
		UID:         s.ID + "/" + finding,
		Correlation: s.ID,
		Truncated:   cut,
	}
}

// findingInfo of a resolved finding has no times but the one at which it was seen
// gone: Since of such a one says no more.
func (t *trimmer) findingInfo(in table.Input, r *table.Row) findingInfo {
	info := findingInfo{
		UID:   t.text(strings.Join([]string{r.Target, r.OrgID, r.Key(), r.Finding.Check}, "/")),
		Title: r.Check.Title, Desc: r.Check.Why, Types: []string{r.Finding.Check},
		Analytic: analytic{UID: r.Finding.Check, Name: r.Check.Title, TypeID: 1, Type: "Rule", Version: in.Summary.Tool.Version},
		Tags:     controlTags(in.Controls[r.Finding.Check]),
	}
	if r.Finding.State == audit.Resolved {
		info.Modified = millis(r.Finding.Since)
		return info
	}
	info.FirstSeen, info.LastSeen = millis(r.Finding.Since), millis(r.LastSeen)
	return info
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

func (t *trimmer) resource(r audit.Record) resource {
	return resource{
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

func (t *trimmer) identity(in table.Input, r *table.Row) identity {
	key := credential{UID: t.text(r.Key()), Type: "API Token"}
	return identity{
		User:    t.user(in.Summary.Policy, r),
		Metrics: &metrics{Credentials: []credential{key}},
		Permissions: []permissions{{
			Policy:  policy{UID: key.UID, Name: r.Access.Class(), Desc: t.text(r.Access.WriteScope())},
			Granted: t.privileges(r.Permissions),
			Count:   len(r.Permissions),
		}},
	}
}
