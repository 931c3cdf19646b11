package influx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

const usualElement = `{"id":"a","token":"","status":"active","description":"\u003cb\u003e \"x\" é","orgID":"o","org":"acme","userID":"u","user":"bob","permissions":[{"action":"read","resource":{"type":"buckets","id":"b","orgID":"o","name":"n","org":"acme"}},{"action":"read","resource":{"type":"users"}}],"links":{"self":"/x","user":"/y"},"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:05.678Z"}`

// indented is what OSS makes of it in a list.
func indented(t *testing.T, element string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(element), "\t\t", "\t"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestUsualElements: what OSS and Cloud send does not take the slow way, however it
// lies in the window, and is not taken before it is all there.
func TestUsualElements(t *testing.T) {
	for name, element := range map[string]string{
		"of Cloud":       usualElement,
		"of OSS":         indented(t, usualElement),
		"a long name":    `{"id":"a","permissions":[{"action":"read","resource":{"name":"` + strings.Repeat("x", audit.LongestKnown) + `"}}]}`,
		"few members":    `{"id":"a","permissions":[]}`,
		"new members":    `{"id":"a","lastUsedAt":"2026-01-02T03:04:05Z","labels":{"team":"x"}}`,
		"44 permissions": `{"id":"a","permissions":[` + strings.Repeat(`{"action":"write","resource":{"type":"buckets"}},`, 43) + `{"action":"read","resource":{"type":"orgs"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			ed := newElementDecoder()
			for end := range len(element) {
				if n := ed.usual([]byte(element[:end]), new(wire)); n != 0 {
					t.Fatalf("%q is taken for whole", element[:end])
				}
			}
			for _, rest := range []string{"", ",\n\t\t{\n", "\n\t]}", `,{"id":"b"}`} {
				if n := ed.usual([]byte(element+rest), new(wire)); n != len(element) {
					t.Errorf("%d of %d bytes, and then %q", n, len(element), rest)
				}
			}
			for window := range 70 {
				f := &frames{r: iotest.HalfReader(strings.NewReader(element + "]")), buf: make([]byte, 0, window+1)}
				if _, err := ed.decode(f); err != nil || ed.unusual {
					t.Fatalf("with a window of %d: left to encoding/json; %v", window+1, err)
				}
			}
		})
	}
}

// TestPermissionsSeenBefore: they are the same the second time, and only whole
// permissions are known.
func TestPermissionsSeenBefore(t *testing.T) {
	tests := map[string]struct {
		permissions string
		known       int
	}{
		"none":                 {``, 0},
		"usual":                {`{"action":"read","resource":{"type":"buckets","id":"b"}},{"action":"write","resource":{"type":"buckets","id":"b"}}`, 2},
		"with spaces":          {"{ \"action\" : \"read\",\n\t\"resource\": {\"type\":\"orgs\"}\r\n}", 1},
		"44":                   {strings.Repeat(`{"action":"write","resource":{"type":"buckets"}},`, 43) + `{"action":"read","resource":{"type":"orgs"}}`, 2},
		"brace in a name":      {`{"action":"read","resource":{"type":"buckets","name":"a}b"}},{"action":"read","resource":{"type":"buckets","name":"a}c"}}`, 0},
		"like one in a name":   {`{"action":"read","resource":{"name":"{}}"}},{"action":"read","resource":{"name":"{}}}"}}`, 0},
		"no resource":          {`{"action":"read"},{"action":"write"}`, 0},
		"resource first":       {`{"resource":{"type":"orgs"},"action":"read"}`, 1},
		"members twice":        {`{"action":"x","action":"read","resource":{"id":"a","type":"x"},"resource":{"type":"orgs"}}`, 0},
		"null":                 {`null,{"action":"read","resource":null},{"action":null,"resource":{"id":null}}`, 0},
		"letters of any case":  {`{"Action":"read","resource":{"TYPE":"orgs"}}`, 0},
		"a member too many":    {`{"action":"read","token":"secret","resource":{"type":"orgs"}}`, 0},
		"escapes":              {`{"action":"read","resource":{"type":"buckets","name":"\"\u003c\u00e9\n}"}}`, 0},
		"half a character":     {`{"action":"read","resource":{"type":"buckets","name":"\ud800"}}`, 0},
		"no UTF-8":             {"{\"action\":\"read\",\"resource\":{\"name\":\"a\xffb\"}}", 0},
		"longer than is known": {`{"action":"read","resource":{"name":"` + strings.Repeat("x", audit.LongestKnown) + `"}}`, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ed := newElementDecoder()
			element := `{"id":"a","permissions":[` + test.permissions + `]}`
			var want wire
			if err := json.Unmarshal([]byte(element), &want); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := ed.decode(newFrames(strings.NewReader(element)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, *got); diff != "" {
					t.Errorf("(-encoding/json +got):\n%s", diff)
				}
				for end := range len(element) { // what is cut does not become known
					ed.usual([]byte(element[:end]), new(wire))
				}
			}
			if known := ed.knownTexts(); len(known) != test.known {
				t.Errorf("%d known, want %d: %q", len(known), test.known, known)
			}
		})
	}
}

// knownTexts are the permissions that are known, as they were written.
func (ed *elementDecoder) knownTexts() (raw []string) {
	for text := range ed.known.All() {
		raw = append(raw, text)
	}
	return raw
}

// TestTokensAreNotKept: of a token in clear nothing is left but that it was there,
// also when it is decoded the slow way or the list is broken.
func TestTokensAreNotKept(t *testing.T) {
	const permission = `{"action":"read","resource":{"type":"buckets","name":"plant"}}`
	for name, element := range map[string]string{
		"usual":             `{"id":"a","token":"secret==","permissions":[` + permission + `],"description":"\n"}`,
		"with an escape":    `{"id":"a","token":"secret\u003d\u003d","permissions":[` + permission + `],"description":"\n"}`,
		"unusual":           `{"id":"a","token":"secret==","permissions":[` + permission + `],"new":1}`,
		"in a permission":   `{"id":"a","token":"x","permissions":[` + permission + `,{"token":"secret==","resource":{}}]}`,
		"instead of a list": `{"id":"a","token":"x","permissions":{"a":[` + permission + `,"secret=="]}}`,
		"cut":               `{"id":"a","token":"secret==","permissions":[` + permission,
	} {
		t.Run(name, func(t *testing.T) {
			ed := newElementDecoder()
			_, err := ed.decode(newFrames(strings.NewReader(element)))
			if err == nil && !bool(ed.wire.Token) {
				t.Error("the token was not seen")
			}
			kept := fmt.Sprint(*ed.names, ed.wire, ed.permissions, ed.knownTexts(), string(ed.unique), string(ed.unescaped), err)
			if strings.Contains(kept, "secret") {
				t.Errorf("kept: %s", kept)
			}
		})
	}
}

// TestElementsAreDecodedInBoundedRoom however many there are.
func TestElementsAreDecodedInBoundedRoom(t *testing.T) {
	var list strings.Builder
	for i := range 3 * audit.MostKnown {
		fmt.Fprintf(&list, `,{"id":"a","description":"\n","permissions":[{"action":"read","resource":{"type":"buckets","id":"%d"}}]}`, i)
	}
	f := newFrames(strings.NewReader(list.String()))
	ed := newElementDecoder()
	for i := range 3 * audit.MostKnown {
		if err := f.expect(','); err != nil {
			t.Fatal(err)
		}
		w, err := ed.decode(f)
		if err != nil || !slices.Equal(w.Permissions, []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets", ID: fmt.Sprint(i)}}}) {
			t.Fatalf("%d: %v, %v", i, w.Permissions, err)
		}
	}
	if _, err := f.peek(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
	if n := len(ed.knownTexts()); n > audit.MostKnown || cap(ed.unescaped) > 64 {
		t.Errorf("%d permissions and %d bytes of texts are kept", n, cap(ed.unescaped))
	}
}

// TestPlainBytes finds the first byte that is not plain, wherever it stands.
func TestPlainBytes(t *testing.T) {
	for c := range 256 {
		plain := c >= ' ' && c < 0x80 && c != '"' && c != '\\'
		for at := range 20 {
			b := bytes.Repeat([]byte{'!'}, 21)
			b[at] = byte(c)
			want := at
			if plain {
				want = len(b)
			}
			if got := plainBytes(b); got != want {
				t.Fatalf("%#x at %d: %d plain, want %d", c, at, got, want)
			}
		}
	}
}
