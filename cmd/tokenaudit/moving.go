package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
)

// plannedToken is a token in a plan; tokens show has its permissions.
type plannedToken struct {
	Target      string           `json:"target"`
	ID          string           `json:"id"`
	Description string           `json:"description"`
	Status      audit.Status     `json:"status"`
	Presence    audit.Presence   `json:"presence"`
	Org         string           `json:"org"`
	OrgID       string           `json:"org_id"`
	User        string           `json:"user"`
	UserID      string           `json:"user_id"`
	OwnerState  audit.OwnerState `json:"owner_state"`
	Class       string           `json:"class"`
	MayWrite    string           `json:"may_write"`
	token       audit.Authorization
}

func plannedTokenOf(r audit.Record) plannedToken {
	access := audit.AccessOf(r.Authorization)
	return plannedToken{
		r.Target, r.ID, r.Description, r.Status, r.Presence, r.Org, r.OrgID, cmp.Or(r.User, r.Owner.Name), r.UserID, r.Owner.State,
		access.Class(), access.WriteScope(), r.Authorization,
	}
}

// movingToken is a token whose place another one is to take, as JSON.
type movingToken struct {
	plannedToken
	Stops  string     `json:"stops"`  // what ends with it; empty if it does not work now
	Twin   *twinToken `json:"twin"`   // an active token with the same permissions
	Create string     `json:"create"` // the command for its successor; empty if the twin is that, or no command creates it
	Note   string     `json:"note"`   // why there is no command, or what to know first
}

// twinToken is an active token that may do the same.
type twinToken struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	User        string `json:"user"`
	UserID      string `json:"user_id"`
	InPlace     bool   `json:"in_place"` // of the user who takes over, or of a service user
}

// step is something that people do, and the commands for it.
type step struct {
	Do       string   `json:"do"`
	Commands []string `json:"commands"`
}

// Placeholders stand for a user who is not decided: of what writes, and of what administers.
const (
	placeholder      = "SERVICE-USER"
	adminPlaceholder = "NEW-OWNER"
)

// heir is the user who takes over.
type heir struct {
	name, id string   // "" if it is not decided
	of       []string // those who may be meant
	missing  bool     // the server has no such user
	chosen   bool     // by people, and not by default: takes over whatever it is
}

// under is the user under whom a token is created again. None by default gets one that
// administers.
func (h heir) under(a audit.Authorization) string {
	if broad(a) != "" && !h.chosen {
		return adminPlaceholder
	}
	return cmp.Or(h.name, placeholder)
}

// broad is the check that finds a token that narrow ones have to replace; "" for others.
func broad(a audit.Authorization) string {
	switch access := audit.AccessOf(a); {
	case access.EveryOrg:
		return "operator"
	case access.AllAccess:
		return "all-access"
	case access.Mints:
		return "mints-tokens"
	case access.AdministersUsers:
		return "administers-users"
	}
	return ""
}

// takesOver is the user that was named, or else the only service user. Where a service user
// leaves, somebody has to name the next one.
func takesOver(named string, policy audit.Policy, leaver audit.Owner) heir {
	h := heir{name: named, chosen: named != ""}
	for _, u := range policy.ServiceUsers {
		if u != leaver.Name && u != leaver.ID {
			h.of = append(h.of, u)
		}
	}
	if h.name == "" && len(policy.ServiceUsers) == 1 && len(h.of) == 1 {
		h.name = h.of[0]
	}
	return h
}

// note says what to put in the place of the placeholder, or what is unusual.
func (h heir) note() string {
	switch {
	case h.name == "" && len(h.of) == 0:
		return placeholder + " stands for a user who takes over: --to NAME puts it in. The configuration has no other service_users under policy."
	case h.name == "":
		return placeholder + " stands for one of " + audit.Names(h.of, 10) + ": --to NAME puts it in."
	case len(h.of) > 0 && !slices.Contains(h.of, h.name) && !slices.Contains(h.of, h.id):
		return audit.Line(h.name, 80) + " is not among policy.service_users: reviews will report its tokens as personal."
	}
	return ""
}

// findHeir asks a target for the user who takes over: the influx CLI needs the name.
func (c *cli) findHeir(ctx context.Context, l leaver, to heir) (heir, error) {
	if to.name == "" || l.coverage.Verdict == audit.NotKnown || !l.coverage.Product.V2() {
		return to, nil
	}
	o, _ := c.findUser(ctx, l.config, to.name) // not known: the name stands as it was given
	to.missing = o.NotFound
	if o.ID != "" {
		to.id, to.name = o.ID, cmp.Or(o.Name, to.name)
	} else if target.IsID(to.name) {
		to.name = cmp.Or(l.known[strings.ToLower(to.name)], to.name)
	}
	return to, context.Cause(ctx)
}

// is reports whether a user is the one who takes over, or where nobody was named one of those
// who may.
func (h heir) is(userID, user string) bool {
	if h.name != "" {
		return userID == h.id && h.id != "" || user == h.name || userID == h.name
	}
	return slices.Contains(h.of, user) || slices.Contains(h.of, userID)
}

// twins finds, for each of some tokens, the active token that may do the same and suits best:
// one of a service user before others. They are by the key of the token.
func (s *survey) twins(ctx context.Context, t surveyed, tokens []audit.Record, suits func(old, other audit.Record) bool) (map[string]*audit.Record, error) {
	wanted, twins := map[audit.AccessKey][]audit.Record{}, map[string]*audit.Record{}
	for _, r := range tokens {
		if key, ok := audit.AccessKeyOf(r.Authorization); ok && r.Exists() {
			wanted[key] = append(wanted[key], r)
		}
	}
	for r, err := range s.tokens(ctx, t) {
		if err != nil {
			return nil, err
		}
		if r.Presence != audit.Listed || r.StatusAt(t.run.Started) != audit.Active || r.Owner.State == audit.OwnerDeleted || r.Owner.State == audit.OwnerInactive {
			continue
		}
		key, ok := audit.AccessKeyOf(r.Authorization)
		if !ok {
			continue
		}
		for _, old := range wanted[key] {
			best := twins[old.Key()]
			if old.Key() == r.Key() || !suits(old, r) || best != nil && (t.policy.IsServiceUser(&best.Owner) || !t.policy.IsServiceUser(&r.Owner)) {
				continue
			}
			twin := r
			twins[old.Key()] = &twin
		}
	}
	return twins, nil
}

// move says how another token takes the place of one.
func move(r audit.Record, twin *audit.Record, to heir, t surveyed) movingToken {
	m := movingToken{plannedToken: plannedTokenOf(r)}
	works := r.Works(t.run.Started) && r.Owner.State != audit.OwnerDeleted && r.Owner.State != audit.OwnerInactive && !r.OrgDeleted
	reviewed := slices.ContainsFunc(t.coverage.Credentials, func(c audit.Credential) bool { return c.ID != "" && c.ID == r.ID })
	if twin != nil {
		name := cmp.Or(twin.User, twin.Owner.Name)
		m.Twin = &twinToken{twin.ID, twin.Description, name, twin.UserID, to.is(twin.UserID, name)}
	}
	switch {
	case !works:
		return m
	case reviewed:
		m.Stops = "the reviews of this target, which ask with it"
	case m.MayWrite != "":
		m.Stops = "writing to " + m.MayWrite
	default:
		m.Stops = "reading"
	}
	if m.Twin != nil && m.Twin.InPlace {
		return m
	}
	m.Create, m.Note = influxCreate(r.Authorization, to.under(r.Authorization))
	switch {
	case m.Create != "" && r.Legacy:
		m.Note = "run it with a credential of the new user, and choose a new user name and password"
	case m.Create != "" && len(audit.AccessOf(r.Authorization).Dangling) > 0:
		m.Note = "it names something that was deleted: leave that out"
	}
	return m
}

// Rotation is by these times: the old token has to be inactive for a week before it is deleted,
// so that somebody who still needs it says so.
const (
	switchWithin = 7 * 24 * time.Hour
	keepInactive = 7 * 24 * time.Hour
)

// moveSteps are what people do so that other tokens take the place of some, in order.
func moveSteps(tokens []movingToken, to heir, now time.Time) []step {
	var narrow, create, same, missing, inactive, remove, inPlace, writers []string
	for _, m := range tokens {
		if m.Presence == audit.Unseen {
			continue
		}
		label := audit.Line(cmp.Or(m.Description, m.ID), 60)
		check := broad(m.token)
		if check != "" && m.Stops != "" {
			narrow = append(narrow, fmt.Sprintf("%s: %s. %s", label, audit.CheckOf(check).Title, audit.CheckOf(check).Fix))
		}
		switch {
		case m.Create != "" && check != "":
			same = append(same, m.Create)
		case m.Create != "":
			create = append(create, m.Create)
		case m.Stops != "" && m.Twin != nil && m.Twin.InPlace:
			inPlace = append(inPlace, fmt.Sprintf("%s → %s of %s", label, audit.Line(m.Twin.ID, longestID), audit.Line(m.Twin.User, 60)))
		}
		if m.Note != "" {
			missing = append(missing, label+": "+m.Note)
		}
		if m.Stops != "" {
			writers = append(writers, label)
			inactive = append(inactive, audit.InactiveCommand(m.token))
		}
		if m.OwnerState != audit.OwnerDeleted { // offboard --done has those
			remove = append(remove, audit.DeleteCommand(m.token))
		}
	}
	var steps []step
	add := func(do string, commands []string) {
		steps = append(steps, step{do, slices.DeleteFunc(commands, func(line string) bool { return line == "" })})
	}
	for _, words := range narrow {
		add(words, nil)
	}
	const once = " The CLI shows each new token once: store it at once."
	if to.missing && (len(create) > 0 || len(same) > 0 && to.chosen) {
		add(audit.Line(to.name, 80)+" does not exist here: create that user first.",
			[]string{"influx user create --org-id " + cmp.Or(orgOf(tokens), "ORG-ID") + " --name " + audit.ShellQuoted(audit.Line(to.name, 200))})
	}
	if len(create) > 0 {
		add("Create the same under "+audit.Line(cmp.Or(to.name, placeholder), 80)+"."+once, create)
	}
	if len(same) > 0 {
		user := adminPlaceholder + ", a person who administers InfluxDB (--to NAME puts it in)"
		if to.chosen {
			user = audit.Line(to.name, 80)
		}
		add("Only if narrow tokens cannot do it, create the same under "+user+"."+once, same)
	}
	for _, words := range missing {
		add("Note for "+words+".", nil)
	}
	if len(inPlace) > 0 {
		add("Already in place: "+strings.Join(inPlace[:min(len(inPlace), 10)], "; ")+". Use it if you have its value.", nil)
	}
	switched, deleted := now.Add(switchWithin).Format(time.DateOnly), now.Add(switchWithin+keepInactive).Format(time.DateOnly)
	switch {
	case len(writers) == 1:
		add("Switch what uses the old token, and check that it still works: "+writers[0]+".", nil)
		add("Then set the old one inactive, by "+switched+". influx auth active --id ID undoes it.", inactive)
		add("Delete it when nobody missed it for a week, by "+deleted+".", remove)
	case len(writers) > 1:
		add("Switch what uses the old tokens, and check that it still works: "+audit.Names(writers, 10)+".", nil)
		add("Then set the old ones inactive, by "+switched+". influx auth active --id ID undoes it.", inactive)
		add("Delete them when nobody missed them for a week, by "+deleted+".", remove)
	case len(remove) > 0:
		add("Delete what is not in use.", remove)
	}
	return steps
}

// printSteps numbers the steps.
func printSteps(w io.Writer, steps []step, to heir, width int) {
	if len(steps) == 0 {
		return
	}
	var commands []string
	fmt.Fprintln(w)
	for i, s := range steps {
		fmt.Fprintln(w, hanging("", fmt.Sprintf("%d. %s", i+1, s.Do), width))
		for _, command := range s.Commands {
			fmt.Fprintln(w, continued("   ", command, width))
		}
		commands = append(commands, s.Commands...)
	}
	creates := func(line string) bool {
		return strings.HasPrefix(line, "influx auth create") && !strings.Contains(line, "--user "+adminPlaceholder+" ")
	}
	var notes []string
	if slices.ContainsFunc(commands, creates) && to.note() != "" {
		notes = append(notes, to.note())
	}
	if slices.ContainsFunc(commands, func(line string) bool { return strings.HasPrefix(line, "influx auth inactive") }) {
		notes = append(notes, "influx auth inactive ignores INFLUX_HOST and INFLUX_TOKEN: it changes the server of the active configuration of the influx CLI (influx config list).")
	}
	for _, note := range notes {
		fmt.Fprintf(w, "\n%s\n", hanging("", note, width))
	}
}

// shellToken is a word of a command, with what is quoted in it.
var shellToken = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|\\.|[^ '"\\])+`)

// continued breaks a command for a POSIX shell where a terminal ends, before a flag or a pipe,
// so that it can be copied.
func continued(indent, command string, columns int) string {
	if columns == 0 || text.StringWidth(indent+command) <= columns || filepath.Separator == '\\' {
		return indent + command
	}
	var parts []string
	for _, word := range shellToken.FindAllString(command, -1) {
		if len(parts) > 0 && word[0] != '-' && word[0] != '|' {
			parts[len(parts)-1] += " " + word
			continue
		}
		parts = append(parts, word)
	}
	out, line := "", indent
	for i, part := range parts {
		if i > 0 && text.StringWidth(line+part+" \\") > columns {
			out, line = out+line+"\\\n", indent+"  "
		}
		line += part + " "
	}
	return out + strings.TrimSuffix(line, " ")
}

// movingTable has a row for each token, with what is there in its place.
func movingTable(tokens []movingToken, width int) string {
	t := newTable(column{name: "ID"}, column{name: "STATUS"}, column{name: "SEEN"}, column{name: "DESCRIPTION", shrink: 12}, column{name: "MAY WRITE", shrink: 12}, column{name: "SAME PERMISSIONS", shrink: 16})
	for _, m := range tokens {
		status, seen, twin := string(m.Status), "", "none"
		if !m.token.PermissionsKnown() {
			twin = "not known"
		}
		if m.OwnerState == audit.OwnerDeleted {
			status = "no owner"
		}
		if m.Presence != audit.Listed {
			seen = string(m.Presence)
		}
		if m.Twin != nil {
			twin = m.Twin.ID + " of " + cmp.Or(m.Twin.User, m.Twin.UserID)
		}
		t.row(audit.Line(m.ID, longestID), audit.Line(status, 10), seen, audit.Line(m.Description, 28), audit.Line(cmp.Or(m.MayWrite, "-"), 36), audit.Line(twin, 50))
	}
	return t.render(width)
}
