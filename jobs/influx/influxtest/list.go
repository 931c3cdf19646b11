package influxtest

import (
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// responses drops, without a word, what has lost its owner or organization (T1, T5).
// It locks the state for one authorization at a time: a client may read slowly
// and ask for other things meanwhile.
func (s *Server) responses(found iter.Seq[*Authorization], respond func(*Authorization) (*authorizationResponse, error)) iter.Seq[*authorizationResponse] {
	return func(yield func(*authorizationResponse) bool) {
		for a := range found {
			s.mu.RLock()
			response, err := respond(a)
			s.mu.RUnlock()
			if err == nil && !yield(response) {
				return
			}
		}
	}
}

// writeList writes the bytes of json.MarshalIndent(list, "", "\t") without ever
// holding the list. It stops when the client has gone.
func (s *Server) writeList(w http.ResponseWriter, path string, list iter.Seq[*authorizationResponse]) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	b := []byte("{\n\t\"links\": {\n\t\t\"self\": \"" + path + "\"\n\t},\n\t\"authorizations\": [")
	separator, end := "", "]\n}"
	for response := range list {
		b = appendElement(append(b, separator...), response)
		separator, end = ",", "\n\t]\n}"
		if len(b) > 64<<10 {
			if _, err := w.Write(b); err != nil {
				return
			}
			b = b[:0]
		}
	}
	_, _ = w.Write(append(b, end...))
}

// appendElement appends an element of the list as json.MarshalIndent would: tests
// hold it to that. It is several times faster, so that benchmarks with a million
// authorizations measure their client and not this server.
func appendElement(b []byte, r *authorizationResponse) []byte {
	const indent = "\n\t\t\t"
	b = append(b, "\n\t\t{"...)
	b = appendMember(b, indent, "id", r.ID)
	b = appendMember(b, indent, "token", r.Token)
	b = appendMember(b, indent, "status", r.Status)
	b = appendMember(b, indent, "description", r.Description)
	b = appendMember(b, indent, "orgID", r.OrgID)
	b = appendMember(b, indent, "org", r.Org)
	b = appendMember(b, indent, "userID", r.UserID)
	b = appendMember(b, indent, "user", r.User)
	b = appendPermissions(append(b, indent+`"permissions": [`...), r.Permissions)
	b = append(b, indent+`"links": {`...)
	b = appendMember(b, indent+"\t", "self", r.Links["self"])
	b = appendMember(b, indent+"\t", "user", r.Links["user"])
	b = closed(b, indent+"},")
	b = appendMember(b, indent, "createdAt", r.CreatedAt.Format(time.RFC3339Nano))
	b = appendMember(b, indent, "updatedAt", r.UpdatedAt.Format(time.RFC3339Nano))
	return closed(b, "\n\t\t}")
}

func appendPermissions(b []byte, ps []permissionResponse) []byte {
	const indent = "\n\t\t\t\t"
	if len(ps) == 0 {
		return append(b, "],"...)
	}
	for _, p := range ps {
		b = appendMember(append(b, indent+"{"...), indent+"\t", "action", p.Action)
		b = appendResource(append(b, indent+"\t"+`"resource": {`...), p.Resource)
		b = append(b, indent+"},"...)
	}
	return closed(b, "\n\t\t\t],")
}

func appendResource(b []byte, r resourceResponse) []byte {
	const indent = "\n\t\t\t\t\t\t"
	b = appendMember(b, indent, "type", r.Type)
	for _, m := range [...]struct{ name, value string }{{"id", r.ID}, {"orgID", r.OrgID}, {"name", r.Name}, {"org", r.Org}} {
		if m.value != "" {
			b = appendMember(b, indent, m.name, m.value)
		}
	}
	return closed(b, "\n\t\t\t\t\t}")
}

// appendMember ends with a comma; closed takes the last one back.
func appendMember(b []byte, indent, name, value string) []byte {
	b = append(append(append(b, indent...), '"'), name...)
	b = appendString(append(b, `": `...), value)
	return append(b, ',')
}

func closed(b []byte, end string) []byte { return append(b[:len(b)-1], end...) }

func appendString(b []byte, s string) []byte {
	if needsEscape(s) {
		escaped, _ := json.Marshal(s) // a string can always be encoded
		return append(b, escaped...)
	}
	return append(append(append(b, '"'), s...), '"')
}

func needsEscape(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return true
		}
	}
	return false
}
