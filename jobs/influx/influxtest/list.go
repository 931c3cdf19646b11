package influxtest

import (
	"iter"
	"net/http"
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
