package dedicated_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/target"
)

// TestSource: a cluster of Dedicated is known by its ID, one of Clustered by its address.
func TestSource(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	p.cfg.Cluster, p.cfg.Account = strings.ToUpper(p.Cluster), strings.ToUpper(p.Account)
	r := p.review(t)
	if got := r.cov.Sources; len(got) != 1 || got[0] != "server/"+p.Cluster || r.record(t, p.writer).OrgID != p.Cluster || r.cov.Product != audit.ProductDedicated || r.cov.Source != p.cfg.URL+", cluster "+p.Cluster {
		t.Errorf("sources %q, %+v", got, r.record(t, p.writer).Authorization)
	}
	p, other := newPlant(t, target.KindClustered), newPlant(t, target.KindClustered)
	r = p.review(t)
	if got := r.record(t, p.writer).OrgID; !regexp.MustCompile(`^url-[0-9a-f]{16}$`).MatchString(got) || r.cov.Sources[0] != "server/"+got || r.cov.Product != audit.ProductClustered {
		t.Errorf("sources %q, org %q", r.cov.Sources, got)
	}
	p.cfg.URL += "/"
	if again, another := p.review(t), other.review(t); again.cov.Sources[0] != r.cov.Sources[0] || another.cov.Sources[0] == r.cov.Sources[0] {
		t.Error("two clusters are one, or one is two")
	}
}

// TestRequests: what is asked, by GET and nothing else.
func TestRequests(t *testing.T) {
	for _, kind := range kinds {
		p := newPlant(t, kind)
		first := p.review(t)
		p.Remove(p.writer)
		r := p.review(t, first)
		list := []string{"GET " + p.Root() + "/tokens", "GET " + p.Root() + "/databases"}
		want := append(append(append([]string{}, list...), list...), "GET "+p.Root()+"/tokens/"+p.writer, "GET "+p.Root()+"/tokens/"+p.canary)
		if got := p.Requests(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: %q", kind, got)
		}
		if len(r.requests) != 4 || r.requests[0].Request != list[0] || r.requests[0].Rows != 2 || len(r.requests[0].SHA256) != 64 {
			t.Errorf("%s: kept are %+v", kind, r.requests)
		}
		if asked := r.cov.Asked; len(asked) != 2 || asked[0].Rows != 2 || asked[0].SHA256 != r.requests[0].SHA256 || asked[1].Rows != 2 {
			t.Errorf("%s: %+v", kind, asked)
		}
	}
}

// TestBrokenOff: a review that was broken off is an error.
func TestBrokenOff(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	at, err := dedicated.New(p.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := at.Collect(ctx, func() {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestOtherAnswers: what people see where something else answers, or nothing can be asked.
func TestOtherAnswers(t *testing.T) {
	answer := func(status int, header, body string) func(*plant) {
		return func(p *plant) {
			p.Change = func(_ *http.Request, a *dedicatedtest.Answer) {
				a.Status, a.Body = status, []byte(body)
				if name, value, ok := strings.Cut(header, ": "); ok {
					a.Header.Set(name, value)
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		breaks  func(*plant)
		premise string
		fix     string
	}{
		"a database token":        {answer(401, "", `{"code":401,"message":"unauthorized"}`), audit.CredentialActive, "apiv1_…"},
		"a proxy asks":            {answer(407, "", ``), audit.ListWhole, "in the proxy"},
		"a proxy forbids":         {answer(403, "Content-Type: text/html", `<html>`), audit.ListWhole, "in the proxy"},
		"not a UUID":              {answer(400, "", `{"code":400,"message":"bad request"}`), audit.ListWhole, "Correct account and cluster"},
		"no such cluster":         {answer(404, "", `{"code":404,"message":"not found"}`), audit.ListWhole, "Correct account and cluster"},
		"InfluxDB 3":              {answer(404, "Content-Type: text/plain", `Not found`), audit.ListWhole, "Set url to the host of the management API"},
		"a login page":            {answer(200, "Content-Type: text/html; charset=utf-8", `<html>`), audit.ListWhole, "Set url"},
		"a redirect":              {answer(302, "Location: https://auth.example.com/", ``), audit.ListWhole, "do not follow a redirect"},
		"a server that fails":     {answer(500, "", `{"code":500,"message":"internal server error"}`), audit.ListWhole, "Check the proxy"},
		"a list of another API":   {answer(200, "", `{"authorizations":[]}`), audit.ListWhole, "Check the proxy"},
		"TLS where there is none": {func(p *plant) { p.cfg.URL = strings.Replace(p.cfg.URL, "http:", "https:", 1) }, audit.ListWhole, "correct the port"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, target.KindDedicated)
			first := p.review(t)
			tc.breaks(p)
			r := p.review(t, first)
			if r.cov.Verdict != audit.NotKnown || r.state(tc.premise) != audit.Fails {
				t.Fatalf("%s, gaps %q, %q", r.cov.Verdict, r.gaps(), r.cov.Reasons)
			}
			if got := r.record(t, p.writer).Presence; got != audit.Unseen {
				t.Errorf("a token of before is %s", got)
			}
			if asked := strings.Join(p.Requests(), "\n"); strings.Contains(asked, "/tokens/") {
				t.Errorf("asked for single tokens: %s", asked)
			}
			if g := r.cov.Gaps[0]; g.Premise() != tc.premise || !strings.Contains(g.Remedy(), tc.fix) {
				t.Errorf("%s: %s. %s", g.ID, g.Reason, g.Remedy())
			}
		})
	}
}

// TestCredential: what the answers say of the credential.
func TestCredential(t *testing.T) {
	for name, tc := range map[string]struct {
		status            int
		body              string
		accepted, refused bool
	}{
		"let in":                 {200, `[]`, true, false},
		"without the right":      {403, `{"code":403,"message":"forbidden"}`, true, false},
		"not let in":             {401, `{"code":401,"message":"unauthorized"}`, false, true},
		"not let in by a proxy":  {401, `Unauthorized`, false, false},
		"forbidden by a proxy":   {403, `Forbidden`, false, false},
		"nobody can tell by now": {500, `{"code":500,"message":"internal server error"}`, false, false},
		"let in by a cache":      {200, `[]`, false, false},
		"not let in by a cache":  {401, `{"code":401,"message":"unauthorized"}`, false, false},
	} {
		p := newPlant(t, target.KindDedicated)
		p.answers("/tokens", func(a *dedicatedtest.Answer) {
			if a.Status, a.Body = tc.status, []byte(tc.body); strings.HasSuffix(name, "cache") {
				a.Header.Set("Age", "60")
			}
		})
		used := p.review(t).cov.Credentials
		if len(used) != 1 || used[0].Of != audit.TheTarget || used[0].Accepted != tc.accepted || used[0].Refused != tc.refused || (used[0].Answer == "") != tc.accepted {
			t.Errorf("%s: %+v", name, used)
		}
	}
}

// TestRowsOfOthers: rows of another account or cluster are no part of the review.
func TestRowsOfOthers(t *testing.T) {
	for _, key := range []string{"accountId", "clusterId"} {
		p := newPlant(t, target.KindDedicated)
		p.rewrites("/tokens", `"`+key+`":"`+map[string]string{"accountId": p.Account, "clusterId": p.Cluster}[key], `"`+key+`":"`+p.canary)
		r := p.review(t)
		if r.cov.Listed != 2 || r.cov.Verdict != audit.Partial || r.state(audit.ListsAgree) != audit.Fails || r.cov.Asked[0].Foreign != 1 {
			t.Errorf("%s: %d listed, %s, %q", key, r.cov.Listed, r.cov.Verdict, r.cov.Reasons)
		}
	}
}

// TestViewsThatDiffer: of two rows of one token the one counts that works longer.
func TestViewsThatDiffer(t *testing.T) {
	for name, more := range map[string]string{"revoked": `"revokedAt":"2026-01-05T08:00:00Z"`, "expired": `"expiresAt":"2026-01-05T08:00:00Z"`} {
		for _, first := range []bool{true, false} {
			p := newPlant(t, target.KindDedicated)
			p.answers("/tokens", func(a *dedicatedtest.Answer) {
				ended := bytes.Replace(a.Body, []byte(`"createdAt"`), []byte(more+`,"createdAt"`), 1)
				if first {
					a.Body, ended = ended, a.Body
				}
				a.Body = append(append(bytes.TrimSuffix(a.Body, []byte("]")), ','), ended[1:]...)
			})
			r := p.review(t)
			if got := r.record(t, p.writer); !got.Works(time.Now()) || r.state(audit.ListsAgree) != audit.Fails || len(r.records) != 3 {
				t.Errorf("%s, first %v: %q", name, first, r.cov.Reasons)
			}
		}
	}
}

// TestSelfSigned: a certificate that nobody knows is refused, unless ca_file has it.
func TestSelfSigned(t *testing.T) {
	p := newPlant(t, target.KindClustered)
	web := httptest.NewTLSServer(p)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer web.Close()
	p.cfg.URL = web.URL
	r := p.review(t)
	if len(p.Requests()) > 0 || r.cov.Verdict != audit.NotKnown || !strings.Contains(r.cov.Gaps[0].Remedy(), "ca_file") {
		t.Errorf("%s, %q, %q", r.cov.Verdict, r.cov.Reasons, r.cov.Gaps[0].Remedy())
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cfg.CAFile = setting.Path(path)
	if r := p.review(t); r.cov.Verdict != audit.Complete {
		t.Errorf("%s, %q", r.cov.Verdict, r.cov.Reasons)
	}
}

// TestCutOnce: an answer that was cut is asked for again, and what it had does not count.
func TestCutOnce(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	asked := 0
	p.answers("/tokens", func(a *dedicatedtest.Answer) {
		if asked++; asked < 3 {
			a.Body = bytes.Replace(a.Body[:len(a.Body)-1], []byte(p.writer), []byte("00000000-0000-4000-8000-000000000001"), 1)
		}
	})
	if r := p.review(t); r.cov.Verdict != audit.Complete || r.cov.Listed != 3 || r.cov.Asked[0].Rows != 3 || asked != 3 {
		t.Errorf("%s, %d listed, asked %d times, %q", r.cov.Verdict, r.cov.Listed, asked, r.cov.Reasons)
	}
}

// TestNoValueIsKept: values of tokens in every place where somebody or something may have
// put one.
func TestNoValueIsKept(t *testing.T) {
	p := newPlant(t, target.KindDedicated)
	leak := "apiv1_" + strings.Repeat("5e", 32)
	hash := strings.Repeat("5eaf", 32)
	p.values = append(p.values, leak, hash[:40])
	p.AddDatabase(leak)
	id := p.create("temp: "+p.values[0]+" (do not lose)", write(leak), dedicatedtest.Permission{Action: leak, Resource: "billing"}, dedicatedtest.Permission{Resource: ""}, dedicatedtest.Permission{Action: strings.Repeat("x", 130) + hash, Resource: ""})
	p.imports(t, `[{"id":"`+id+`","cluster_id":"`+p.Cluster+`","description":"`+leak+`","token":"`+leak+`","permissions":[{"action":"`+leak+`"}]},{"id":"`+p.values[0]+`"}]`)
	var log bytes.Buffer
	look := func(what string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, log.Bytes()...)
		for _, value := range append(p.values, p.Server.Credential) {
			for cut := range []int{0, 1} {
				if part := value[cut*len(value)/2:][:len(value)/2]; bytes.Contains(text, []byte(part)) {
					t.Errorf("%s: %q in %s", what, part, text)
				}
			}
		}
	}
	review := func(what string, before ...reviewed) reviewed {
		at, err := dedicated.New(p.cfg, slog.New(slog.NewTextHandler(io.MultiWriter(&log), &slog.HandlerOptions{Level: slog.LevelDebug})))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := at.Collect(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		r := p.review(t, before...)
		look(what, []any{r.cov, r.records, r.requests})
		return r
	}
	first := review("the list")
	if got := first.record(t, id).Description; got != "temp: [redacted] (do not lose)" {
		t.Errorf("the description is %q", got)
	}
	if got := first.record(t, id).Permissions[0].Resource; got.ID != audit.Redacted || got.Name == "" {
		t.Errorf("the database %+v does not exist", got)
	}
	p.rewrites("/tokens", `"description":`, `"accessToken":"`+leak+`","description":`)
	review("a value beside a token", first)
	for _, body := range []string{
		fmt.Sprintf(`{"code":"%s","message":"no, %s is not allowed"}`, leak, leak), fmt.Sprintf(`{"code":500,"message":"Bearer %s"}`, p.Server.Credential), leak,
		fmt.Sprintf(`[{"id":"%s","createdAt":"%s","description":"%s"`, leak, leak, leak), fmt.Sprintf(`[{"id":"%s","createdAt":"%s"}]`, leak, leak),
	} {
		for _, status := range []int{200, 400, 403, 404, 500} {
			p.Change = func(_ *http.Request, a *dedicatedtest.Answer) { a.Status, a.Body = status, []byte(body) }
			review(fmt.Sprint(status, " ", body), first)
		}
	}
}
