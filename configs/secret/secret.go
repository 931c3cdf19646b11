// Package secret is a reference to a secret (env, file, exec) and the secret
// itself in memory.
//
// Configuration holds a Ref, which only says where the secret is. Reading it
// gives a Value, which no printer, encoder or logger shows: only Reveal does. A
// Ref, too, shows no more than where the secret is, however it is printed, and not
// even that where it may be the secret itself, put there by mistake. The Redactor
// that the Refs of a program are bound to knows what they gave, and takes it out of
// texts that come back with it.
package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ref says where a secret is. Exactly one source is set. Printed, encoded or
// logged in any way, also within other values, it shows the name of the variable,
// the path of the file or the command without its arguments, which may hold one. A
// name, path or command that nothing answers to is shown only if it reads like one.
type Ref struct {
	// Env is the name of an environment variable.
	Env string `yaml:"env,omitempty" json:"env,omitempty"`
	// File is the path of a file.
	File string `yaml:"file,omitempty" json:"file,omitempty"`
	// Exec is a command and its arguments, such as a vault client, whose
	// standard output is the secret. It runs without a shell and within 30 s;
	// its standard error is dropped.
	Exec []Value `yaml:"exec,omitempty" json:"exec,omitempty"`

	held     Value    // the secret itself, of InMemory
	withheld []string // variables that a command does not get, see Withhold
	key      string   // of the configuration, and its place in the file
	written  string   // File as the configuration has it, where that is relative
	redactor *Redactor
}

// Command is a Ref to the output of a command.
func Command(words ...string) Ref {
	var r Ref
	for _, word := range words {
		r.Exec = append(r.Exec, Of(word))
	}
	return r
}

// InMemory is a Ref to a secret that is at hand, in no variable and no file that
// a child process could read.
func InMemory(secret string) Ref {
	return Ref{held: Of(secret)}
}

// Withhold names environment variables that the command of exec does not get:
// those that hold other secrets.
func (r *Ref) Withhold(variables []string) { r.withheld = variables }

// Bind makes r tell the redactor of every secret that it gives.
func (r *Ref) Bind(redactor *Redactor) { r.redactor = redactor }

// Redactor is what r is bound to, nil for none.
func (r Ref) Redactor() *Redactor { return r.redactor }

// Learn lets the redactor know the secret before it is used, if no command has to be
// run for it. An error is left to Read.
func (r Ref) Learn() {
	if len(r.Exec) == 0 {
		_, _ = r.Read(context.Background())
	}
}

// From says which key of a configuration r is, and where that stands; errors name it.
func (r *Ref) From(key string) { r.key = key }

// Under makes the path of the file start at a folder, unless it is absolute.
func (r *Ref) Under(folder string) {
	if r.File != "" && !filepath.IsAbs(r.File) {
		r.written, r.File = r.File, filepath.Join(folder, r.File)
	}
}

// InHome tells whether the file or the command begins with ~, which only a shell knows.
func (r Ref) InHome() bool {
	return strings.HasPrefix(r.File, "~") || len(r.Exec) > 0 && strings.HasPrefix(r.Exec[0].Reveal(), "~")
}

// IsZero tells whether no source is set.
func (r Ref) IsZero() bool { return r.sources() == 0 }

// Equal tells whether both have the same source.
func (r Ref) Equal(other Ref) bool {
	same := func(a, b Value) bool { return a.Reveal() == b.Reveal() }
	return r.Env == other.Env && r.File == other.File && slices.EqualFunc(r.Exec, other.Exec, same) &&
		same(r.held, other.held)
}

// Validate returns an error unless exactly one source is set and well formed.
// It does not look whether the secret exists. An Env that cannot be a name is
// not repeated in the error: it may be the secret itself, put there by mistake.
func (r Ref) Validate() error {
	switch {
	case r.IsZero():
		return errors.New("needs one source: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}")
	case r.sources() > 1:
		return errors.New("several sources; set only one of env, file, exec")
	case r.Env != "" && !isEnvName(r.Env):
		return errors.New("env is not the name of an environment variable; write the name alone, without $, and never the secret")
	case len(r.Exec) > 0 && r.Exec[0].Reveal() == "":
		return errors.New("exec starts with an empty word; write the command first")
	}
	return nil
}

func (r Ref) sources() int {
	count := 0
	for _, set := range []bool{r.Env != "", r.File != "", len(r.Exec) > 0, r.held.reveal != nil} {
		if set {
			count++
		}
	}
	return count
}

// Read returns the secret as it is now; call it at each use, so that a rotated
// secret needs no restart. White space around the secret is trimmed.
//
// It is an error if the Ref is not valid, the source cannot be read, or the
// secret is empty, longer than 64 KiB, or contains what cannot be seen, such as
// a line break, which would break an Authorization header. Errors name the key of the
// configuration and what String shows, and never the content. When ctx ends first, a command is killed and
// the error wraps the context's cause.
func (r Ref) Read(ctx context.Context) (Value, error) { return r.read(ctx, check) }

// ReadLines is Read for a secret of several lines, such as a private key in PEM.
func (r Ref) ReadLines(ctx context.Context) (Value, error) {
	return r.read(ctx, func(text string) error {
		if text == "" {
			return check(text)
		}
		for line := range strings.Lines(text) {
			if err := check(strings.TrimRight(line, "\r\n")); err != nil {
				return err
			}
		}
		return nil
	})
}

// Missing says why the secret cannot be had now, and what to do about it; "" if it can. Of
// a command it only looks whether there is one. Lines tells that it may have several lines.
func (r Ref) Missing(ctx context.Context, lines bool) string {
	r.key = ""
	read := r.Read
	if lines {
		read = r.ReadLines
	}
	var err error
	if len(r.Exec) == 0 {
		_, err = read(ctx)
	} else if _, absent := exec.LookPath(r.Exec[0].Reveal()); absent != nil {
		err = r.failed(errors.New("there is no such command on this machine. Install it, or write its absolute path"), false)
	}
	if err == nil {
		return ""
	}
	text := strings.Replace(strings.TrimPrefix(err.Error(), "secret from "), ": it is ", " is ", 1)
	if known, ok := errors.AsType[*readError](err); ok && known.Remedy() != "" {
		text += ". " + strings.TrimSuffix(strings.Replace(known.Remedy(), "the "+r.String(), "it", 1), ".")
	}
	return text
}

func (r Ref) read(ctx context.Context, check func(string) error) (Value, error) {
	if err := r.Validate(); err != nil {
		return Value{}, err
	}
	raw, err := r.raw(ctx)
	if err != nil {
		return Value{}, r.failed(err, true)
	}
	text := strings.TrimSpace(raw)
	r.redactor.Learn(text)
	if err := check(text); err != nil {
		return Value{}, r.failed(err, text == "")
	}
	return Of(text), nil
}

// failed leaves out what the errors of the system quote, as String says as much of it
// as may be seen.
func (r Ref) failed(err error, missing bool) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	if command, ok := errors.AsType[*exec.Error](err); ok {
		err = command.Err
	}
	err = fmt.Errorf("secret from %s: %w", r, err)
	if r.key != "" {
		err = fmt.Errorf("%s: %w", r.key, err)
	}
	if strings.Contains(r.String(), redacted) {
		err = fmt.Errorf("%w; not shown, because it may be the secret itself. Write where the secret is stored: {env: NAME}, {file: PATH} or {exec: [cmd, arg]}", err)
	}
	return &readError{r, missing, err}
}

// readError is a secret that could not be read. It knows what to do about that.
type readError struct {
	ref     Ref
	missing bool
	err     error
}

func (e *readError) Error() string { return e.err.Error() }

func (e *readError) Unwrap() error { return e.err }

// Remedy is what to do, "" where the error itself says it.
func (e *readError) Remedy() string {
	switch r := e.ref; {
	case strings.Contains(r.String(), redacted), !e.missing:
		return ""
	case r.Env != "":
		return fmt.Sprintf("Set the %s where the review runs: in its unit, crontab or container.", r)
	case r.File != "":
		return fmt.Sprintf("Write the secret to the %s, and give the user of the review read access.", r)
	case len(r.Exec) > 0:
		return fmt.Sprintf("Run the %s as the user of the review. It must print the secret and exit with 0 within 30 s.", r)
	}
	return ""
}

func (r Ref) raw(ctx context.Context) (string, error) {
	switch {
	case r.Env != "":
		return readEnv(r.Env)
	case r.File != "":
		return readFile(r.File)
	case r.held.reveal != nil:
		return r.held.Reveal(), nil
	}
	return r.readExec(ctx, execLimit)
}

func check(text string) error {
	if text == "" {
		return errors.New("it is empty")
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return errors.New("it contains a line break or an invisible character; store one line of plain text")
	}
	return nil
}

// Warnings says what is legal but unsafe: a file that group or others can
// read. A file that cannot be looked at gives no warning; Read reports it.
func (r Ref) Warnings() []string {
	if r.File == "" {
		return nil
	}
	return fileWarnings(r.File)
}
