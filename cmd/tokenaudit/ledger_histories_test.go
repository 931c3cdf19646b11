package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// ledgerHistory is a server that changes, reviews of it, and a ledger that is lost and
// put back from older copies in between.
type ledgerHistory struct {
	t      *testing.T
	random *rand.Rand
	clock  time.Time
	db     *influxtest.Server
	org    string
	file   *configs.File
	dir    string
	app    *app

	users, tokens []string          // that exist; tokens[i] belongs to any of them
	owner         map[string]string // user of a token
	ghosts        []string          // tokens whose user was deleted
	seen          map[string]bool   // tokens that a review has shown
	packs         map[string][]byte // manifests by path
	backup        []byte            // of the ledger; nil for none
	refused       int32
}

// TestLedgerHistories lets random things happen to server and ledger, with a review after
// each. Whatever becomes of the ledger: what a review has shown is gone only if it is,
// tokens of deleted users stay flagged, no pack is replaced, and the chain is whole.
func TestLedgerHistories(t *testing.T) {
	t.Parallel()
	histories := 40
	if testing.Short() {
		histories = 6
	}
	var refused atomic.Int32
	t.Cleanup(func() {
		if n := int(refused.Load()); n < histories {
			t.Errorf("the ledger was refused %d times", n)
		}
	})
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newLedgerHistory(t, uint64(seed))
			for range 14 {
				h.happen()
				h.review()
			}
			h.app.close()
			mustVerify(t, filepath.Join(h.dir, "evidence"))
			refused.Add(h.refused)
		})
	}
}

func newLedgerHistory(t *testing.T, seed uint64) *ledgerHistory {
	h := &ledgerHistory{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), clock: november, dir: t.TempDir(), db: influxtest.New(influxtest.OSS),
		owner: map[string]string{}, seen: map[string]bool{}, packs: map[string][]byte{},
	}
	h.db.Now = func() time.Time { return h.clock }
	h.org = h.db.AddOrg("acme")
	auditor := h.db.AddUser("auditor")
	h.db.AddMember(h.org, auditor)
	_, token := h.db.AddAuthorization(influxtest.Authorization{OrgID: h.org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(h.org)})
	web := httptest.NewServer(h.db)
	t.Cleanup(web.Close)
	for range 3 {
		h.addUser()
		h.addToken()
	}
	h.file = &configs.File{
		Store: ledger.AtPath(filepath.Join(h.dir, "ledger.db")), Evidence: filepath.Join(h.dir, "evidence"),
		Targets: []target.Config{{Name: "prod", URL: web.URL, Org: "acme", Token: secret.InMemory(token)}},
		Jobs:    []configs.Job{{Name: "weekly", Schedule: "0 0 1 1 *", Timezone: "UTC", Reports: []string{"csv"}, Deadline: setting.Duration(setting.Day)}},
	}
	h.open()
	return h
}

func (h *ledgerHistory) open() {
	h.t.Helper()
	a, err := wire(h.t.Context(), h.file, func(context.Context) (time.Time, error) { return h.clock, nil }, slog.New(slog.DiscardHandler), nil)
	must(h.t, err)
	h.t.Cleanup(func() { a.close() })
	h.app = a
}

func (h *ledgerHistory) addUser() {
	user := h.db.AddUser(fmt.Sprint("user ", len(h.users), " ", len(h.owner)))
	h.db.AddMember(h.org, user)
	h.users = append(h.users, user)
}

func (h *ledgerHistory) addToken() {
	user := h.users[h.random.IntN(len(h.users))]
	id, _ := h.db.AddAuthorization(influxtest.Authorization{OrgID: h.org, UserID: user, Description: fmt.Sprint("token ", len(h.owner)), Permissions: influxtest.WriteBuckets(h.org)})
	h.tokens, h.owner[id] = append(h.tokens, id), user
}

// happen lets something happen between two reviews.
func (h *ledgerHistory) happen() {
	path, _ := ledger.StorePath(h.file.Store)
	switch h.random.IntN(9) {
	case 8: // the job gets another name
		h.app.close()
		h.file.Jobs[0].Name = fmt.Sprint("job-", h.random.IntN(3))
		h.open()
	case 0:
		h.addUser()
		h.addToken()
	case 1:
		h.addToken()
	case 2:
		if len(h.tokens) > 0 {
			at := h.random.IntN(len(h.tokens))
			h.db.DeleteAuthorization(h.tokens[at])
			h.tokens = slices.Delete(h.tokens, at, at+1)
		}
	case 3, 4:
		if len(h.users) > 1 {
			user := h.users[0]
			h.users = h.users[1:]
			h.db.DeleteUser(user)
			h.tokens = slices.DeleteFunc(h.tokens, func(id string) bool {
				if h.owner[id] == user {
					h.ghosts = append(h.ghosts, id)
				}
				return h.owner[id] == user
			})
		}
	case 5: // a copy is made of the ledger
		h.app.close()
		text, err := os.ReadFile(path)
		must(h.t, err)
		h.backup = text
		h.open()
	case 6: // the ledger is lost
		h.app.close()
		must(h.t, os.Remove(path))
		h.open()
	case 7: // it is put back from the copy
		if h.backup != nil {
			h.app.close()
			must(h.t, os.WriteFile(path, h.backup, 0o600))
			h.open()
		}
	}
}

// review reviews, after a rebuild if the ledger is refused.
func (h *ledgerHistory) review() {
	h.t.Helper()
	h.clock = h.clock.AddDate(0, 0, 7)
	err := agree(h.t.Context(), h.app.ledger, h.app.snapshots, "tokenaudit.yaml")
	if err != nil {
		if !errors.As(err, new(*disagreeError)) {
			h.t.Fatal(err)
		}
		if strings.Contains(err.Error(), fmt.Sprintf("job %q", h.file.Jobs[0].Name)) { // a run would find it, too
			if _, err := h.app.runner.ReviewNow(h.t.Context(), h.app.jobs[0]); !errors.As(err, new(*runner.DisagreementError)) {
				h.t.Errorf("the run: %v", err)
			}
		}
		h.refused++
		h.app.close()
		h.clock = h.clock.Add(time.Minute)
		var out bytes.Buffer
		must(h.t, (&cli{stdout: &out, stderr: &out}).rebuildFrom(h.t.Context(), h.file, rebuildFlags{}))
		h.open()
	}
	s, err := h.app.runner.ReviewNow(h.t.Context(), h.app.jobs[0])
	must(h.t, err)
	found, exist := map[string]audit.Record{}, slices.Concat(h.tokens, h.ghosts)
	for r, err := range h.app.runner.Rows(h.t.Context(), *s) {
		must(h.t, err)
		found[r.ID] = r
		if slices.Contains(exist, r.ID) && r.Presence == audit.Gone {
			h.t.Errorf("%s: token %s exists and is called gone", s.ID, r.ID)
		}
	}
	for _, id := range exist {
		r, is := found[id]
		ghost := slices.Contains(h.ghosts, id)
		flagged := slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Check == "deleted-owner" && f.Current() })
		switch {
		case !is && (!ghost || h.seen[id]):
			h.t.Errorf("%s: token %s is missing", s.ID, id)
		case is && ghost != flagged:
			h.t.Errorf("%s: token %s of a deleted user: %t, flagged: %t", s.ID, id, ghost, flagged)
		case is && h.seen[id] && r.FirstSeen.Equal(s.Started):
			h.t.Errorf("%s: token %s is called new", s.ID, id)
		}
		h.seen[id] = h.seen[id] || is
	}
	h.expectPacks()
}

// expectPacks: those that were there are there, to the byte.
func (h *ledgerHistory) expectPacks() {
	h.t.Helper()
	for path, was := range h.packs {
		if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, was) {
			h.t.Errorf("%s was replaced: %v", path, err)
		}
	}
	paths, err := filepath.Glob(filepath.Join(h.dir, "evidence", "*", "*", "*"))
	must(h.t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		must(h.t, err)
		h.packs[path] = text
	}
}
