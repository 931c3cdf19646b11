package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// mostRequests is how many requests of one kind are kept one by one. Lists are a few;
// users that are looked up and tokens of earlier reviews may be as many as there are.
const mostRequests = 1000

// longestRequest bounds what is kept of a request, in characters: that about a user of
// InfluxDB 1.x has its name, of any length.
const longestRequest = 2000

// mostKinds bounds the kinds. There are about ten; an ID that is none makes one more.
const mostKinds = 50

// Journal holds the requests of one review of a target, those that are sent again too.
// Its methods may be called by several goroutines.
type Journal struct {
	secret   string // see blanking
	mu       sync.Mutex
	requests []*audit.Request
	further  map[string]*audit.Request // by kind
	kept     map[string]int            // of requests, by kind
}

// NewJournal makes one for answers in which the values of the key secret are left out of
// every hash.
func NewJournal(secret string) *Journal {
	return &Journal{secret: secret, further: map[string]*audit.Request{}, kept: map[string]int{}}
}

// Asker is whom a request is sent for: RoundTrip finds it in the context.
type Asker struct {
	Journal    *Journal
	Credential string // see audit.Credential.Of
}

type askerKey struct{}

func (a Asker) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

// note takes a request and its answer, whose body is then watched.
func (a Asker) note(req *http.Request, at time.Time, resp *http.Response, err error) {
	r := &audit.Request{At: at.UTC(), Credential: a.Credential, Request: audit.Line(Request(req.URL.Path, req.URL.Query()), longestRequest)}
	if err != nil {
		r.Error = audit.Line(err.Error(), 300)
	} else {
		r.Status = resp.StatusCode
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			r.ServerDate = date.UTC()
		}
	}
	a.Journal.add(r, kindOf(req.URL.Path))
	if err != nil {
		return
	}
	body := &journaledBody{ReadCloser: resp.Body, journal: a.Journal, request: r}
	if resp.StatusCode == http.StatusOK { // see sumOf for others
		body.sum = sha256.New()
		body.to = &blanking{to: body.sum, key: a.Journal.secret}
	}
	resp.Body = body
}

// kindOf is a path with {id} in place of every ID.
func kindOf(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		if target.IsID(parts[i]) || uuid.MatchString(strings.ToLower(parts[i])) {
			parts[i] = "{id}"
		}
	}
	return "GET " + strings.Join(parts, "/")
}

func (j *Journal) add(r *audit.Request, kind string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.kept[kind]; !known && len(j.kept) >= mostKinds {
		kind = "GET (others)"
	}
	if j.kept[kind] < mostRequests {
		j.kept[kind]++
		j.requests = append(j.requests, r)
		return
	}
	if j.further[kind] == nil {
		j.further[kind] = &audit.Request{Request: kind, Statuses: map[int]int{}}
	}
	j.further[kind].Further++
	j.further[kind].Statuses[r.Status]++
}

// All are the requests so far, in the order in which they were sent, and behind them what
// was sent beyond those, by kind.
func (j *Journal) All() []audit.Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []audit.Request
	for _, r := range j.requests {
		out = append(out, *r)
	}
	slices.SortStableFunc(out, func(a, b audit.Request) int { return a.At.Compare(b.At) })
	for _, kind := range slices.Sorted(maps.Keys(j.further)) {
		further := *j.further[kind]
		further.Statuses = maps.Clone(further.Statuses)
		out = append(out, further)
	}
	return out
}

// journaledBody is the body of an answer. It notes the SHA-256 once it was read to its end.
type journaledBody struct {
	io.ReadCloser
	journal *Journal
	request *audit.Request // its fields are guarded by journal.mu
	sum     hash.Hash      // nil for none
	to      io.Writer
}

func (b *journaledBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.sum == nil {
		return n, err
	}
	_, _ = b.to.Write(p[:n]) // a hash takes anything
	if err == io.EOF {
		b.journal.mu.Lock()
		b.request.SHA256 = hex.EncodeToString(b.sum.Sum(nil))
		b.journal.mu.Unlock()
	}
	return n, err
}

// NoteRows notes how many rows an answer had, and gives the SHA-256 of its body.
func NoteRows(resp *http.Response, rows int) string {
	b, ok := resp.Body.(*journaledBody)
	if !ok {
		return ""
	}
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	b.request.Rows = rows
	return b.request.SHA256
}

// noteBody notes the SHA-256 of the body of an answer without what is secret in it.
func noteBody(resp *http.Response, clean string) {
	if b, ok := resp.Body.(*journaledBody); ok {
		sum := sha256.Sum256([]byte(clean))
		b.journal.mu.Lock()
		defer b.journal.mu.Unlock()
		b.request.SHA256 = hex.EncodeToString(sum[:])
	}
}

// blanking hands JSON on as it is, byte by byte, but for the values of tokens: of a string
// under the key, what is between the quotes is left out unless it is "redacted".
// A hash over a value would let those guess it who have the rest of the answer: the token
// that InfluxDB is set up with may be any word.
type blanking struct {
	to     io.Writer
	key    string
	state  blankingState
	match  int  // bytes of the string so far that are those of want, -1 if others came
	escape bool // the next byte of the string is escaped
}

type blankingState byte

const (
	betweenStrings blankingState = iota
	inString
	behindKey    // the key was a string
	beforeValue  // of the key
	inTokenValue // which is held back
)

const redactedValue = "redacted"

func (b *blanking) Write(p []byte) (int, error) {
	from := 0 // of what is to be handed on
	for i, c := range p {
		switch b.state {
		case inString, inTokenValue:
			if c != '"' || b.escape {
				b.follow(c)
				continue
			}
			switch {
			case b.state == inTokenValue:
				if b.match == len(redactedValue) {
					_, _ = io.WriteString(b.to, redactedValue)
				}
				from, b.state = i, betweenStrings
			case b.match == len(b.key):
				b.state = behindKey
			default:
				b.state = betweenStrings
			}
		case betweenStrings, behindKey, beforeValue:
			switch {
			case c == '"' && b.state == beforeValue:
				_, _ = b.to.Write(p[from : i+1])
				b.state, b.match, b.escape = inTokenValue, 0, false
			case c == '"':
				b.state, b.match, b.escape = inString, 0, false
			case c == ':' && b.state == behindKey:
				b.state = beforeValue
			case c != ' ' && c != '\t' && c != '\n' && c != '\r':
				b.state = betweenStrings
			}
		}
	}
	if b.state != inTokenValue {
		_, _ = b.to.Write(p[from:])
	}
	return len(p), nil
}

// follow takes a byte of a string.
func (b *blanking) follow(c byte) {
	want := b.key
	if b.state == inTokenValue {
		want = redactedValue
	}
	b.escape = c == '\\' && !b.escape
	if b.match >= 0 && b.match < len(want) && want[b.match] == c {
		b.match++
	} else {
		b.match = -1
	}
}

// Failures are the statuses of the answers in words, "500 or 503", if every one was an error
// of the server itself; "" if one was not, or there was none.
func (j *Journal) Failures() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	seen := map[int]bool{}
	for _, r := range j.requests {
		seen[r.Status] = true
	}
	for _, r := range j.further {
		for status := range r.Statuses {
			seen[status] = true
		}
	}
	var words []string
	for _, status := range slices.Sorted(maps.Keys(seen)) {
		if status < http.StatusInternalServerError {
			return ""
		}
		words = append(words, strconv.Itoa(status))
	}
	return strings.Join(words, " or ")
}
