package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tokenaudit/configs/secret"
)

// walker copies YAML into Go values and collects what does not fit. Text keeps
// the letters of the file: an ID such as 1e10 is no number.
type walker struct {
	problems []Problem
	lines    map[string]int  // of every key and list entry, by path
	broken   map[string]bool // paths that have a problem
	above    map[string]bool // paths with such a path inside
}

const inClear = "a secret in clear; write where it is instead: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}"

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
	for _, pair := range values {
		if !slices.Contains(namesOf(reflect.TypeFor[secret.Ref]()), keyOf(pair)) {
			w.problem(path, "unknown key; write where the secret is: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}")
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
		w.problem(path, "needs a list with at least one entry")
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
	for _, pair := range w.pairs(path, node, "needs keys with values (key: value)") {
		key, value := keyOf(pair), reflect.New(into.Type().Elem()).Elem()
		w.walk(join(path, key), pair.Value, value)
		into.SetMapIndex(reflect.ValueOf(key), value)
	}
}

func (w *walker) object(path string, node ast.Node, into reflect.Value) {
	names := namesOf(into.Type())
	for _, pair := range w.pairs(path, node, "needs keys with values: "+strings.Join(names, ", ")) {
		key := keyOf(pair)
		if i := slices.Index(names, key); i >= 0 {
			w.walk(join(path, key), pair.Value, into.Field(i))
			continue
		}
		w.add(lineOf(pair.Key), join(path, key), "unknown key, "+instead(key, names))
		if meant := nearest(key, names); meant != "" {
			w.breaks(join(path, meant)) // misspelt, so not missing
		}
	}
}
