package influxdb3

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
)

// TestRow is the example of the facts, composed from the code of InfluxDB 3.
func TestRow(t *testing.T) {
	got, _, err := rows(strings.NewReader(`[{"token_id":0,"name":"_admin","hash":"3f9c2a71b","created_at":"2025-04-14T17:36:04.397","permissions":"*:*:*"},
		{"token_id":18446744073709551615,"name":"ci","hash":"a0b1c2d3e","created_at":"2026-01-02T03:04:05","expiry":"2027-01-02T03:04:05","permissions":"[\"db:gf_ha:read\", \"db:gf_ha:write\"]"}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.Authorization{
		{ID: "0000000000000000", Description: "_admin", Status: audit.Active, SecretSum: "3f9c2a71b", Permissions: everything, CreatedAt: time.Date(2025, 4, 14, 17, 36, 4, 397e6, time.UTC)},
		{ID: "ffffffffffffffff", Description: "ci", Status: audit.Active, SecretSum: "a0b1c2d3e",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ExpiresAt: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
			Permissions: []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "buckets", ID: "gf_ha"}}, {Action: "write", Resource: audit.Resource{Type: "buckets", ID: "gf_ha"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStamps(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]stamp{
		`"2026-01-02T03:04:05"`:           {Time: at},
		`"2026-01-02T03:04:05.5"`:         {Time: at.Add(500 * time.Millisecond)},
		`"2026-01-02T03:04:05Z"`:          {Time: at},
		`"2026-01-02T05:04:05.000+02:00"`: {Time: at},
		`null`:                            {},
		`"+10000-01-01T00:00:00"`:         {far: true},
		`"+292278994-08-17T07:12:55.807"`: {far: true},
		`"-0001-01-01T00:00:00"`:          {none: true},
		`"2026-01-02 03:04:05"`:           {none: true},
		`"2026-02-30T00:00:00"`:           {none: true},
		`""`:                              {none: true},
		`1767600000000`:                   {none: true},
		`{"seconds":1767600000}`:          {none: true},
		`"9223372036854775807"`:           {none: true},
		`"2026-01-02T03:04:05 and so on"`: {none: true},
		`"+1-01-02T03:04:05"`:             {none: true},
		`"9999-12-31T23:59:59.999999999"`: {Time: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
		`"9999-12-31T23:59:59-12:00"`:     {far: true},
		`"0000-01-01T00:00:00+23:59"`:     {none: true},
	} {
		_, got, err := rows(strings.NewReader(`[{"token_id":1,"created_at":` + value + `}]`))
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if s := got[0].CreatedAt; !s.Equal(want.Time) || s.none != want.none || s.far != want.far {
			t.Errorf("%s: %+v, want %+v", value, s, want)
		}
		if _, err := json.Marshal(got[0].authorization()); err != nil {
			t.Errorf("%s cannot be written down: %v", value, err)
		}
	}
}

func TestRowsAreBounded(t *testing.T) {
	row := `{"token_id":1,"name":"` + strings.Repeat("x", 9<<20) + `"}`
	if _, _, err := rows(strings.NewReader("[" + row + "]")); err == nil || !strings.Contains(err.Error(), "limit of 8 MiB") {
		t.Errorf("%v", err)
	}
	if _, _, err := rows(strings.NewReader("[" + strings.Repeat(`{"token_id":1,"name":"`+strings.Repeat("x", 1<<20)+`"},`, 20) + `{"token_id":2}]`)); err != nil {
		t.Errorf("a long list of rows: %v", err)
	}
	broken := errors.New("no space left")
	if err := decodeTokens(strings.NewReader(`[{"token_id":1}]`), func(*tokenRow) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want that of who was handed the row", err)
	}
}

// FuzzDecodeTokens: what is accepted is one JSON array, read the same however it arrives,
// with as many rows as encoding/json finds in it, and at most nine digits of a hash.
func FuzzDecodeTokens(f *testing.F) {
	for _, body := range []string{
		`[{"token_id":0,"name":"_admin","hash":"3f9c2a71b","created_at":"2025-04-14T17:36:04.397","permissions":"*:*:*"}]`,
		`[]`, `[`, `[{"token_id":1},`, `[{"token_id":1}] []`, `[null]`, `{"error":"x"}`, `[{"token_id":"7","expiry":"+10000-01-01T00:00:00"}]`,
		`[{"token_id":1,"permissions":"[\"db:a:read\"]","hash":"` + strings.Repeat("ab", 64) + `","new":[1,{}]}]`,
		`[{"token_id":1,"permissions":["db:a:read"],"created_at":7,"updated_at":"x"}]`, `[{"token_id":1,"token_id":2}]`,
		"[{\"token_id\":1,\"name\":\"\xff\\ud800\"}]",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, _, err := rows(strings.NewReader(body))
		byByte, _, byteErr := rows(iotest.OneByteReader(strings.NewReader(body)))
		if (byteErr == nil) != (err == nil) || err == nil && !cmp.Equal(got, byByte) {
			t.Fatalf("%q byte by byte: %v, at once: %v", body, byteErr, err)
		}
		if err == io.EOF {
			t.Fatalf("%q: a bare EOF reads like a proper end", body)
		}
		if err != nil {
			return
		}
		var want []map[string]any
		if err := json.Unmarshal([]byte(body), &want); err != nil || len(want) != len(got) {
			t.Fatalf("%q: %d tokens, encoding/json finds %d, %v", body, len(got), len(want), err)
		}
		for i, a := range got {
			if len(a.SecretSum) != sumDigits && a.SecretSum != "" || len(a.ID) != 16 {
				t.Fatalf("%q: %+v", body, a)
			}
			if _, ok := want[i]["permissions"].(string); ok && a.Permissions == nil {
				t.Fatalf("%q: permissions are lost", body)
			}
			if _, err := json.Marshal(a); err != nil {
				t.Fatalf("%q cannot be written down: %v", body, err)
			}
		}
	})
}

func rows(body io.Reader) (out []audit.Authorization, raw []tokenRow, err error) {
	err = decodeTokens(body, func(row *tokenRow) error {
		out, raw = append(out, row.authorization()), append(raw, *row)
		return nil
	})
	return out, raw, err
}
