// Package contract holds this project's fake of InfluxDB to InfluxDB: the requests
// of package conformance, and the same reviews week after week, go to package
// influxtest and to InfluxDB's own handlers (package realinflux), must be answered
// as expected by both, and alike to the byte where ids and times do not differ by
// nature.
//
// It is a module of its own, so that InfluxDB stays out of the product's. It is
// built by the Go toolchain alone, from the module proxy, without cgo or Rust:
//
//	cd jobs/influx/contract && CGO_ENABLED=0 go test ./...
//
// A first build takes some minutes. When a requirement of the product's module is
// raised, run go mod tidy -e here: -e because the tests of InfluxDB's packages
// import parts of its query language that fluxstub leaves out.
package contract
