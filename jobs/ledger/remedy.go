package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tokenaudit/configs/remedy"
)

// advised adds to the error of a store what can be done about it.
func advised(store string, err error) error {
	if err == nil || remedy.Of(err) != "" {
		return err
	}
	if path, isFile := StorePath(store); isFile {
		return remedy.With(err, fileRemedy(path, err))
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return remedy.With(err, postgresRemedy(answer.Code))
	}
	at := remedy.Place{What: "PostgreSQL", Key: "store", CAFile: "sslrootcert in store"}
	if u, err := url.Parse(store); err == nil {
		at.Address = u.Host
	}
	return remedy.With(err, at.Connection(err))
}

// postgresRemedy goes by the codes of PostgreSQL (its manual, appendix A).
func postgresRemedy(code string) string {
	switch code {
	case "28P01": // invalid_password
		return "Correct store_password, or the user in store: PostgreSQL does not accept them."
	case "28000": // invalid_authorization_specification
		return "Allow this user from this machine in pg_hba.conf of the server, or correct the user in store."
	case "3D000": // invalid_catalog_name
		return "Create the database (createdb), or correct its name in store."
	case "42501": // insufficient_privilege
		return "Allow the role of store to connect to the database and create tables in it."
	case "53300": // too_many_connections
		return "Raise max_connections of the server, or close unused connections."
	case "57P03", "57P01", "57P02": // cannot_connect_now, admin_shutdown, crash_shutdown
		return "Wait until the server has started, and read its log if it does not."
	}
	return ""
}

func fileRemedy(path string, err error) string {
	answer, isSQLite := errors.AsType[*sqlite.Error](err)
	switch {
	case errors.Is(err, fs.ErrPermission), isSQLite && answer.Code()&0xff == sqlite3.SQLITE_CANTOPEN, isSQLite && answer.Code()&0xff == sqlite3.SQLITE_READONLY:
		return fmt.Sprintf("Give this user read and write access to %s and its folder, or set store to another file.", path)
	case isSQLite && answer.Code()&0xff == sqlite3.SQLITE_NOTADB:
		return fmt.Sprintf("%s is not a ledger: set store to another file, or restore a backup of the ledger there.", path)
	case isSQLite && answer.Code()&0xff == sqlite3.SQLITE_CORRUPT:
		return "Rebuild the ledger from the evidence packs: tokenaudit history rebuild."
	}
	return ""
}
