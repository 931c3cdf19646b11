package target_test

import (
	"slices"
	"strings"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/target"
)

const uuid = "5A3C1B2E-1f4d-4a76-9d3b-0c2f9e8d7b61"

// TestKeysOfProducts: each product has keys of its own, and the others are refused by name.
func TestKeysOfProducts(t *testing.T) {
	t.Parallel()
	token, url := secret.InMemory("x"), "https://influxdb.example.com:8181"
	for name, test := range map[string]struct {
		cfg  target.Config
		want []string // keys with a problem
	}{
		"core":                  {cfg: target.Config{Kind: "core", URL: url, Token: token, Canary: "canary"}},
		"org on core":           {target.Config{Kind: "core", URL: url, Token: token, Org: "acme"}, []string{"org"}},
		"users on enterprise":   {target.Config{Kind: "enterprise", URL: url, Token: token, Users: []target.User{{Name: "a"}}}, []string{"users"}},
		"a password on core":    {target.Config{Kind: "core", URL: url, Token: token, Username: "a", Password: token}, []string{"password", "username"}},
		"dedicated":             {cfg: target.Config{Kind: "cloud-dedicated", Account: uuid, Cluster: uuid, Token: token, Canary: uuid}},
		"dedicated without IDs": {target.Config{Kind: "cloud-dedicated", Token: token, Account: "acme"}, []string{"account", "cluster"}},
		"canary is no UUID":     {target.Config{Kind: "clustered", URL: url, Token: token, Canary: "0000000000000001"}, []string{"canary"}},
		"cluster on clustered":  {target.Config{Kind: "clustered", URL: url, Token: token, Cluster: uuid}, []string{"cluster"}},
		"clustered without URL": {target.Config{Kind: "clustered", Token: token}, []string{"url"}},
		"v1":                    {cfg: target.Config{Kind: "v1", URL: url, Username: "audit", Password: token, Canary: "canary"}},
		"v1 with a token":       {target.Config{Kind: "v1", URL: url, Token: token}, []string{"password", "token", "username"}},
		"v1 with a colon":       {target.Config{Kind: "v1", URL: url, Username: "a:b", Password: token}, []string{"username"}},
		"v1, URL of a call":     {target.Config{Kind: "v1", URL: url + "/query", Username: "audit", Password: token}, []string{"url"}},
		"v1, a password in URL": {target.Config{Kind: "v1", URL: url + "/?u=audit&p=x", Username: "audit", Password: token}, []string{"url"}},
		"v1, a user in URL":     {target.Config{Kind: "v1", URL: "http://audit:x@influxdb.example.com:8086", Username: "audit", Password: token}, []string{"url"}},
		"bolt on clustered":     {target.Config{Kind: "clustered", Bolt: "x.bolt"}, []string{"bolt", "kind"}},
		"import on v1":          {target.Config{Kind: "v1", URL: url, Username: "audit", Password: token, Import: "x"}, []string{"import"}},
		"account on v2":         {target.Config{URL: url, Token: token, Account: uuid}, []string{"account"}},
		"canary on v2":          {target.Config{URL: url, Token: token, Canary: "canary"}, []string{"canary"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.cfg.Name = "prod"
			var keys, texts []string
			test.cfg.Validate(func(key, text string) { keys, texts = append(keys, key), append(texts, key+": "+text) })
			slices.Sort(keys)
			if !slices.Equal(keys, test.want) {
				t.Errorf("problems %v, want keys %v", texts, test.want)
			}
		})
	}
}

// TestHost: a Dedicated cluster is asked at the address of the management API.
func TestHost(t *testing.T) {
	t.Parallel()
	if host := (target.Config{Kind: "cloud-dedicated"}).Host(); host != "console.influxdata.com" {
		t.Errorf("host %q", host)
	}
}

// TestIDsAreWrittenAsTheAPIDoes, and names stay as they are.
func TestIDsAreWrittenAsTheAPIDoes(t *testing.T) {
	t.Parallel()
	low := target.Config{Canary: uuid, Account: uuid, Cluster: uuid}.LowerIDs()
	if want := strings.ToLower(uuid); low.Canary != want || low.Account != want || low.Cluster != want {
		t.Errorf("got %+v", low)
	}
	if low := (target.Config{Canary: "MyCanary"}).LowerIDs(); low.Canary != "MyCanary" {
		t.Errorf("a name became %q", low.Canary)
	}
}
