package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"
)

// fields of a cron expression, and what each one takes.
var fields = []struct{ name, takes string }{
	{"minute", "0-59"}, {"hour", "0-23"}, {"day of month", "1-31"}, {"month", "1-12 or jan-dec"}, {"day of week", "0-7 (0 and 7 are Sunday) or sun-sat"},
}

const fiveFields = `write five fields, such as "0 9 * * 1": minute, hour, day of month, month, day of week. Or write a name such as @weekly`

// wrongIn says what is wrong with an expression that robfig/cron refuses, whose own words
// are for programmers.
func wrongIn(spec string) string {
	given := strings.Fields(spec)
	switch {
	case strings.HasPrefix(spec, "@"):
		return "has an unknown name; write @hourly, @daily, @weekly, @monthly or @yearly, or five fields"
	case len(given) == 1:
		if _, err := cron.ParseStandard("@" + spec); err == nil {
			return fmt.Sprintf(`needs an @ in front: "@%s"`, spec)
		}
		return "has one field; " + fiveFields
	case len(given) != len(fields):
		return fmt.Sprintf("has %d fields; %s", len(given), fiveFields)
	}
	for i, text := range given {
		alone := slices.Repeat([]string{"*"}, len(fields))
		alone[i] = text
		if _, err := cron.ParseStandard(withSunday(strings.Join(alone, " "))); err != nil {
			return fmt.Sprintf("has the %s %q, which is not valid. Write %s, a list (1,2), a range (1-5), a step (*/2) or *", fields[i].name, text, fields[i].takes)
		}
	}
	return "is not valid; " + fiveFields
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// withSunday writes the day 7 as 0, as robfig/cron has it: cron(8) takes both. What it
// does not understand stays as it is.
func withSunday(spec string) string {
	given := strings.Fields(spec)
	if len(given) != len(fields) {
		return spec
	}
	items := strings.Split(given[4], ",")
	for i, item := range items {
		span, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(span, "-")
		if !ranged {
			to = from
		}
		every := 1
		if n, err := strconv.Atoi(step); stepped && err == nil {
			every = min(n, 8) // one that leaves the week is as good as any other
		}
		a, b := weekday(from), weekday(to)
		if a < 0 || b != 7 || a > b || every < 1 {
			continue
		}
		var days []string
		for day := a; day <= b; day += every {
			days = append(days, strconv.Itoa(day%7))
		}
		items[i] = strings.Join(days, ",")
	}
	given[4] = strings.Join(items, ",")
	return strings.Join(given, " ")
}

// weekday is the number of a day as cron(8) has it, -1 if it is none.
func weekday(text string) int {
	if n := slices.Index(weekdays, strings.ToLower(text)); n >= 0 {
		return n
	}
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n <= 7 {
		return int(n)
	}
	return -1
}
