// Package flux stands in for the query language of InfluxDB, whose parser is a
// Rust library. InfluxDB's handlers of tokens, users and orgs never run a query,
// but they are compiled together with code for tasks that mentions these types.
// So the packages here declare just what that code mentions, and whatever would
// have to know the language panics.
package flux

import "github.com/influxdata/flux/codes"

// Absent is what a call that needs the language panics with.
const Absent = "the query language is not part of this build"

type Error struct {
	Code codes.Code
	Msg  string
}

func (e *Error) Error() string { return e.Msg }
