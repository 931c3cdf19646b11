package report

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// difference is the first place where two files differ.
type difference struct {
	offset int64 // -1 for none
	line   int
}

// firstDifference compares two files, piece by piece.
func firstDifference(ctx context.Context, have, want string) (difference, error) {
	none := difference{offset: -1}
	a, err := os.Open(have)
	if err != nil {
		return none, err
	}
	defer a.Close()
	b, err := os.Open(want)
	if err != nil {
		return none, err
	}
	defer b.Close()
	return firstDifferenceIn(ctx, a, b)
}

func firstDifferenceIn(ctx context.Context, a, b io.Reader) (difference, error) {
	at, x, y := difference{line: 1}, make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if err := errors.Join(unlessEnd(errA), unlessEnd(errB), ctx.Err()); err != nil {
			return at, err
		}
		if !bytes.Equal(x[:min(n, m)], y[:min(n, m)]) {
			i := 0
			for x[i] == y[i] {
				i++
			}
			at.line += bytes.Count(x[:i], []byte{'\n'})
			at.offset += int64(i)
			return at, nil
		}
		at.line += bytes.Count(x[:min(n, m)], []byte{'\n'})
		at.offset += int64(min(n, m))
		switch {
		case n != m:
			return at, nil
		case errA != nil:
			return difference{offset: -1}, nil
		}
	}
}

func unlessEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

// words show both files around the difference.
func (d difference) words(have, want string) (string, error) {
	a, err := excerpt(have, d.offset)
	if err != nil {
		return "", err
	}
	b, err := excerpt(want, d.offset)
	return fmt.Sprintf("line %d has %s where the snapshots give %s", d.line, a, b), err
}

// excerpt is what a file has around an offset, on one line.
func excerpt(path string, offset int64) (string, error) {
	const before, after = 30, 50
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	from := max(0, offset-before)
	text := make([]byte, offset-from+after)
	n, err := f.ReadAt(text, from)
	if err = unlessEnd(err); err != nil {
		return "", err
	}
	text = text[:n]
	here := min(int(offset-from), n)
	if start := bytes.LastIndexByte(text[:here], '\n'); start >= 0 {
		text, here = text[start+1:], here-start-1
	}
	if end := bytes.IndexByte(text[here:], '\n'); end >= 0 {
		text = text[:here+end]
	}
	return shown(string(text)), nil
}

// shown is a value in a message: short, on one line, and harmless.
func shown(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if s == "" {
		return "nothing"
	}
	return "`" + audit.Line(s, 90) + "`"
}

// compareJSON names the first value of two JSON documents that differs, "" if none
// does. Without all, it compares the figures that both have.
func compareJSON(have, want string, all bool) (string, error) {
	var values [2]any
	for i, path := range []string{have, want} {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		dec := json.NewDecoder(bufio.NewReader(f))
		dec.UseNumber()
		if err := errors.Join(dec.Decode(&values[i]), f.Close()); err != nil {
			return "", err
		}
	}
	path, a, b := firstValue("", values[0], values[1], all)
	if path == "" {
		return "", nil
	}
	return fmt.Sprintf("%s is %s, the snapshots give %s", audit.Line(path, 200), inJSON(a), inJSON(b)), nil
}

func inJSON(v any) string {
	if v == nil {
		return "nothing"
	}
	text, _ := json.Marshal(v) // it comes from JSON
	return audit.Line(string(text), 90)
}

// isFigure reports whether a value of summary.json is counted from the records.
func isFigure(path string) bool {
	kind, _, _ := strings.Cut(path, ".")
	return kind == "authorizations" || kind == "findings"
}

// firstValue walks two values, maps by their keys. What only one of them has differs,
// unless it is a figure of another version that is 0.
func firstValue(path string, a, b any, all bool) (string, any, any) {
	x, isMap := a.(map[string]any)
	y, areMaps := b.(map[string]any)
	if isMap && areMaps {
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			v, inX := x[key]
			w, inY := y[key]
			below := strings.TrimPrefix(path+"."+key, ".")
			if inX != inY && !all && strings.Count(below, ".") == 1 {
				continue // a kind of figure that one of the versions does not have
			}
			if at, v, w := firstValue(below, v, w, all); at != "" {
				return at, v, w
			}
		}
		return "", nil, nil
	}
	list, isList := a.([]any)
	other, areLists := b.([]any)
	if isList && areLists && len(list) == len(other) {
		for i := range list {
			if at, v, w := firstValue(fmt.Sprintf("%s[%d]", path, i), list[i], other[i], all); at != "" {
				return at, v, w
			}
		}
		return "", nil, nil
	}
	same := inJSON(a) == inJSON(b) && fmt.Sprint(a) == fmt.Sprint(b)
	if !all {
		same = same || !isFigure(path) || isZero(a) && isZero(b)
	}
	if same {
		return "", nil, nil
	}
	return path, a, b
}

// isZero reports whether a figure is 0, or not there.
func isZero(v any) bool { return v == nil || fmt.Sprint(v) == "0" }
