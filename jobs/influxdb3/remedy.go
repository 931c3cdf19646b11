package influxdb3

import (
	"net/http"

	"tokenaudit/jobs/api"
)

// remedyFor is what to do about an answer, as far as it tells by itself.
func remedyFor(e *api.Error) string {
	const adminToken = "Create an admin token with an expiry for the review alone: influxdb3 create token --admin --name tokenaudit --expiry 90d."
	switch {
	case e.Status >= 300 && e.Status < 400:
		return "Set url to the address of InfluxDB itself: credentials do not follow a redirect."
	case e.Status == http.StatusBadRequest && e.Message == "":
		return "Begin url with https:// if the server uses TLS on this port."
	case e.Status == http.StatusBadRequest && e.Request == "GET /ping":
		return "Store the token alone, without a scheme or a blank."
	case e.Status == http.StatusUnauthorized:
		return "Give the target a valid token of this server. " + adminToken
	case e.Status == http.StatusForbidden:
		return "Give the target an admin token. " + adminToken + " If the target has one, allow GET requests to /api/v3 in the proxy in front of InfluxDB."
	case e.Status == http.StatusNotFound:
		return "Set url to the root of InfluxDB 3, such as https://HOST:8181. If this is another product, set kind to it (tokenaudit help products)."
	case e.Status == http.StatusBadRequest, e.Status == http.StatusMethodNotAllowed:
		return "This server does not answer the query on system.tokens. Check its version, and report the answer to the makers of tokenaudit."
	case e.Status == http.StatusTooManyRequests:
		return "Review at another time, or review fewer targets at the same time (parallel_per_host)."
	case e.FromGateway():
		return "Check whether InfluxDB is running behind the gateway that sent this answer."
	case e.Status >= 500:
		return "Read the log of InfluxDB: it could not answer the query on system.tokens."
	}
	return ""
}
