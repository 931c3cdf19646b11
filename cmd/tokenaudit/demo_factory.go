package main

import (
	"time"

	"tokenaudit/jobs/influxdb3/influxdb3test"
)

// demoFactory is an InfluxDB 3 Enterprise with the tokens of a factory, whose operator token
// gets a new secret between two reviews.
type demoFactory struct {
	*influxdb3test.Server
	token string // of the reviews
}

// demoMigration is a token that has expired, and that the demo decides to delete.
const demoMigration = "migration from line B"

func newDemoFactory(now time.Time) *demoFactory {
	f := &demoFactory{}
	f.Server, _ = influxdb3test.New(influxdb3test.Enterprise, "3.8.4")
	for _, name := range []string{"line-c", "robot-cell-7"} {
		f.AddDatabase(name)
	}
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	add := func(days int, t influxdb3test.Token) (text string) {
		f.setClock(day(-days))
		_, text = f.AddToken(t)
		return text
	}
	add(400, influxdb3test.Token{Name: "break glass"})
	add(300, influxdb3test.Token{Name: "plc gateway line C", Grants: []influxdb3test.Grant{influxdb3test.On("line-c", "read", "write")}})
	add(250, influxdb3test.Token{Name: "robot cell 7", Grants: []influxdb3test.Grant{influxdb3test.On("robot-cell-7", "write")}, Expiry: day(180)})
	add(200, influxdb3test.Token{Name: demoMigration, Grants: []influxdb3test.Grant{influxdb3test.On("line-c", "write")}, Expiry: day(-20)})
	f.token = add(90, influxdb3test.Token{Name: "tokenaudit", Expiry: day(275)})
	f.setClock(day(-60))
	f.DeleteDatabase("robot-cell-7", false)
	f.setClock(now)
	return f
}

func (f *demoFactory) nextWeek(now time.Time) {
	f.setClock(now.AddDate(0, 0, -2))
	f.Regenerate()
	f.setClock(now)
}

func (f *demoFactory) setClock(now time.Time) { f.Now = func() time.Time { return now } }
