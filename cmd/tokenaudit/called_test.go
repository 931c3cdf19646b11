package main

import "testing"

func TestByGoRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		executable string
		want       bool
	}{
		"the first go run":         {"/tmp/go-build1810088011/b001/exe/tokenaudit", true},
		"go run from the cache":    {"/home/anna/.cache/go-build/67/679a2ffc77cd3a19a4b1cf173330dd775eb09c7edf9ecf467191b55f0cada80b-d/tokenaudit", true},
		"a cache of another name":  {"/var/cache/go/67/679a2ffc77cd3a19a4b1cf173330dd775eb09c7edf9ecf467191b55f0cada80b-d/tokenaudit", true},
		"installed":                {"/usr/bin/tokenaudit", false},
		"built here":               {"/home/anna/go/src/tokenaudit/tokenaudit", false},
		"a folder that is a hash":  {"/srv/679a2ffc77cd3a19a4b1cf173330dd775eb09c7edf9ecf467191b55f0cada80b/tokenaudit", false},
		"the executable is called": {"/srv/go-builder", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := byGoRun(test.executable); got != test.want {
				t.Errorf("%s: %t, want %t", test.executable, got, test.want)
			}
		})
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"./tokenaudit-demo/weekly-review": "./tokenaudit-demo/weekly-review",
		"my demo":                         "'my demo'",
		"$HOME":                           "'$HOME'",
		"anna's":                          `'anna'\''s'`,
		"":                                "''",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
