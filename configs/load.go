package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"tokenaudit/jobs/history"
)

const largestFile = 1 << 20

// ScheduleCheck tells what is wrong with the schedule or the zone of a job.
type ScheduleCheck func(schedule, zone string) error

// Load reads and validates a configuration file. What is wrong with it comes
// all at once, as an *Error.
func Load(path string, check ScheduleCheck) (*File, error) {
	source, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("configs: %w", err)
	}
	file, problems := parse(source, check)
	if err := failure(path, problems); err != nil {
		return nil, err
	}
	file.resolve(filepath.Dir(path))
	return file, nil
}

// read takes one byte more than a file may have, so that guard sees that it is
// too long.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, largestFile+1))
}

func parse(source []byte, check ScheduleCheck) (*File, []Problem) {
	file := new(File)
	file.setDefaults()
	root, problems := tree(source)
	if len(problems) > 0 {
		return file, problems
	}
	w := walker{lines: map[string]int{"": 1}, broken: map[string]bool{}, above: map[string]bool{}}
	if root != nil {
		w.walk("", root, reflect.ValueOf(file).Elem())
	}
	file.validate(check, w.followUp)
	return file, w.problems
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
	case err != nil:
		return nil, []Problem{syntaxProblem(err)}
	case len(file.Docs) == 0:
		return nil, nil
	}
	return file.Docs[0].Body, nil
}

// syntaxProblem leaves out the lines of the source that come with the parser's
// error: they may hold a secret.
func syntaxProblem(err error) Problem {
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		return Problem{Line: 1, Text: notYAML("it cannot be read")}
	}
	return Problem{Line: syntax.GetToken().Position.Line, Text: notYAML(syntax.GetMessage())}
}

// notYAML drops what the parser quotes: it may be a secret.
func notYAML(reason string) string {
	reason, _, _ = strings.Cut(reason, ` "`)
	return "not YAML: " + strings.ReplaceAll(strings.TrimSuffix(reason, ":"), "\t", `\t`)
}

// resolve makes paths absolute: they are shown to people elsewhere.
func (f *File) resolve(folder string) {
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	if path, ok := history.StorePath(f.Store); ok {
		f.Store = history.AtPath(under(folder, path))
	}
	f.StorePassword.File = under(folder, f.StorePassword.File)
	if !history.IsBucket(f.Evidence) {
		f.Evidence = under(folder, f.Evidence)
	}
	f.Controls = under(folder, f.Controls)
	for i := range f.Targets {
		target := &f.Targets[i]
		target.CAFile = under(folder, target.CAFile)
		target.Bolt, target.Import = under(folder, target.Bolt), under(folder, target.Import)
		target.Token.File = under(folder, target.Token.File)
		for j := range target.Users {
			target.Users[j].Token.File = under(folder, target.Users[j].Token.File)
		}
	}
	for i, job := range f.Jobs {
		f.Jobs[i].SigningKey.File = under(folder, job.SigningKey.File)
		f.Jobs[i].Ping.File = under(folder, job.Ping.File)
		if job.Slack != nil {
			job.Slack.Token.File = under(folder, job.Slack.Token.File)
			job.Slack.Webhook.File = under(folder, job.Slack.Webhook.File)
		}
		if hook := job.Webhook; hook != nil {
			hook.URL.File, hook.Secret.File = under(folder, hook.URL.File), under(folder, hook.Secret.File)
		}
		if email := job.Email; email != nil {
			email.Password.File, email.CAFile = under(folder, email.Password.File), under(folder, email.CAFile)
		}
	}
}

func under(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
