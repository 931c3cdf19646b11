package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/influx/influxtest"
)

// benchWorld is an InfluxDB whose long list was made beforehand, so that a
// benchmark measures the client.
type benchWorld struct {
	dir, config, url, token string
	baseConfig              string // for another release: its store and evidence are its own
	size                    int64
	server                  *httptest.Server
}

func newBenchWorld(dir string, n int) (*benchWorld, error) {
	db := influxtest.New(influxtest.OSS)
	org, auditor := db.AddOrg("acme"), db.AddUser("auditor")
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.Generate(org, n)
	w := &benchWorld{dir: dir, token: token}
	list := filepath.Join(dir, "authorizations.json")
	header, err := w.record(db, list)
	if err != nil {
		return nil, err
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v2/authorizations" {
			db.ServeHTTP(rw, r)
			return
		}
		for name, values := range header {
			rw.Header()[name] = values
		}
		serveChunked(rw, list)
	}))
	w.url = w.server.URL
	w.config, err = writeBenchConfig(dir, w.url)
	if err == nil {
		w.baseConfig, err = writeBenchConfig(filepath.Join(dir, "base"), w.url)
	}
	return w, err
}

func (w *benchWorld) close() { w.server.Close() }

// record keeps the answer of the fake in a file.
func (w *benchWorld) record(db *influxtest.Server, path string) (http.Header, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(http.MethodGet, "/api/v2/authorizations?org=acme", nil)
	r.Header.Set("Authorization", "Token "+w.token)
	answer := &fileAnswer{header: http.Header{}, Writer: bufio.NewWriterSize(f, 1<<20)}
	db.ServeHTTP(answer, r)
	if err := answer.Flush(); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		w.size = info.Size()
	}
	return answer.header, errors.Join(err, f.Close())
}

// fileAnswer is a response that goes to a file.
type fileAnswer struct {
	header http.Header
	*bufio.Writer
}

func (a *fileAnswer) Header() http.Header { return a.header }
func (a *fileAnswer) WriteHeader(int)     {}

// serveChunked sends a file as InfluxDB sends its list: without a length.
func serveChunked(rw http.ResponseWriter, path string) {
	f, err := os.Open(path)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer f.Close()
	io.CopyBuffer(struct{ io.Writer }{rw}, f, make([]byte, 256<<10))
}

// naiveMain is the program that one would write first: bench-naive XLSX CSV.
func naiveMain() {
	if err := naive(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "bench-naive:", err)
		os.Exit(1)
	}
}

type naiveAuthorization struct {
	ID, Status, Description, OrgID, Org, UserID, User, CreatedAt, UpdatedAt string
	Permissions                                                             []struct {
		Action   string
		Resource struct{ Type, ID, Name, OrgID, Org string }
	}
}

func naive(book, table string) error {
	r, err := http.NewRequest(http.MethodGet, os.Getenv("INFLUX_URL")+"/api/v2/authorizations?org=acme", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Token "+os.Getenv("INFLUX_AUDIT_TOKEN"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f := excelize.NewFile()
	sheet, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	out, err := os.Create(table)
	if err != nil {
		return err
	}
	rows := csv.NewWriter(out)
	if err := naiveRows(resp.Body, sheet, rows); err != nil {
		return err
	}
	rows.Flush()
	return errors.Join(rows.Error(), out.Close(), sheet.Flush(), f.SaveAs(book))
}

func naiveRows(body io.Reader, sheet *excelize.StreamWriter, rows *csv.Writer) error {
	dec := json.NewDecoder(body)
	for token, err := dec.Token(); token != json.Delim('['); token, err = dec.Token() {
		if err != nil {
			return err
		}
	}
	for n := 1; dec.More(); n++ {
		var a naiveAuthorization
		if err := dec.Decode(&a); err != nil {
			return err
		}
		line := a.row()
		cells := make([]any, len(line))
		for i, v := range line {
			cells[i] = v
		}
		if err := errors.Join(rows.Write(line), sheet.SetRow("A"+strconv.Itoa(n), cells)); err != nil {
			return err
		}
	}
	return nil
}

func (a naiveAuthorization) row() []string {
	writes, permissions := 0, []string{}
	for _, p := range a.Permissions {
		if p.Action == "write" {
			writes++
		}
		permissions = append(permissions, p.Action+":"+p.Resource.Type+"/"+p.Resource.ID)
	}
	verdict := "ok"
	if writes > 0 && a.Status == "active" {
		verdict = "active write token"
	}
	return []string{a.ID, a.Status, a.Description, a.OrgID, a.Org, a.UserID, a.User, a.CreatedAt, a.UpdatedAt,
		strconv.Itoa(len(a.Permissions)), strconv.Itoa(writes), strings.Join(permissions, " "), verdict}
}
