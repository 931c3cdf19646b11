package evidence

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// recordWriter has the newest time of each kind: most come again and again.
type recordWriter struct{ created, first, last, since newestTime }

// append appends r as one line of JSON, to the byte as encoding/json writes it
// without escapes for HTML: tests hold it to that. It is many times faster, and a
// snapshot has as many lines as there are authorizations.
func (rw *recordWriter) append(b []byte, r *audit.Record) (_ []byte, err error) {
	b = appendText(append(b, `{"target":`...), r.Target)
	if b, err = rw.appendAuthorization(b, &r.Authorization); err != nil {
		return b, err
	}
	b = appendText(append(b, `,"presence":`...), string(r.Presence))
	b = appendOptional(b, `,"evidence":`, r.Evidence)
	b = appendOwner(append(b, `,"owner":`...), &r.Owner)
	b = appendTrue(b, `,"orgDeleted":`, r.OrgDeleted)
	if len(r.Changes) > 0 {
		if b, err = appendAny(append(b, `,"changes":`...), r.Changes); err != nil {
			return b, err
		}
	}
	if b, err = rw.first.append(append(b, `,"firstSeen":`...), r.FirstSeen); err != nil {
		return b, err
	}
	if b, err = rw.last.append(append(b, `,"lastSeen":`...), r.LastSeen); err != nil {
		return b, err
	}
	if b, err = rw.appendFindings(b, r.Findings); err != nil {
		return b, err
	}
	return append(b, '}', '\n'), nil
}

func (rw *recordWriter) appendAuthorization(b []byte, a *audit.Authorization) (_ []byte, err error) {
	b = appendText(append(b, `,"id":`...), a.ID)
	b = appendText(append(b, `,"orgID":`...), a.OrgID)
	b = appendOptional(b, `,"org":`, a.Org)
	b = appendText(append(b, `,"userID":`...), a.UserID)
	b = appendOptional(b, `,"user":`, a.User)
	b = appendText(append(b, `,"description":`...), a.Description)
	b = appendText(append(b, `,"status":`...), string(a.Status))
	b = appendPermissions(append(b, `,"permissions":`...), a.Permissions)
	if !a.CreatedAt.IsZero() {
		if b, err = rw.created.append(append(b, `,"createdAt":`...), a.CreatedAt); err != nil {
			return b, err
		}
	}
	if !a.UpdatedAt.IsZero() {
		if b, err = rw.created.append(append(b, `,"updatedAt":`...), a.UpdatedAt); err != nil {
			return b, err
		}
	}
	return appendTrue(b, `,"legacy":`, a.Legacy), nil
}

func appendPermissions(b []byte, ps []audit.Permission) []byte {
	if ps == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range ps {
		if i > 0 {
			b = append(b, ',')
		}
		r := &ps[i].Resource
		b = appendText(append(b, `{"action":`...), ps[i].Action)
		b = appendText(append(b, `,"resource":{"type":`...), r.Type)
		b = appendOptional(b, `,"id":`, r.ID)
		b = appendOptional(b, `,"name":`, r.Name)
		b = appendOptional(b, `,"orgID":`, r.OrgID)
		b = appendOptional(b, `,"org":`, r.Org)
		b = append(b, '}', '}')
	}
	return append(b, ']')
}

func appendOwner(b []byte, o *audit.Owner) []byte {
	b = appendText(append(b, `{"id":`...), o.ID)
	b = appendOptional(b, `,"name":`, o.Name)
	b = appendText(append(b, `,"state":`...), string(o.State))
	b = appendTrue(b, `,"membershipKnown":`, o.MembershipKnown)
	return append(appendOptional(b, `,"evidence":`, o.Evidence), '}')
}

func (rw *recordWriter) appendFindings(b []byte, fs []audit.Finding) (_ []byte, err error) {
	if len(fs) == 0 {
		return b, nil
	}
	b = append(b, `,"findings":[`...)
	for i := range fs {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = rw.appendFinding(b, &fs[i]); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (rw *recordWriter) appendFinding(b []byte, f *audit.Finding) (_ []byte, err error) {
	b = appendText(append(b, `{"check":`...), f.Check)
	b = appendText(append(b, `,"severity":`...), string(f.Severity))
	b = appendOptional(b, `,"detail":`, f.Detail)
	b = appendText(append(b, `,"state":`...), string(f.State))
	if b, err = rw.since.append(append(b, `,"since":`...), f.Since); err != nil {
		return b, err
	}
	if f.Approval != nil {
		if b, err = appendAny(append(b, `,"approval":`...), f.Approval); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendAny is for what is rare.
func appendAny(b []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...), err
}

func appendOptional(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, key...), s)
}

func appendTrue(b []byte, key string, v bool) []byte {
	if !v {
		return b
	}
	return strconv.AppendBool(append(b, key...), v)
}

// newestTime is the newest time of a member, and its text in quotes.
type newestTime struct {
	text []byte
	time time.Time
}

func (n *newestTime) append(b []byte, t time.Time) ([]byte, error) {
	if t == n.time && len(n.text) > 0 { // not Equal: another zone has another text
		return append(b, n.text...), nil
	}
	start := len(b)
	b, err := t.AppendText(append(b, '"'))
	if err != nil {
		return b, err
	}
	b = append(b, '"')
	n.text, n.time = append(n.text[:0], b[start:]...), t
	return b, nil
}

const hexDigits = "0123456789abcdef"

func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := len(b)
	if b = append(b, s...); plain(b[start:]) {
		return append(b, '"')
	}
	return appendEscaped(b[:start], s)
}

// appendEscaped appends s, and the closing quote.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if c < utf8.RuneSelf {
			b = appendEscape(append(b, s[from:i]...), c)
		} else if r, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			b = append(append(b, s[from:i]...), `\ufffd`...)
		} else if r == '\u2028' || r == '\u2029' {
			size = n
			b = append(append(b, s[from:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xF])
		} else {
			i += n
			continue
		}
		i += size
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// appendEscape writes a control character, a quote or a backslash.
func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}
