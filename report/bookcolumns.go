package report

import "slices"

// bookFindingColumns are the columns of a finding, in the order in which a person
// reads them.
func bookFindingColumns() []column {
	columns := byName(findingColumns(),
		"severity", "check", "title", "state", "since", "description", "authorization_id", "status", "owner", "owner_state", "org", "target",
		"detail", "what_to_do", "why", "created", "age_days", "owner_id")
	for i := range columns {
		switch columns[i].name {
		case "what_to_do", "why":
			columns[i].width = 130 // one line, nearly always
		case "detail":
			columns[i].width, columns[i].limit = 62, 250
		case "title":
			columns[i].width = 34
		}
	}
	return columns
}

// authorizationColumns of the workbook say in addition what the permissions come
// to and which controls the findings relate to.
func (b *book) authorizationColumns() []column {
	columns := authorizationColumns()
	at := slices.IndexFunc(columns, func(c column) bool { return c.name == "may_write" })
	columns = slices.Insert(columns, at, column{name: "permission_summary", header: "Permission summary", width: 19, value: func(r *row) value { return str(r.reach) }})
	return append(columns, column{name: "controls", header: "Related controls", width: 44, limit: 1000, value: func(r *row) value { return str(r.controls) }})
}

// byName picks columns in the order of the names.
func byName(columns []column, names ...string) []column {
	var out []column
	for _, name := range names {
		if at := slices.IndexFunc(columns, func(c column) bool { return c.name == name }); at >= 0 {
			out = append(out, columns[at])
		}
	}
	return out
}
