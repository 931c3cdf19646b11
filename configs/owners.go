package configs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/target"
	"tokenaudit/notify/slack"
)

// Contacts are who answers for users and tokens, in the words of package audit. The
// owners of the job's Slack settings are the form of earlier versions: they say who is told
// in Slack, where the others do not.
func (f *File) Contacts(j Job) audit.Contacts {
	out := audit.Contacts{}
	for user, o := range f.Owners {
		out[user] = audit.Contact{Responsible: o.Responsible, Team: o.Team, Purpose: o.Purpose, Slack: o.Slack, Reviewer: o.Reviewer}
	}
	if j.Slack != nil {
		for user, who := range j.Slack.Owners {
			contact := out[user]
			contact.Slack = cmp.Or(contact.Slack, who)
			out[user] = contact
		}
	}
	return out
}

// OldKeys says of keys of earlier versions, which go on working, what to write instead, and
// where an entry at the top level wins over one of them.
func (f *File) OldKeys(j Job) []string {
	if j.Slack == nil || len(j.Slack.Owners) == 0 {
		return nil
	}
	out := []string{"slack.owners is an old key: move its entries to owners at the top level, as NAME: {slack: …}"}
	for _, user := range slices.Sorted(maps.Keys(j.Slack.Owners)) {
		for _, key := range slices.Sorted(maps.Keys(f.Owners)) {
			_, name, ofTarget := strings.Cut(key, "/")
			who := f.Owners[key].Slack
			if key == user && who != "" && who != j.Slack.Owners[user] || ofTarget && name == user && who != j.Slack.Owners[user] {
				out = append(out, join("owners", key)+" wins over "+join("slack.owners", user)+", which has another recipient")
			}
		}
	}
	return out
}

func validateOwners(owners map[string]Owner, all []target.Config, problem problemFunc) {
	const most = 200 // characters
	targets := names(all, func(t target.Config) string { return t.Name })
	ownerless := map[string]bool{} // targets whose tokens have no owners
	for _, t := range all {
		ownerless[t.Name] = t.Ownerless()
	}
	for _, user := range slices.Sorted(maps.Keys(owners)) {
		o := owners[user]
		key := join("owners", user)
		of, name, ofTarget := strings.Cut(user, "/")
		if ofTarget && !slices.Contains(targets, of) {
			problem(key, setting.Unknown("target", of, targets)+` (a name with a "/" needs TARGET/ in front)`)
		}
		switch {
		case user == "" || ofTarget && name == "":
			problem(key, "needs the name or the ID of a user, or TARGET/NAME or TARGET/ID")
		case ofTarget:
		case ownerless[user]:
			problem(key, "is the name of a target: write "+user+"/* for all of its tokens, or TARGET/NAME for a user of that name")
		case !slices.ContainsFunc(all, func(t target.Config) bool { return !t.Ownerless() }):
			problem(key, "does nothing: no target has users; write TARGET/NAME with the name of a token, or TARGET/* for all of its tokens")
		}
		if o == (Owner{}) {
			problem(key, "needs responsible, team, purpose, slack or reviewer")
		}
		for name, text := range map[string]string{"responsible": o.Responsible, "team": o.Team, "purpose": o.Purpose} {
			if len(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
				problem(join(key, name), "needs one line of at most 200 characters")
			}
		}
		switch {
		case o.Reviewer == "":
		case !audit.IsAddress(o.Reviewer):
			problem(join(key, "reviewer"), needsAddress)
		case strings.EqualFold(o.Reviewer, o.Responsible) || strings.EqualFold(o.Reviewer, name) || strings.EqualFold(o.Reviewer, user):
			problem(join(key, "reviewer"), "must be somebody else: nobody reviews a token of their own")
		}
		if o.Slack != "" && !slack.IsRecipient(o.Slack) {
			problem(join(key, "slack"), "needs a Slack user ID (U0123456789), a channel ID (C0123456789) or an e-mail address")
		}
	}
}
