package ping_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/notify"
	"tokenaudit/notify/ping"
)

const pingKey = "eb095278-f28d-448d-87fb-7b75c171a6aa"

// heard is a dead man's switch: it answers in turn, and notes what it is sent.
type heard struct {
	answers  []reply // the last one for ever
	requests []string
	read     int // bytes of answers
	bodies   []string
}

// RoundTrip needs no network, so that waiting takes no time in a bubble.
func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.requests, h.bodies = append(h.requests, r.Method+" "+r.URL.String()), append(h.bodies, string(body))
	status, said := 200, "OK"
	if len(h.answers) > 0 {
		status, said = h.answers[0].status, h.answers[0].text
		h.answers = h.answers[min(1, len(h.answers)-1):]
	}
	if status == hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if status == 0 {
		return nil, errors.New("connection reset while asking " + r.URL.String())
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(io.TeeReader(strings.NewReader(said), h)), Header: http.Header{}, Request: r}, nil
}

// Write counts what is read of an answer.
func (h *heard) Write(p []byte) (int, error) { h.read += len(p); return len(p), nil }

// hangs is the status of an answer that never comes; 0 is a lost connection.
const hangs = -1

type reply struct {
	status int
	text   string
}

func newPing(t *testing.T, address string, h http.RoundTripper) ping.Pinger {
	t.Helper()
	t.Setenv("TEST_PING", address)
	return ping.New(secret.Ref{Env: "TEST_PING"}, &http.Client{Transport: h})
}

func TestPing(t *testing.T) {
	const run = "weekly/2026-11-23T0800Z"
	if v := ping.RunID(run); v.Version() != 5 || v != ping.RunID(run) || v == ping.RunID("daily/2026-11-23T0800Z") {
		t.Errorf("rid %s", v)
	}
	id := "rid=" + ping.RunID(run).String()
	for _, tc := range []struct{ name, address, event, want string }{
		{"start", "https://hc-ping.com/" + pingKey, "start", "POST https://hc-ping.com/" + pingKey + "/start?" + id},
		{"success", "https://hc-ping.com/" + pingKey, "success", "POST https://hc-ping.com/" + pingKey + "?" + id},
		{"fail", "https://hc-ping.com/" + pingKey, "fail", "POST https://hc-ping.com/" + pingKey + "/fail?" + id},
		{"slash at the end", "https://hc-ping.com/" + pingKey + "/", "fail", "POST https://hc-ping.com/" + pingKey + "/fail?" + id},
		{"with a query", "https://hc.example.com/ping/key/name?create=1", "start", "POST https://hc.example.com/ping/key/name/start?create=1&" + id},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &heard{}
			if err := newPing(t, tc.address, h).Send(t.Context(), run, tc.event, "44 tokens"); err != nil {
				t.Fatal(err)
			}
			if len(h.requests) != 1 || h.requests[0] != tc.want || h.bodies[0] != "44 tokens" {
				t.Errorf("sent %q with %q, want %q", h.requests, h.bodies, tc.want)
			}
		})
	}
}

// TestPingText: a body is cut where no letter is.
func TestPingText(t *testing.T) {
	h := &heard{}
	if err := newPing(t, "https://hc-ping.com/"+pingKey, h).Send(t.Context(), "a/b", "success", strings.Repeat("é", 9000)+"x"); err != nil {
		t.Fatal(err)
	}
	if got := h.bodies[0]; got != strings.Repeat("é", 5000) {
		t.Errorf("%d bytes, the last %q", len(got), got[len(got)-3:])
	}
}

// TestPingFails: it tries again after what may pass, says what went wrong, takes
// no longer than it may, and never shows the URL.
func TestPingFails(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers []reply
		tries   int
		says    string // "" is no error
	}{
		{"lost once", []reply{{0, ""}, {200, "OK"}}, 2, ""},
		{"500 once", []reply{{500, ""}, {200, "OK"}}, 2, ""},
		{"lost for ever", []reply{{0, ""}}, 3, "connection reset"},
		{"500 for ever", []reply{{500, "at /" + pingKey + "/secret-name"}}, 3, "HTTP 500"},
		{"not found", []reply{{200, "OK (not found)"}}, 1, "not found"},
		{"404", []reply{{404, "no " + pingKey}}, 1, "HTTP 404"},
		{"redirect", []reply{{302, ""}}, 1, "HTTP 302"},
		{"hangs", []reply{{hangs, ""}}, 3, "deadline"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := &heard{answers: tc.answers}
			t.Setenv("TEST_PING", "https://user:hunter22@hc.example.com/"+pingKey+"/secret-name?token=hunter23")
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := ping.New(secret.Ref{Env: "TEST_PING"}, &http.Client{Transport: h}).Send(t.Context(), "a/b", "fail", "x")
				if took := time.Since(began); took > 15*time.Second || len(h.requests) != tc.tries {
					t.Errorf("%d tries in %s, want %d", len(h.requests), took, tc.tries)
				}
				checkPingError(t, err, tc.says)
			})
		})
	}
}

// checkPingError wants an error that says something, or none for "", and no part
// of the URL but its host, at any depth.
func checkPingError(t *testing.T, err error, says string) {
	t.Helper()
	if (err != nil) != (says != "") || err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want %q", err, says)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{pingKey, "secret-name", "hunter22", "hunter23"} {
			if strings.Contains(fmt.Sprintf("%v %#v", err, err), secret) {
				t.Errorf("%s is in %#v", secret, err)
			}
		}
	}
}

// TestPingWithoutURL: what the secret holds instead is not repeated.
func TestPingWithoutURL(t *testing.T) {
	for name, held := range map[string]string{"a key alone": pingKey, "another scheme": "ftp://hc.example.com/" + pingKey, "no host": "https:///" + pingKey} {
		t.Run(name, func(t *testing.T) {
			h := &heard{}
			p := newPing(t, held, h)
			checkPingError(t, p.Send(t.Context(), "a/b", "start", ""), "not a URL such as https://hc-ping.com/")
			checkPingError(t, p.Check(t.Context()), "not a URL such as https://hc-ping.com/")
			if len(h.requests) > 0 {
				t.Errorf("sent %q", h.requests)
			}
		})
	}
	err := ping.New(secret.Ref{Env: "TEST_PING_UNSET"}, notify.NewClient()).Send(t.Context(), "a/b", "start", "")
	checkPingError(t, err, "TEST_PING_UNSET")
	h := &heard{}
	if err := newPing(t, "https://hc-ping.com/"+pingKey, h).Check(t.Context()); err != nil || len(h.requests) > 0 {
		t.Errorf("checking a good one: %v, sent %q", err, h.requests)
	}
}

// TestPingLongAnswer: of an answer that does not end a few words are read.
func TestPingLongAnswer(t *testing.T) {
	h := &heard{answers: []reply{{200, strings.Repeat("O", 64<<20)}}}
	if err := newPing(t, "https://hc-ping.com/"+pingKey, h).Send(t.Context(), "a/b", "success", ""); err != nil || h.read > 4<<10 {
		t.Errorf("%v, read %d bytes", err, h.read)
	}
}
