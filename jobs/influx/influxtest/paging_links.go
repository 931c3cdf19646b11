package influxtest

import (
	"net/url"
	"strconv"
)

type pagingLinks struct {
	Prev string `json:"prev,omitempty"`
	Self string `json:"self"`
	Next string `json:"next,omitempty"`
}

// newPagingLinks follows InfluxDB 2.9.1 paging.go for buckets, where the filter
// name is called bucket in links (T32, T91). shown is the length of the page after
// the permission check, so a page cut short by it has no next link.
func newPagingLinks(q url.Values, o findOptions, shown int) pagingLinks {
	values := o.values()
	for parameter, filter := range map[string]string{"id": "id", "bucket": "name", "orgID": "orgID", "org": "org"} {
		if v := q.Get(filter); v != "" {
			values.Set(parameter, v)
		}
	}
	at := func(offset int) string {
		values.Set("offset", strconv.Itoa(offset))
		return bucketsPath + "?" + values.Encode()
	}
	l := pagingLinks{Self: at(o.offset)}
	if shown >= o.limit {
		l.Next = at(o.offset + o.limit)
	}
	if o.offset > 0 {
		l.Prev = at(max(o.offset-o.limit, 0))
	}
	return l
}

func (o findOptions) values() url.Values {
	values := url.Values{
		"descending": {strconv.FormatBool(o.descending)},
		"limit":      {strconv.Itoa(o.limit)},
	}
	if o.after != "" {
		values.Set("after", o.after)
	}
	return values
}
