package influxdb3

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
)

// sumDigits is how much of the hash of a token is kept: what InfluxDB 3 shows since 3.0.2.
// These 36 bits tell that a token was replaced, and are of no use for guessing it.
const sumDigits = 9

// tokenRow is a row of system.tokens. Columns are found by their names. One that is
// missing or null is not set; those that are not known are skipped.
type tokenRow struct {
	ID          tokenID     `json:"token_id"`
	Name        *string     `json:"name"`
	Hash        *hashPrefix `json:"hash"`
	CreatedAt   stamp       `json:"created_at"`
	UpdatedAt   stamp       `json:"updated_at"`
	Expiry      stamp       `json:"expiry"`
	Permissions permissions `json:"permissions"`
}

// decodeTokens reads a JSON array of rows and hands on one at a time. The array must end,
// and nothing may follow it: a cut or foreign 200 is an error, not an empty list.
func decodeTokens(r io.Reader, each func(*tokenRow) error) error {
	from := api.NewBounded(r, api.LargestRow)
	dec := jsontext.NewDecoder(from, api.Decoding())
	if err := api.Begin(dec, '['); err != nil {
		return err
	}
	for {
		from.Renew()
		if dec.PeekKind() == ']' {
			if _, err := dec.ReadToken(); err != nil {
				return api.Malformed(err)
			}
			return api.End(dec)
		}
		var row tokenRow
		if err := json.UnmarshalDecode(dec, &row); err != nil {
			return api.Malformed(err)
		}
		if !row.ID.set {
			return errors.New("a token without token_id")
		}
		if err := each(&row); err != nil {
			return &api.CallbackError{Err: err}
		}
	}
}

// misdated: a date of it is none, or there is none of its creation.
func (row *tokenRow) misdated() bool {
	return row.CreatedAt.IsZero() || row.UpdatedAt.none || row.UpdatedAt.far || row.Expiry.none
}

// authorization is the token, without its org; see placed.
func (row *tokenRow) authorization() audit.Authorization {
	a := audit.Authorization{
		ID: fmt.Sprintf("%016x", row.ID.n), Status: audit.Active, Permissions: row.Permissions.list,
		CreatedAt: row.CreatedAt.Time, UpdatedAt: row.UpdatedAt.Time, ExpiresAt: row.Expiry.Time,
	}
	if row.Hash != nil {
		a.SecretSum = string(*row.Hash)
	}
	if row.Name != nil {
		a.Description = api.WithoutTokens(*row.Name)
	}
	return a
}

// tokenID is a number of 64 bits. It is taken as a string of digits, too.
type tokenID struct {
	n   uint64
	set bool
}

func (id *tokenID) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if *id = (tokenID{}); err != nil || string(value) == "null" {
		return err
	}
	id.n, err = strconv.ParseUint(strings.Trim(string(value), `"`), 10, 64)
	if err != nil {
		return errors.New("no number") // without what it is
	}
	id.set = true
	return nil
}

// hashPrefix is what is kept of a hash. It is empty where there is something else.
type hashPrefix string

func (h *hashPrefix) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	digits := strings.Trim(string(value), `"`)
	if *h = ""; len(digits) >= sumDigits && strings.Trim(digits, "0123456789abcdef") == "" && value.Kind() == '"' {
		*h = hashPrefix(strings.Clone(digits[:sumDigits]))
	}
	return nil
}

// stamp is a time, which InfluxDB 3 writes without a zone, in UTC. It is zero where there
// is none, and, with none, where it cannot be read, or, with far, where it is beyond the
// year 9999, which no other program can write down. As an expiry that is never.
type stamp struct {
	time.Time
	none, far bool
}

var beyond = regexp.MustCompile(`^\+\d{5,}-\d\d-\d\dT`)

func (s *stamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if *s = (stamp{}); err != nil || string(value) == "null" {
		return err
	}
	text, ok := strings.Trim(string(value), `"`), false
	for _, layout := range []string{"2006-01-02T15:04:05", time.RFC3339} { // with or without a fraction
		if at, err := time.Parse(layout, text); err == nil && value.Kind() == '"' {
			s.Time, ok = at.UTC(), true
		}
	}
	switch {
	case beyond.MatchString(text), ok && s.Year() > 9999:
		*s = stamp{far: true}
	case !ok, s.Year() < 0:
		*s = stamp{none: true}
	}
	return nil
}

// permissions is that column, parsed; its list is nil where there is none.
type permissions struct{ list []audit.Permission }

func (p *permissions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if *p = (permissions{}); err != nil || string(value) == "null" {
		return err
	}
	column := string(value)
	if value.Kind() == '"' {
		if err := json.Unmarshal(value, &column, api.Decoding()); err != nil {
			return err
		}
	}
	p.list = parsePermissions(column)
	return nil
}
