package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// walker copies YAML into Go values and collects what does not fit. Text keeps
// the letters of the file: an ID such as 1e10 is no number.
type walker struct {
	root     reflect.Type // of the file
	problems []Problem
	lines    map[string]int  // of every key and list entry, by path
	broken   map[string]bool // paths that have a problem
	above    map[string]bool // paths with such a path inside
}

const inClear = "a secret in plain text; write where it is stored: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}"

func (w *walker) walk(path string, node ast.Node, into reflect.Value) {
	if _, ok := w.lines[path]; !ok {
		w.lines[path] = lineOf(node)
	}
	_, isText := into.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case node.Type() == ast.NullType:
		w.problem(path, "has no value; give it one or remove the key")
	case into.Type() == reflect.TypeFor[secret.Ref]() && !w.isReference(path, node):
	case isText || into.Kind() == reflect.String:
		w.text(path, node, into)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		w.walk(path, node, into.Elem())
	case into.Kind() == reflect.Slice:
		w.list(path, node, into)
	case into.Kind() == reflect.Map:
		w.table(path, node, into)
	case into.Kind() == reflect.Struct:
		w.object(path, node, into)
	default:
		panic("configs: no reading of " + into.Type().String()) // TestEveryKey knows the kinds above
	}
}

// isReference keeps what stands in the place of a secret out of every message,
// be it a value or a key.
func (w *walker) isReference(path string, node ast.Node) bool {
	values, ok := mapping(node)
	if !ok {
		w.problem(path, inClear)
		return false
	}
	names, _ := keysOf(reflect.TypeFor[secret.Ref]())
	for _, pair := range values {
		if !slices.Contains(names, keyOf(pair)) {
			w.problem(path, "unknown key; write where the secret is stored: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}")
			return false
		}
	}
	return true
}

func (w *walker) text(path string, node ast.Node, into reflect.Value) {
	text, ok := scalar(node)
	if !ok {
		w.problem(path, "needs one value, not a list or a mapping")
		return
	}
	if inTypographic(text) && !isProse(path) {
		w.problem(path, oddQuotes)
		return
	}
	if value, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := value.UnmarshalText([]byte(text)); err != nil {
			w.problem(path, err.Error())
		}
		return
	}
	into.SetString(text)
}

func (w *walker) list(path string, node ast.Node, into reflect.Value) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok || len(seq.Values) == 0 {
		w.problem(path, `needs a list with at least one entry: [a, b], or lines that begin with "- "`)
		return
	}
	entries := reflect.MakeSlice(into.Type(), len(seq.Values), len(seq.Values))
	for i, value := range seq.Values {
		entry := entries.Index(i)
		if d, ok := entry.Addr().Interface().(interface{ setDefaults() }); ok {
			d.setDefaults()
		}
		w.walk(fmt.Sprintf("%s[%d]", path, i), value, entry)
	}
	into.Set(entries)
}

func (w *walker) table(path string, node ast.Node, into reflect.Value) {
	into.Set(reflect.MakeMap(into.Type()))
	for _, pair := range w.pairs(path, node, `needs keys with values ("key: value", with a space after the colon)`) {
		key, value := keyOf(pair), reflect.New(into.Type().Elem()).Elem()
		w.walk(join(path, key), pair.Value, value)
		into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), value)
	}
}

func (w *walker) object(path string, node ast.Node, into reflect.Value) {
	names, fields := keysOf(into.Type())
	for _, pair := range w.pairs(path, node, `needs keys with values ("key: value", with a space after the colon): `+strings.Join(names, ", ")) {
		key := keyOf(pair)
		if plain := strings.Trim(key, typographic); plain != key {
			w.add(lineOf(pair.Key), join(path, key), oddQuotes)
			w.breaks(join(path, plain))
			continue
		}
		if i := slices.Index(names, key); i >= 0 {
			w.walk(join(path, key), pair.Value, into.Field(fields[i]))
			continue
		}
		meant := setting.Nearest(key, names)
		if homes := homesOf(w.root, key, ""); len(homes) > 0 && key+"s" != meant && key != meant+"s" {
			w.add(lineOf(pair.Key), join(path, key), "unknown key here; it belongs under "+strings.Join(homes, " or "))
			continue
		}
		w.add(lineOf(pair.Key), join(path, key), "unknown key, "+setting.Instead(key, names))
		if meant != "" {
			w.breaks(join(path, meant)) // misspelt, so not missing
		}
	}
}

// typographic are quotes that YAML takes for letters. They come from web pages and from
// programs that write letters.
const (
	typographic = "“”„‟‘’‚‛«»‹›"
	oddQuotes   = `is in typographic quotes (“ ”); write plain quotes (") or none`
)

// inTypographic: the text has such quotes on both sides.
func inTypographic(text string) bool {
	return strings.TrimLeft(text, typographic) != text && strings.TrimRight(text, typographic) != text
}

// isProse: the value is for people, who may quote as they like.
func isProse(path string) bool {
	prose := []string{"basis", "purpose", "team", "responsible", "reason", "requested_by", "approved_by", "ticket", "compensating_control"}
	return slices.Contains(prose, path[strings.LastIndex(path, ".")+1:]) || strings.HasPrefix(path, "frameworks")
}

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

// homesOf are the keys of a file under which a key belongs.
func homesOf(t reflect.Type, key, path string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[secret.Ref]() {
		return nil
	}
	var out []string
	names, fields := keysOf(t)
	for i, name := range names {
		if name == key && path != "" {
			out = append(out, path)
		}
		out = append(out, homesOf(t.Field(fields[i]).Type, key, strings.TrimPrefix(path+"."+name, "."))...)
	}
	return out
}

// keysOf are the keys of a struct and the fields that have them.
func keysOf(t reflect.Type) (names []string, fields []int) {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" {
			names, fields = append(names, name), append(fields, i)
		}
	}
	return names, fields
}
