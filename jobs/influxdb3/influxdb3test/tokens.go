package influxdb3test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	operatorName = "_admin"
	internal     = "_internal"
)

// Form is how Enterprise writes permissions.
type Form string

const (
	SingleActions  Form = ""        // an array in the string, of elements with one name and one action each: 3.8.4
	SeveralActions Form = "several" // an array in the string, of elements as they were asked for
	Plain          Form = "plain"   // elements as they were asked for, with a blank between
)

// Token is one to add.
type Token struct {
	Name   string
	Expiry time.Time // zero for never
	Grants []Grant   // none for an admin; on Core every token is one
	Text   string    // of an offline token, chosen by hand; else one is made
}

// Grant is one permission of a token.
type Grant struct {
	Type    string   // db or system
	Names   []string // "*" alone for all
	Actions []string
}

// On is a grant on databases.
func On(names string, actions ...string) Grant {
	return Grant{"db", strings.Split(names, ","), actions}
}

type token struct {
	id               uint64
	name, hash       string
	created, updated time.Time
	expiry           time.Time
	grants           []boundGrant // nil for an admin
}

// boundGrant is a grant with the databases that it had when it was made.
type boundGrant struct {
	Grant
	databases []*database // by index of Names; nil where that is no database of the list
}

type database struct {
	name    string
	deleted time.Time // zero if it is not
	hard    bool      // nothing is left of it but grants
}

// AddToken returns the ID and the text. A database that a grant names must exist, and a
// name must be new.
func (s *Server) AddToken(t Token) (id uint64, tokenText string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named(t.Name) != nil {
		panic("token name already exists: " + t.Name)
	}
	made := &token{id: s.nextToken, name: t.Name, created: s.Now(), expiry: t.Expiry}
	s.nextToken++
	for _, g := range t.Grants {
		bound := boundGrant{Grant: g, databases: make([]*database, len(g.Names))}
		for i, name := range g.Names {
			if g.Type == "db" && name != "*" && name != internal {
				bound.databases[i] = s.database(name)
			}
		}
		made.grants = append(made.grants, bound)
	}
	s.tokens = append(s.tokens, made)
	return made.id, s.give(made, t.Text)
}

// give gives a token its text.
func (s *Server) give(t *token, chosen string) string {
	if chosen == "" {
		s.made++
		drawn := sha512.Sum512(fmt.Appendf(nil, "%s %d", s.ClusterUUID, s.made))
		chosen = "apiv3_" + base64.RawURLEncoding.EncodeToString(drawn[:])
	}
	sum := sha512.Sum512([]byte(chosen))
	t.hash = hex.EncodeToString(sum[:])
	return chosen
}

func (s *Server) named(name string) *token {
	if at := slices.IndexFunc(s.tokens, func(t *token) bool { return t.name == name }); at >= 0 {
		return s.tokens[at]
	}
	return nil
}

// Tokens are the names of all, in the order in which they were made.
func (s *Server) Tokens() (names []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.tokens {
		names = append(names, t.name)
	}
	return names
}

// Regenerate replaces the operator token, and returns the new text.
func (s *Server) Regenerate() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.named(operatorName)
	t.updated = s.Now()
	return s.give(t, "")
}

// DeleteToken deletes the token of that name.
func (s *Server) DeleteToken(name string) {
	if status, body := s.delete(name); status != http.StatusOK {
		panic(body)
	}
}

func (s *Server) delete(name string) (status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.named(name) == nil:
		return http.StatusNotFound, "token not found"
	case name == operatorName && s.since("3.0.3"):
		return http.StatusMethodNotAllowed, "cannot delete operator token"
	}
	s.tokens = slices.DeleteFunc(s.tokens, func(t *token) bool { return t.name == name })
	return http.StatusOK, ""
}

// Rebuild is a new catalog at the same address: another cluster-uuid, other tokens, and IDs
// from 0 again. It returns the text of the new operator token.
func (s *Server) Rebuild() string {
	s.mu.Lock()
	sum := sha512.Sum512([]byte(s.ClusterUUID))
	s.ClusterUUID = fmt.Sprintf("%x-%x-4%x-8%x-%x", sum[:4], sum[4:6], sum[6:7], sum[7:8], sum[8:14])
	s.tokens, s.databases, s.nextToken = nil, nil, 0
	s.mu.Unlock()
	_, operator := s.AddToken(Token{Name: operatorName})
	return operator
}

// AddDatabase adds one. A name may be that of a deleted one: it is another database.
func (s *Server) AddDatabase(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases = append(s.databases, &database{name: name})
}

// DeleteDatabase deletes one; hard leaves nothing of it but in grants.
func (s *Server) DeleteDatabase(name string, hard bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.database(name)
	d.deleted, d.hard = s.Now(), hard
}

// database is the one of that name that is not deleted.
func (s *Server) database(name string) *database {
	for _, d := range s.databases {
		if d.name == name && d.deleted.IsZero() {
			return d
		}
	}
	panic("no database " + name)
}

// Renamed is the name that a deleted database gets.
func Renamed(name string, deleted time.Time) string {
	return name + "-" + deleted.UTC().Format("20060102T150405")
}

// authenticate finds the token of a request; nil where the server asks for none. Refusal
// answers the request if it is not let in.
func (s *Server) authenticate(header string) (who *token, refusal func(http.ResponseWriter)) {
	if s.WithoutAuth {
		return nil, nil
	}
	if header == "" {
		return nil, unauthenticated
	}
	scheme, given, ok := strings.Cut(header, " ")
	switch {
	case !ok || given == "" || strings.Contains(given, " "):
		return nil, malformed
	case scheme == "Basic":
		plain, err := base64.StdEncoding.DecodeString(given)
		_, password, pair := strings.Cut(string(plain), ":")
		if err != nil || !pair {
			return nil, malformed
		}
		given = password
	case scheme != "Bearer" && scheme != "Token":
		return nil, malformed
	}
	sum := sha512.Sum512([]byte(given))
	hash := hex.EncodeToString(sum[:])
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.tokens {
		if t.hash == hash && (t.expiry.IsZero() || t.expiry.After(s.Now())) {
			return t, nil
		}
	}
	return nil, unauthenticated
}

// admin: every token of Core is one.
func (s *Server) admin(t *token) bool { return s.Build == Core || len(t.grants) == 0 }

// permissions writes those of a token as the column has them.
func (s *Server) permissions(t *token) string {
	if s.admin(t) {
		if s.Build == Enterprise && s.AdminInArray {
			return `["*:*:*"]`
		}
		return "*:*:*"
	}
	var elements []string
	for _, g := range t.grants {
		names := slices.Clone(g.Names)
		for i, d := range g.databases {
			if d != nil {
				names[i] = s.printed(d)
			}
		}
		if s.Permissions != SingleActions {
			elements = append(elements, g.Type+":"+strings.Join(names, ",")+":"+strings.Join(g.Actions, ","))
			continue
		}
		for _, name := range names {
			for _, action := range g.Actions {
				elements = append(elements, g.Type+":"+name+":"+action)
			}
		}
	}
	if s.Permissions == Plain {
		return strings.Join(elements, " ")
	}
	array, _ := json.Marshal(elements)
	return string(array)
}

func (s *Server) printed(d *database) string {
	if d.deleted.IsZero() || s.DeletedName == nil {
		return d.name
	}
	return s.DeletedName(d.name, d.deleted)
}
