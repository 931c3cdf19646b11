// Package realinflux runs InfluxDB's own handlers and services of
// authorizations, users, orgs, buckets and 1.x authorizations in the process of
// a test, over its own bolt store with its own migrations and permission checks.
//
// InfluxDB's package http does not build without its Rust library, so three
// things are rebuilt here after v2.9.1: how a token is let in
// (http/authentication_middleware.go), the root router (http/router.go) and the
// headers of every answer (http/handler.go). Paths that no handler serves are 404
// here; a real server answers those outside /api/v2 with its web page.
package realinflux
