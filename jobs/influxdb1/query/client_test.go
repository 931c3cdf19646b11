package query

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/target"
)

// TestStatementsAreMadeInOnePlace holds the code to what keeps a foreign statement from
// being sent: one function sends, and two make what it sends.
func TestStatementsAreMadeInOnePlace(t *testing.T) {
	t.Parallel()
	makes, sends := map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					if of, ok := n.Type.(*ast.Ident); ok && of.Name == "statement" && len(n.Elts) > 0 {
						makes[f.Name.Name] = true
					}
				case *ast.SelectorExpr:
					if slices.Contains([]string{"Get", "GetJSON", "Answer"}, n.Sel.Name) {
						sends[f.Name.Name] = true
					}
					if n.Sel.Name == "text" && f.Name.Name != "ask" {
						t.Errorf("%s reads or writes the text of a statement", f.Name.Name)
					}
				}
				return true
			})
		}
	}
	if got, want := fmt.Sprint(makes, sends), "map[showGrants:true showUsers:true] map[Ping:true ask:true]"; got != want {
		t.Errorf("made and sent in %s; want %s", got, want)
	}
}

// TestNothingIsSentWithoutAStatement: neither the zero value nor a name that InfluxQL
// cannot write leads to a request.
func TestNothingIsSentWithoutAStatement(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.URL) }))
	t.Cleanup(web.Close)
	c, err := New(target.Config{Name: "plant", URL: web.URL, Username: "auditor", Password: secret.InMemory("password 1")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ask(t.Context(), statement{}, func() *table { return &table{} }); err == nil {
		t.Error("no statement, and no error")
	}
	for _, name := range []string{"", "a\x00", "a\r", "\xff"} {
		if _, err := c.Grants(t.Context(), name); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
}
