package influxtest

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// parseID follows InfluxDB 2.9.1 kit/platform/id.go (T17 to T19).
func parseID(s string) (string, error) {
	if len(s) != 16 {
		return "", invalid("id must have a length of 16 bytes")
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil || n == 0 {
		return "", invalid("invalid ID")
	}
	return formatID(n), nil
}

func formatID(n uint64) string { return fmt.Sprintf("%016x", n) }

// idParameter is "" if the parameter is absent or empty: no filter (T20).
func idParameter(q url.Values, name string) (string, error) {
	if q.Get(name) == "" {
		return "", nil
	}
	return parseID(q.Get(name))
}

// findOptions are the paging parameters of InfluxDB 2.9.1 paging.go.
type findOptions struct {
	limit, offset int
	after         string
	descending    bool
}

func parseFindOptions(q url.Values) (o findOptions, err error) {
	if o.offset, err = intParameter(q, "offset", 0); err != nil {
		return o, err
	}
	if o.after, err = idParameter(q, "after"); err != nil {
		return o, invalid("decoding after: " + err.Error()) // T67
	}
	if o.limit, err = intParameter(q, "limit", 20); err != nil {
		return o, err
	}
	if o.limit < 1 || o.limit > 100 {
		return o, invalid("limit must be between 1 and 100")
	}
	if d := q.Get("descending"); d != "" {
		if o.descending, err = strconv.ParseBool(d); err != nil {
			return o, invalid("descending is invalid")
		}
	}
	return o, nil
}

func intParameter(q url.Values, name string, absent int) (int, error) {
	if q.Get(name) == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return 0, invalid(name + " is invalid")
	}
	return n, nil
}

// page cuts a page out of ascending ids, as a cursor of InfluxDB's store does.
// after is a seek, so a deleted id will do (T122). Together with descending it
// seeks the next id and walks down from there: pages repeat (T121).
func (o findOptions) page(ids []string) []string {
	if o.after != "" {
		ids = o.seek(ids)
	} else if o.descending {
		ids = reversed(ids)
	}
	return o.cut(ids)
}

func (o findOptions) seek(ids []string) []string {
	i, found := slices.BinarySearch(ids, o.after)
	if found {
		i++
	}
	if !o.descending {
		return ids[i:]
	}
	return reversed(ids[:min(i+1, len(ids))])
}

func (o findOptions) cut(ids []string) []string {
	ids = ids[min(max(o.offset, 0), len(ids)):]
	return ids[:min(o.limit, len(ids))]
}

func reversed(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

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
