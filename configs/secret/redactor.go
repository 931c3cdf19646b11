package secret

import (
	"errors"
	"io"
	"reflect"
	"sync"
)

// Redactor takes every secret that it knows out of texts: the values that were read
// by the Refs bound to it, and those that it was told of by Learn. It finds a value as
// it is, percent-encoded, escaped for JSON or HTML and in base64 wherever that began,
// whatever the case of its letters; of one of longForm bytes or more, also any piece of
// shortestPiece bytes, as it is left where a text was cut or wrapped. A value that is
// too short to be told from plain text is not known, see tellable.
//
// It stands where texts leave the program, in few places: before standard output and
// standard error, to which the log goes, and before what is kept, the ledger and the
// snapshots, of which reports and messages are made. A nil Redactor knows nothing. All
// methods may be called by several goroutines.
type Redactor struct {
	mu     sync.RWMutex
	known  map[string]bool
	newest []string // the keys of known, in the order in which they came
	index  index
}

// NewRedactor returns one that knows no secret.
func NewRedactor() *Redactor { return &Redactor{known: map[string]bool{}} }

// mostValues is how many values are known at a time. A secret that is another one at
// each reading would fill the memory of a process that stays; the oldest half is
// forgotten then.
const mostValues = 5000

// Learn makes secrets known.
func (r *Redactor) Learn(values ...string) {
	if r == nil {
		return
	}
	for _, value := range values {
		r.mu.RLock()
		known := r.known[value]
		r.mu.RUnlock()
		if !known {
			r.learn(value)
		}
	}
}

func (r *Redactor) learn(value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[value] || value == "" {
		return
	}
	if len(r.newest) == mostValues {
		r.newest = append([]string(nil), r.newest[mostValues/2:]...)
		r.known, r.index = map[string]bool{}, index{}
		for _, kept := range r.newest {
			r.known[kept] = true
			r.index.addAll(formsOf(kept))
		}
	}
	r.known[value] = true
	r.newest = append(r.newest, value)
	r.index.addAll(formsOf(value))
}

// Clean is text with [redacted] in place of secrets; the same string if it has none.
func (r *Redactor) Clean(text string) string {
	if r == nil {
		return text
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.index.clean(text)
}

// CleanTexts is Clean for several texts at a time, in place.
func (r *Redactor) CleanTexts(texts ...*string) {
	if r == nil {
		return
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, text := range texts {
		*text = r.index.clean(*text)
	}
}

// CleanAll cleans every string that v, a pointer, leads to, but for keys of maps and
// the values of string types of their own, such as a status: those are no free text.
func (r *Redactor) CleanAll(v any) { r.walk(reflect.ValueOf(v).Elem()) }

func (r *Redactor) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.CanSet() {
			v.SetString(r.Clean(v.String()))
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			r.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.walk(v.Field(i))
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			r.walk(value)
			v.SetMapIndex(key, value)
		}
	}
}

// Writer cleans what is written to w, each Write by itself: of a secret that two of
// them share, what is found is the pieces.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{r, w} }

// Writer is a writer behind a Redactor.
type Writer struct {
	redactor *Redactor
	to       io.Writer
}

// Write writes p without secrets. It counts the bytes of p.
func (w *Writer) Write(p []byte) (int, error) {
	text := string(p)
	clean := w.redactor.Clean(text)
	if clean == text {
		return w.to.Write(p)
	}
	n, err := io.WriteString(w.to, clean)
	if err == nil && n < len(clean) {
		err = errors.New("short write")
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap is what w writes to.
func (w *Writer) Unwrap() io.Writer { return w.to }
