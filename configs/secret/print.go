package secret

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
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
}

// shown leaves out the arguments of a command, and what stands in the place of a
// variable and cannot be the name of one: it may be the secret itself.
func (r Ref) shown() shown {
	s := shown{Env: r.Env, File: r.File}
	if r.Env != "" && !isEnvName(r.Env) {
		s.Env = redacted
	}
	if len(r.Exec) > 0 {
		s.Exec = append(s.Exec, r.Exec[0].Reveal())
	}
	if len(r.Exec) > 1 {
		s.Exec = append(s.Exec, "…")
	}
	return s
}

// Format writes what String says, whatever the verb.
func (r Ref) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is what String says, for log/slog.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText is what String says, for XML and for keys of maps.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalYAML is the source as a configuration has it, with … for arguments.
func (r Ref) MarshalYAML() (any, error) {
	if r.held.reveal != nil {
		return r.String(), nil
	}
	return r.shown(), nil
}

// MarshalJSON is the source as a configuration has it, with … for arguments.
func (r Ref) MarshalJSON() ([]byte, error) {
	v, _ := r.MarshalYAML()
	return json.Marshal(v)
}
