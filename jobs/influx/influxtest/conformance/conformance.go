// Package conformance is the suite that this project's fake of InfluxDB and
// InfluxDB's own handlers both pass. A server is filled as the one was that the
// transcripts were recorded from (a World), gets requests (an Exchange each), and
// must answer as expected: status, error, what is listed in which order. Several
// servers are filled alike and must, besides, answer alike to the byte where ids
// and times do not differ by nature.
//
// Package influxtest runs it on the fake alone; the module contract on InfluxDB's
// handlers and the fake side by side.
package conformance

import (
	"net/http"
	"testing"
	"time"

	"tokenaudit/jobs/influx/influxtest"
)

// Server is an InfluxDB, and how a test fills and changes it.
type Server interface {
	http.Handler
	AddOrg(name string) (id string)
	AddUser(name string) (id string)
	AddMember(orgID, userID string)
	AddOwner(orgID, userID string)
	AddBucket(orgID, name string) (id string)
	AddAuthorization(influxtest.Authorization) (id, token string)
	AddLegacy(influxtest.Authorization) (id string)

	RenameOrg(id, name string)
	RestoreUser(id, name string)
	SetUserStatus(id, status string)
	SetStatus(authID, status string)
	DeleteUser(id string)
	DeleteOrg(id string)
	DeleteBucket(id string)
	DeleteAuthorization(id string)
	Poison(authID string)
}

// Start starts an empty server for one test. hashed: it stores hashes of tokens,
// as InfluxDB does by default since 2.9, and so cannot show them.
type Start func(t *testing.T, hashed bool) Server

// Fake starts the fake.
func Fake(_ *testing.T, hashed bool) Server {
	s := influxtest.New(influxtest.OSS)
	s.ClearTokens, s.Now = !hashed, time.Now
	return s
}

// Worlds are servers filled alike. The first is the one that the others are
// compared with.
type Worlds []*World

// New starts a server of each kind and fills it.
func New(t *testing.T, hashed bool, kinds ...Start) Worlds {
	t.Helper()
	var ws Worlds
	for _, start := range kinds {
		ws = append(ws, NewWorld(start(t, hashed)))
	}
	return ws
}

// Each makes the same change everywhere.
func (ws Worlds) Each(change func(*World)) {
	for _, w := range ws {
		change(w)
	}
}

// Run is the suite.
func Run(t *testing.T, kinds ...Start) {
	for name, test := range map[string]func(*testing.T, Worlds){
		"exchanges":        exchanges,
		"shape":            shape,
		"descriptions":     descriptions,
		"grid":             grid,
		"user comes back":  userComesBack,
		"revoked":          revoked,
		"later changes":    laterChanges,
		"poisoned record":  poisonedRecord,
		"poisoned orphan":  poisonedOrphan,
		"tokens, hashed":   tokensHashed,
		"metrics":          metrics,
		"buckets":          systemBuckets,
		"links of buckets": bucketLinks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, New(t, true, kinds...))
		})
	}
	t.Run("tokens in clear", func(t *testing.T) {
		t.Parallel()
		tokensInClear(t, New(t, false, kinds...))
	})
}
