package secret

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// String says where the secret is, for people.
func (r Ref) String() string {
	switch shown := r.shown(); {
	case shown.Env != "":
		return "environment variable " + shown.Env
	case shown.File != "":
		return "file " + shown.File
	case len(shown.Exec) > 0:
		return "command " + shown.Exec[0]
	case r.held.reveal != nil:
		return "memory"
	}
	return "nowhere"
}

// shown is what may be seen of a Ref.
type shown struct {
	Env  string   `yaml:"env,omitempty" json:"env,omitempty"`
	File string   `yaml:"file,omitempty" json:"file,omitempty"`
	Exec []string `yaml:"exec,omitempty" json:"exec,omitempty"`
	// Memory: the program made the secret, as the demo does. No configuration can name one.
	Memory bool `yaml:"memory,omitempty" json:"memory,omitempty"`
}

// shown leaves out the arguments of a command, and what may be the secret itself, put
// in the place of a name, a path or a command.
func (r Ref) shown() shown {
	s := shown{Env: r.Env, File: r.File}
	if r.Env != "" && !r.isVariable() {
		s.Env = redacted
	}
	if r.File != "" && !r.isPath() {
		s.File = redacted
	}
	if len(r.Exec) > 0 {
		s.Exec = append(s.Exec, r.Exec[0].Reveal())
		if !r.isCommand() {
			s.Exec[0] = redacted
		}
	}
	if len(r.Exec) > 1 {
		s.Exec = append(s.Exec, "…")
	}
	return s
}

// isVariable: there is such a variable, or its name is one that people make up.
func (r Ref) isVariable() bool {
	_, set := os.LookupEnv(r.Env)
	return isEnvName(r.Env) && (set || plainName(r.Env))
}

// isPath: there is such a file, or a folder for it, or it has a folder and all of it
// are names that people make up. A bare name would be in the folder of the
// configuration, which is there whatever the name.
func (r Ref) isPath() bool {
	written := cmp.Or(r.written, r.File)
	if exists(r.File) || plainPath(written) {
		return true
	}
	folder := filepath.Dir(written)
	return folder != "." && folder != filepath.Dir(folder) && exists(filepath.Dir(r.File))
}

// isCommand: it can be run, or its path is one that people make up, or it has
// arguments: a secret by mistake stands alone.
func (r Ref) isCommand() bool {
	name := r.Exec[0].Reveal()
	_, err := exec.LookPath(name)
	return err == nil || exists(name) && strings.ContainsFunc(name, isSeparator) || plainPath(name) || len(r.Exec) > 1 && plain(name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isSeparator(r rune) bool { return r == '/' || r == os.PathSeparator }

// Format writes what String says, whatever the verb.
func (r Ref) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is what String says, for log/slog.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText is what String says, for XML and for keys of maps.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalYAML is the source as a configuration has it, with … for arguments.
func (r Ref) MarshalYAML() (any, error) {
	s := r.shown()
	s.Memory = r.held.reveal != nil
	return s, nil
}

// MarshalJSON is the source as a configuration has it, with … for arguments.
func (r Ref) MarshalJSON() ([]byte, error) {
	v, _ := r.MarshalYAML()
	return json.Marshal(v)
}
