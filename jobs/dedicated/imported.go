package dedicated

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/api"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/sorted"
)

// importKept is how old an imported list may be: reviews remember about as long.
const importKept = 400 * 24 * time.Hour

// row is a token in the output of influxctl token list --format json. Releases before 2.10
// leave out the dates, and some write {} for permissions.
type row struct {
	ClusterID   string  `json:"cluster_id"`
	ID          string  `json:"id"`
	Description string  `json:"description"`
	Permissions grants  `json:"permissions"`
	RevokedAt   instant `json:"revoked_at"`
}

// instant tells whether there is one. It is {"seconds":…,"nanos":…} or text; numbers of 64
// bits may come as text.
type instant bool

func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	*i = false
	switch {
	case err != nil:
	case value.Kind() == '{':
		var parts struct {
			Seconds jsontext.Value `json:"seconds"`
		}
		if json.Unmarshal(value, &parts, api.Decoding()) == nil {
			n, err := strconv.ParseInt(strings.Trim(string(parts.Seconds), `"`), 10, 64)
			*i = err == nil && n > 0
		}
	case value.Kind() == '"':
		var d date
		*i = instant(json.Unmarshal(value, &d, api.Decoding()) == nil && !d.IsZero())
	}
	return err
}

// readImport hands on the tokens of the file that are of the cluster, "" for any, and were
// not revoked. An error names nothing of what is in the file.
func readImport(path setting.Path, cluster string, add func(audit.Authorization) error) (written time.Time, err error) {
	f, err := os.Open(string(path))
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	n := 0
	err = decodeRows(f, func(r row) error {
		n++
		a := token{ID: r.ID, Description: r.Description, Permissions: r.Permissions}.authorization("", "")
		switch {
		case !uuid.MatchString(a.ID):
			return fmt.Errorf("number %d of the list has no id", n)
		case bool(r.RevokedAt), cluster != "" && !strings.EqualFold(r.ClusterID, cluster):
			return nil
		}
		return add(a)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not the output of influxctl token list --format json: %w", path, err)
	}
	return info.ModTime(), nil
}

// CheckImport reads no further than the first token of the list.
func CheckImport(path setting.Path) error {
	if err := path.Check(); err != nil {
		return err
	}
	enough := errors.New("one is enough")
	if _, err := readImport(path, "", func(audit.Authorization) error { return enough }); err != nil && !errors.Is(err, enough) {
		return err
	}
	return nil
}

// known are the tokens of the imported list, ascending by ID; nil if there are none. It
// notes what the list is worth, and elsewhere if none of it is listed. Free frees what the
// walk holds.
func (c *collector) known() (known iter.Seq2[audit.Record, error], elsewhere bool, free func()) {
	free = func() {}
	if c.cfg.Import == "" {
		c.cov.NoNeed(audit.ImportCurrent, "no list is imported")
		return nil, false, free
	}
	gap := func(format string, args ...any) {
		c.cov.AddGap(audit.Gap{
			ID: audit.ImportCurrent, Verdict: audit.Partial, Reason: fmt.Sprintf(format, args...),
			Fix: "Make a new list of this cluster: influxctl token list --format json. Or remove import.",
		})
	}
	list := &sorted.List{}
	written, err := readImport(c.cfg.Import, c.cfg.Cluster, func(a audit.Authorization) error {
		a.OrgID, a.Product = c.orgID(), c.product
		return list.Add(a)
	})
	if err != nil {
		list.Close()
		gap("the imported list could not be read: %v", err)
		return nil, false, free
	}
	imported, listed, err := compare(list, c.list)
	day, age := written.UTC().Format(time.DateOnly), time.Since(written)
	switch {
	case err != nil:
		gap("the imported list could not be compared with the list of the API: %v", err)
	case listed == 0:
		gap("the imported list has %s of this cluster that may work, and the API lists none of them: it is empty or from another cluster", audit.Plural(imported, "token"))
	case age > importKept:
		gap("the imported list was made on %s, %d days ago", day, int(age.Hours()/24))
	default:
		c.cov.Hold(audit.ImportCurrent, "%s from the list of %s, %d of them listed, the others looked up; it proves nothing about later tokens", audit.Plural(imported, "token"), day, listed)
	}
	return c.unseen(list), err != nil || listed == 0, list.Close
}

// compare counts what is imported and what of it is listed.
func compare(imports, lists *sorted.List) (imported, listed int, err error) {
	next, stop := iter.Pull2(lists.All())
	defer stop()
	b, errB, more := next()
	for a, errA := range imports.All() {
		for ; more && errB == nil && b.Key() < a.Key(); b, errB, more = next() {
		}
		switch {
		case errA != nil:
			return 0, 0, errA
		case errB != nil:
			return 0, 0, errB
		case more && b.Key() == a.Key():
			listed++
		}
		imported++
	}
	return imported, listed, nil
}

// unseen makes records of what is known from elsewhere: nothing was seen of it yet.
func (c *collector) unseen(list *sorted.List) iter.Seq2[audit.Record, error] {
	const source = "in the output of influxctl token list"
	return func(yield func(audit.Record, error) bool) {
		for a, err := range list.All() {
			r := audit.Record{
				Target: c.cfg.Name, Authorization: a, Presence: audit.Unseen, Evidence: source,
				Owner: audit.Owner{State: audit.OwnerNone, Evidence: source},
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
