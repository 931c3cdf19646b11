package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad reads any text, and a token in clear between any two texts: nothing
// crashes, and no message has the token.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range append(files, "example.yaml") {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source, "", "")
	}
	for _, around := range []string{"", "{env: |}", "{file: |}", "{exec: [|]}", "{|: x}", "{env: {|}}", `"|"`, "'|'", "&a |", "!!str |", "[|, |", `"|`, "{x: |, |: y}", "| #"} {
		before, after, _ := strings.Cut(around, "|")
		f.Add([]byte(minimal), before, after)
	}
	f.Fuzz(func(t *testing.T, source []byte, before, after string) {
		parse(source)
		if strings.ContainsAny(before+after, "\r\n") {
			return // more lines hold more keys, whose values may be told
		}
		source = []byte(strings.Replace(minimal, "{env: TOKEN}", before+canary+after, 1))
		if _, _, problems := parse(source); strings.Contains((&Error{Problems: problems}).Error(), canary) {
			t.Errorf("the token shows: %+v", problems)
		}
	})
}
