package influx

import (
	"errors"
	"time"

	"tokenaudit/jobs/audit"
)

// wire is an authorization as the API sends it. Of the token it keeps only
// whether there was a value to read: the value is dropped while decoding and
// never enters the program's model.
type wire struct {
	ID          string             `json:"id"`
	OrgID       string             `json:"orgID"`
	Org         string             `json:"org"`
	UserID      string             `json:"userID"`
	User        string             `json:"user"`
	Description string             `json:"description"`
	Status      audit.Status       `json:"status"`
	Permissions []audit.Permission `json:"permissions"`
	CreatedAt   lenientTime        `json:"createdAt"`
	UpdatedAt   lenientTime        `json:"updatedAt"`
	Token       readable           `json:"token"`
}

// entry is an authorization with what the answer told beside it.
type entry struct {
	audit.Authorization
	tokenReadable bool
}

// readable is true for a token value in clear. Hashed tokens come as "", those of
// Cloud as "redacted". A 1.x authorization has its user name there.
type readable bool

func (r *readable) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `""`, `null`, `"redacted"`:
		*r = false
	default:
		*r = true
	}
	return nil
}

// lenientTime is zero where the server sends no time or one of another form; an
// unreadable date must not hide an authorization.
type lenientTime struct{ time.Time }

func (t *lenientTime) UnmarshalJSON(b []byte) error {
	if t.Time.UnmarshalJSON(b) != nil {
		t.Time = time.Time{}
	}
	return nil
}

func (w wire) entry() (entry, error) {
	if w.ID == "" {
		return entry{}, errors.New("an authorization without an id")
	}
	return entry{audit.Authorization{
		ID: w.ID, OrgID: w.OrgID, Org: w.Org, UserID: w.UserID, User: w.User,
		Description: w.Description, Status: w.Status, Permissions: w.Permissions,
		CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}, bool(w.Token)}, nil
}
