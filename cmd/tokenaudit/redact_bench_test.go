package main

import (
	"encoding/base64"
	"fmt"
	"testing"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
)

// BenchmarkCleanAuthorization is what the redactor costs a review for each token, with
// one secret and with those of a fleet.
func BenchmarkCleanAuthorization(b *testing.B) {
	grant := audit.Permission{Action: "write", Resource: audit.Resource{Type: "buckets", ID: "21adece381a50001", Name: "telemetry", OrgID: "11adece381a52000", Org: "acme"}}
	for _, secrets := range []int{1, 500} {
		r := secret.NewRedactor()
		for n := range secrets {
			r.Learn(base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%064d", n*7919+1<<40))))
		}
		b.Run(fmt.Sprint(secrets), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a := audit.Authorization{
					ID: "21adece381a50000", OrgID: "11adece381a52000", Org: "acme", UserID: "11adece381a52001", User: "iot_user_1",
					Description: "telegraf on plant-eu line 4, written by ci-deploy", Status: audit.Active, Permissions: []audit.Permission{grant, grant},
				}
				cleanAuthorization(r, &a)
			}
		})
	}
}
