package influx

import (
	"cmp"
	"fmt"
	"net/http"
)

// nameServer goes by the headers of the list. Only OSS says what it is; it
// looks the owners' names up when it lists and leaves out authorizations of
// deleted users, so that there a name is proof of presence.
func (c *collector) nameServer(h http.Header) {
	build, version := h.Get("X-Influxdb-Build"), h.Get("X-Influxdb-Version")
	if build != "" || version != "" {
		c.cov.Server = fmt.Sprintf("InfluxDB %s %s", build, version)
	}
	c.directory.namesOwners = isOSS(h)
	if wants := cmp.Or(c.cfg.Kind, KindAuto); wants != KindAuto && (wants == KindOSS) != isOSS(h) {
		c.cov.Blind(fmt.Sprintf("the target is configured as %s, and the server says that it is %q", wants, build))
	}
}

// oss reports whether the server is OSS, by its own word or by configuration.
func (c *collector) oss() bool { return c.directory.namesOwners || c.cfg.Kind == KindOSS }

// cloud reports whether a token lists its own user's authorizations only.
func (c *collector) cloud() bool { return c.cfg.Kind == KindTSM || c.cfg.Kind == KindServerless }
