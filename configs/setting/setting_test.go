package setting

import "testing"

func TestSwitch(t *testing.T) {
	for text, want := range map[string]string{"on": "on", "true": "on", "yes": "on", "off": "off", "false": "off", "no": "off", "": "", "On": "", "1": ""} {
		var s Switch
		err := s.UnmarshalText([]byte(text))
		if want == "" {
			if err == nil {
				t.Errorf("%q is taken for %t", text, s)
			}
			continue
		}
		if again, _ := s.MarshalText(); err != nil || string(again) != want {
			t.Errorf("%q: %s, %v; want %s", text, again, err, want)
		}
	}
}
