package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const (
	token88  = `Zx9-6f0c/1d2e3b4a59687+86950a1b_2c3d4e5f60718293a4b5c6d7e8f9012345"<&>\Qw7aa==`
	password = "hunter2-Zx9=="
	marks    = `p+<~?>~?9&` // short, and with all that one encoding or another changes
)

// TestRedactorFindsForms: every encoding, at every place of a longer text.
func TestRedactorFindsForms(t *testing.T) {
	encodings := map[string]func(string) string{
		"raw":           func(s string) string { return s },
		"query":         url.QueryEscape,
		"path":          url.PathEscape,
		"small percent": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
		"JSON":          func(s string) string { b, _ := json.Marshal(s); return string(b) },
		"quoted":        strconv.Quote,
		"HTML":          html.EscapeString,
		"page":          template.HTMLEscapeString,
		"template": func(s string) string {
			var out strings.Builder
			if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, s); err != nil {
				t.Error(err)
			}
			return out.String()
		},
		"basic": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("audit:" + s)) },
	}
	for _, before := range []string{"", "a", "ab", "abc:"} {
		for name, e := range map[string]*base64.Encoding{"std": base64.StdEncoding, "url": base64.URLEncoding, "raw": base64.RawStdEncoding, "raw url": base64.RawURLEncoding} {
			encodings["base64 "+name+" after "+before] = func(s string) string { return e.EncodeToString([]byte(before + s + before)) }
		}
	}
	for _, secret := range []string{token88, password, marks, "p@ss w<rd", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", strings.Repeat("long", 5000)} {
		r := NewRedactor()
		r.Learn(secret)
		for name, encode := range encodings {
			text := "GET /x: 400 bad header Token " + encode(secret) + "; try again"
			got := r.Clean(text)
			if !strings.Contains(got, redacted) || !strings.HasPrefix(got, "GET /x: 400 bad header Token ") || !strings.HasSuffix(got, "; try again") {
				t.Errorf("%s of %.20s: %s", name, secret, got)
			}
			if rest := len(got) - len("GET /x: 400 bad header Token [redacted]; try again"); rest > 24 {
				t.Errorf("%s of %.20s: %d bytes of it are left in %s", name, secret, rest, got)
			}
		}
	}
}

// TestRedactorFindsPieces: of a long secret, wherever a text was cut or wrapped.
func TestRedactorFindsPieces(t *testing.T) {
	r := NewRedactor()
	r.Learn(token88)
	for from := 0; from+shortestPiece <= len(token88); from++ {
		for to := from + shortestPiece; to <= len(token88); to++ {
			got := r.Clean("… " + token88[from:to] + "…")
			if rest := len(got) - len("… [redacted]…"); !strings.Contains(got, redacted) || rest > 3 { // where two forms begin to differ
				t.Fatalf("%s gives %s", token88[from:to], got)
			}
		}
	}
	wrapped := r.Clean("Token " + token88[:40] + "\n" + token88[40:])
	if wrapped != "Token [redacted]\n[redacted]" {
		t.Errorf("wrapped: %s", wrapped)
	}
	if twice := r.Clean(token88 + token88); strings.Contains(twice, "Zx9") {
		t.Errorf("twice: %s", twice)
	}
}

func TestRedactorLeaves(t *testing.T) {
	r := NewRedactor()
	r.Learn("", "short", "password", "https://hc-ping.com/fqOOd6-52MMMEzmKe/weekly-review", password)
	for _, text := range []string{
		"", "abc", "a short password", "weekly-review of acme", "hc-ping.com does not answer", "hunter2 of Zx9", "Ünïcödé\xff\xfe text",
	} {
		if got := r.Clean(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := new(Redactor).Clean("anything at all"); got != "anything at all" {
		t.Error(got)
	}
	var none *Redactor
	none.Learn(password)
	if got := none.Clean(password); got != password {
		t.Error(got)
	}
}

// TestRedactorKnowsParts: a URL is a secret as a whole and by the parts that nobody
// could guess, a key in PEM line by line.
func TestRedactorKnowsParts(t *testing.T) {
	r := NewRedactor()
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACBq9\n-----END OPENSSH PRIVATE KEY-----"
	r.Learn("https://hooks.slack.com/services/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", "https://me:s3cret-of-me@example.com/in?key=k3y-Of-Query", key)
	for text, want := range map[string]string{
		"POST https://hooks.slack.com/services/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": "POST [redacted]",
		"/services/T024BE7LD/B0LAB1234/aB3dE5fG7hI9jK1lM3nO5pQ7: 404":                        "[redacted]: 404",
		"no hook aB3dE5fG7hI9jK1l":        "no hook [redacted]",
		"team T024BE7LD":                  "team [redacted]",
		"login s3cret-of-me":              "login [redacted]",
		"key k3y-Of-Query":                "key [redacted]",
		"hooks.slack.com does not answer": "hooks.slack.com does not answer",
		"not base64: b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQA": "not base64: [redacted]",
		"-----BEGIN OPENSSH PRIVATE KEY-----":                     "-----BEGIN OPENSSH PRIVATE KEY-----",
	} {
		if got := r.Clean(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRedactorForgetsTheOldest(t *testing.T) {
	r := NewRedactor()
	value := func(n int) string { return fmt.Sprintf("%d-%x", n, n*7919+1<<40) }
	for n := range 2 * mostValues {
		r.Learn(value(n))
		if got := r.Clean(value(n)); got != redacted {
			t.Fatalf("%d: %s", n, got)
		}
	}
	if len(r.known) > mostValues || len(r.newest) > mostValues {
		t.Errorf("%d values are known", len(r.known))
	}
	if got := r.Clean(value(2*mostValues - mostValues/2)); got != redacted {
		t.Errorf("one of the newest is forgotten: %s", got)
	}
}

func TestRedactorCleanAll(t *testing.T) {
	type kind string
	type inner struct{ Text string }
	v := struct {
		Text    string
		Kind    kind
		List    []string
		Pointer *inner
		None    *inner
		Map     map[string]inner
		Any     any
		hidden  string
	}{password, password, []string{"a", password}, &inner{password}, nil, map[string]inner{"k": {password}}, &inner{password}, "x"}
	r := NewRedactor()
	r.Learn(password)
	r.CleanAll(&v)
	if v.Kind != password || v.hidden != "x" {
		t.Error("it changed what is no free text")
	}
	v.Kind = ""
	if text := fmt.Sprintf("%+v %+v %+v", v, v.Pointer, v.Any); strings.Contains(text, password) || strings.Count(text, redacted) != 5 {
		t.Error(text)
	}
}

func TestRedactorWriter(t *testing.T) {
	var out strings.Builder
	r := NewRedactor()
	r.Learn(token88)
	w := r.Writer(&out)
	for _, part := range []string{"plain ", "Token " + token88, "; split ", token88[:30], token88[30:]} {
		if n, err := fmt.Fprint(w, part); n != len(part) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if want := "plain Token [redacted]; split [redacted][redacted]"; out.String() != want || w.Unwrap() != &out {
		t.Errorf("%s, want %s", out.String(), want)
	}
}

func TestWithoutQuotes(t *testing.T) {
	for text, want := range map[string]string{
		`Unsolicited response received on idle HTTP channel starting with "\"token\":\"canary\""; err=<nil>`: `Unsolicited response received on idle HTTP channel starting with "…"; err=<nil>`,
		`malformed MIME header line: X-Echo Authorization Token canary`:                                      `malformed MIME header line: …`,
		"malformed MIME header initial line:  canary: a\nb":                                                  `malformed MIME header initial line: …`,
		`malformed HTTP response "canary`:                                                                    `malformed HTTP response "…"`,
		`EOF`:                                                                                                `EOF`,
	} {
		if got := WithoutQuotes(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// BenchmarkClean cleans texts like descriptions, most of which hold no secret.
func BenchmarkClean(b *testing.B) {
	for _, secrets := range []int{1, 100, 1000} {
		r := NewRedactor()
		for n := range secrets {
			r.Learn(base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%064d", n*7919+1<<40))))
		}
		text := "telegraf on plant-eu line 4, written by ci-deploy 2026-11-28"
		b.Run(fmt.Sprint(secrets), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r.Clean(text)
			}
		})
	}
}
