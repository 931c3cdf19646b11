package influxdb1test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"
)

// TestFakeAnswersAsInfluxDBDoes holds the fake to the real server, answer by answer.
func TestFakeAnswersAsInfluxDBDoes(t *testing.T) {
	t.Parallel()
	for name, noAuth := range map[string]bool{"authentication on": false, "authentication off": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			real := Start(t, Options{NoAuth: noAuth})
			real.Run(t, `CREATE DATABASE one`, `CREATE USER "we ird \"q\"\nline\\" WITH PASSWORD 'x'`, `GRANT WRITE ON one TO "we ird \"q\"\nline\\"`)
			fake := httptest.NewServer(&Fake{Username: Admin, Password: real.Password, NoAuth: noAuth, Version: versionOf(t, real.URL), Users: []User{
				{Name: Admin, Admin: true}, {Name: "we ird \"q\"\nline\\", Grants: map[string]string{"one": "WRITE"}},
			}})
			t.Cleanup(fake.Close)
			for _, path := range []string{
				"/ping", "/none", "/query?q=SHOW+USERS", "/query?q=SHOW+GRANTS+FOR+%22auditor%22", "/query?q=SHOW+GRANTS+FOR+%22nobody%22",
				"/query?q=" + url.QueryEscape(`SHOW GRANTS FOR "we ird \"q\"\nline\\"`),
			} {
				for _, password := range []string{real.Password, "wrong", ""} {
					want, got := ask(t, real.URL+path, password), ask(t, fake.URL+path, password)
					if !reflect.DeepEqual(want, got) {
						t.Errorf("%s, password %q:\nInfluxDB %v\nthe fake %v", path, password, want, got)
					}
				}
			}
		})
	}
}

func versionOf(t *testing.T, at string) string {
	t.Helper()
	return ask(t, at+"/ping", "")["X-Influxdb-Version"].(string)
}

// ask gives what counts of an answer.
func ask(t *testing.T, at, password string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		req.SetBasicAuth(Admin, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{"status": resp.StatusCode}
	for _, name := range []string{"X-Influxdb-Build", "X-Influxdb-Version", "Www-Authenticate"} {
		out[name] = resp.Header.Get(name)
	}
	var parsed any
	if json.Unmarshal(body, &parsed) == nil {
		out["body"] = parsed
	} else {
		out["body"] = string(body)
	}
	return out
}
