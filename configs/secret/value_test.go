package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type exported struct {
	Token Value
	Ref   *Value
	List  []Value
	Map   map[string]Value
}

type unexported struct{ token Value }

type refs struct {
	Exported   Ref
	unexported Ref
	Map        map[string]*Ref
}

// TestNeverPrints: neither a secret nor the arguments of a command.
func TestNeverPrints(t *testing.T) {
	v := Of(hunter)
	values := map[string]any{
		"value": v, "pointer": &v, "slice": []Value{v}, "map": map[string]Value{"token": v},
		"exported field": exported{v, &v, []Value{v}, map[string]Value{"token": v}}, "unexported field": unexported{v},
	}
	for name, ref := range map[string]Ref{"exec": Command("vault", hunter), "memory": InMemory(hunter)} {
		values[name], values[name+" pointer"] = ref, &ref
		values[name+" in fields"] = refs{ref, ref, map[string]*Ref{"token": &ref}}
	}
	for name, x := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%10.3s"} {
			t.Run(name+" "+verb, func(t *testing.T) { checkHidden(t, fmt.Sprintf(verb, x)) })
		}
		for format, encode := range encoders() {
			t.Run(name+" "+format, func(t *testing.T) { checkHidden(t, encode(x)) })
		}
	}
}

func TestValueSaysRedacted(t *testing.T) {
	v := Of(hunter)
	field := struct {
		Token Value `json:"token" yaml:"token"`
	}{v}
	encoders := encoders()
	for name, got := range map[string]string{
		"String": v.String(), "GoString": v.GoString(), "Sprint": fmt.Sprint(v), "%d": fmt.Sprintf("%d", v), "error": fmt.Errorf("bad %q", v).Error(),
		"JSON": encoders["json"](field), "YAML": encoders["yaml"](field),
		"LogValue": v.LogValue().String(), "slog text": encoders["slog text"](v), "slog JSON": encoders["slog json"](v),
	} {
		if !strings.Contains(got, redacted) {
			t.Errorf("%s: %s, want %s in it", name, got, redacted)
		}
	}
}

func TestRefSaysWhere(t *testing.T) {
	encoders := encoders()
	for _, tc := range []struct{ got, want string }{
		{fmt.Sprintf("%v %+v %#v %s %q %d", Ref{Env: "AUDIT_TOKEN"}, Ref{File: "./token"}, Command("vault", hunter), InMemory(hunter), Ref{}, Ref{Env: hunter}),
			"environment variable AUDIT_TOKEN file ./token command vault memory nowhere environment variable [redacted]"},
		{encoders["yaml"](Command("vault", hunter)), "exec:\n- vault\n- …\n<nil>"},
		{encoders["json"](Command("/opt/vault/vault")), `{"exec":["/opt/vault/vault"]}<nil>`},
		{encoders["json"](Ref{File: "./token"}), `{"file":"./token"}<nil>`},
		{encoders["xml"](Ref{Env: "AUDIT_TOKEN"}), "<Ref>environment variable AUDIT_TOKEN</Ref><nil>"},
		{Command("vault", hunter).LogValue().String(), "command vault"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
}

func TestZeroValue(t *testing.T) {
	var v Value
	if v.Reveal() != "" || v.String() != redacted {
		t.Errorf("zero Value reveals %q and prints %q", v.Reveal(), v)
	}
}

// encoders give what they wrote; an encoder that refuses has shown nothing.
func encoders() map[string]func(any) string {
	logged := func(handler func(*bytes.Buffer) slog.Handler) func(any) string {
		return func(x any) string {
			var out bytes.Buffer
			slog.New(handler(&out)).Info("read", "secret", x)
			return out.String()
		}
	}
	marshalled := func(marshal func(any) ([]byte, error)) func(any) string {
		return func(x any) string {
			out, err := marshal(x)
			return fmt.Sprint(string(out), err)
		}
	}
	return map[string]func(any) string{
		"json":      marshalled(json.Marshal),
		"yaml":      marshalled(func(x any) ([]byte, error) { return yaml.Marshal(x) }),
		"xml":       marshalled(xml.Marshal),
		"slog text": logged(func(out *bytes.Buffer) slog.Handler { return slog.NewTextHandler(out, nil) }),
		"slog json": logged(func(out *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(out, nil) }),
	}
}

func checkHidden(t *testing.T, out string) {
	t.Helper()
	for _, form := range []string{hunter[:3], hex.EncodeToString([]byte(hunter)), base64.StdEncoding.EncodeToString([]byte(hunter))} {
		if strings.Contains(strings.ToLower(out), strings.ToLower(form)) {
			t.Errorf("the secret shows in %s", out)
		}
	}
}
