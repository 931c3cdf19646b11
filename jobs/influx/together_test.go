package influx_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/jobs/target"
)

// couples answers a question of a pair once the other one has been asked, too.
type couples struct {
	http.Handler
	pairs [][2]string // of the ends of paths; the count is asked for before and after
	after atomic.Bool
	asked sync.Map // of type *met, by path
	alone sync.Map // that waited in vain
}

// met is a question that may be asked more than once.
type met struct {
	once  sync.Once
	asked chan struct{}
}

func (c *couples) met(path string) *met {
	m, _ := c.asked.LoadOrStore(path, &met{asked: make(chan struct{})})
	return m.(*met)
}

func (c *couples) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Path
	if asked == "/metrics" && c.after.Swap(true) {
		asked = "/metrics after"
	}
	for _, pair := range c.pairs {
		for i, path := range pair {
			if !strings.HasSuffix(asked, path) {
				continue
			}
			m := c.met(path)
			m.once.Do(func() { close(m.asked) })
			select {
			case <-c.met(pair[1-i]).asked:
			case <-time.After(10 * time.Second):
				c.alone.Store(path, true)
			}
		}
	}
	c.Handler.ServeHTTP(w, r)
}

// TestTwoQuestionsAtATime: a target far away is asked together what does not depend
// on each other, and the order in which it is told stays the same.
func TestTwoQuestionsAtATime(t *testing.T) {
	p := newPlant(t)
	c := &couples{Handler: p, pairs: [][2]string{
		{"/users/0000000000000001", "/orgs"}, {"/orgs", "/metrics"}, {"/private/legacy/authorizations", "/metrics after"}, {"/members", "/owners"},
	}}
	web := httptest.NewServer(c)
	defer web.Close()
	col := p.configured(t, p.auditor(), func(cfg *target.Config) { cfg.URL = web.URL })
	defer col.Close()
	for a, err := range col.Authorizations {
		if err != nil {
			t.Fatal(err)
		}
		col.Owner(t.Context(), a)
	}
	c.alone.Range(func(path, _ any) bool {
		t.Errorf("%s was asked alone", path)
		return true
	})
	want := []string{"/api/v2/me", "/api/v2/users/", "/api/v2/orgs", "/api/v2/users", "/api/v2/authorizations", "/private/legacy/authorizations", "/metrics"}
	for i, asked := range col.Coverage.Asked {
		if i >= len(want) || !strings.HasPrefix(asked.Request, "GET "+want[i]) {
			t.Errorf("question %d is %s", i, asked.Request)
		}
	}
}
