package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/notify/email"
	"tokenaudit/report"
)

// TestSchema compares schema.json with the types; UPDATE=1 rewrites it.
func TestSchema(t *testing.T) {
	t.Chdir("..") // AddGoComments makes the names of the packages of paths below the module
	want, err := json.MarshalIndent(reflectSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile("configs/schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(Schema())); diff != "" {
		t.Errorf("schema.json is not that of the types; run UPDATE=1 go test ./configs\n%s", diff)
	}
}

func reflectSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	r := jsonschema.Reflector{FieldNameTag: "yaml", ExpandedStruct: true, Anonymous: true, Mapper: mapType, Namer: nameType}
	for _, dir := range []string{"./configs", "./jobs/target", "./jobs/evidence", "./notify/slack", "./notify/webhook", "./notify/email"} {
		if err := r.AddGoComments("tokenaudit", dir); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(&File{})
	s.Title, s.Description = "tokenaudit configuration", ""
	one := uint64(1)
	s.Definitions["Ref"].MinProperties, s.Definitions["Ref"].MaxProperties = &one, &one
	job, _ := s.Definitions["Job"].Properties.Get("reports")
	job.Items.Enum = toAny(report.Names())
	return s
}

// nameType keeps the types that are called Config apart.
func nameType(t reflect.Type) string {
	if pkg := path.Base(t.PkgPath()); pkg == "influx" || t.Name() == "Config" {
		return pkg + "." + t.Name()
	}
	return t.Name()
}

// mapType describes what is written otherwise than its Go type says.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[secret.Value]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[setting.Duration]():
		return &jsonschema.Schema{Pattern: `^(0|off|([0-9]+[wdhms])+)$`, Examples: []any{"90d", "2w", "36h", "1d12h", "off"}}
	case reflect.TypeFor[setting.Limit]():
		return &jsonschema.Schema{Pattern: `^(off|([0-9]+[wdhms])*0*[1-9][0-9]*[wdhms]([0-9]+[wdhms])*)$`, Examples: []any{"90d", "2w", "36h", "1d12h", "off"}}
	case reflect.TypeFor[email.TLSMode]():
		return &jsonschema.Schema{Enum: []any{"required", "implicit", "opportunistic", "off", false}}
	case reflect.TypeFor[setting.Switch](), reflect.TypeFor[email.AttachMode]():
		return &jsonschema.Schema{Enum: []any{"on", "off", true, false}} // YAML 1.1: on is true
	case reflect.TypeFor[setting.Count]():
		return &jsonschema.Schema{Type: "integer", Minimum: "1", Maximum: "1000"}
	case reflect.TypeFor[Date]():
		return &jsonschema.Schema{Type: "string", Format: "date", Examples: []any{"2027-03-31"}}
	case reflect.TypeFor[map[string]audit.Severity]():
		return &jsonschema.Schema{
			Type:                 "object",
			PropertyNames:        &jsonschema.Schema{Enum: toAny(checkIDs())},
			AdditionalProperties: &jsonschema.Schema{Enum: append(toAny(severities()), false)}, // YAML 1.1: off is false
		}
	}
	return nil
}

func toAny(names []string) []any {
	var values []any
	for _, n := range names {
		values = append(values, n)
	}
	return values
}

// TestExampleFitsSchema checks keys, required keys and types, as an editor does.
func TestExampleFitsSchema(t *testing.T) {
	s := parseSchema(t)
	var doc any
	if err := yaml.Unmarshal(Example(), &doc); err != nil {
		t.Fatal(err)
	}
	fits(t, s.Definitions, "", s, doc)
}

func parseSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func fits(t *testing.T, defs jsonschema.Definitions, path string, s *jsonschema.Schema, value any) {
	t.Helper()
	if s.Ref != "" {
		s = defs[s.Ref[len("#/$defs/"):]]
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		t.Errorf("%s: %v is none of %v", path, value, s.Enum)
	}
	if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(fmt.Sprint(value)) {
		t.Errorf("%s: %v does not match %s", path, value, s.Pattern)
	}
	switch v := value.(type) {
	case map[string]any:
		fitsObject(t, defs, path, s, v)
	case []any:
		for i, entry := range v {
			fits(t, defs, fmt.Sprintf("%s[%d]", path, i), s.Items, entry)
		}
	}
}

func fitsObject(t *testing.T, defs jsonschema.Definitions, path string, s *jsonschema.Schema, value map[string]any) {
	t.Helper()
	if s.Type != "object" {
		t.Fatalf("%s: the schema has %q, not an object", path, s.Type)
	}
	for _, key := range s.Required {
		if _, ok := value[key]; !ok {
			t.Errorf("%s: %s is required", path, key)
		}
	}
	for key, v := range value {
		property := s.AdditionalProperties
		if s.Properties != nil {
			property, _ = s.Properties.Get(key)
		}
		if property == nil {
			t.Fatalf("%s.%s is not in the schema", path, key)
		}
		fits(t, defs, path+"."+key, property, v)
	}
}

// TestEveryKey finds each key of the schema in the example, behind a # or not.
func TestEveryKey(t *testing.T) {
	s := parseSchema(t)
	for _, object := range append(slices.Collect(maps.Values(s.Definitions)), s) {
		for p := object.Properties.Oldest(); p != nil; p = p.Next() {
			if !regexp.MustCompile(`(?m)(^|[ {])` + p.Key + `:`).Match(Example()) {
				t.Errorf("example.yaml lacks %s", p.Key)
			}
			if !slices.Contains([]string{"", "string", "integer", "array", "object"}, p.Value.Type) {
				t.Errorf("walker.walk has no case for %s, of type %s", p.Key, p.Value.Type)
			}
		}
	}
	if !bytes.HasPrefix(Example(), []byte("# yaml-language-server: $schema=./schema.json\n")) {
		t.Error("example.yaml does not name its schema")
	}
}
