package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHouse holds every package to the house rules that a parser can see.
func TestHouse(t *testing.T) {
	for dir, files := range sources(t) {
		production, tests, documented := 0, 0, false
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") {
				tests++
				checkSkips(t, filepath.Join(dir, name), file)
				continue
			}
			production++
			checkMessages(t, filepath.Join(dir, name), file)
			documented = documented || file.Doc != nil
			checkDeclarations(t, filepath.Join(dir, name), file)
		}
		if production > 20 && dir != "cmd/tokenaudit" {
			t.Errorf("%s has %d files; with more than 20 one does not find one's way", dir, production)
		}
		if !documented {
			t.Errorf("%s does not say what it is for", dir)
		}
		if kit := strings.Contains(dir, "test"); tests == 0 && !kit {
			t.Errorf("%s has no test", dir)
		}
	}
}

// checkSkips demands that a test which is skipped says under which condition.
func checkSkips(t *testing.T, name string, file *ast.File) {
	t.Helper()
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, stmt := range f.Body.List {
			expr, ok := stmt.(*ast.ExprStmt)
			if !ok {
				continue
			}
			call, ok := expr.X.(*ast.CallExpr)
			if !ok {
				continue
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(method.Sel.Name, "Skip") {
				t.Errorf("%s: %s is always skipped; repair it or delete it", name, f.Name.Name)
			}
		}
	}
}

// checkMessages: no error begins with the name of a package. A person reads it, who knows
// none.
func checkMessages(t *testing.T, name string, file *ast.File) {
	t.Helper()
	prefix := regexp.MustCompile("^[\"`](?:audit|bolt|bucket|configs|csv|email|evidence|html|influx|ledger|metrics|notify|ocsf|pack|ping|recovery|remedy|report|roster|runner|schedule|secret|setting|slack|table|webhook|xlsx|tokenaudit): ")
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		text, ok := call.Args[0].(*ast.BasicLit)
		if of, method := call.Fun.(*ast.SelectorExpr); ok && method && (of.Sel.Name == "Errorf" || of.Sel.Name == "New") && prefix.MatchString(text.Value) {
			t.Errorf("%s: the message %s begins with the name of a package", name, text.Value)
		}
		return true
	})
}

// sources are the parsed files of each package.
func sources(t *testing.T) map[string]map[string]*ast.File {
	t.Helper()
	packages, count := map[string]map[string]*ast.File{}, 0
	for _, top := range []string{"cmd", "configs", "jobs", "notify", "report"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "contract" { // a module of its own
				return filepath.SkipDir
			}
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			rel, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			dir := filepath.ToSlash(rel)
			if packages[dir] == nil {
				packages[dir] = map[string]*ast.File{}
			}
			count++
			packages[dir][d.Name()], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if count < 100 {
		t.Fatalf("found %d files", count)
	}
	return packages
}

// checkDeclarations: no init, and no context in a struct: it is the first parameter.
func checkDeclarations(t *testing.T, path string, file *ast.File) {
	t.Helper()
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				t.Errorf("%s has an init", path)
			}
		case *ast.StructType:
			for _, f := range n.Fields.List {
				if of, ok := f.Type.(*ast.SelectorExpr); ok && of.Sel.Name == "Context" {
					if from, ok := of.X.(*ast.Ident); ok && from.Name == "context" {
						t.Errorf("%s keeps a context in a struct", path)
					}
				}
			}
		}
		return true
	})
}
