package configs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// pairs are the keys of a mapping with their values, each key once. The text is
// for what is no mapping.
func (w *walker) pairs(path string, node ast.Node, text string) []*ast.MappingValueNode {
	all, ok := mapping(node)
	if !ok {
		w.problem(path, text)
		return nil
	}
	var once []*ast.MappingValueNode
	for _, pair := range all {
		child, line := join(path, keyOf(pair)), lineOf(pair.Key)
		if first, ok := w.lines[child]; ok {
			w.add(line, child, fmt.Sprintf("given twice, first on line %d", first))
			continue
		}
		w.lines[child] = line
		once = append(once, pair)
	}
	return once
}

// problem is at the place of path, and makes what follows from it no news.
func (w *walker) problem(path, text string) {
	w.breaks(path)
	w.add(w.lineAt(path), path, text)
}

func (w *walker) breaks(path string) {
	w.broken[path] = true
	for p := path; p != ""; {
		p = parent(p)
		w.above[p] = true
	}
}

// followUp is a problem of the values, unless it comes from one that could not
// be read.
func (w *walker) followUp(path, text string) {
	if w.above[path] {
		return
	}
	for p := path; !w.broken[p]; p = parent(p) {
		if p == "" {
			w.add(w.lineAt(path), path, text)
			return
		}
	}
}

func (w *walker) add(line int, path, text string) {
	w.problems = append(w.problems, Problem{Line: line, Key: path, Text: text})
}

// lineAt is the line of path or, if the file does not have it, of what it would
// stand in.
func (w *walker) lineAt(path string) int {
	for w.lines[path] == 0 {
		path = parent(path)
	}
	return w.lines[path]
}

func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// join makes policy.severity of policy and severity. Keys of odd characters
// stand in quotes.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = fmt.Sprintf("%.40q", key)
	}
	return strings.TrimPrefix(path+"."+key, ".")
}

func keyOf(pair *ast.MappingValueNode) string { return pair.Key.GetToken().Value }

func lineOf(node ast.Node) int { return node.GetToken().Position.Line }

func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar is a single value in the letters of the file.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// namesOf are the keys of a struct, in the order of its fields.
func namesOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		names = append(names, name)
	}
	return names
}
