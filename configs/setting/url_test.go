package setting

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	const canary = "hunter2-Zx9"
	const scheme, front, host, port, quote = "needs to begin with", "in front", "has no valid host", "needs a port", "a space or a quote"
	for text, want := range map[string]string{
		"https://influx.example.com":               "",
		"HTTP://influx.example.com:8086/influx/":   "",
		"http://[::1]:8086":                        "",
		"https://münchen.example":                  "",
		"https://wiki.example.com/my page/{run}":   "",
		"":                                         "needs a URL",
		"influx.example.com":                       front,
		"localhost:8086":                           front,
		"https:/influx.example.com":                front,
		"://influx.example.com":                    front,
		"ftp://influx.example.com":                 scheme,
		"htps://influx.example.com":                scheme,
		"$INFLUX_URL":                              "variables are not replaced",
		"https://${HOST}:8086":                     "variables are not replaced",
		"https://https://influx.example.com":       ":// twice",
		"https://influx.example.com https://b":     quote,
		"https://'influx.example.com'":             quote,
		"https://influx.example.com,https://b":     host,
		"https://influx.example.com;":              host,
		"https://:8086":                            host,
		"https://":                                 host,
		"https://anna:" + canary + "@:8086":        host,
		"https://influx.example.com:":              port,
		"https://influx.example.com:0":             port,
		"https://influx.example.com:70000":         port,
		"https://influx.example.com:http":          port,
		"https://influx.example.com:8086,":         port,
		"https://anna:" + canary + "/@example.com": port,
	} {
		u, err := ParseURL(text, "https://such.example.com")
		if want == "" {
			if err != nil || u == nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestIsPort(t *testing.T) {
	for text, want := range map[string]bool{"1": true, "65535": true, "": false, "0": false, "65536": false, "-1": false, "http": false, "٣": false} {
		if IsPort(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
