package query

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/jobs/api"
)

// read reads an answer as ask does.
func read(answer string) (rows []string, err error) {
	t := &table{columns: [2]string{"user", "admin"}, row: func(cells [2]jsontext.Value) {
		rows = append(rows, fmt.Sprintf("%s %s", cells[0], cells[1]))
	}}
	if err := api.Malformed(json.UnmarshalRead(strings.NewReader(answer), t, api.Decoding())); err != nil {
		return rows, err
	}
	return rows, t.err()
}

func TestTableReadsAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		rows   []string
	}{
		"two users":                     {`{"results":[{"statement_id":0,"series":[{"columns":["user","admin"],"values":[["root",true],["alice",false]]}]}]}`, []string{`"root" true`, `"alice" false`}},
		"a series without values":       {`{"results":[{"statement_id":0,"series":[{"columns":["user","admin"]}]}]}`, nil},
		"columns in another order":      {`{"results":[{"series":[{"columns":["admin","user"],"values":[[true,"root"]]}]}]}`, []string{`"root" true`}},
		"a column that is not known":    {`{"results":[{"series":[{"columns":["user","since","admin"],"values":[["root",1,true]]}]}]}`, []string{`"root" true`}},
		"keys that are not known":       {`{"took":1,"results":[{"messages":[{"level":"warning","text":"error"}],"series":[{"name":"x","tags":{"a":"b"},"columns":["user","admin"],"values":[["root",true]]}]}]}`, []string{`"root" true`}},
		"not partial":                   {`{"results":[{"partial":false,"series":[{"columns":["user","admin"],"values":[["root",true]],"partial":false}]}]}`, []string{`"root" true`}},
		"values of other kinds":         {`{"results":[{"series":[{"columns":["user","admin"],"values":[[7,"true"],[null,{"a":[1]}]]}]}]}`, []string{`7 "true"`, `null {"a":[1]}`}},
		"a name that is no valid UTF-8": {"{\"results\":[{\"series\":[{\"columns\":[\"user\",\"admin\"],\"values\":[[\"a\xff\",true]]}]}]}", []string{"\"a\xff\" true"}},
		"an empty error":                {`{"results":[{"series":[{"columns":["user","admin"]}],"error":""}]}`, nil},
		"white space around everything": {" {\n\"results\" : [ { \"series\" : [ { \"columns\" : [ \"user\" , \"admin\" ] , \"values\" : [ [ \"a\" , true ] ] } ] } ] }\n", []string{`"a" true`}},
	} {
		rows, err := read(test.answer)
		if err != nil || !slices.Equal(rows, test.rows) {
			t.Errorf("%s: %q, %v", name, rows, err)
		}
	}
}

func TestTableRefusesAnswers(t *testing.T) {
	t.Parallel()
	const whole = `{"results":[{"statement_id":0,"series":[{"columns":["user","admin"],"values":[["root",true],["alice",false]]}]}]}`
	cases := map[string]struct{ answer, want string }{
		"nothing":                              {``, "unexpected EOF"},
		"no JSON":                              {`<html>`, "unexpected kind"},
		"a list":                               {`[]`, "unexpected kind"},
		"null":                                 {`null`, "unexpected kind"},
		"an empty object":                      {`{}`, "0 results"},
		"no result":                            {`{"results":[]}`, "0 results"},
		"null for results":                     {`{"results":null}`, "unexpected kind"},
		"two results":                          {`{"results":[{"series":[{"columns":["user","admin"]}]},{}]}`, "2 results"},
		"an error of the statement":            {`{"results":[{"statement_id":0,"error":"user not found"}]}`, "user not found"},
		"an error of the request":              {`{"error":"database is locked"}`, "database is locked"},
		"an error beside rows":                 {`{"results":[{"series":[{"columns":["user","admin"],"values":[["root",true]]}],"error":"timeout"}]}`, "timeout"},
		"an error that is taken back":          {`{"error":"timeout","results":[{"series":[{"columns":["user","admin"]}]}],"error":""}`, "timeout"},
		"no series":                            {`{"results":[{"statement_id":0}]}`, "0 series"},
		"two series":                           {`{"results":[{"series":[{"columns":["user","admin"]},{"columns":["user","admin"]}]}]}`, "2 series"},
		"no columns":                           {`{"results":[{"series":[{"values":[["root",true]]}]}]}`, "no column \"user\""},
		"a column is missing":                  {`{"results":[{"series":[{"columns":["user"],"values":[["root"]]}]}]}`, "no column \"admin\""},
		"a column is there twice":              {`{"results":[{"series":[{"columns":["user","user","admin"],"values":[["a","b",true]]}]}]}`, "no column \"user\""},
		"columns behind the values":            {`{"results":[{"series":[{"values":[["root",true]],"columns":["user","admin"]}]}]}`, "does not have 2 columns"},
		"a row is short":                       {`{"results":[{"series":[{"columns":["user","admin"],"values":[["root"]]}]}]}`, "does not have 2 columns"},
		"a row is no list":                     {`{"results":[{"series":[{"columns":["user","admin"],"values":["root"]}]}]}`, "unexpected kind"},
		"the series is cut":                    {`{"results":[{"series":[{"columns":["user","admin"],"values":[["root",true]],"partial":true}]}]}`, "partial"},
		"the result is cut":                    {`{"results":[{"series":[{"columns":["user","admin"],"values":[["root",true]]}],"partial":true}]}`, "partial"},
		"the series is cut, the result is not": {`{"results":[{"series":[{"columns":["user","admin"],"partial":true}],"partial":false}]}`, "partial"},
		"a second document":                    {whole + whole, "JSON"},
		"of a database":                        {`{"results":[{"series":[{"name":"databases","columns":["name"],"values":[["_internal"]]}]}]}`, "no column"},
		"of the API of InfluxDB 2":             {`{"authorizations":[]}`, "0 results"},
	}
	for cut := range len(whole) - 1 {
		cases[fmt.Sprintf("cut after %d bytes", cut)] = struct{ answer, want string }{whole[:cut], "unexpected EOF"}
	}
	for name, test := range cases {
		if rows, err := read(test.answer); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q, %v; want an error with %q", name, rows, err, test.want)
		}
	}
}

// FuzzTable: whatever a server sends, what is read without an error is one result of one
// series with both columns in every row, and says no error.
func FuzzTable(f *testing.F) {
	f.Add(`{"results":[{"statement_id":0,"series":[{"columns":["user","admin"],"values":[["root",true],["alice",false]]}]}]}`)
	f.Add(`{"results":[{"statement_id":0,"error":"user not found"}]}`)
	f.Add(`{"results":[{"series":[{"columns":["admin","x","user"],"values":[[null,[],{}]],"partial":true}]}],"error":""}`)
	f.Fuzz(func(t *testing.T, answer string) {
		rows, err := read(answer)
		if err != nil {
			return
		}
		for _, key := range []string{"results", "series", "columns", "values", "error", "partial"} {
			if strings.Count(answer, key) > 1 || strings.Contains(answer, `\u`) { // the decoder below takes the last one
				t.Skip("a key may be there twice")
			}
		}
		var parsed struct {
			Error   string `json:"error"`
			Results []struct {
				Error   string `json:"error"`
				Partial bool   `json:"partial"`
				Series  []struct {
					Values  [][]any `json:"values"`
					Partial bool    `json:"partial"`
				} `json:"series"`
			} `json:"results"`
		}
		if err := json.Unmarshal([]byte(answer), &parsed, api.Decoding()); err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		if len(parsed.Results) != 1 || len(parsed.Results[0].Series) != 1 || parsed.Error != "" || parsed.Results[0].Error != "" || parsed.Results[0].Partial || parsed.Results[0].Series[0].Partial {
			t.Fatalf("read without an error: %q", answer)
		}
		if n := len(parsed.Results[0].Series[0].Values); n != len(rows) {
			t.Fatalf("%d rows of %d: %q", len(rows), n, answer)
		}
	})
}
