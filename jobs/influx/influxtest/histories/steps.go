package histories

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/influx/influxtest"
)

// step lets one thing happen.
func (h *history) step() {
	in := h.here()
	org := pick(h, in.orgs, func(string, string) bool { return true })
	user := pick(h, in.users, func(string, string) bool { return true })
	other := pick(h, in.users, func(id, _ string) bool { return id != in.admin })
	token := func(exists bool) string {
		return pick(h, h.tokens, func(_ string, k *truth) bool { return k.on == in && k.exists == exists && !k.fixed && !k.legacy })
	}
	switch h.IntN(22) {
	case 0, 1, 2, 3:
		kinds := [][]influxtest.Permission{influxtest.WriteBuckets(org), influxtest.ReadBuckets(org), influxtest.AllAccess(org, user)}
		h.addToken(user, org, kinds[h.IntN(len(kinds))], false)
		h.tell("a token of %s in %s", in.users[user], in.orgs[org])
	case 4:
		if id := token(true); id != "" {
			in.DeleteAuthorization(id)
			h.tokens[id].exists = false
			h.tell("%s is revoked", id)
		}
	case 5:
		if id := token(false); id != "" && !h.tokens[id].ownerDeleted() && !h.tokens[id].orgDeleted() {
			in.AddAuthorization(h.tokens[id].Authorization)
			h.tokens[id].exists = true
			h.tell("%s is restored", id)
		}
	case 6:
		if id := token(true); id != "" && !h.tokens[id].ownerDeleted() && !h.tokens[id].orgDeleted() {
			k := h.tokens[id]
			k.Status = map[string]string{influxtest.Active: influxtest.Inactive, influxtest.Inactive: influxtest.Active}[k.Status]
			in.SetStatus(id, k.Status)
			h.tell("%s is %s", id, k.Status)
		}
	case 7, 8:
		if other != "" {
			h.tell("user %s is deleted", in.users[other])
			in.DeleteUser(other)
			delete(in.users, other)
		}
	case 9:
		gone := pick(h, h.tokens, func(_ string, k *truth) bool { return k.on == in && k.ownerDeleted() })
		if gone != "" {
			id := h.tokens[gone].UserID
			name := "user-" + id
			in.RestoreUser(id, name)
			in.users[id] = name
			h.tell("user %s is restored", id)
		} else {
			h.addUser("user-" + h.id("c"))
		}
	case 10:
		if org != in.acme {
			h.tell("org %s is deleted", in.orgs[org])
			in.DeleteOrg(org)
			delete(in.orgs, org)
		} else {
			h.tell("another org")
			h.addOrg("org-" + h.id("d"))
		}
	case 11: // its name may be taken by another
		h.tell("org acme is renamed, and its name is taken")
		name := "was-" + h.id("d")
		in.RenameOrg(in.acme, name)
		in.orgs[in.acme] = name
		in.acme = h.addOrg("acme")
		h.addCredentials()
		h.use(h.as)
	case 12:
		h.tell("set up anew")
		h.setUp()
		h.use(h.as)
	case 13:
		h.to(h.IntN(len(h.instances)))
		h.use(h.as)
		h.tell("instance %d answers", h.at)
	case 14:
		h.target.URL = h.fronts[h.IntN(2)].URL
		h.tell("at %s", h.target.URL)
	case 15:
		h.use([]string{operator, operator, auditor, auditor, personal}[h.IntN(5)])
		h.tell("the credential of the %s", h.as)
	case 17:
		if h.reviewer.LoseLedger != nil {
			h.reviewer.LoseLedger(h.T)
			h.tell("the ledger is lost, and made anew")
		}
	case 16:
		h.target.Job = []string{"weekly", "daily"}[h.IntN(2)]
		h.target.Name = []string{"prod", "production"}[h.IntN(2)]
		h.tell("job %s, target %s", h.target.Job, h.target.Name)
	case 18:
		h.addLegacy(user, org)
		h.tell("a token of the 1.x API of %s in %s", in.users[user], in.orgs[org])
	case 19:
		if h.target.Import = ""; h.IntN(3) > 0 {
			h.target.Import = h.recoveryList()
		}
		h.tell("import: %q", h.target.Import)
	case 20:
		h.retire()
	case 21:
		h.target.Off = []string{"", "active-write", "deleted-owner"}[h.IntN(3)]
		h.tell("the check %q is off", h.target.Off)
	}
}

// retire lets a source that does not answer not be followed any more.
func (h *history) retire() {
	id := pick(h, h.tokens, func(_ string, k *truth) bool { return k.on != h.here() && k.known })
	if id == "" {
		return
	}
	source := h.tokens[id].source()
	h.reviewer.Retire(h.T, source, h.now.Add(-time.Hour))
	h.retired[source] = true
	for _, k := range h.tokens { // nobody has to remember them
		if k.source() == source {
			k.known, k.seen, k.gone = false, false, nil
		}
	}
	h.tell("%s is retired", source)
}

// recoveryList is the output of influxd recovery auth list, in a file.
func (h *history) recoveryList() string {
	table := "ID\t\t\tUser Name\tUser ID\t\t\tDescription\tToken\tPermissions\n"
	for _, id := range slices.Sorted(maps.Keys(h.tokens)) {
		k := h.tokens[id]
		if k.on != h.here() || !k.exists || k.legacy {
			continue
		}
		var grants []string
		for _, p := range k.Permissions {
			grants = append(grants, p.String())
		}
		table += id + "\t" + k.on.users[k.UserID] + "\t\t" + k.UserID + "\ttext\t\tN/A\t[" + strings.Join(grants, " ") + "]\n"
	}
	path := filepath.Join(h.TempDir(), "auths.txt")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		h.Fatal(err)
	}
	return path
}
