package influx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// boltStore is a bucket of authorizations: keys are IDs of 16 hex digits, values
// JSON (influxdb authorization/storage.go, v1/authorization/storage.go).
type boltStore struct {
	bucket, what string
	legacy       bool
}

func storeOf(legacy bool) boltStore {
	if legacy {
		return boltStore{bucket: "legacy/authorizationsv1", what: "1.x authorizations", legacy: true}
	}
	return boltStore{bucket: "authorizationsv1", what: "authorizations"}
}

// boltStores are in the order of Authorization.Key.
func boltStores() []boltStore { return []boltStore{storeOf(false), storeOf(true)} }

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

var errNotDecoded = errors.New("its record in the database file cannot be decoded")

// decodeStored does not say what is wrong with a record: the words of the decoder
// may hold some of it.
func decodeStored(row boltRow, store boltStore) (audit.Authorization, error) {
	var s storedAuthorization
	if err := json.Unmarshal(row.value, &s); err != nil || s.ID != row.key || !idPattern.MatchString(s.ID) {
		return audit.Authorization{}, errNotDecoded
	}
	if s.Status == "" { // as decodeAuthorization in influxdb authorization/storage_authorization.go
		s.Status = audit.Active
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

func (u *unreadable) add(row boltRow) {
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
