package contract

import (
	"net/http"
	"testing"
	"time"

	"tokenaudit/jobs/influx/contract/realinflux"
	"tokenaudit/jobs/influx/influxtest"
)

// peer is an InfluxDB and how a test fills and changes it.
type peer interface {
	http.Handler
	AddOrg(name string) (id string)
	AddUser(name string) (id string)
	AddMember(orgID, userID string)
	AddOwner(orgID, userID string)
	AddBucket(orgID, name string) (id string)
	AddAuthorization(influxtest.Authorization) (id, token string)
	AddLegacy(influxtest.Authorization) (id string)

	RestoreUser(id, name string)
	SetUserStatus(id, status string)
	SetStatus(authID, status string)
	DeleteUser(id string)
	DeleteOrg(id string)
	DeleteBucket(id string)
	DeleteAuthorization(id string)
	Poison(authID string)
}

var (
	_ peer = (*realinflux.Server)(nil)
	_ peer = (*influxtest.Server)(nil)
)

// pair is the real one and the fake, filled alike.
type pair struct{ real, fake *world }

func newPair(t *testing.T) pair {
	t.Helper()
	return pair{newWorld(realinflux.New(t, true)), newWorld(newFake())}
}

// newPairInClear stores tokens as all versions before 2.9 do by default.
func newPairInClear(t *testing.T) pair {
	t.Helper()
	fake := newFake()
	fake.ClearTokens = true
	return pair{newWorld(realinflux.New(t, false)), newWorld(fake)}
}

func newFake() *influxtest.Server {
	s := influxtest.New(influxtest.OSS)
	s.Now = time.Now
	return s
}

// both makes the same change to both.
func (p pair) both(change func(*world)) {
	change(p.real)
	change(p.fake)
}
