// Package influx reads authorizations, users and orgs from the API of InfluxDB
// OSS 2.x and InfluxDB Cloud. It only ever sends GET.
//
// The server's answers are not trusted to be what was asked for: a 200 with an
// empty list is the normal answer to a credential that may not see, filters are
// ignored by some releases, and OSS leaves out the authorizations of deleted
// users (influxdata/influxdb#15304, #22261, #22708). So every answer is checked,
// and what could not be seen is said in the coverage.
//
// Target.Collect asks, question by question. Lists are decoded one authorization at a
// time, within bounds and without the token, into a sorted.List, which keeps them on disk
// in ascending order; directory says what became of their owners.
package influx

import (
	"log/slog"
	"net/http"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/target"
)

// Client speaks to one server with one credential.
type Client struct{ *api.Client }

// NewClient makes a client for the server of cfg with the credential token.
func NewClient(cfg target.Config, token secret.Ref, log *slog.Logger) (*Client, error) {
	client, err := api.New(api.Scheme{
		Authorize: func(h http.Header, secret string) { h.Set("Authorization", "Token "+secret) },
		Secret:    "token",
		Remedy:    remedyOf,
	}, cfg, token, log)
	return &Client{client}, err
}

// as is a client of the same connections that knows nothing yet of the server.
func (c *Client) as(a api.Asker) *Client { return &Client{c.As(a)} }
