package setting

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// ParseURL takes the URL of a server apart. Its errors say what is wrong and end with a
// URL to go by. They repeat nothing of the text: it may hold a password.
func ParseURL(text, such string) (*url.URL, error) {
	wrong := func(what string) (*url.URL, error) { return nil, errors.New(what + ", such as " + such) }
	scheme, rest, found := strings.Cut(text, "://")
	host, _, _ := strings.Cut(rest, "/")
	switch {
	case text == "":
		return wrong("needs a URL")
	case strings.HasPrefix(text, "$") || strings.Contains(host, "${"):
		return nil, errors.New("holds a variable ($), and variables are not replaced in this file; write the URL itself")
	case !found || scheme == "":
		return wrong("needs https:// or http:// in front")
	case !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
		return wrong("needs to begin with https:// or http://")
	case strings.EqualFold(host, "https:") || strings.EqualFold(host, "http:"):
		return wrong("has :// twice; give one URL")
	case strings.ContainsAny(host, " \t\"'<>"):
		return wrong("contains a space or a quote; give the URL alone")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil && strings.Contains(err.Error(), "invalid port"): // url has no error value of its own for it
		return wrong(badPort)
	case err != nil || u.Hostname() == "" || strings.ContainsAny(u.Hostname(), ",;()|*!$&+=`"):
		return wrong("has no valid host; give one URL")
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !IsPort(u.Port()):
		return wrong(badPort)
	}
	return u, nil
}

const badPort = "needs a port from 1 to 65535 after the host"

// IsPort tells whether text is a port to connect to.
func IsPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}
