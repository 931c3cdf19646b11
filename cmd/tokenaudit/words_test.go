package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
)

// maxWords is how long a sentence may be for people who read English as a second
// language.
const maxWords = 25

// bannedWords are patterns, each with what to write in its place. They match whole words in
// either case of letters.
var bannedWords = []struct{ banned, write string }{
	{`mend\w*`, "fix"},
	{`lets? be`, "leave"},
	{`ways? out`, "notifier, output"},
	{`lets? in|let \w+ in`, "accept"},
	{`(left )?lying about`, "unused"},
	{`out of sight`, "not visible"},
	{`by the word of`, "according to"},
	{`drawn? up`, "make, list"},
	{`vouch\w*`, "prove, confirm"},
	{`looks? back`, "earlier reviews"},
	{`is known to be missing`, "Some tokens may be missing"},
	{`nothing can be said`, "Nothing could be read. This is not a pass."},
	{`who(m|so)?ever`, "anyone who, who"},
	{`in (the )?clear`, "in plain text"},
	{`outlets?`, "notifier"},
	{`that is,|that is why`, "a sentence of its own"},
	{`the house`, "the organization"},
	{`did not answer for`, "could not be read"},
	{`goes by|go by|went by`, "follows, uses"},
	{`(has|have|had) to do with`, "is about"},
	{`anew`, "again, new"},
	{`besides`, "also, in addition"},
	{`(came|come|comes) whole`, "is complete"},
	{`out of a cache`, "from a cache"},
	{`deal[ts]? with`, "done"},
	{`puts? (it |them )?(back|right)`, "restore, correct"},
	{`(takes?|taken|took) up`, "continue"},
	{`(lives?|lived) on`, "still exists"},
	{`all the same`, "in spite of this; or leave it out"},
	{`(what|whatever) became of`, "what happened to"},
	{`robbed|held against`, "lost; compared with"},
	{`without a word`, "and gives no error"},
	{`back to life`, "create again"},
	{`(takes?|took|taken|taking) (it |them )?(away|out)`, "remove"},
	{`is (no|none) (part|name|time|list|URL|SSH|prefix|workbook|finding|progress|object|count|ledger|that)`, "is not a"},
	{`swapped`, "exchanged"},
	{`given up|gives? up`, "cancelled; not tried again"},
	{`nor will`, "and will not be"},
	{`stands still`, "has stopped"},
	{`of now`, "present"},
}

// shown is something that people read, and where it is written.
type shown struct {
	where string // file:line, below the root of the repository
	words string
}

// TestWords holds every text that a user sees to the word list and to sentences of at
// most maxWords words.
func TestWords(t *testing.T) {
	texts := slices.Concat(goTexts(t), pageTexts(t), exampleTexts(t), templateTexts(t), controlTexts(t), alertTexts(t), schemaTexts(t), computedTexts())
	if len(texts) < 1500 {
		t.Fatalf("found only %d texts", len(texts))
	}
	rules := wordRules()
	for _, x := range texts {
		for _, problem := range rules.problems(x.words) {
			t.Errorf("%s: %s", x.where, problem)
		}
	}
}

// TestWordRules breaks each rule once.
func TestWordRules(t *testing.T) {
	t.Parallel()
	rules := wordRules()
	for sentence, want := range map[string]string{
		"The token can write.":                            "",
		"Mend the list.":                                  `"Mend": write fix`,
		"It was\nout of sight.":                           `"out of sight": write not visible`,
		"Recommend a fix.":                                "",
		strings.Repeat("word ", 25) + ". Next.":           "",
		strings.Repeat("word ", 26) + ".":                 "26 words, more than 25",
		strings.Repeat("word ", 20) + "%s: " + "`a b` %w": "",
	} {
		got := strings.Join(rules.problems(sentence), "; ")
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%q: got %q, want %q", sentence, got, want)
		}
	}
}

type rule struct {
	pattern *regexp.Regexp
	write   string
}

type wordList []rule

func wordRules() wordList {
	var rules wordList
	for _, b := range bannedWords {
		rules = append(rules, rule{regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(b.banned, " ", `\s+`) + `)(?:\b|$)`), b.write})
	}
	return rules
}

// problems says what is wrong with a text, with the sentence.
func (l wordList) problems(words string) []string {
	var found []string
	for _, sentence := range sentences(words) {
		for _, r := range l {
			if m := r.pattern.FindString(sentence); m != "" {
				found = append(found, fmt.Sprintf("%q: write %s\n\t%s", strings.Join(strings.Fields(m), " "), r.write, sentence))
			}
		}
		if n := len(strings.Fields(sentence)); n > maxWords {
			found = append(found, fmt.Sprintf("%d words, more than %d\n\t%s", n, maxWords, sentence))
		}
	}
	return found
}

var (
	code       = regexp.MustCompile("`[^`\n]*`")
	sentenceTo = regexp.MustCompile(`[.!?]['")*]*(\s|$)|\n\s*\n|\n {2,}|: %[wv]$`)
	aWord      = regexp.MustCompile(`[\pL\pN%]`)
)

// sentences splits a text. What is marked as code counts as one word; a sentence ends
// with its stop, with its paragraph, before an indented line and before the error that it
// wraps.
func sentences(words string) []string {
	words = code.ReplaceAllString(words, "CODE")
	var all []string
	for _, s := range sentenceTo.Split(words, -1) {
		fields := slices.DeleteFunc(strings.Fields(s), func(f string) bool { return !aWord.MatchString(f) })
		if len(fields) > 0 {
			all = append(all, strings.Join(fields, " "))
		}
	}
	return all
}

// goTexts are the prose literals of the production code of every package, but for the
// kits of tests. What is joined with + is one text.
func goTexts(t *testing.T) []shown {
	t.Helper()
	var texts []shown
	walkSources(t, ".go", func(path string, data []byte) {
		if strings.HasSuffix(path, "_test.go") || kit.MatchString(path) {
			return
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, data, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field: // its tag
				if n.Tag != nil {
					n.Tag = nil
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(f.Sel.Name, "MustCompile") {
					return false
				}
			case *ast.BinaryExpr:
				if s, ok := joined(n); ok {
					texts = append(texts, prose(fset, n.Pos(), s)...)
					return false
				}
			case *ast.BasicLit:
				if s, ok := joined(n); ok {
					texts = append(texts, prose(fset, n.Pos(), s)...)
				}
			}
			return true
		})
	})
	return texts
}

// kit are packages that only tests use.
var kit = regexp.MustCompile(`/(influxtest|notifytest|mailtest|ledgertest|evidencetest|reporttest|contract)/`)

// joined is the text of a literal, or of literals and other values with + between them.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.ParenExpr:
		return joined(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		x, okX := joined(e.X)
		y, okY := joined(e.Y)
		if !okX {
			x = "XX"
		}
		if !okY {
			y = "XX"
		}
		return x + y, okX || okY
	}
	return "", false
}

var (
	twoWords = regexp.MustCompile(`\pL{2,}[^\pL\s]*\s+[^\pL\s]*\pL{2,}|%[a-z]\s+\pL{3,}|\pL{3,}\s+%[a-z]`)
	sqlText  = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|LOCK|PRAGMA|AND)\s|\$\d| DESC\b`)
)

// prose is a literal that people read, paragraph by paragraph.
func prose(fset *token.FileSet, pos token.Pos, s string) []shown {
	if !twoWords.MatchString(s) || sqlText.MatchString(s) || strings.HasPrefix(s, "{") || strings.Contains(s, "<svg") {
		return nil
	}
	at := fset.Position(pos)
	return []shown{{fmt.Sprintf("%s:%d", below(at.Filename), at.Line), s}}
}

func below(path string) string {
	return strings.TrimPrefix(filepath.ToSlash(path), root+"/")
}

// walkSources reads every file below the root with an extension.
func walkSources(t *testing.T, ext string, read func(path string, data []byte)) {
	t.Helper()
	for _, top := range []string{"cmd", "configs", "jobs", "notify", "report"} {
		err := filepath.WalkDir(root+"/"+top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				if d != nil && d.IsDir() && err == nil {
					return filepath.SkipDir
				}
				return err
			}
			if d.IsDir() || filepath.Ext(path) != ext {
				return nil
			}
			data, err := os.ReadFile(path)
			if err == nil {
				read(filepath.ToSlash(path), data)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$|<!--.*?-->")
	item    = regexp.MustCompile(`^\s*([-*]|\d+\.)\s`)
	yamlKey = regexp.MustCompile(`^[\w-]+:(\s|$)`)
	htmlTag = regexp.MustCompile(`(?s)<(style|script).*?</(style|script)>|<[^>]*>`)
	control = regexp.MustCompile(`^\{\{-? *(if|else|end|range|with|define|block|template|/\*)`)
	action  = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	scriptQ = regexp.MustCompile("'(?:[^'\\\\\n]|\\\\.)*'|\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`")
	shellQ  = regexp.MustCompile(`'[^'\n]*'|"[^"\n]*"`)
	jsValue = regexp.MustCompile(`\$\{[^}]*\}|\$\w+`)
)

// pageTexts are README, CHANGELOG's newest part and the manual: each item, cell and
// paragraph.
func pageTexts(t *testing.T) []shown {
	t.Helper()
	var texts []shown
	for path, page := range pages(t) {
		file := below(filepath.ToSlash(path))
		if !strings.HasPrefix(path, root) {
			file = "cmd/tokenaudit/" + file
		}
		page = fence.ReplaceAllStringFunc(page, func(code string) string { return strings.Repeat("\n", strings.Count(code, "\n")) })
		texts = append(texts, blocks(file, page)...)
	}
	return texts
}

// blocks splits a page into what stands by itself.
func blocks(file, page string) []shown {
	var texts []shown
	var block []string
	start := 0
	flush := func() {
		if len(block) > 0 {
			texts = append(texts, shown{fmt.Sprintf("%s:%d", file, start), strings.Join(block, "\n")})
		}
		block = nil
	}
	for i, line := range strings.Split(page, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			flush()
			continue
		case strings.HasPrefix(line, "|"):
			flush()
			for cell := range strings.SplitSeq(line, "|") {
				texts = append(texts, shown{fmt.Sprintf("%s:%d", file, i+1), cell})
			}
			continue
		case item.MatchString(line), strings.HasPrefix(line, "#"):
			flush()
			line = item.ReplaceAllString(strings.TrimLeft(line, "#"), "")
		}
		if len(block) == 0 {
			start = i + 1
		}
		block = append(block, strings.TrimSpace(line))
	}
	flush()
	return texts
}

// exampleTexts are the comments of the example configuration; a key that is commented
// out ends a text.
func exampleTexts(t *testing.T) []shown {
	t.Helper()
	data, err := os.ReadFile(root + "/configs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(data), "\n") {
		_, comment, _ := strings.Cut(line, "# ")
		if nested, ok := strings.CutPrefix(strings.TrimSpace(comment), "# "); ok {
			comment = nested
		} else if yamlKey.MatchString(strings.TrimPrefix(strings.TrimSpace(comment), "- ")) {
			_, comment, _ = strings.Cut(comment, "# ")
		}
		lines = append(lines, strings.TrimSpace(comment))
	}
	return blocks("configs/example.yaml", strings.Join(lines, "\n"))
}

// templateTexts are the texts of templates, of the page's script and of reperform.sh.
func templateTexts(t *testing.T) []shown {
	t.Helper()
	var texts []shown
	walkSources(t, ".tmpl", func(path string, data []byte) {
		keepLines := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) + " " }
		s := string(data)
		switch {
		case strings.HasSuffix(path, ".sh.tmpl"):
			for i, line := range strings.Split(action.ReplaceAllString(s, "XX"), "\n") {
				if comment, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
					texts = append(texts, shown{fmt.Sprintf("%s:%d", below(path), i+1), comment})
					continue
				}
				texts = append(texts, quoted(below(path), i+1, line, shellQ)...)
			}
			return
		case strings.HasSuffix(path, ".html.tmpl"), strings.HasSuffix(path, "html.tmpl"), strings.Contains(path, "preview"):
			s = htmlTag.ReplaceAllStringFunc(s, func(tag string) string {
				if strings.HasPrefix(tag, "<b>") || strings.HasPrefix(tag, "</b>") || strings.HasPrefix(tag, "<code") || strings.HasPrefix(tag, "</code") {
					return ""
				}
				return "\n\n"[:1] + keepLines(tag) + "\x00"
			})
		}
		s = action.ReplaceAllStringFunc(s, func(a string) string {
			shows := "XX"
			if control.MatchString(a) {
				shows = ""
			}
			return strings.Repeat("\n", strings.Count(a, "\n")) + shows
		})
		if !strings.Contains(s, "\x00") { // plain text, in which a line is a text
			s = strings.ReplaceAll(s, "\n", "\n\x00")
		}
		line := 1
		for piece := range strings.SplitSeq(s, "\x00") {
			piece = strings.TrimSuffix(piece, " ")
			if twoWords.MatchString(piece) {
				texts = append(texts, shown{fmt.Sprintf("%s:%d", below(path), line), piece})
			}
			line += strings.Count(piece, "\n")
		}
	})
	walkSources(t, ".js", func(path string, data []byte) {
		for i, line := range strings.Split(string(data), "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), "//") {
				texts = append(texts, quoted(below(path), i+1, line, scriptQ)...)
			}
		}
	})
	return texts
}

func quoted(file string, line int, source string, quotes *regexp.Regexp) []shown {
	var texts []shown
	for _, q := range quotes.FindAllString(source, -1) {
		s := htmlTag.ReplaceAllString(jsValue.ReplaceAllString(q[1:len(q)-1], "XX"), " ")
		if twoWords.MatchString(s) {
			texts = append(texts, shown{fmt.Sprintf("%s:%d", file, line), s})
		}
	}
	return texts
}

// alertTexts are what alerts and the dashboard say.
func alertTexts(t *testing.T) []shown {
	t.Helper()
	said := regexp.MustCompile(`^\s*"?(?:summary|description|title)"?: "?(.*?)"?,?$`)
	var texts []shown
	for _, path := range []string{"configs/deploy/prometheus/alerts.yaml", "configs/deploy/grafana/dashboard.json"} {
		data, err := os.ReadFile(root + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if m := said.FindStringSubmatch(line); m != nil {
				texts = append(texts, shown{fmt.Sprintf("%s:%d", path, i+1), action.ReplaceAllString(m[1], "XX")})
			}
		}
	}
	if len(texts) < 30 {
		t.Fatalf("found only %d texts of alerts and dashboard", len(texts))
	}
	return texts
}

// controlTexts are the titles of the built-in controls and what the file says of itself.
func controlTexts(t *testing.T) []shown {
	t.Helper()
	data, err := os.ReadFile(root + "/configs/controls.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if _, title, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			line = "- " + title
		}
		lines = append(lines, strings.TrimPrefix(line, "#"))
	}
	return blocks("configs/controls.yaml", strings.Join(lines, "\n"))
}

// schemaTexts are the descriptions of the configuration's schema, which are the comments
// of its types.
func schemaTexts(t *testing.T) []shown {
	t.Helper()
	var texts []shown
	for i, line := range bytes.Split(configs.Schema(), []byte("\n")) {
		value, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(`"description": `))
		if !ok {
			continue
		}
		var s string
		if err := json.Unmarshal(bytes.TrimSuffix(value, []byte(",")), &s); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, shown{fmt.Sprintf("configs/schema.json:%d", i+1), s})
	}
	if len(texts) < 50 {
		t.Fatalf("found only %d descriptions", len(texts))
	}
	return texts
}

// computedTexts are texts as they are shown, whatever they were made of.
func computedTexts() []shown {
	var texts []shown
	for _, c := range audit.Checks() {
		where := "jobs/audit/checks.go: " + c.ID
		texts = append(texts, shown{where, c.Title}, shown{where, c.Why}, shown{where, c.Fix})
	}
	for _, p := range audit.Premises() {
		where := "jobs/audit/premise.go: " + p.ID
		texts = append(texts, shown{where, p.Title}, shown{where, p.Why}, shown{where, p.Fix})
	}
	return texts
}
