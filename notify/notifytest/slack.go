// Package notifytest is a small fake Slack, for tests and for trying the product
// without a workspace, and the tests that every notifier passes.
package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is what somebody posted to the fake.
type Message struct {
	Channel  string // empty for a webhook
	TS       string // unique, also within a second
	Text     string
	Blocks   json.RawMessage
	Metadata json.RawMessage // empty for a webhook
	// Form holds every argument of a chat.postMessage but the token.
	Form map[string]string
	// Files are the names and sizes of the files in it.
	Files map[string]int
}

// Slack answers the methods of the Web API that the product uses, and every path
// below /services/ as an incoming webhook. It refuses blocks beyond Slack's limits
// as Slack does. The zero value is ready and accepts every token.
type Slack struct {
	// Token is the only one that is accepted, unless it is empty.
	Token string
	// Scopes of the token, comma-separated; if empty, all.
	Scopes string
	// Members are the IDs of users by their e-mail address.
	Members map[string]string
	// Channels that the bot sees, by ID; if nil, it is in every channel.
	Channels map[string]Channel

	mu       sync.Mutex
	messages []Message
	script   []Failure
	requests int
	uploads  map[string]*upload // by file ID
	archived map[string]bool    // channels
}

// Archive archives a channel: it can be read, and nothing can be posted there.
func (s *Slack) Archive(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.archived == nil {
		s.archived = map[string]bool{}
	}
	s.archived[channel] = true
}

func (s *Slack) isArchived(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.archived[channel] || s.Channels[channel].Archived
}

// Messages returns what was posted so far, oldest first.
func (s *Slack) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Requests counts all requests, also those that failed.
func (s *Slack) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Fail makes the next requests fail, one each, in this order.
func (s *Slack) Fail(script ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, script...)
}

func (s *Slack) next() (f Failure, scripted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if len(s.script) == 0 {
		return Failure{}, false
	}
	f, s.script = s.script[0], s.script[1:]
	return f, true
}

// ServeHTTP implements http.Handler.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, ok := s.route(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	f, scripted := s.next()
	if scripted && f.after {
		call(discard{}, r)
	}
	if scripted {
		f.answer(w, r)
		return
	}
	call(w, r)
}

func (s *Slack) route(r *http.Request) (call http.HandlerFunc, ok bool) {
	method, isAPI := strings.CutPrefix(r.URL.Path, "/api/")
	switch {
	case r.Method != http.MethodPost:
		return nil, false
	case isAPI:
		call, ok = s.methods()[method]
		return call, ok
	case strings.HasPrefix(r.URL.Path, "/upload/"):
		return s.receive, true
	}
	return s.webhook, strings.HasPrefix(r.URL.Path, "/services/")
}

// methods of the Web API. Which scope each one needs is from docs.slack.dev.
func (s *Slack) methods() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"auth.test":                    s.auth,
		"chat.postMessage":             s.needs("chat:write", s.chat),
		"conversations.info":           s.needs("channels:read", s.info),
		"conversations.history":        s.needs("channels:history", s.history),
		"conversations.replies":        s.needs("channels:history", s.replies),
		"conversations.open":           s.needs("im:write", s.open),
		"users.lookupByEmail":          s.needs("users:read.email", s.member),
		"files.getUploadURLExternal":   s.needs("files:write", s.offer),
		"files.completeUploadExternal": s.needs("files:write", s.share),
	}
}

func (s *Slack) needs(scope string, call http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.accepts(r):
			refuse(w, "invalid_auth")
		case s.Scopes != "" && !slices.Contains(strings.Split(s.Scopes, ","), scope):
			reply(w, map[string]any{"ok": false, "error": "missing_scope", "needed": scope, "provided": s.Scopes})
		default:
			call(w, r)
		}
	}
}

func (s *Slack) chat(w http.ResponseWriter, r *http.Request) {
	m := Message{
		Channel: r.FormValue("channel"), Text: r.FormValue("text"), Form: map[string]string{},
		Blocks: json.RawMessage(r.FormValue("blocks")), Metadata: json.RawMessage(r.FormValue("metadata")),
	}
	for name := range r.PostForm {
		if name != "token" {
			m.Form[name] = r.PostForm.Get(name)
		}
	}
	if s.isArchived(m.Channel) {
		refuse(w, "is_archived")
		return
	}
	if problems := Problems(m.Blocks); len(m.Blocks) > 0 && len(problems) > 0 {
		refuse(w, "invalid_blocks", problems...)
		return
	}
	reply(w, map[string]any{"ok": true, "channel": m.Channel, "ts": s.post(m)})
}

func (s *Slack) auth(w http.ResponseWriter, r *http.Request) {
	if !s.accepts(r) {
		refuse(w, "invalid_auth")
		return
	}
	scopes := s.Scopes
	if scopes == "" {
		scopes = "channels:history,channels:read,chat:write,files:write,im:history,im:write,users:read.email"
	}
	w.Header().Set("X-OAuth-Scopes", scopes)
	reply(w, map[string]any{"ok": true, "team": "Example", "user": "tokenaudit", "team_id": "T0", "user_id": "U0"})
}

func (s *Slack) webhook(w http.ResponseWriter, r *http.Request) {
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	if len(m.Blocks) > 0 && len(Problems(m.Blocks)) > 0 {
		http.Error(w, "invalid_blocks", http.StatusBadRequest)
		return
	}
	s.post(m)
	fmt.Fprint(w, "ok")
}

func (s *Slack) accepts(r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		token = r.FormValue("token")
	}
	return s.Token == "" || token == s.Token
}

func (s *Slack) post(m Message) (ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.TS = fmt.Sprintf("%d.%06d", time.Now().Unix(), len(s.messages)+1)
	s.messages = append(s.messages, m)
	return m.TS
}
