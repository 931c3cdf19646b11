// Package sorted keeps the authorizations of a review, on disk where there are many, and
// gives them in the order in which they are compared with the review before.
package sorted

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	_ "modernc.org/sqlite" // sorts what comes out of order

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// List collects authorizations from any number of lists, in any order, and gives
// them in ascending order of their IDs, each once. As long as they ascend, as the
// lists of OSS do, they are written down one after the other; what comes out of
// order is sorted by a temporary database. Beyond some megabytes both lie in files
// without a name, so that nothing is left behind however the program ends.
type List struct {
	ascending spool
	others    *sorter // nil as long as everything ascends

	contradictions Contradictions // that the newest walk met
}

// Contradictions count the authorizations of which two views differ in what no view
// may differ in.
type Contradictions struct {
	N     int
	First []string // of them, with what differs
}

// Add keeps nothing of the permissions of a, which may be used again.
func (s *List) Add(a audit.Authorization) error {
	key := a.Key()
	if s.ascending.encoder == nil || key > s.ascending.last {
		return s.ascending.add(key, a)
	}
	if s.others == nil {
		var err error
		if s.others, err = newSorter(); err != nil {
			return err
		}
	}
	return s.others.add(key, a)
}

// Mark is a moment in the life of a List; the zero Mark is its beginning.
type Mark struct {
	bytes int64  // of the spool
	last  string // key at its end
	rows  int    // of the sorter
}

// Mark is the present moment.
func (s *List) Mark() Mark {
	m := Mark{bytes: s.ascending.size + int64(len(s.ascending.tail)), last: s.ascending.last}
	if s.others != nil {
		m.rows = s.others.rows
	}
	return m
}

// Rollback forgets what was added since the mark, for a list that broke off.
func (s *List) Rollback(m Mark) error {
	if s.others != nil && s.others.rows > m.rows {
		if err := s.others.cut(m.rows); err != nil {
			return err
		}
	}
	return s.ascending.cut(m.bytes, m.last)
}

// Close frees the files. They have no name and are not needed again, so that
// there is nothing to do about an error.
func (s *List) Close() {
	s.ascending.close()
	if s.others != nil {
		s.others.close()
	}
}

// All walks what was collected; nothing may be added afterwards. One that several
// lists had is given with its fullest view: which names a list shows depends on who
// asked. Where views contradict each other, the one that works longest counts.
func (s *List) All() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		s.contradictions = Contradictions{}
		var held audit.Authorization
		have := false
		for a, err := range s.merged() {
			switch {
			case err != nil:
				yield(audit.Authorization{}, err)
				return
			case have && a.Key() == held.Key():
				s.contradictions.compare(held, a)
				if fuller(a, held) {
					held = a
				}
				continue
			case have && !yield(held, nil):
				return
			}
			held, have = a, true
		}
		if have {
			yield(held, nil)
		}
	}
}

// Contradictions are those that the newest walk met.
func (s *List) Contradictions() Contradictions { return s.contradictions }

func (c *Contradictions) compare(a, b audit.Authorization) {
	var differ []string
	if !audit.SamePermissions(a, b) && a.PermissionsKnown() && b.PermissionsKnown() {
		differ = append(differ, "permissions")
	}
	if a.UserID != b.UserID {
		differ = append(differ, "owner")
	}
	if a.OrgID != b.OrgID {
		differ = append(differ, "org")
	}
	if a.Status != b.Status {
		differ = append(differ, "status")
	}
	if !a.ExpiresAt.Equal(b.ExpiresAt) {
		differ = append(differ, "expiry")
	}
	if !a.RevokedAt.Equal(b.RevokedAt) {
		differ = append(differ, "revocation")
	}
	if !a.CreatedAt.Equal(b.CreatedAt) && !a.CreatedAt.IsZero() && !b.CreatedAt.IsZero() {
		differ = append(differ, "date of creation")
	}
	if a.SecretSum != b.SecretSum && a.SecretSum != "" && b.SecretSum != "" {
		differ = append(differ, "secret")
	}
	if len(differ) == 0 {
		return
	}
	const named = 5
	if c.N++; len(c.First) < named {
		c.First = append(c.First, audit.Line(a.ID, 40)+" in "+strings.Join(differ, ", "))
	}
}

// fuller reports whether view a of an authorization counts, and not b.
func fuller(a, b audit.Authorization) bool {
	if live, other := worksUntil(a), worksUntil(b); !live.Equal(other) {
		return live.After(other)
	}
	return names(a) > names(b)
}

// worksUntil is when a view says that the authorization ends: at the beginning of time if
// it is inactive.
func worksUntil(a audit.Authorization) time.Time {
	end := time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)
	if a.Status == audit.Inactive {
		return time.Time{}
	}
	for _, at := range []time.Time{a.ExpiresAt, a.RevokedAt} {
		if !at.IsZero() && at.Before(end) {
			end = at
		}
	}
	return end
}

// names counts what a view of an authorization shows.
func names(a audit.Authorization) int {
	n := len(a.Permissions)
	for _, named := range []string{a.User, a.Org} {
		if named != "" {
			n++
		}
	}
	for _, p := range a.Permissions {
		if p.Resource.Name != "" {
			n++
		}
	}
	return n
}

// merged walks both parts as one.
func (s *List) merged() iter.Seq2[audit.Authorization, error] {
	if s.others == nil {
		return s.ascending.all()
	}
	return func(yield func(audit.Authorization, error) bool) {
		next, stop := iter.Pull2(s.others.all())
		defer stop()
		b, errB, more := next()
		for a, err := range s.ascending.all() {
			for more && err == nil && (errB != nil || b.Key() < a.Key()) {
				if !yield(b, errB) {
					return
				}
				b, errB, more = next()
			}
			if !yield(a, err) {
				return
			}
		}
		for more && yield(b, errB) {
			b, errB, more = next()
		}
	}
}

// writtenDown is how an authorization is kept for a while: text as it came, and a list
// that is empty told from none.
func writtenDown() json.Options {
	return json.JoinOptions(api.Decoding(), json.FormatNilSliceAsNull(true))
}

// spoolBuffer is how much of a spool is in memory, at its end.
const spoolBuffer = 1 << 20

// spool is authorizations in ascending order, in a form that only this process reads.
type spool struct {
	last    string            // key at its end
	encoder *jsontext.Encoder // to the spool itself; nil as long as it is empty
	file    *os.File          // nil as long as all is in tail
	size    int64             // of the file
	tail    []byte
}

func (s *spool) add(key string, a audit.Authorization) error {
	if s.encoder == nil {
		s.encoder = jsontext.NewEncoder(s, writtenDown())
	}
	s.last = key
	err := json.MarshalEncode(s.encoder, a)
	if temp, ok := errors.AsType[*TempError](err); ok { // without the words of the encoder
		return temp
	}
	return err
}

// Write takes what the encoder makes of one authorization.
func (s *spool) Write(b []byte) (_ int, err error) {
	if s.tail = append(s.tail, b...); len(s.tail) < spoolBuffer {
		return len(b), nil
	}
	if s.file == nil {
		if s.file, err = TempFile(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(s.tail)
	s.size += int64(n)
	s.tail = s.tail[:0]
	if err != nil {
		return 0, &TempError{err}
	}
	return len(b), nil
}

// cut takes what was written after so many bytes away; last is the key at its end then.
func (s *spool) cut(bytes int64, last string) error {
	s.last, s.encoder = last, nil
	if bytes > 0 {
		s.encoder = jsontext.NewEncoder(s, writtenDown())
	}
	if bytes >= s.size {
		s.tail = s.tail[:bytes-s.size]
		return nil
	}
	s.tail, s.size = s.tail[:0], bytes
	err := s.file.Truncate(bytes)
	if err == nil {
		_, err = s.file.Seek(bytes, io.SeekStart)
	}
	if err != nil {
		return &TempError{err}
	}
	return nil
}

func (s *spool) all() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		from := io.Reader(bytes.NewReader(s.tail))
		if s.file != nil {
			from = io.MultiReader(io.NewSectionReader(s.file, 0, s.size), from)
		}
		decoder := jsontext.NewDecoder(from, api.Decoding())
		for {
			var a audit.Authorization
			err := json.UnmarshalDecode(decoder, &a)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(audit.Authorization{}, &TempError{fmt.Errorf("what was written was read back changed: %w", err)})
				return
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// sorter is authorizations out of order, in a database that SQLite keeps in memory
// as far as its cache goes, then in a file without a name.
type sorter struct {
	db     *sql.DB
	conn   *sql.Conn // the only one: another would have a database of its own
	insert *sql.Stmt
	rows   int
}

func newSorter() (*sorter, error) {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, `PRAGMA journal_mode = OFF; PRAGMA cache_size = -8192;
			CREATE TABLE authorizations (key TEXT, n INTEGER, json BLOB, PRIMARY KEY (key, n)) WITHOUT ROWID; BEGIN`)
	}
	var insert *sql.Stmt
	if err == nil {
		insert, err = conn.PrepareContext(ctx, "INSERT INTO authorizations VALUES (?, ?, ?)")
	}
	if err != nil {
		return nil, errors.Join(&TempError{err}, db.Close())
	}
	return &sorter{db: db, conn: conn, insert: insert}, nil
}

func (s *sorter) add(key string, a audit.Authorization) error {
	row, err := json.Marshal(a, writtenDown())
	if err != nil {
		return err
	}
	s.rows++
	if _, err := s.insert.Exec(key, s.rows, row); err != nil {
		return &TempError{err}
	}
	return nil
}

// cut takes all but the first rows away.
func (s *sorter) cut(rows int) error {
	if _, err := s.conn.ExecContext(context.Background(), "DELETE FROM authorizations WHERE n > ?", rows); err != nil {
		return &TempError{err}
	}
	s.rows = rows
	return nil
}

func (s *sorter) all() iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		rows, err := s.conn.QueryContext(context.Background(), "SELECT json FROM authorizations ORDER BY key, n")
		if err != nil {
			yield(audit.Authorization{}, &TempError{err})
			return
		}
		defer rows.Close()
		for rows.Next() {
			var row sql.RawBytes
			var a audit.Authorization
			err := rows.Scan(&row)
			if err == nil {
				err = json.Unmarshal(row, &a, api.Decoding())
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Authorization{}, &TempError{err})
		}
	}
}

func (s *sorter) close() { _ = errors.Join(s.insert.Close(), s.conn.Close(), s.db.Close()) }

// TempError is a fault of this machine's temporary folder, and none of the server.
type TempError struct{ Err error }

func (e *TempError) Error() string {
	return fmt.Sprintf("the temporary folder of this machine, %s: %v; free some space there, or set TMPDIR to another folder", os.TempDir(), e.Err)
}

func (e *TempError) Unwrap() error { return e.Err }

// TempFile is a file without a name, that only this user may read: nothing is left of
// it however the program ends.
func TempFile() (*os.File, error) {
	f, err := os.CreateTemp("", "tokenaudit-*")
	if err != nil {
		return nil, &TempError{err}
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(&TempError{err}, f.Close())
	}
	return f, nil
}
