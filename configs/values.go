package configs

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
)

// Secrets are the references to secrets that the configuration has, by the path of
// their key, such as jobs[0].slack.token.
func (f *File) Secrets() iter.Seq2[string, *secret.Ref] {
	return func(yield func(string, *secret.Ref) bool) {
		each("", reflect.ValueOf(f).Elem(), func(path string, ref *secret.Ref) bool {
			return ref.IsZero() || yield(path, ref)
		})
	}
}

// CheckSecrets tells, as an *Error, which secrets cannot be had now, of the keys that are
// used. No command is run.
func (f *File) CheckSecrets(ctx context.Context, used func(key string) bool) error {
	var problems []Problem
	for key, ref := range f.Secrets() {
		if !used(key) {
			continue
		}
		if text := ref.Missing(ctx, strings.HasSuffix(key, ".signing_key")); text != "" {
			problems = append(problems, Problem{Line: f.lines[key], Key: key, Text: text})
		}
	}
	return failure(f.path, problems)
}

// each visits every T in a configuration, until visit returns false: no list of
// such keys has to be kept anywhere.
func each[T any](path string, v reflect.Value, visit func(path string, value *T) bool) bool {
	if found, ok := v.Addr().Interface().(*T); ok {
		return visit(path, found)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || each(path, v.Elem(), visit)
	case reflect.Slice:
		for i := range v.Len() {
			if !each(fmt.Sprintf("%s[%d]", path, i), v.Index(i), visit) {
				return false
			}
		}
	case reflect.Struct:
		names, fields := keysOf(v.Type())
		for i, name := range names {
			if !each(join(path, name), v.Field(fields[i]), visit) {
				return false
			}
		}
	}
	return true
}

// resolve makes paths absolute: they are shown to people elsewhere.
func (f *File) resolve(folder string) {
	if abs, err := filepath.Abs(folder); err == nil {
		folder = abs
	}
	if path, ok := ledger.StorePath(f.Store); ok {
		f.Store = ledger.AtPath(under(folder, path))
	}
	if !evidence.IsBucket(f.Evidence) {
		f.Evidence = under(folder, f.Evidence)
	}
	each("", reflect.ValueOf(f).Elem(), func(_ string, path *setting.Path) bool {
		*path = setting.Path(under(folder, string(*path)))
		return true
	})
	for _, ref := range f.Secrets() {
		ref.Under(folder)
	}
}

func under(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// withhold keeps the secrets that are in environment variables from the commands
// that fetch the other ones.
func (f *File) withhold() {
	var variables []string
	for _, ref := range f.Secrets() {
		if ref.Env != "" {
			variables = append(variables, ref.Env)
		}
	}
	for _, ref := range f.Secrets() {
		ref.Withhold(variables)
	}
}

// Effective is the configuration as it is applied, with every default, as YAML,
// for the evidence. It only says where secrets are; the arguments of commands that
// fetch them are left out, as they may hold one.
func (f *File) Effective() string {
	shown := *f
	shown.Policy.FixWithin = f.Policy.fixWithin()
	shown.Campaigns = slices.Clone(f.Campaigns)
	for i := range shown.Campaigns {
		c := &shown.Campaigns[i]
		c.Remind, c.RevokeWithin = c.remind(), c.revokeWithin()
		if c.Escalate.To != "" {
			c.Escalate.After = c.Escalate.after()
		}
	}
	text, err := yaml.Marshal(shown)
	if err != nil {
		return "# cannot be shown: " + err.Error() + "\n"
	}
	return string(text)
}
