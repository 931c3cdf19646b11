package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

const (
	gram          = 6  // bytes by which a form is found; no form is shorter
	shortestPiece = 12 // bytes of a long form that are a secret by themselves
	longForm      = 20 // bytes of a value of which pieces are looked for
)

// form is a secret as it may stand in a text, folded.
type form struct {
	text  string
	whole bool // only all of it counts, no piece
}

// formsOf are the forms of a value, or of each part of it that is a secret: of a URL
// those that nobody could guess, of a key in PEM its lines.
func formsOf(value string) []form {
	if lines := strings.Fields(value); strings.Contains(value, "\n") {
		var out []form
		for _, line := range lines {
			if len(line) >= longForm && !strings.HasPrefix(line, "--") {
				out = append(out, form{folded(line), false})
			}
		}
		return out
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return encoded(value, len(value) < longForm)
	}
	out := encoded(value, true)
	if u.RequestURI() != "/" {
		out = append(out, encoded(u.RequestURI(), true)...)
	}
	password, _ := u.User.Password()
	out = append(out, encoded(password, len(password) < longForm)...)
	parts := append(strings.Split(u.Path, "/"), u.User.Username(), u.Fragment)
	parts = append(parts, strings.Split(u.Hostname(), ".")...)
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for _, part := range parts {
		if !plain(part) {
			out = append(out, encoded(part, len(part) < longForm)...)
		}
	}
	return out
}

// encoded are the encodings of a value in which programs repeat it.
func encoded(value string, whole bool) []form {
	if !tellable(value) {
		return nil
	}
	plain, _ := json.Marshal(value)
	page := html.EscapeString(value)
	texts := []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
		string(plain[1 : len(plain)-1]), strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(plain[1 : len(plain)-1])),
		page, strings.ReplaceAll(page, "+", "&#43;"), // as html/template has it
	}
	// In base64 three bytes make four letters, so a value looks different at each of
	// three places; the letters at its ends hold bits of what stands beside it.
	for before, letters := range []int{0, 2, 3} {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), value...))
		texts = append(texts, text[letters:(before+len(value))*8/6])
	}
	var out []form
	for _, text := range texts {
		f := form{folded(text), whole}
		if len(text) >= gram && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// tellable: it can be told from plain text. To take out fewer than six characters, or a
// word such as "password", would blot out text that is none.
func tellable(value string) bool {
	letters := strings.Trim(value, "abcdefghijklmnopqrstuvwxyz") == ""
	return len(value) >= gram && (len(value) >= shortestPiece || !letters)
}

// folds makes letters small, and the two alphabets of base64 one.
var folds = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
	}
	for c := byte('A'); c <= 'Z'; c++ {
		table[c] = c + 'a' - 'A'
	}
	table['-'], table['_'] = '+', '/'
	return table
}()

func folded(text string) string {
	out := []byte(text)
	for i, c := range out {
		out[i] = folds[c]
	}
	return string(out)
}

// index finds forms in texts, by grams: each gram bytes of a form at a distance such
// that every piece of shortestPiece bytes holds one of them whole.
type index struct {
	forms  []form
	places []place
	first  map[uint64]int32 // index into places, plus 1, by gram
	seen   []uint64         // a bit for each gram, so that nearly all texts need no look into first
}

// place is where a gram stands in a form.
type place struct {
	form, at int32
	next     int32 // of the same gram, as in first
}

const (
	apart    = shortestPiece - gram + 1
	bits     = 19 // of 64 KiB
	gramMask = 1<<(8*gram) - 1
)

func bit(g uint64) (word, mask uint64) {
	h := g * 0x9E3779B97F4A7C15 >> (64 - bits)
	return h >> 6, 1 << (h & 63)
}

func (x *index) addAll(forms []form) {
	if x.first == nil {
		x.first, x.seen = map[uint64]int32{}, make([]uint64, 1<<bits/64)
	}
	for _, f := range forms {
		n := int32(len(x.forms))
		x.forms = append(x.forms, f)
		for at := 0; at+gram <= len(f.text); at += apart {
			var g uint64
			for i := range gram {
				g = g<<8 | uint64(f.text[at+i])
			}
			if newest := x.first[g]; newest != 0 && x.places[newest-1].form == n {
				continue // a form that repeats itself is found by one of them
			}
			x.places = append(x.places, place{n, int32(at), x.first[g]})
			x.first[g] = int32(len(x.places))
			word, mask := bit(g)
			x.seen[word] |= mask
		}
	}
}

func (x *index) clean(text string) string {
	if len(x.forms) == 0 || len(text) < gram {
		return text
	}
	var out strings.Builder
	var g uint64
	from, begin, end := 0, 0, 0 // up to where it is written, and the secret that was found after it
	write := func() {
		out.WriteString(text[from:begin])
		out.WriteString(redacted)
		from = end
	}
	for i := 0; i < len(text); i++ {
		g = (g<<8 | uint64(folds[text[i]])) & gramMask
		at := i + 1 - gram
		if at < from || at > begin+apart && i+apart < end { // written, or amid what is found
			continue
		}
		if word, mask := bit(g); x.seen[word]&mask == 0 {
			continue
		}
		b, e := x.match(text, from, at, g)
		switch {
		case e == 0:
		case end > from && b <= end: // the same secret, in a form that is found elsewhere
			begin, end = min(begin, b), max(end, e)
		default:
			if end > from {
				write()
			}
			begin, end = b, e
		}
	}
	if end > from {
		write()
	}
	if from == 0 {
		return text
	}
	out.WriteString(text[from:])
	return out.String()
}

// match is the longest secret in text around the gram at a place, not before from; 0,
// 0 if there is none.
func (x *index) match(text string, from, at int, g uint64) (begin, end int) {
	const enough = 1000 // of the same gram: forms that have a beginning in common are found by their ends
	for p, tried := x.first[g], 0; p != 0 && tried < enough; tried++ {
		place := x.places[p-1]
		p = place.next
		f := x.forms[place.form]
		b, e := at, at+gram
		for i := int(place.at) - 1; i >= 0 && b > from && folds[text[b-1]] == f.text[i]; i-- {
			b--
		}
		for i := int(place.at) + gram; i < len(f.text) && e < len(text) && folds[text[e]] == f.text[i]; i++ {
			e++
		}
		counts := e-b >= shortestPiece
		if f.whole {
			counts = e-b == len(f.text)
		}
		if counts && e-b > end-begin {
			begin, end = b, e
		}
	}
	return begin, end
}
