package influxtest

import (
	"strings"
	"time"
)

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

// Names and descriptions that reports must survive: InfluxDB accepts any text.
const (
	formulaUser  = `=HYPERLINK("http://evil.example","click")`
	mentionUser  = "<!channel> *bold* <@U123>"
	namelessUser = ""
	emojiUser    = "温度監視 🏭"
	outsider     = "vibration-contractor" // no member of the organization

	formula  = "@SUM(A1)"
	script   = "<script>alert(1)</script>"
	reversal = "invoice \u202Excod.exe" // a right-to-left override
	lines    = "hall 3\nedge gateway\twith tabs\r\nand lines"
	escape   = "\x1b[31mline B feed\x1b[0m \x07"
)

// population is in the order of age, so that ids ascend with it.
func (d *Demo) population() []demoToken {
	return append(d.olderTokens(), d.youngerTokens()...)
}

func (d *Demo) olderTokens() []demoToken {
	return []demoToken{
		{418, "admin", "admin's Token", Operator(), 0},
		{406, "alice", "alice all access", AllAccess(d.OrgID, d.users["alice"]), 0},
		{398, "telegraf-writer", "telegraf line A", d.write("line-a-telemetry"), 0},
		{396, "telegraf-writer", "telegraf line B", d.write("line-b-telemetry"), 0},
		{371, "iot-gateway", "edge gateway hall 1", d.write("edge-gateways-raw"), 0},
		{365, "iot-gateway", revoked, d.write("edge-gateways-raw"), 0},
		{352, "bob", "SCADA migration", d.write("scada-2019"), 0},
		{340, "dave", "paint shop historian", d.write("paint-shop"), 0},
		{333, "ci-deploy", "provisioning pipeline", ReadWriteBuckets(d.OrgID), 0},
		{310, "carol", "maintenance forecast model", d.readWrite("maintenance-forecast", "compressor-vibration"), 0},
		{305, "carol", "", d.write("compressor-vibration"), 0},
		{290, "bob", "token vending for plant apps", d.mintTokens(), 0},
		{284, "admin", "user administration", both(Resource{Type: "users"}), 0},
		{270, "grafana", "Grafana OEE dashboards", d.read("oee-kpi", "line-a-telemetry", "line-b-telemetry"), 0},
		{262, "grafana", "Grafana energy", d.read("energy-meters"), 0},
		{255, outsider, "vibration study", d.write("compressor-vibration"), 0},
		{240, "alice", "", d.read("quality-lab"), 0},
		{228, "telegraf-writer", "telegraf compressors", d.write("compressor-vibration"), 0},
		{221, "admin", "replication to the cold site", []Permission{{write, Resource{Type: "buckets"}}}, 0},
		{215, "iot-gateway", "cold store sensors", d.write("cold-storage"), 0},
		{203, "dave", "lab export", d.read("quality-lab"), 95},
		{190, "carol", "old notebook", d.readWrite("quality-lab"), 120},
	}
}

func (d *Demo) youngerTokens() []demoToken {
	return []demoToken{
		{181, "bob", "shift report", ReadWriteBuckets(d.OrgID), 66},
		{170, "ci-deploy", "dashboards as code", d.dashboards(), 0},
		{160, formulaUser, formula, d.read("oee-kpi"), 0},
		{150, mentionUser, script, d.write("quality-lab"), 0},
		{141, namelessUser, "historian import", d.readWrite("paint-shop"), 0},
		{133, emojiUser, "溶接ロボット 🤖 週次", d.write("line-a-telemetry"), 0},
		{124, "alice", reversal, d.read("energy-meters"), 0},
		{118, "iot-gateway", lines, d.write("edge-gateways-raw"), 0},
		{110, "telegraf-writer", escape, d.write("line-b-telemetry"), 0},
		{101, "bob", strings.Repeat("pasted by mistake ", 300_000/18+1), d.read("oee-kpi"), 0},
		{92, "ci-deploy", deactivated, d.write("iot-landing"), 0},
		{80, "grafana", "Grafana quality", d.read("quality-lab"), 0},
		{71, "alice", "energy import", d.write("energy-meters"), 0},
		{60, "bob", "Power BI export", d.read("oee-kpi", "energy-meters"), 0},
		{45, "iot-gateway", "edge gateway hall 4", d.write("edge-gateways-raw"), 0},
		{33, "security-auditor", "token audit, read only", AuditorPermissions(d.OrgID), 0},
		{30, "telegraf-writer", "telegraf energy meters", d.write("energy-meters"), 0},
		{21, "ci-deploy", "schema migration", WriteBuckets(d.OrgID), 0},
		{12, "alice", "OEE what-if notebook", d.readWrite("oee-kpi"), 0},
		{6, "iot-gateway", "pilot AGV fleet", d.write("iot-landing"), 0},
		{2, "bob", "forecast hand-over", d.read("maintenance-forecast"), 0},
	}
}

func (d *Demo) read(buckets ...string) []Permission {
	return ReadBuckets(d.OrgID, d.bucketIDs(buckets)...)
}

func (d *Demo) write(buckets ...string) []Permission {
	return WriteBuckets(d.OrgID, d.bucketIDs(buckets)...)
}

func (d *Demo) readWrite(buckets ...string) []Permission {
	return ReadWriteBuckets(d.OrgID, d.bucketIDs(buckets)...)
}

func (d *Demo) bucketIDs(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = d.buckets[name]
	}
	return ids
}

// mintTokens allows making tokens for any user of the organization.
func (d *Demo) mintTokens() []Permission {
	return append(both(Resource{Type: "authorizations", OrgID: d.OrgID}), both(Resource{Type: "users"})...)
}

func (d *Demo) dashboards() []Permission {
	return append(both(Resource{Type: "dashboards", OrgID: d.OrgID}), both(Resource{Type: "variables", OrgID: d.OrgID})...)
}
