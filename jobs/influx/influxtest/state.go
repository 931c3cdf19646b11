package influxtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Values of status.
const (
	Active   = "active"
	Inactive = "inactive"
)

const (
	member = "member"
	owner  = "owner"
)

// state is what InfluxDB keeps in its key value store. Stored authorizations are
// never changed, only replaced, so that a list being written needs no lock.
type state struct {
	orgs    map[string]*org
	users   map[string]*user
	buckets map[string]*bucket
	userIDs map[string]string            // by name
	roles   map[string]map[string]string // by organization id and user id

	authorizations, legacy store
	tokens                 map[string]string // authorization ids by value
	generated              generated

	lastUser, lastOrg, lastBucket uint64
}

// store is one of InfluxDB's two kinds of authorizations.
type store struct {
	stored map[string]*Authorization
	last   uint64
}

// Snowflake ids ascend. InfluxDB draws those of users and authorizations from two
// generators of one machine, so that equal ids of both kinds do occur (T39).
const (
	firstSnowflake       = 0x11adece381a52000
	firstLegacySnowflake = 0x11adece390252000
)

func newState() state {
	return state{
		orgs:           map[string]*org{},
		users:          map[string]*user{},
		buckets:        map[string]*bucket{},
		userIDs:        map[string]string{},
		roles:          map[string]map[string]string{},
		authorizations: store{map[string]*Authorization{}, firstSnowflake - 1},
		legacy:         store{map[string]*Authorization{}, firstLegacySnowflake - 1},
		tokens:         map[string]string{},
		lastUser:       firstSnowflake - 1,
	}
}

type org struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Storage     string    `json:"defaultStorageType,omitempty"` // Cloud only
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

type user struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

func next(last *uint64) string {
	*last++
	return formatID(*last)
}

// scrambledID gives organizations and buckets ids without order, yet the same in
// every run.
func scrambledID(kind string, last *uint64) string {
	*last++
	return digest(fmt.Sprintf("%s %d", kind, *last))[:16]
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// tokenValue marks every generated value, so that tests can search artefacts for it.
func tokenValue(id string) string { return "canary-token-" + digest(id) }

func ascending[T any](records map[string]T) []string {
	return slices.Sorted(maps.Keys(records))
}

func (st *state) userByName(name string) (*user, error) {
	return st.userByID(st.userIDs[name])
}

func (st *state) orgByName(name string) (*org, error) {
	for _, o := range st.orgs {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, missing(`organization name "` + name + `" not found`)
}

func (st *state) userByID(id string) (*user, error) {
	if u := st.users[id]; u != nil {
		return u, nil
	}
	return nil, missing("user not found")
}

func (st *state) orgByID(id string) (*org, error) {
	if o := st.orgs[id]; o != nil {
		return o, nil
	}
	return nil, missing("organization not found")
}

func (st *state) bucketByID(id string) (*bucket, error) {
	if b := st.buckets[id]; b != nil {
		return b, nil
	}
	return nil, missing("bucket not found")
}
