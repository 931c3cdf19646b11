package configs

import (
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"tokenaudit/configs/secret"
	"tokenaudit/notify"
)

// Effective is the configuration as it is applied, with every default, as YAML,
// for the evidence. It only says where secrets are; the arguments of commands that
// fetch them are left out, as they may hold one.
func (f *File) Effective() string {
	text, err := yaml.Marshal(f.withoutArguments())
	if err != nil {
		return "# cannot be shown: " + err.Error() + "\n"
	}
	return string(text)
}

func (f *File) withoutArguments() File {
	out := *f
	out.StorePassword = commandOnly(f.StorePassword)
	out.Targets, out.Jobs = slices.Clone(f.Targets), slices.Clone(f.Jobs)
	for i := range out.Targets {
		t := &out.Targets[i]
		t.Token, t.Users = commandOnly(t.Token), slices.Clone(t.Users)
		for j := range t.Users {
			t.Users[j].Token = commandOnly(t.Users[j].Token)
		}
	}
	for i := range out.Jobs {
		out.Jobs[i].SigningKey, out.Jobs[i].Ping = commandOnly(f.Jobs[i].SigningKey), commandOnly(f.Jobs[i].Ping)
		if slack := out.Jobs[i].Slack; slack != nil {
			shown := *slack
			shown.Token, shown.Webhook = commandOnly(slack.Token), commandOnly(slack.Webhook)
			out.Jobs[i].Slack = &shown
		}
		if hook := out.Jobs[i].Webhook; hook != nil {
			out.Jobs[i].Webhook = &notify.HookConfig{URL: commandOnly(hook.URL), Secret: commandOnly(hook.Secret)}
		}
		if email := out.Jobs[i].Email; email != nil {
			shown := *email
			shown.Password = commandOnly(email.Password)
			out.Jobs[i].Email = &shown
		}
	}
	return out
}

func commandOnly(ref secret.Ref) secret.Ref {
	if len(ref.Exec) > 1 {
		ref.Exec = []string{ref.Exec[0], "…"}
	}
	return ref
}

// MarshalText writes a time span as a person would.
func (d Duration) MarshalText() ([]byte, error) {
	for _, u := range []struct {
		letter string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if span := time.Duration(d); span != 0 && span%u.length == 0 {
			return fmt.Appendf(nil, "%d%s", span/u.length, u.letter), nil
		}
	}
	return []byte("off"), nil
}
