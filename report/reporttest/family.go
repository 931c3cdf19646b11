package reporttest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Family is the input of a review of a target of each product, with names that are meant to
// do harm where the product allows any.
func Family(t testing.TB) table.Input {
	all := map[string][]audit.Authorization{"plant": {Authorization(1, "telegraf"), Authorization(2, "set aside")}}
	for _, p := range []audit.Product{audit.ProductCore, audit.ProductEnterprise, audit.ProductDedicated, audit.ProductV1} {
		all[string(p)] = OfProduct(p)
	}
	var records []audit.Record
	var items []audit.Item
	for _, target := range []string{"plant", "core", "enterprise", "cloud-dedicated", "v1"} {
		product := audit.Product(target)
		if target == "plant" {
			product = audit.ProductOSS
		}
		before := slices.Clone(all[target])
		if product == audit.ProductDedicated {
			before[1].RevokedAt = time.Time{}
		}
		now := merge(t, target, Began, all[target], merge(t, target, LastWeek, before, nil))
		made := item(target, now)
		made.Coverage.Product, made.Coverage.Server, made.Coverage.Asked = product, product.Name(), nil
		records, items = append(records, now...), append(items, made)
	}
	run := audit.Run{Job: "weekly-review", Slot: ThisWeek, Trigger: audit.Scheduled, Started: Began}
	previous := &audit.Previous{ID: "weekly-review/2026-11-16T0800Z", Slot: LastWeek, BySeverity: map[audit.Severity]int{}}
	return table.Input{
		Summary: audit.Summarize(run, items, ThisWeek.Add(time.Minute), audit.Tool{Name: "tokenaudit", Version: "1.0.0"}, audit.Policy{}, previous),
		Rows:    Values(records), Formats: []string{"xlsx", "csv"}, Controls: someControls(),
	}
}

// OfProduct are tokens of a product after v2, or users of 1.x, in the order of their keys.
func OfProduct(p audit.Product) []audit.Authorization {
	org := "url-00000000000000" + string(p[:2])
	database := func(action, name string) audit.Permission {
		r := audit.Resource{Type: "buckets", ID: name, Name: name, OrgID: org}
		if name == "gone" {
			r.Name = ""
		}
		return audit.Permission{Action: action, Resource: r}
	}
	everything := []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "instance"}}, {Action: "write", Resource: audit.Resource{Type: "instance"}}}
	all := func(action string) audit.Permission {
		return audit.Permission{Action: action, Resource: audit.Resource{Type: "buckets", OrgID: org}}
	}
	token := func(n int, name string, permissions ...audit.Permission) audit.Authorization {
		return audit.Authorization{
			ID: fmt.Sprintf("%016x", n), OrgID: org, Org: string(p), Description: name, Status: audit.Active, Permissions: permissions,
			Product: p, CreatedAt: ThisWeek.AddDate(0, -n-1, 0),
		}
	}
	var out []audit.Authorization
	switch p {
	case audit.ProductCore:
		out = []audit.Authorization{token(0, "_admin", everything...), token(1, "ci", everything...), token(2, "expired", everything...), token(3, "-rf $(touch pwned) 'x'", everything...), token(4, "bidi\u202egnp", everything...)}
		out[0].UpdatedAt = ThisWeek.AddDate(0, 0, -3)
		out[2].ExpiresAt, out[3].ExpiresAt = LastWeek.AddDate(0, 0, 2), ThisWeek.AddDate(1, 0, 0)
	case audit.ProductEnterprise:
		out = []audit.Authorization{token(0, "_admin", everything...), token(1, "writer", database("read", "line3"), database("write", "line3")), token(2, "old writer", database("write", "gone"), database("write", "line3")), token(3, "all writer", all("write"))}
	case audit.ProductDedicated:
		out = []audit.Authorization{token(0, "=1+1", database("write", "line3")), token(1, "handed over", all("read"), all("write")), token(2, "reader", database("read", "line3"))}
		for i := range out {
			out[i].ID = fmt.Sprintf("0198f4a2-0000-7000-8000-%012x", i)
		}
		out[1].RevokedAt, out[2].ExpiresAt = LastWeek.AddDate(0, 0, 3), LastWeek.AddDate(0, 0, -30)
	case audit.ProductV1:
		for i, name := range []string{"al\"ice", "root", "te\\le'graf"} {
			a := token(i, "", database("write", "line3"))
			a.ID, a.User, a.UserID, a.CreatedAt = "user/"+[]string{"al%22ice", "root", "te%5Cle%27graf"}[i], name, name, time.Time{}
			out = append(out, a)
		}
		out[1].Permissions = everything
	}
	return out
}
