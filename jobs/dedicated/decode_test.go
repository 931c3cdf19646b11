package dedicated

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

func tokensIn(body io.Reader) (out []token, err error) {
	err = decodeRows(body, func(t token) error { out = append(out, t); return nil })
	return out, err
}

// TestDefaultAddress: Dedicated has one address for all.
func TestDefaultAddress(t *testing.T) {
	for kind, want := range map[string]string{target.KindDedicated: "https://console.influxdata.com", target.KindClustered: ""} {
		if at, err := New(target.Config{Kind: kind}, slog.New(slog.DiscardHandler)); err != nil || at.cfg.URL != want {
			t.Errorf("%s: %v, %v", kind, at, err)
		}
	}
}

// TestDecodeRows: a list is one whole array of objects, or an error.
func TestDecodeRows(t *testing.T) {
	const one = `{"id":"5A3C1B2E-1f4d-4a76-9d3b-0c2f9e8d7b61","permissions":[]}`
	for body, want := range map[string]struct {
		rows int
		says string // "" if it is a list
	}{
		`[]`:                               {0, ""},
		" [ " + one + " ,\n" + one + "]\n": {2, ""},
		`[{"new":{"a":[1e400,"x"]},"id":"a","permissions":[{"action":"read","resource":"a","new":1}]}]`: {1, ""},
		``:                                       {0, "unexpected EOF"},
		`[`:                                      {0, "unexpected EOF"},
		`[` + one:                                {1, "unexpected EOF"},
		`[` + one + `,`:                          {1, "unexpected EOF"},
		`[` + one + `]]`:                         {1, "more data"},
		`[` + one + `]` + `[]`:                   {1, "more data"},
		`[` + one + one + `]`:                    {1, "no JSON"},
		`null`:                                   {0, "expected ["},
		`"[]"`:                                   {0, "expected ["},
		`{"code":500,"message":"apiv1_x"}`:       {0, "expected ["},
		`{"tokens":[` + one + `]}`:               {0, "expected ["},
		`<html>`:                                 {0, "expected ["},
		`[null]`:                                 {0, "not an object"},
		`[[` + one + `]]`:                        {0, "not an object"},
		`["apiv1_x"]`:                            {0, "not an object"},
		`[{"id":7}]`:                             {0, "unexpected kind"},
		`[{"id":"a","description":["apiv1_x"]}]`: {0, "unexpected kind"},
		`[{"id":"a","permissions":[{"action"`:    {0, "unexpected EOF"},
	} {
		got, err := tokensIn(strings.NewReader(body))
		if len(got) != want.rows || (err == nil) != (want.says == "") || err != nil && (!strings.Contains(err.Error(), want.says) || strings.Contains(err.Error(), "apiv1_")) {
			t.Errorf("%s: %d rows, %v", body, len(got), err)
		}
	}
}

// TestGrants: what is no action on a database by its name stands as it came, and is never
// taken for less, or for one on all databases.
func TestGrants(t *testing.T) {
	const org = "cluster"
	on := func(name string) audit.Resource {
		return audit.Resource{Type: "buckets", ID: name, Name: name, OrgID: org}
	}
	for text, want := range map[string][]audit.Permission{
		`null`: nil, `{}`: nil, `"*"`: nil, `[]`: {},
		`[{"action":"read","resource":"a"},{"action":"write","resource":"*"}]`: {{Action: "read", Resource: on("a")}, {Action: "write", Resource: audit.Resource{Type: "buckets", OrgID: org}}},
		`[{"action":"write","resource":"** "}]`:                                {{Action: "write", Resource: on("** ")}},
		`[{"action":"own","resource":"a"}]`:                                    {{Action: "own", Resource: on("a")}},
		`[{"action":"write","resource":""}]`:                                   {{Action: `{"action":"write","resource":""}`}},
		`[{"action":"write"}]`:                                                 {{Action: `{"action":"write"}`}},
		`[{"action":"write","resource":{"db":"a"}}]`:                           {{Action: `{"action":"write","resource":{"db":"a"}}`}},
		`["db:a:write"]`:                                                       {{Action: `"db:a:write"`}},
		`[null]`:                                                               {{Action: `null`}},
	} {
		got, err := tokensIn(strings.NewReader(`[{"id":"a","permissions":` + text + `}]`))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		a := got[0].authorization(org, audit.ProductDedicated)
		if diff := cmp.Diff(want, a.Permissions); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		if known := text[:1] == "[" && !strings.Contains(diffWords(a.Permissions), "?"); a.PermissionsKnown() != known {
			t.Errorf("%s: known %v", text, a.PermissionsKnown())
		}
	}
}

// diffWords has a ? for each action that is none.
func diffWords(ps []audit.Permission) (out string) {
	for _, p := range ps {
		if p.Action != "read" && p.Action != "write" {
			out += "?"
		}
	}
	return out
}

// TestBounds: neither a row nor a list without end fills the memory.
func TestBounds(t *testing.T) {
	endless := func(begin, again string) io.Reader {
		return io.MultiReader(strings.NewReader(begin), io.LimitReader(&repeating{text: again}, 1<<30))
	}
	for name, body := range map[string]io.Reader{
		"a description":  endless(`[{"description":"`, "x"),
		"permissions":    endless(`[{"permissions":[{"action":"read","resource":"a"}`, `,{"action":"read","resource":"a"}`),
		"unknown keys":   endless(`[{"id":"a"`, `,"new":1`),
		"a few too many": strings.NewReader(`[{"permissions":[{}` + strings.Repeat(",{}", api.MostPermissions) + `]}]`),
		"depth":          endless(`[{"new":`, `[`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := tokensIn(body)
		runtime.ReadMemStats(&after)
		large := new(api.TooLarge)
		if spent := int64(after.TotalAlloc-before.TotalAlloc) >> 20; err == nil || spent > 200 || name != "depth" && !errors.As(err, &large) {
			t.Errorf("%s: %v, %d MiB", name, err, spent)
		}
	}
}

// TestLongList: the bound is on a row, not on the list.
func TestLongList(t *testing.T) {
	const rows = 100_000
	body := `[{"id":"a"}` + strings.Repeat(`,{"id":"a","description":"`+strings.Repeat("x", 100)+`"}`, rows-1) + `]`
	if got, err := tokensIn(strings.NewReader(body)); err != nil || len(got) != rows || int64(len(body)) < api.LargestRow {
		t.Errorf("%d bytes: %d rows, %v", len(body), len(got), err)
	}
}

type repeating struct {
	text string
	at   int
}

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

// FuzzTokens: what is accepted is one JSON array, read the same however it arrives, with the
// rows that encoding/json finds.
func FuzzTokens(f *testing.F) {
	for _, body := range []string{
		`[]`, `[{"id":"a","permissions":[{"action":"read","resource":"*"}],"createdAt":"2026-01-05T08:00:00.000Z","expiresAt":null}]`,
		`[{"id":"a"},null]`, `[{"id":"a"}] x`, `[{"id":"a","id":"b","permissions":{}}`, `[{"id":"a","revokedAt":7,"new":[[-0.5e+1,true,{}]]}]`,
		"[{\"id\":\"a\xff\",\"description\":\"\\ud800\"}]", `{"code":401,"message":"unauthorized"}`, `[{"permissions":[{"action":"write","resource":""},7]}]`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := tokensIn(strings.NewReader(body))
		byByte, byteErr := tokensIn(iotest.OneByteReader(strings.NewReader(body)))
		if (err == nil) != (byteErr == nil) || err == nil && !cmp.Equal(got, byByte, cmp.AllowUnexported(date{})) {
			t.Fatalf("%q byte by byte: %v, at once: %v", body, byteErr, err)
		}
		if err == io.EOF {
			t.Fatalf("%q: a bare EOF reads like a proper end", body)
		}
		if err != nil {
			return
		}
		var want []json.RawMessage
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("%q is accepted, and is no JSON: %v", body, err)
		}
		if len(want) != len(got) {
			t.Fatalf("%q: %d tokens, encoding/json finds %d", body, len(got), len(want))
		}
		for _, row := range got {
			a := row.authorization("cluster", audit.ProductDedicated)
			if len(row.Permissions) != len(a.Permissions) || (row.Permissions == nil) != (a.Permissions == nil) {
				t.Fatalf("%q: %d of %d permissions", body, len(a.Permissions), len(row.Permissions))
			}
			if _, err := json.Marshal(a); err != nil {
				t.Fatalf("%q cannot be kept: %v", body, err)
			}
			for _, p := range a.Permissions {
				if p.Resource.Type == "buckets" && p.Resource.ID == "" && !strings.Contains(body, "*") && !strings.Contains(body, `\u`) {
					t.Fatalf("%q has a grant on all databases", body)
				}
			}
		}
	})
}

// FuzzImport: a file of somebody is a list of tokens with IDs, or an error without its words.
func FuzzImport(f *testing.F) {
	const id = "5a3c1b2e-1f4d-4a76-9d3b-0c2f9e8d7b61"
	for _, text := range []string{
		`[]`, `[{"id":"` + id + `","cluster_id":"` + id + `","revoked_at":{"seconds":1,"nanos":2}}]`, `[{"id":"` + id + `","revoked_at":{"seconds":"1"},"permissions":{}}]`,
		`[{"id":"` + id + `","revoked_at":"2026-01-05T08:00:00Z"}]`, `[{"id":"secret-word"}]`, `null`, `[{"id":"` + id + `"},]`, "\xef\xbb\xbf[]",
	} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "tokens.json")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readImport(setting.Path(path), "", func(a audit.Authorization) error {
			if !uuid.MatchString(a.ID) {
				t.Fatalf("%q: the ID %q", text, a.ID)
			}
			return nil
		})
		if err != nil && strings.Contains(err.Error(), "secret-word") {
			t.Fatalf("the error repeats the file: %v", err)
		}
		if err == nil && !bytes.HasPrefix(bytes.TrimLeft([]byte(text), " \t\r\n"), []byte("[")) {
			t.Fatalf("%q is accepted", text)
		}
	})
}
