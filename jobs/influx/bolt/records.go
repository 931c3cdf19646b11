package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// tokenStore is a bucket of authorizations: keys are IDs of 16 hex digits, values
// JSON (influxdb authorization/storage.go, v1/authorization/storage.go).
type tokenStore struct {
	bucket, what string
	legacy       bool
}

func storeOf(legacy bool) tokenStore {
	if legacy {
		return tokenStore{bucket: "legacy/authorizationsv1", what: "1.x authorizations", legacy: true}
	}
	return tokenStore{bucket: "authorizationsv1", what: "authorizations"}
}

// tokenStores are in the order of Authorization.Key.
func tokenStores() []tokenStore { return []tokenStore{storeOf(false), storeOf(true)} }

// storedAuthorization is an authorization as InfluxDB keeps it (Authorization in
// influxdb auth.go), without the token, its hash, and the user name that a 1.x one
// has in place of a token.
type storedAuthorization struct {
	ID          string             `json:"id"`
	OrgID       string             `json:"orgID"`
	UserID      string             `json:"userID"`
	Description string             `json:"description"`
	Status      audit.Status       `json:"status"`
	Permissions []audit.Permission `json:"permissions"`
	CreatedAt   lenientTime        `json:"createdAt"`
	UpdatedAt   lenientTime        `json:"updatedAt"`
}

// lenientTime is zero where there is no time or one of another form; an unreadable
// date must not hide an authorization.
type lenientTime struct{ time.Time }

func (t *lenientTime) UnmarshalJSON(b []byte) error {
	if t.Time.UnmarshalJSON(b) != nil {
		t.Time = time.Time{}
	}
	return nil
}

var errNotDecoded = errors.New("its record in the database file cannot be decoded")

// decodeStored does not say what is wrong with a record: the words of the decoder
// may hold some of it.
func decodeStored(row record, store tokenStore) (audit.Authorization, error) {
	var s storedAuthorization
	if err := json.Unmarshal(row.value, &s); err != nil || s.ID != row.key || !target.IsID(s.ID) {
		return audit.Authorization{}, errNotDecoded
	}
	if s.Status == "" { // as decodeAuthorization in influxdb authorization/storage_authorization.go
		s.Status = audit.Active
	}
	if s.Permissions == nil { // null is how a token without any is stored
		s.Permissions = []audit.Permission{}
	}
	return audit.Authorization{
		ID: s.ID, OrgID: s.OrgID, UserID: s.UserID, Description: s.Description,
		Status: s.Status, Permissions: s.Permissions, Legacy: store.legacy,
		CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
	}, nil
}

// unreadable counts the records of a bucket that cannot be decoded.
type unreadable struct {
	rows int
	keys []string // the first of them
}

func (u *unreadable) add(row record) {
	const named = 20
	if u.rows++; len(u.keys) < named {
		u.keys = append(u.keys, row.name())
	}
}

func (u *unreadable) reason() string {
	more := ""
	if n := u.rows - len(u.keys); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%d cannot be decoded: %s%s", u.rows, strings.Join(u.keys, ", "), more)
}

// guarded calls into bbolt, which trusts the pages of its file: on a damaged one it
// panics, or reads outside of the memory map, and both become an error here. What
// it says of them is dropped, as it may hold what is in the file.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = errDamaged
		}
	}()
	return f()
}

// record is a key and its value, copied out of the memory map.
type record struct {
	key   string
	value []byte
}

// name of the record in messages. A key that is not an ID is not repeated.
func (r record) name() string {
	if target.IsID(r.key) {
		return r.key
	}
	return "a record without an ID"
}

// largestRow bounds what a damaged length can allocate.
const largestRow = 64 << 20

func copyRow(key, value []byte) (record, error) {
	if len(key)+len(value) > largestRow {
		return record{}, errDamaged
	}
	return record{string(key), bytes.Clone(value)}, nil
}

// rows walks a bucket in the order of its keys; one that does not exist is empty.
func (b *database) rows(bucket string) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		var at *bbolt.Cursor
		for last := ""; ; {
			var row record
			more := false
			err := guarded(func() (err error) {
				var key, value []byte
				if at != nil {
					key, value = at.Next()
				} else if found := b.tx.Bucket([]byte(bucket)); found != nil {
					at = found.Cursor()
					key, value = at.First()
				}
				more = key != nil
				row, err = copyRow(key, value)
				return err
			})
			if err == nil && more && row.key <= last {
				err = errDamaged
			}
			if err != nil {
				yield(record{}, err)
				return
			}
			if !more || !yield(row, nil) {
				return
			}
			last = row.key
		}
	}
}

// get gives the record under a key; none is not an error.
func (b *database) get(bucket, key string) (row record, found bool, err error) {
	err = guarded(func() (err error) {
		if in := b.tx.Bucket([]byte(bucket)); in != nil {
			value := in.Get([]byte(key))
			found = value != nil
			row, err = copyRow([]byte(key), value)
		}
		return err
	})
	return row, found, err
}
