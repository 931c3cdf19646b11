package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const largestFile = 1 << 20

// Load reads and validates a configuration file. What is wrong with it comes
// all at once, as an *Error.
func Load(path string) (*File, error) {
	source, err := read(path)
	if err != nil {
		return nil, err
	}
	file, lines, problems := parse(source, func(file *File, problem problemFunc) {
		file.resolve(filepath.Dir(path))
		file.checkFiles(problem)
	})
	if err := failure(path, problems); err != nil {
		return nil, err
	}
	for key, ref := range file.Secrets() {
		ref.From(fmt.Sprintf("%s (%s:%d)", key, filepath.Base(path), lines[key]))
	}
	file.path, file.lines = path, lines
	file.withhold()
	return file, nil
}

// Check says what is wrong with the text of a configuration file, as Load does, before
// there is such a file.
func Check(path string, text []byte) error {
	_, _, problems := parse(text)
	return failure(path, problems)
}

// read takes one byte more than a file may have, so that guard sees that it is
// too long.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return source, nil
}

func unreadable(path string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the configuration %s cannot be read: %w; correct the path, or write one with tokenaudit init", path, err)
	}
	return fmt.Errorf("the configuration %s cannot be read: %w", path, err)
}

// parse reads and validates what can be told from the text alone. Then others look at what
// has no problem yet.
func parse(source []byte, others ...func(*File, problemFunc)) (*File, map[string]int, []Problem) {
	file := new(File)
	file.setDefaults()
	lines, problems := fill(file, source, func(problem problemFunc) {
		told := map[string]bool{}
		file.validate(func(path, text string) {
			told[path] = true
			problem(path, text)
		})
		for _, look := range others {
			look(file, func(path, text string) {
				if !told[path] {
					problem(path, text)
				}
			})
		}
	})
	return file, lines, problems
}

// fill copies YAML into a struct, and lets validate look at the values unless it is
// no YAML at all. It gives the lines of all keys, by path.
func fill(into any, source []byte, validate func(problemFunc)) (map[string]int, []Problem) {
	root, problems := tree(source)
	if len(problems) > 0 {
		return nil, problems
	}
	w := walker{root: reflect.TypeOf(into).Elem(), lines: map[string]int{"": 1}, broken: map[string]bool{}, above: map[string]bool{}}
	if root != nil {
		w.walk("", root, reflect.ValueOf(into).Elem())
	}
	validate(w.followUp)
	return w.lines, w.problems
}

// tree is the YAML of the only document, nil if there is nothing in it.
func tree(source []byte) (ast.Node, []Problem) {
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	if problems := guardText(source); len(problems) > 0 {
		return nil, problems
	}
	tokens := lexer.Tokenize(string(source))
	if problems := guardTokens(tokens); len(problems) > 0 {
		return nil, problems
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	switch {
	case err != nil: // the lines of the source that come with it may hold a secret
		var syntax yaml.Error
		if !errors.As(err, &syntax) || syntax.GetToken() == nil {
			return nil, []Problem{{Line: 1, Text: notYAML("", "")}}
		}
		at := syntax.GetToken().Position.Line
		lines := strings.Split(string(source), "\n")
		return nil, []Problem{{Line: at, Text: notYAML(syntax.GetMessage(), lines[min(at, len(lines))-1])}}
	case len(file.Docs) == 0:
		return nil, nil
	}
	return file.Docs[0].Body, nil
}

// The parser is quadratic in the keys of a mapping and in the depth, so both
// have a limit far above what a configuration needs.
const (
	deepest  = 32
	mostKeys = 10_000
)

// guardText refuses what is no text, so that no message and no name can hold
// invisible characters.
func guardText(source []byte) []Problem {
	if len(source) > largestFile {
		return []Problem{{Line: 1, Text: "the file is larger than 1 MiB; is it the right one?"}}
	}
	hidden := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
	for i, line := range bytes.Split(source, []byte("\n")) {
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t\u00a0"))]; bytes.Contains(indent, []byte("\u00a0")) {
			return []Problem{{Line: i + 1, Text: "begins with a no-break space, which often comes from a web page; use plain spaces"}}
		}
		if !utf8.Valid(line) || bytes.ContainsFunc(bytes.TrimSuffix(line, []byte("\r")), hidden) {
			return []Problem{{Line: i + 1, Text: "is not plain UTF-8 text, or contains an invisible character"}}
		}
	}
	return nil
}

// refused are tokens that a configuration does not need. The texts repeat nothing of
// the file: it may be the first character of a secret.
var refused = map[token.Type]string{
	token.AnchorType:      noAnchors,
	token.AliasType:       noAnchors,
	token.MergeKeyType:    noAnchors,
	token.TagType:         "tags (!) are not supported; quote the value if it is text",
	token.DirectiveType:   "directives (%) are not supported; quote the value if it is text",
	token.MappingKeyType:  "complex keys (?) are not supported; write key: value",
	token.DocumentEndType: "the end mark (...) is not supported; remove it",
}

const noAnchors = `a value that begins with * or & needs quotes, such as "*/15 * * * *"; anchors, aliases and merge keys (<<) are not supported`

// guardTokens refuses, before the parser sees it, what a configuration does not
// need and what takes the parser too long.
func guardTokens(tokens token.Tokens) []Problem {
	var problems []Problem
	begun := false                           // there is more than comments
	depth, keys, entries, line := 0, 0, 0, 0 // of [ and {; of keys; of the list entries of one line, as "- - -" nests, too
	for _, t := range tokens {
		text := refused[t.Type]
		switch t.Type {
		case token.InvalidType:
			text = notYAML(t.Error, "")
		case token.DocumentHeaderType:
			if begun {
				text = "a second document starts here (---); a file holds one configuration"
			}
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.MappingValueType:
			keys++
		case token.SequenceEntryType:
			if t.Position.Line != line {
				entries, line = 0, t.Position.Line
			}
			entries++
		}
		begun = begun || t.Type != token.CommentType
		tooLarge := max(depth, entries) > deepest || keys > mostKeys
		if tooLarge {
			text = "nested too deeply, or more than 10,000 keys up to here"
		}
		if text != "" {
			problems = append(problems, Problem{Line: t.Position.Line, Text: text})
		}
		if tooLarge {
			break
		}
	}
	return problems
}
