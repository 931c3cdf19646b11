// Package query asks an InfluxDB 1.x who may do what. InfluxDB 1.x carries out whatever
// statement a GET brings, one that changes something too. So this package alone speaks to
// a server, and the statements are those that it makes itself: SHOW USERS and SHOW GRANTS
// FOR one user, one in a request.
package query

import (
	"errors"
	"strings"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

// statement is one of InfluxQL. None is made but here.
type statement struct{ text string }

// showUsers lists the users.
func showUsers() statement { return statement{"SHOW USERS"} }

// showGrants lists what was granted to a user. A name that InfluxQL cannot write is an
// error: no user was ever created with it. NUL is the end of a text to InfluxQL, and of
// CR it makes a line break.
func showGrants(user string) (statement, error) {
	if user == "" || !utf8.ValidString(user) || strings.ContainsAny(user, "\x00\r") {
		return statement{}, errors.New("InfluxDB 1.x cannot have a user with this name")
	}
	return statement{"SHOW GRANTS FOR " + audit.QuotedIdent(user)}, nil
}
