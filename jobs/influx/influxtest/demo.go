package influxtest

import "time"

// Demo is an OSS server with the organization of a plant, for a first audit and,
// a week later, a second one. Between them much happens that an audit should tell:
// see NextWeek.
type Demo struct {
	Server *Server
	OrgID  string
	Org    string
	Token  string // of the user security-auditor, with AuditorPermissions

	users, buckets map[string]string // name: id
	tokens         map[string]string // description: authorization id
}

// NewDemo builds the plant as it is now. Ages are relative to now.
func NewDemo(now time.Time) *Demo {
	d := &Demo{Server: New(OSS), Org: "acme", users: map[string]string{}, buckets: map[string]string{}, tokens: map[string]string{}}
	d.setClock(now.AddDate(0, 0, -420))
	d.OrgID = d.Server.AddOrg(d.Org)
	d.addBuckets()
	d.addUsers()
	for i, t := range d.population() {
		d.add(t, now, i)
	}
	d.setClock(now)
	d.Server.SetUserStatus(d.users["dave"], Inactive)
	d.Server.DeleteBucket(d.buckets["scada-2019"])
	return d
}

// NextWeek applies what changes until the second audit: carol has left and is
// deleted, so that her tokens vanish from lists; bob is set inactive; one token is
// revoked, another set inactive; alice makes an all-access token "temporary
// debugging", telegraf-writer gets one for a new bucket.
func (d *Demo) NextWeek(now time.Time) {
	d.setClock(now.AddDate(0, 0, -4))
	d.Server.DeleteUser(d.users["carol"])
	d.Server.SetUserStatus(d.users["bob"], Inactive)
	d.Server.DeleteAuthorization(d.tokens[revoked])
	d.Server.SetStatus(d.tokens[deactivated], Inactive)
	d.buckets["packaging-line"] = d.Server.AddBucket(d.OrgID, "packaging-line")
	d.add(demoToken{3, "telegraf-writer", "telegraf packaging line", d.write("packaging-line"), 0}, now, 1)
	d.add(demoToken{1, "alice", "temporary debugging", AllAccess(d.OrgID, d.users["alice"]), 0}, now, 2)
	d.setClock(now)
}

const (
	revoked     = "edge gateway hall 2"
	deactivated = "release smoke test"
)

func (d *Demo) setClock(now time.Time) {
	d.Server.Now = func() time.Time { return now }
}

func (d *Demo) addBuckets() {
	for _, name := range []string{
		"line-a-telemetry", "line-b-telemetry", "compressor-vibration", "energy-meters",
		"cold-storage", "paint-shop", "quality-lab", "edge-gateways-raw", "iot-landing",
		"maintenance-forecast", "oee-kpi", "scada-2019",
	} {
		d.buckets[name] = d.Server.AddBucket(d.OrgID, name)
	}
}

func (d *Demo) addUsers() {
	for _, name := range []string{"admin", "alice"} {
		d.users[name] = d.Server.AddUser(name)
		d.Server.AddOwner(d.OrgID, d.users[name])
	}
	for _, name := range []string{
		"bob", "carol", "dave", "telegraf-writer", "iot-gateway", "ci-deploy", "grafana",
		"security-auditor", formulaUser, mentionUser, namelessUser, emojiUser,
	} {
		d.users[name] = d.Server.AddUser(name)
		d.Server.AddMember(d.OrgID, d.users[name])
	}
	d.users[outsider] = d.Server.AddUser(outsider)
}

// demoToken describes a token by its age and, if it is inactive, for how long it
// has been, in days.
type demoToken struct {
	age         int
	user        string
	description string
	permissions []Permission
	inactive    int
}

func (d *Demo) add(t demoToken, now time.Time, i int) {
	a := Authorization{
		OrgID: d.OrgID, UserID: d.users[t.user], Description: t.description, Permissions: t.permissions,
		CreatedAt: now.AddDate(0, 0, -t.age).Add(-timeOfDay(i)),
	}
	if t.inactive > 0 {
		a.Status, a.UpdatedAt = Inactive, now.AddDate(0, 0, -t.inactive)
	}
	id, token := d.Server.AddAuthorization(a)
	d.tokens[t.description] = id
	if t.user == "security-auditor" {
		d.Token = token
	}
}

// timeOfDay keeps the tokens from being made all at the same time of day.
func timeOfDay(i int) time.Duration {
	return time.Duration(i*7919%86400)*time.Second + time.Duration(i*104729+1)
}
