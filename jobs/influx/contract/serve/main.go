// Command serve is InfluxDB's own handlers on a port of this machine, with one org, for
// trying the product by hand, by .ci/newcomer and by tests of the whole product. It prints
// where it is, a token that can read and nothing else, and one that may do everything, as
// assignments of a shell, and ends with its input:
//
//	cd jobs/influx/contract && go run ./serve
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"tokenaudit/jobs/influx/contract/realinflux"
	"tokenaudit/jobs/influx/influxtest"
)

func main() {
	p := &process{}
	defer p.end()
	server := realinflux.New(p, true)
	token, operator := fill(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.Fatal(err)
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(listener) }()
	fmt.Printf("INFLUX_HOST=http://%s\nINFLUX_ORG=acme\nINFLUX_OPERATOR_TOKEN=%s\nINFLUX_AUDIT_TOKEN=%s\n", listener.Addr(), operator, token)
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = web.Close()
}

// fill makes the org of a small plant. Its audit token is the one that
// "influx auth create --read-authorizations --read-users --read-orgs" gives.
func fill(s *realinflux.Server) (token, operator string) {
	org := s.AddOrg("acme")
	lines, lab := s.AddBucket(org, "lines"), s.AddBucket(org, "lab")
	admin := s.AddUser("admin")
	s.AddOwner(org, admin)
	users := map[string]string{}
	for _, name := range []string{"telegraf", "anna", "leaver", "security-auditor"} {
		users[name] = s.AddUser(name)
		s.AddMember(org, users[name])
	}
	add := func(user, description string, permissions []influxtest.Permission) (token string) {
		_, token = s.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: user, Description: description, Permissions: permissions})
		return token
	}
	operator = add(admin, "admin's Token", influxtest.Operator())
	add(users["telegraf"], "telemetry of the lines", influxtest.WriteBuckets(org, lines))
	add(users["anna"], "reports of the lab", influxtest.ReadWriteBuckets(org, lab))
	add(users["leaver"], "all access of a leaver", influxtest.AllAccess(org, users["leaver"]))
	token = add(users["security-auditor"], "tokenaudit", influxtest.AuditorPermissions(org))
	s.SetUserStatus(users["leaver"], influxtest.Inactive)
	return token, operator
}

// process is the testing.TB of a server that lives as long as the process.
type process struct {
	testing.TB
	ends []func()
}

// Helper implements testing.TB.
func (p *process) Helper() {}

// Context implements testing.TB.
func (p *process) Context() context.Context { return context.Background() }

// Cleanup implements testing.TB.
func (p *process) Cleanup(f func()) { p.ends = append(p.ends, f) }

// TempDir implements testing.TB.
func (p *process) TempDir() string {
	folder, err := os.MkdirTemp("", "influxdb-")
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// Fatal implements testing.TB.
func (p *process) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	p.end()
	os.Exit(1)
}

func (p *process) end() {
	for i := len(p.ends) - 1; i >= 0; i-- {
		p.ends[i]()
	}
	p.ends = nil
}
