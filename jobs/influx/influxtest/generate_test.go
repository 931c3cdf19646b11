package influxtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

const many = 2000

func newCrowd(n int) fake {
	s := influxtest.New(influxtest.OSS)
	w := conformance.Empty(s)
	w.IDs["acme"] = s.AddOrg("acme")
	_, w.Tokens["operator"] = s.AddAuthorization(influxtest.Authorization{
		OrgID: w.IDs["acme"], UserID: s.AddUser("admin"), Permissions: influxtest.Operator(),
	})
	s.Generate(w.IDs["acme"], n)
	return fake{w, s}
}

type crowd struct {
	Authorizations []struct {
		ID, UserID, User string
		Permissions      []struct{ Resource struct{ Name string } }
	}
}

func (w fake) crowd(t *testing.T, query string) (c crowd, bytes int) {
	t.Helper()
	body := w.get("/api/v2/authorizations"+query, "operator").Body
	bytes = body.Len()
	if err := json.Unmarshal(body.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	return c, bytes
}

func TestGenerateHasTheShapeOfTheBenchmarks(t *testing.T) {
	w := newCrowd(many)
	c, bytes := w.crowd(t, "")
	if len(c.Authorizations) != many+1 {
		t.Fatalf("%d authorizations, want %d", len(c.Authorizations), many+1)
	}
	if each := bytes / many; each < 1300 || each > 1500 {
		t.Errorf("%d bytes each, want about 1400", each)
	}
	wide := 0
	for i, a := range c.Authorizations {
		if len(a.Permissions) == 44 {
			wide++
		}
		if i > 0 && c.Authorizations[i-1].ID >= a.ID {
			t.Fatalf("%s follows %s", a.ID, c.Authorizations[i-1].ID)
		}
	}
	if wide < many/100 || wide > many*3/100 {
		t.Errorf("%d all-access tokens of %d, want about 2 %%", wide, many)
	}
}

func TestGenerateIsDeterministic(t *testing.T) {
	first := newCrowd(50).get("/api/v2/authorizations", "operator").Body.String()
	if first != newCrowd(50).get("/api/v2/authorizations", "operator").Body.String() {
		t.Error("two runs differ")
	}
}

func TestGeneratedAuthorizationsAreFoundLikeStoredOnes(t *testing.T) {
	w := newCrowd(many)
	c, _ := w.crowd(t, "")
	last := c.Authorizations[many]
	if answer := w.get("/api/v2/authorizations/"+last.ID, "operator"); answer.Code != 200 {
		t.Errorf("by id: %d", answer.Code)
	}
	if one, _ := w.crowd(t, "?id="+last.ID); len(one.Authorizations) != 1 {
		t.Errorf("id=: %d authorizations", len(one.Authorizations))
	}
	own, _ := w.crowd(t, "?userID="+last.UserID)
	for _, a := range own.Authorizations {
		if a.User != last.User {
			t.Errorf("userID=: one of %s", a.User)
		}
	}
	w.server.DeleteUser(last.UserID)
	if c, _ := w.crowd(t, ""); len(c.Authorizations) != many+1-len(own.Authorizations) {
		t.Error("the deleted user's are still listed")
	}
}

// The text format of Prometheus writes large numbers with an exponent.
func TestAMillionInMetrics(t *testing.T) {
	s := influxtest.New(influxtest.OSS)
	s.Generate(s.AddOrg("acme"), 1_000_000)
	if totals := conformance.Empty(s).Totals(); !strings.Contains(totals, "influxdb_tokens_total 1e+06\n") {
		t.Errorf("got %s", totals)
	}
}
