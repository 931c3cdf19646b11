package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Product is what a target is, as far as that is known. What a token is, what can be done
// about it and what a list shows depends on it.
type Product string

const (
	ProductUnknown    Product = "" // and the tokens of InfluxDB 2, whose records do not say
	ProductOSS        Product = "oss"
	ProductCloud      Product = "cloud" // of InfluxDB 2: Serverless and TSM
	ProductCore       Product = "core"
	ProductEnterprise Product = "enterprise"
	ProductDedicated  Product = "cloud-dedicated"
	ProductClustered  Product = "clustered"
	ProductV1         Product = "v1"
)

// Products are all that are known, in the order in which they are shown.
func Products() []Product {
	return []Product{ProductOSS, ProductCloud, ProductCore, ProductEnterprise, ProductDedicated, ProductClustered, ProductV1}
}

// Name is the product by its name.
func (p Product) Name() string {
	switch p {
	case ProductOSS:
		return "InfluxDB OSS"
	case ProductCloud:
		return "InfluxDB Cloud"
	case ProductCore:
		return "InfluxDB 3 Core"
	case ProductEnterprise:
		return "InfluxDB 3 Enterprise"
	case ProductDedicated:
		return "InfluxDB Cloud Dedicated"
	case ProductClustered:
		return "InfluxDB Clustered"
	case ProductV1:
		return "InfluxDB 1.x"
	}
	return "InfluxDB"
}

// V2 reports whether tokens of p are authorizations of the v2 API: they have owners and
// orgs, never expire and can be set inactive.
func (p Product) V2() bool { return p == ProductUnknown || p == ProductOSS || p == ProductCloud }

// V3 reports whether p is InfluxDB 3 Core or Enterprise.
func (p Product) V3() bool { return p == ProductCore || p == ProductEnterprise }

// idsPerServer reports whether every server of p has the same IDs: counted from 0, or names.
func (p Product) idsPerServer() bool { return p.V3() || p == ProductV1 }

// bindsByName reports whether a grant on a database holds for every database of its name,
// also for one that is created after the first was deleted.
func (p Product) bindsByName() bool { return p == ProductDedicated || p == ProductClustered }

// exempt are the products to which a check does not apply, and why.
type exempt struct {
	products []Product
	checks   []string
	why      string
}

var (
	v2         = []Product{ProductUnknown, ProductOSS, ProductCloud}
	enterprise = []Product{ProductEnterprise}
	v3         = []Product{ProductCore, ProductEnterprise}
	managed    = []Product{ProductDedicated, ProductClustered}
	v1         = []Product{ProductV1}
	notV2      = slices.Concat(v3, managed, v1)
	ownerless  = slices.Concat(v3, managed)
	byDatabase = slices.Concat(enterprise, managed)
)

// exemptions is the table of the checks by product. What is not in it applies.
var exemptions = []exempt{
	{v2, []string{"never-expires", "expires-soon", "auditor-expires", "expired-leftover", "expired-on-creation"}, "tokens never expire there"},
	{v2, []string{"secret-replaced"}, "the value of a token cannot be replaced there"},
	{v2, []string{"auth-off"}, "authentication cannot be switched off there"},
	{v2, []string{"too-many-admins"}, "operator finds each of them"},
	{v2, []string{"revived-grant"}, "permissions follow IDs there"},
	{notV2, []string{"deleted-org", "owner-not-member", "foreign-operator"}, "there are no orgs"},
	{notV2, []string{"all-access"}, "permissions are for databases only"},
	{notV2, []string{"unlisted-owner"}, "a target has no list of users there"},
	{notV2, []string{"token-value-readable"}, "no list shows the values of tokens there"},
	{notV2, []string{"reactivated", "inactive-leftover", "inactive-operator"}, "nothing can be set inactive there"},
	{notV2, []string{"auditor-can-write"}, "a review needs an admin there; see the limits of the product"},
	{notV2, []string{"mints-tokens", "administers-users"}, "only admins can; see operator and too-many-admins"},
	{ownerless, []string{"deleted-owner", "inactive-owner", "owner-not-in-roster", "personal-write", "auditor-personal"}, "tokens have no owners there"},
	{v3, []string{"no-description"}, "every token has a name there"},
	{v3, []string{"revived-grant"}, "permissions follow IDs there"},
	{[]Product{ProductCore}, []string{"operator", "org-wide-write", "dangling-grant"}, "every token is an admin token; see too-many-admins"},
	{managed, []string{"operator", "too-many-admins"}, "database tokens are never admins; management tokens have no list"},
	{managed, []string{"auditor-expires"}, "the review asks with a management token, which is in no list"},
	{managed, []string{"secret-replaced"}, "the value of a token cannot be replaced there"},
	{managed, []string{"auth-off"}, "authentication cannot be switched off there"},
	{managed, []string{"permission-drift"}, "permissions can be changed there; the sheet Changes has them"},
	{v1, []string{"permission-drift"}, "grants can be changed there; the sheet Changes has them"},
	{v1, []string{"back-again"}, "a name can be used again there"},
	{v1, []string{"no-description"}, "users have no description"},
	{v1, []string{"not-rotated", "never-expires", "expires-soon", "auditor-expires", "expired-leftover", "expired-on-creation"}, "users have no dates"},
	{v1, []string{"secret-replaced"}, "no list shows that a password was changed"},
	{v1, []string{"dangling-grant", "revived-grant"}, "grants end with their database"},
	{v1, []string{"org-wide-write"}, "grants are for single databases; see operator"},
	{v1, []string{"deleted-owner", "inactive-owner", "personal-write", "auditor-personal"}, "a user is its own credential"},
}

// exempted are the exemptions by product and check, as every token is looked up there.
var exempted = func() map[Product]map[string]string {
	out := map[Product]map[string]string{}
	for _, e := range exemptions {
		for _, p := range e.products {
			if out[p] == nil {
				out[p] = map[string]string{}
			}
			for _, check := range e.checks {
				out[p][check] = e.why
			}
		}
	}
	return out
}()

// Judges reports whether a check applies to p; why says why not.
func (p Product) Judges(check string) (why string, applies bool) {
	why, exempt := exempted[p][check]
	return why, !exempt
}

// wording has what is said of a check on some products, where its own words would mislead; on
// several at once, where it has none. What is empty is as everywhere.
type wording struct {
	products        []Product
	check           string
	title, why, fix string
}

var wordings = []wording{
	{nil, "operator", "Admin or operator token", "", ""},
	{nil, "org-wide-write", "Writes to all buckets or databases", "", ""},
	{
		enterprise, "operator", "Admin token",
		"It can do everything on the server and create more tokens. Anyone who has the token value controls the server.",
		"Create a token for the databases and actions that are needed, switch to it, and delete this one. Give every admin token that stays an expiry.",
	},
	{
		v1, "operator", "Admin user",
		"It can do everything on the server and create more users. Anyone who has the password controls the server.",
		"Create a user with grants on the databases that are needed, switch to it, and drop this one.",
	},
	{
		v3, "permission-drift", "Permissions changed",
		"InfluxDB cannot change them after a token is created. Someone changed the catalog in the object store, or a backup was restored.",
		"Find out who had access to the object store. Delete the token; the finding stays open until the token is gone.",
	},
	{
		v1, "auth-off", "The server asks for no password",
		"Authentication is off. Anyone who can reach the server can read, write and delete everything, and grants protect nothing.",
		"Set auth-enabled = true in the section [http] of influxdb.conf, and restart InfluxDB. Until then, allow only the hosts that need it to connect.",
	},
	{
		v1, "too-many-admins", "More admin users than allowed",
		"Each of them can do everything on the server and create more users. With each one, a leak is more likely.",
		"Drop the admins that nobody needs. Take admin rights from the others (REVOKE ALL PRIVILEGES FROM) and grant them single databases. Or raise policy.max_admins.",
	},
	{
		[]Product{ProductCore}, "too-many-admins", "", "",
		"Delete the tokens that nobody needs. Core has no lesser ones: use Enterprise where access must be limited, or raise policy.max_admins.",
	},
	{
		byDatabase, "org-wide-write", "Writes to all databases",
		"It can write to databases that its user does not need, and to every database created later.",
		"Create a token for the databases that are in use, then revoke this one.",
	},
	{
		v1, "owner-not-in-roster", "User is not in the roster",
		"According to HR or the identity provider, the person has left or never belonged to the organization. The password still works.",
		"Drop the user. If a program uses it, list it under service_users. If the person belongs to the organization, correct the roster.",
	},
	{
		ownerless, "active-write", "", "Anyone who has the token value can write or delete data. Every write token needs a purpose and a responsible person.",
		"Confirm that it is needed and has only the permissions it needs. Otherwise replace or revoke it.",
	},
	{
		v1, "active-write", "User that can write", "Anyone who has the password can write or delete data. Every such user needs a purpose and a responsible person.",
		"Confirm that it is needed and has only the grants it needs. Otherwise revoke grants, or drop the user if nothing breaks without them.",
	},
	{
		v3, "not-rotated", "", "The longer a token value is used, the more places have a copy of it.",
		"Create a new token with an expiry, switch to it, and delete this one. Replace the value of _admin with influxdb3 create token --admin --regenerate.",
	},
	{
		v3, "never-expires", "", "",
		"Create a token with the same permissions and an expiry, switch to it, and delete this one. The token _admin cannot have one: keep its value in a vault.",
	},
	{
		v3, "auth-off", "", "",
		"Start InfluxDB without --without-auth. Until then, allow only the hosts that need it to connect.",
	},
	{managed, "not-rotated", "", "The longer a token value is used, the more places have a copy of it.", ""},
	{
		managed, "no-description", "", "",
		"Describe what uses it and who is responsible, on the page of the cluster at console.influxdata.com or with PATCH of the management API.",
	},
	{
		enterprise, "dangling-grant", "Permission on a deleted database",
		"A database of this token was deleted. If it is restored, the access works again.", "",
	},
	{
		managed, "dangling-grant", "Permission on a deleted database",
		"A database of this token was deleted. Tokens name databases: if another one gets that name, the token can use it.",
		"Remove the permission with influxctl token update, which replaces all permissions, or revoke the token.",
	},
	{
		ownerless, "back-again", "",
		"It was gone, and a token with the same ID exists again. InfluxDB gives each new token a new ID: a backup was restored, or someone changed the catalog.", "",
	},
}

// On is the check in the words that are right on a product.
func (c Check) On(p Product) Check {
	return c.worded(func(w wording) bool { return slices.Contains(w.products, p) })
}

// onAll is the check in words that are right on all of some products.
func (c Check) onAll(products []Product) Check {
	if len(products) == 1 {
		return c.On(products[0])
	}
	return c.worded(func(w wording) bool { return len(w.products) == 0 })
}

func (c Check) worded(is func(wording) bool) Check {
	at := slices.IndexFunc(wordings, func(w wording) bool { return w.check == c.ID && is(w) })
	if at >= 0 {
		w := wordings[at]
		c.Title, c.Why, c.Fix = cmp.Or(w.title, c.Title), cmp.Or(w.why, c.Why), cmp.Or(w.fix, c.Fix)
	}
	return c
}

// Limit is something that no review of a product can show or avoid, with what to do about
// it. It does not lower the verdict.
type Limit struct {
	ID   string
	Text string
}

// Limits of p, in the order in which they are shown.
func (p Product) Limits() []Limit {
	var out []Limit
	for _, l := range limits {
		if slices.Contains(l.products, p) {
			out = append(out, l.Limit)
		}
	}
	return out
}

var limits = []struct {
	products []Product
	Limit
}{
	{[]Product{ProductCore}, Limit{"every-token-is-admin", "every token of InfluxDB 3 Core is an admin token, also the one of this review. Keep few, give each an expiry, and use Enterprise where rights must be separated"}},
	{v3, Limit{"operator-token", "the operator token _admin exists on every server and cannot be deleted. Keep its value in a vault, use it for nothing else, and regenerate it by plan"}},
	{[]Product{ProductEnterprise, ProductV1}, Limit{"audit-needs-admin", "only an admin can list tokens and users, so the credential of this review is one. Keep it in a vault and use it for nothing else"}},
	{ownerless, Limit{"no-owners", "the product does not record who created a token or who uses it. Name who answers for it under owners as TARGET/NAME (tokenaudit help products)"}},
	{notV2, Limit{"no-last-use", "the product does not record when a token was last used"}},
	{[]Product{ProductEnterprise}, Limit{"user-sessions", "users, roles and sessions (preview since 3.10) are not tokens and are not reviewed"}},
	{[]Product{ProductEnterprise}, Limit{"name-of-deleted-database", "a permission on a deleted database may show its bare name. A new database of that name then hides the finding dangling-grant. Delete tokens together with their databases"}},
	{v3, Limit{"recovery-endpoint", "anyone who reaches the recovery endpoint (--admin-token-recovery-http-bind) can regenerate _admin without a token. Start it only when it is needed, on 127.0.0.1"}},
	{managed, Limit{"management-tokens", "management tokens have no list in the API, and the one of this review is among them. Review them with influxctl management list"}},
	{managed, Limit{"management-users", "users of the account have no list in the API, and may create database tokens. Review them with influxctl user list or in the identity provider"}},
	{managed, Limit{"cut-list", "the API does not count tokens. At a first review without an import, a list that was cut off after the canary looks whole. Import the output of influxctl token list --format json"}},
	{[]Product{ProductV1}, Limit{"no-dates", "users have no dates, so their age is not known: the review knows when it first saw them"}},
	{[]Product{ProductV1}, Limit{"same-name", "users are known by name only. One that is dropped and created again between two reviews looks like one that stayed. Review as often as names may be used again"}},
}

// LimitOf is the ID of the limit that a blind spot says; "" if it says none.
func LimitOf(spot string) string {
	_, id, _ := strings.Cut(spot, " (limit ")
	return strings.TrimSuffix(id, ")")
}

// LimitIDs are those of the limits among the blind spots, which stand in every review of a
// product; others are the rest of them.
func (c Coverage) LimitIDs() (ids, others []string) {
	for _, spot := range c.BlindSpots {
		if id := LimitOf(spot); id != "" {
			ids = append(ids, id)
		} else {
			others = append(others, spot)
		}
	}
	return ids, others
}

// AddLimits notes what no review of p can show.
func (c *Coverage) AddLimits(p Product) {
	for _, l := range p.Limits() {
		c.AddBlindSpot(l.Text + " (limit " + l.ID + ")")
	}
}

// marked is the name that InfluxDB 3 gives to a database when it is deleted. Permissions may
// show that one or the one before, and people may choose such a name, too.
var marked = regexp.MustCompile(`^(.+)-\d{8}T\d{6}$`)

// DatabaseNumber is the ID of a database that InfluxDB 3 shows by its number, as Enterprise
// before 3.1 does. No name looks like it.
func DatabaseNumber(number string) string { return "#" + number }

func (p Permission) isNumbered() bool {
	return p.Resource.Type == "buckets" && strings.HasPrefix(p.Resource.ID, DatabaseNumber(""))
}

// bare is p by what InfluxDB 3 shows of it, and with another ID if it is on one database.
func (p Permission) bare(id func(string) string) Permission {
	r := Resource{Type: p.Resource.Type, ID: p.Resource.ID}
	if r.Type == "buckets" && r.ID != "" {
		r.ID = id(r.ID)
	}
	return Permission{p.Action, r}
}

func asShown(id string) string  { return id }
func unmarked(id string) string { return marked.ReplaceAllString(id, "$1") }
func anyNumber(string) string   { return DatabaseNumber("") }

// bared is a with its permissions bare.
func (a Authorization) bared(id func(string) string) Authorization {
	all := make([]Permission, len(a.Permissions))
	for i, p := range a.Permissions {
		all[i] = p.bare(id)
	}
	a.Permissions = all
	return a
}

// samePrinted reports whether two reviews of InfluxDB 3 may have been shown the same
// permissions: a database by its name one time, and the other time by the name that it got
// when it was deleted, or by its number, which fits any name.
func samePrinted(before, now Authorization) bool {
	if slices.ContainsFunc(before.Permissions, Permission.isNumbered) != slices.ContainsFunc(now.Permissions, Permission.isNumbered) {
		return grants(before.bared(anyNumber)) == grants(now.bared(anyNumber))
	}
	left := map[Permission]bool{} // shown before, and not now
	for _, p := range before.Permissions {
		left[p.bare(asShown)] = true
	}
	var fresh []Permission // shown now, and not before
	for _, p := range now.Permissions {
		if p = p.bare(asShown); left[p] {
			delete(left, p)
		} else {
			fresh = append(fresh, p)
		}
	}
	restored := map[Permission]Permission{} // those of left, without the mark
	for p := range left {
		restored[p.bare(unmarked)] = p
	}
	for _, p := range fresh {
		was, ok := restored[p]
		if !ok {
			was = p.bare(unmarked)
		}
		if !left[was] {
			return false
		}
		delete(left, was)
	}
	return len(left) == 0
}

// MaxSecretSum is how many digits of the server's own hash of a secret are kept at most:
// enough to see that it was replaced, too few to find a secret by.
const MaxSecretSum = 9

// longestSafeID bounds the ID that is made of a name.
const longestSafeID = 200 // bytes

// SafeID is a name from outside in the form of an ID: printable ASCII without spaces, quotes
// and slashes, different for different names. "~" is in the IDs of long names only, so that
// no name can be chosen to have the ID of another one.
func SafeID(name string) string {
	id := strings.NewReplacer("+", "%20", "~", "%7E").Replace(url.QueryEscape(name))
	if len(id) <= longestSafeID {
		return id
	}
	sum := sha256.Sum256([]byte(name))
	return strings.TrimRight(id[:longestSafeID-65], "%") + "~" + hex.EncodeToString(sum[:])
}
