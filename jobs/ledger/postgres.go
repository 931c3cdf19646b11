package ledger

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"tokenaudit/configs/remedy"
	"tokenaudit/configs/secret"
)

// How long a database that does not answer is waited for. All of it together is
// shorter than a lease, so that nobody waits for a job that is lost.
const (
	connectTimeout   = 10 * time.Second
	pingTimeout      = 5 * time.Second
	statementTimeout = 20 * time.Second
)

func openPostgres(ctx context.Context, url string, password secret.Ref) (*Ledger, error) {
	db, err := connect(url, password, "off")
	if err != nil {
		return nil, err
	}
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60)) // of replicas that start together
	if err == nil {
		err = migrate(ctx, db, goose.DialectPostgres, goose.WithSessionLocker(one))
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return &Ledger{earlier: earlier{db}, db: db, pool: db}, nil
}

// Unreachable tells whether an error of Open passes by itself: the database cannot be
// reached at the moment, or lets nobody in as it starts or stops. What is wrong with
// the store, such as a password, does not pass.
func Unreachable(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		// too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now, and
		// the class of connection exceptions
		return slices.Contains([]string{"53300", "57P01", "57P02", "57P03"}, answer.Code) || strings.HasPrefix(answer.Code, "08")
	}
	if errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(tls.AlertError)) {
		return false
	}
	if errors.As(err, new(*fs.PathError)) { // of a file, although the codes of the system are a net.Error, too
		return false
	}
	return errors.As(err, new(net.Error)) || errors.As(err, new(*pgconn.ConnectError)) && errors.Is(err, io.ErrUnexpectedEOF)
}

// connect makes a pool that outlives the database: what is broken is found out
// before it is used again, and opened anew.
func connect(url string, password secret.Ref, readOnly string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.Tracer = statementTimer{}
	// The server, too, lets go of a client whose machine is gone: it would hold its
	// locks for two hours.
	params := config.RuntimeParams
	params["default_transaction_read_only"] = readOnly
	params["statement_timeout"] = fmt.Sprint(statementTimeout.Milliseconds())
	params["idle_in_transaction_session_timeout"] = fmt.Sprint(statementTimeout.Milliseconds())
	params["tcp_keepalives_idle"], params["tcp_keepalives_interval"], params["tcp_keepalives_count"] = "15", "5", "3"
	params["application_name"] = cmp.Or(params["application_name"], "tokenaudit")
	withPassword := func(ctx context.Context, c *pgx.ConnConfig) error {
		if password.IsZero() {
			return nil
		}
		value, err := password.Read(ctx)
		if err != nil {
			return fmt.Errorf("store_password: %w", err)
		}
		c.Password = value.Reveal()
		return nil
	}
	ping := func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		if conn.Ping(ctx) != nil {
			return driver.ErrBadConn
		}
		return nil
	}
	db := stdlib.OpenDB(*config,
		stdlib.OptionBeforeConnect(withPassword),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }), // it has no time limit
		stdlib.OptionResetSession(ping))
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
	return db, nil
}

// statementTimer puts a limit on every statement: pgx does each under the context that
// this tracer returns.
type statementTimer struct{}

type cancelKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (statementTimer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	return context.WithValue(ctx, cancelKey{}, cancel)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (statementTimer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	ctx.Value(cancelKey{}).(context.CancelFunc)()
}

// oldest is the oldest version of PostgreSQL that the tests run on.
const oldest = 15

// examinePostgres tries a database without leaving anything in it, and says what it
// found.
func examinePostgres(ctx context.Context, url string, password secret.Ref) (string, error) {
	if err := CheckStore(url); err != nil {
		return "", err
	}
	db, err := connect(url, password, "on")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var user, database, version string
	var number int
	var there, may bool
	err = db.QueryRowContext(ctx, `SELECT current_user, current_database(), current_setting('server_version'), current_setting('server_version_num')::int,
		to_regclass('run') IS NOT NULL, COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false)`).Scan(&user, &database, &version, &number, &there, &may)
	switch {
	case err != nil:
		return "", err
	case number < oldest*10000:
		return "", fmt.Errorf("this is PostgreSQL %s, but version %d or newer is needed", version, oldest)
	case !there && !may:
		return "", remedy.With(fmt.Errorf("%q may not create tables in the database %q", user, database), postgresRemedy("42501"))
	}
	return fmt.Sprintf("PostgreSQL %s, database %q", version, database), nil
}
