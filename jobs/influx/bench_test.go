package influx

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/sorted"
)

// benchList is an answer of OSS with so many authorizations.
func benchList(b *testing.B, n int) []byte {
	b.Helper()
	db := influxtest.New(influxtest.OSS)
	org, auditor := db.AddOrg("acme"), db.AddUser("auditor")
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Permissions: influxtest.AuditorPermissions(org)})
	db.Generate(org, n)
	r := httptest.NewRequest(http.MethodGet, "/api/v2/authorizations?org=acme", nil)
	r.Header.Set("Authorization", "Token "+token)
	w := httptest.NewRecorder()
	db.ServeHTTP(w, r)
	return w.Body.Bytes()
}

const benchRows = 20_000

// BenchmarkDecode decodes a list, alone and with what comes after it until the
// authorizations are judged.
func BenchmarkDecode(b *testing.B) {
	list := benchList(b, benchRows)
	b.Run("alone", func(b *testing.B) {
		measure(b, list, func() error {
			_, err := decodeList(bytes.NewReader(list), func(entry) error { return nil })
			return err
		})
	})
	b.Run("checks", func(b *testing.B) {
		measure(b, list, func() error {
			return judged(func(yield func(audit.Authorization, error) bool) {
				decodeList(bytes.NewReader(list), func(e entry) error {
					if !yield(e.Authorization, nil) {
						return io.ErrClosedPipe
					}
					return nil
				})
			})
		})
	})
}

// BenchmarkSorted is from the answer to authorizations in their order.
func BenchmarkSorted(b *testing.B) {
	list := benchList(b, benchRows)
	measure(b, list, func() error {
		s := &sorted.List{}
		defer s.Close()
		if _, err := decodeList(bytes.NewReader(list), func(e entry) error { return s.Add(e.Authorization) }); err != nil {
			return err
		}
		for _, err := range s.All() {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func judged(seq func(func(audit.Authorization, error) bool)) error {
	review := audit.Review{
		Target: "prod", Now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		Policy: audit.Policy{ServiceUsers: []string{"gateway-00001"}, RotateAfter: 365 * 24 * time.Hour},
		Collection: audit.Collection{Authorizations: seq, Owner: func(_ context.Context, a audit.Authorization) audit.Owner {
			return audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerPresent, MembershipKnown: true}
		}},
	}
	for _, err := range review.Merge(context.Background(), context.Background(), func(func(audit.Record, error) bool) {}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// measure reports MB/s, and the time and the allocations of one authorization.
func measure(b *testing.B, list []byte, run func() error) {
	b.SetBytes(int64(len(list)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	rows := float64(b.N) * benchRows
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/authorization")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/rows, "allocs/authorization")
}
