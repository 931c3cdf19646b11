// Package roster reads who belongs to the house: a file that HR or an identity provider
// exports, as CSV with a header, as a JSON array of objects, or as the list of users of
// SCIM (RFC 7644). It takes the file user by user and keeps IDs, names and states. No
// error repeats what is in the file.
package roster

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// Bounds of a roster.
const (
	largestFile = 256 << 20
	mostUsers   = 1_000_000
	longestCell = 4 << 10
)

// File is a roster in a file, which may be exported anew at any time.
type File struct {
	Path   string
	MaxAge time.Duration // beyond which it is not judged by

	mu   sync.Mutex
	at   time.Time     // guarded by mu
	read *audit.Roster // as it was at that time; guarded by mu
}

// At is the roster as a review at that time finds it, the same for all of its targets.
func (f *File) At(now time.Time) *audit.Roster {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read == nil || !f.at.Equal(now) {
		f.at, f.read = now, f.load(now)
	}
	return f.read
}

func (f *File) load(now time.Time) *audit.Roster {
	r, err := read(f.Path, now)
	switch {
	case err != nil:
		r.Unusable = err.Error()
	case now.Sub(r.Of) > f.MaxAge:
		r.Unusable = fmt.Sprintf("%s was made on %s and is older than roster_max_age (%d days)", f.Path, r.Of.UTC().Format(time.DateOnly), int(f.MaxAge.Hours()/24))
	}
	return r
}

// Check reads the file as a review does, and says why it cannot be used, whatever its age.
func Check(path string) error {
	_, err := read(path, time.Now())
	return err
}

// read gives what could be read with an error, too.
func read(path string, now time.Time) (*audit.Roster, error) {
	l := &loading{roster: &audit.Roster{Name: filepath.Base(path)}, now: now}
	err := l.load(path)
	if err == nil && l.roster.Users == 0 {
		err = errors.New(path + " has no user")
	}
	return l.roster, err
}

// loading is the state of reading one file.
type loading struct {
	roster *audit.Roster
	now    time.Time

	line    int       // of the user at hand, 0 where it is not known
	rows    int       // of JSON, with those that name no user
	newest  time.Time // of the dates
	undated places    // that have a date which cannot be read
	unclear places    // that have a status which is none that is known
}

// places counts users, and keeps where the first one is.
type places struct {
	n     int
	first string
}

func (p *places) add(l *loading) {
	if p.n++; p.n > 1 {
		return
	}
	p.first = fmt.Sprintf("the first in line %d", l.line)
	if l.line == 0 { // of JSON, which has no lines of its own
		p.first = fmt.Sprintf("the first in entry %d", l.rows)
	}
}

func (l *loading) load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the file under roster: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New(path + " is a folder")
	case info.Size() > largestFile:
		return fmt.Errorf("%s is larger than the limit of %d MiB", path, largestFile>>20)
	}
	sum := sha256.New()
	whole := io.TeeReader(io.LimitReader(f, largestFile), sum)
	in := bufio.NewReaderSize(whole, 64<<10)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		in.Discard(3)
	}
	if err := l.users(in); err != nil {
		var at *lineError
		if errors.As(err, &at) && at.line == 0 && at.offset >= 0 {
			at.line = lineAt(f, at.offset)
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return err
	}
	r := l.roster
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if l.unclear.n > 0 {
		r.Unclear = fmt.Sprintf("%s: unknown status of %s, %s. These users are not checked. Known are active, enabled, true, on leave, inactive, disabled, false, terminated, suspended, left and more (tokenaudit help roster)", path, audit.Plural(l.unclear.n, "user"), l.unclear.first)
	}
	r.Of = l.newest
	switch {
	case !l.newest.IsZero():
	case l.undated.n > 0:
		return fmt.Errorf("%s: the dates cannot be read, %s; write dates as 2026-11-28", path, l.undated.first)
	default:
		r.Of, r.OfFile = info.ModTime(), true
	}
	return nil
}

// users tells JSON from CSV by how it begins.
func (l *loading) users(in *bufio.Reader) error {
	head, _ := in.Peek(4 << 10)
	switch text := bytes.TrimLeft(head, " \t\r\n"); {
	case bytes.IndexByte(head, 0) >= 0:
		return errors.New("it is not UTF-8 text")
	case len(text) == 0:
		return errors.New("it is empty")
	case text[0] == '[' || text[0] == '{':
		return l.json(in)
	}
	return l.csv(in)
}

// lineError is a problem at a line, or at an offset from which the line follows.
type lineError struct {
	line   int
	offset int64
	text   string
}

func (e *lineError) Error() string {
	if e.line == 0 {
		return e.text
	}
	return fmt.Sprintf("line %d: %s", e.line, e.text)
}

// lineAt counts the lines up to an offset, which nothing but an error needs.
func lineAt(f io.ReadSeeker, offset int64) int {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0
	}
	n, in, buffer := 1, io.LimitReader(f, offset), make([]byte, 64<<10)
	for {
		got, err := in.Read(buffer)
		n += bytes.Count(buffer[:got], []byte("\n"))
		if err != nil {
			return n
		}
	}
}

// user is one user, field by field.
type user struct {
	id    string
	names []string
	state audit.RosterState
	dates []string
}

// set takes a field for what its name says; names of fields differ from source to source.
func (u *user) set(f field, value string) {
	value = strings.TrimSpace(value)
	switch f {
	case fieldID:
		u.id = strings.ToLower(value) // as the API writes IDs
	case fieldName:
		if value != "" {
			u.names = append(u.names, value)
		}
	case fieldDate:
		if value != "" {
			u.dates = append(u.dates, value)
		}
	case fieldStatus:
		state, known := states[folded(value)]
		if !known {
			state = audit.RosterUnclear
		}
		if rank(state) > rank(u.state) {
			u.state = state
		}
	}
}

// rank: of several fields the one that says the worst counts.
func rank(s audit.RosterState) int {
	switch s {
	case audit.RosterInactive:
		return 3
	case audit.RosterUnclear:
		return 2
	case audit.RosterActive:
		return 1
	}
	return 0
}

// add adds a user that is complete. Whoever has no status is active: it is in the file.
func (l *loading) add(u user) error {
	if u.id == "" && len(u.names) == 0 {
		return nil
	}
	if l.roster.Users == mostUsers {
		return &lineError{l.line, -1, fmt.Sprintf("more than %d users", mostUsers)}
	}
	if u.state == "" {
		u.state = audit.RosterActive
	}
	if u.state == audit.RosterUnclear {
		l.unclear.add(l)
	}
	l.roster.Add(u.id, u.names, u.state)
	for _, text := range u.dates {
		l.date(text)
	}
	return nil
}

// date keeps the newest one. A day that is still to come, as the last one of somebody
// who has given notice, says nothing of the file.
func (l *loading) date(text string) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "02.01.2006"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t.After(l.newest) && !t.After(l.now.Add(24*time.Hour)) {
			l.newest = t
		}
		return
	}
	l.undated.add(l)
}

// field is what a column or a key stands for.
type field byte

const (
	noField field = iota
	fieldID
	fieldName
	fieldStatus
	fieldDate
)

// fields by the name of the column or key, folded.
var fields = map[string]field{
	"id": fieldID, "userid": fieldID, "influxid": fieldID, "influxuserid": fieldID, "influxdbuserid": fieldID,
	"name": fieldName, "username": fieldName, "user": fieldName, "login": fieldName, "email": fieldName, "emails": fieldName, "emailaddress": fieldName,
	"mail": fieldName, "userprincipalname": fieldName, "upn": fieldName,
	"status": fieldStatus, "state": fieldStatus, "active": fieldStatus, "enabled": fieldStatus, "accountenabled": fieldStatus,
	"accountstatus": fieldStatus, "userstatus": fieldStatus, "employmentstatus": fieldStatus,
	"date": fieldDate, "asof": fieldDate, "exported": fieldDate, "exportedat": fieldDate, "exportdate": fieldDate,
	"lastmodified": fieldDate, "modified": fieldDate, "updated": fieldDate, "updatedat": fieldDate, "lastupdated": fieldDate, "metalastmodified": fieldDate,
}

// states by the word for them, folded: those of SCIM, Okta, Entra ID and of people.
var states = map[string]audit.RosterState{
	"active": audit.RosterActive, "enabled": audit.RosterActive, "true": audit.RosterActive, "yes": audit.RosterActive, "1": audit.RosterActive,
	"employed": audit.RosterActive, "current": audit.RosterActive, "provisioned": audit.RosterActive, "recovery": audit.RosterActive, "passwordexpired": audit.RosterActive,
	"lockedout": audit.RosterActive, "onleave": audit.RosterActive, "leaveofabsence": audit.RosterActive, "leave": audit.RosterActive, "loa": audit.RosterActive,
	"inactive": audit.RosterInactive, "disabled": audit.RosterInactive, "false": audit.RosterInactive, "no": audit.RosterInactive, "0": audit.RosterInactive,
	"terminated": audit.RosterInactive, "left": audit.RosterInactive, "leaver": audit.RosterInactive, "suspended": audit.RosterInactive, "deactivated": audit.RosterInactive,
	"deprovisioned": audit.RosterInactive, "deleted": audit.RosterInactive, "removed": audit.RosterInactive, "retired": audit.RosterInactive, "resigned": audit.RosterInactive,
	"former": audit.RosterInactive, "offboarded": audit.RosterInactive, "blocked": audit.RosterInactive,
}

func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-./\t", r) {
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(s)))
}

func valid(s string) bool { return len(s) <= longestCell && utf8.ValidString(s) }
