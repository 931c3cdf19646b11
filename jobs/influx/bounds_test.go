package influx_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/target"
)

// endless is so many bytes of the letter x.
func endless(n int64) io.Reader { return io.LimitReader(letters{}, n) }

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// sends answers path with what the readers hold, compressed as a proxy would.
func sends(path string, body func() io.Reader) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("X-Influxdb-Build", "OSS")
		zw, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		io.Copy(zw, body())
		zw.Close()
		return true
	}
}

// peakOf is the most memory that was in use while f ran, and little of it garbage,
// also where other processes leave the collector no time.
func peakOf(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var peak atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), int64(m.HeapAlloc)))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	<-ended
	return peak.Load()
}

// TestOneAuthorizationCannotFillTheMemory: one that is over the bounds is named and
// left out, and the list goes on.
func TestOneAuthorizationCannotFillTheMemory(t *testing.T) {
	const size = 100 << 20
	tests := map[string]struct {
		before, filler, after string
		named, bound          string
	}{
		"description":           {`{"id":"%s","description":"`, "", `\"","permissions":[{"action":"read"}]}`, "0d0000000000000b", "8 MiB"},
		"token":                 {`{"id":"%s","token":"`, "", `"}`, "0d0000000000000b", "8 MiB"},
		"member without a name": {`{"id":"%s","new":{"a":["`, "", `"]}}`, "0d0000000000000b", "8 MiB"},
		"no ID before it":       {`{"description":"`, "", `","id":"%s"}`, "number 2 of the list", "8 MiB"},
		"ID":                    {`{"id":"`, "", `","x":"%s"}`, "number 2 of the list", "8 MiB"},
		"permissions":           {`{"id":"%s","permissions":[{}`, `,{}`, `],"description":"]}"}`, "0d0000000000000b", "100000 permissions"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			element := func(id, description string) string {
				return fmt.Sprintf(`{"id":%q,"orgID":%q,"org":"acme","userID":%q,"user":"iot_user_1","status":"active","description":%q,"permissions":[]}`, id, p.acme, p.iot, description)
			}
			p.Fault = sends("/api/v2/authorizations", func() io.Reader {
				before, after := test.before, test.after
				if strings.Contains(before, "%s") {
					before = fmt.Sprintf(before, "0d0000000000000b")
				} else {
					after = fmt.Sprintf(after, "0d0000000000000b")
				}
				filler := endless(size)
				if test.filler != "" {
					filler = strings.NewReader(strings.Repeat(test.filler, 2<<20))
				}
				return io.MultiReader(strings.NewReader(`{"links":{},"authorizations":[`+element("0d0000000000000a", "one")+`,`+before), filler,
					strings.NewReader(after+`,`+element("0d0000000000000c", "three")+`]}`))
			})
			var cov audit.Coverage
			var seen []string
			if peak := peakOf(func() { cov, seen = p.collect(t, token) }); peak > 96<<20 {
				t.Errorf("%d MiB in memory", peak>>20)
			}
			want := fmt.Sprintf("1 of 3 authorizations were left out (%s): larger than the limit of %s", test.named, test.bound)
			checkCoverage(t, cov, audit.Partial, want)
			if len(seen) != 2 || !strings.HasPrefix(seen[0], "one") || !strings.HasPrefix(seen[1], "three") {
				t.Errorf("listed %.100q", seen)
			}
		})
	}
}

// TestWhatIsLeftOutIsNotGone: on Cloud a token is gone when the list of its user no
// longer has it, but not when the list has it and it is over the bounds.
func TestWhatIsLeftOutIsNotGone(t *testing.T) {
	p, admin, _ := cloud(influxtest.CloudTSM)
	list := func(filler int64) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/api/v2/authorizations" {
				return false
			}
			one := fmt.Sprintf(`{"authorizations":[{"id":"0d0000000000000a","orgID":%q,"userID":%q,"org":"acme","user":"admin","status":"active","permissions":[{"action":"read","resource":{"type":"authorizations"}}]}`, p.acme, p.admin)
			if filler > 0 {
				one += `,{"id":"0d0000000000000b","description":"`
			}
			io.WriteString(w, one)
			if io.Copy(w, endless(filler)); filler > 0 {
				io.WriteString(w, `"}`)
			}
			io.WriteString(w, "]}")
			return true
		}
	}
	before := audit.Authorization{ID: "0d0000000000000b", OrgID: p.acme, UserID: p.admin}
	for filler, gone := range map[int64]bool{0: true, 20 << 20: false} {
		p.Fault = list(filler)
		col := p.collection(t, admin)
		if got := col.Probe(t.Context(), before); (got.Presence == audit.Gone) != gone {
			t.Errorf("with %d bytes of description: %+v", filler, got)
		}
		if col.Scope.AllVisible {
			t.Error("all is said to be visible")
		}
		col.Close()
	}
}

// TestAnswersAreBounded: what is held whole ends at a bound that the error names.
func TestAnswersAreBounded(t *testing.T) {
	for name, path := range map[string]string{"me": "/api/v2/me", "users": "/api/v2/users", "orgs": "/api/v2/orgs", "an outer value": "/api/v2/authorizations"} {
		bound := "16 MiB"
		if path == "/api/v2/authorizations" {
			bound = "8 MiB"
		}
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			token := p.auditor()
			p.Fault = sends(path, func() io.Reader {
				return io.MultiReader(strings.NewReader(`{"x":"`), endless(100<<20), strings.NewReader(`"}`))
			})
			var col audit.Collection
			peak := peakOf(func() { col = p.configured(t, token, func(c *target.Config) {}) })
			col.Close()
			if peak > 128<<20 {
				t.Errorf("%d MiB in memory", peak>>20)
			}
			told := ""
			for _, a := range col.Coverage.Asked {
				told += a.Reason + "\n"
			}
			if told += strings.Join(col.Coverage.Reasons, "\n"); !strings.Contains(told, "GET "+path) || !strings.Contains(told, "larger than the limit of "+bound) {
				t.Errorf("%s", told)
			}
		})
	}
}

// TestTemporaryFolderIsNotTheServersFault: where a list cannot be kept, the review
// says that it is this machine, and what to do.
func TestTemporaryFolderIsNotTheServersFault(t *testing.T) {
	p := newPlant(t)
	token := p.auditor()
	for range 3 {
		p.AddAuthorization(influxtest.Authorization{OrgID: p.acme, UserID: p.iot, Description: strings.Repeat("long ", 1<<17)})
	}
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	cov, _ := p.collect(t, token)
	checkCoverage(t, cov, audit.NotKnown, "nothing could be listed: the temporary folder of this machine, "+missing)
	if told := fmt.Sprint(cov); strings.Contains(told, "is cut off") || !strings.Contains(told, "set TMPDIR to another folder") {
		t.Errorf("%s", told)
	}
}
