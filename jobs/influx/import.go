package influx

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/recovery"
	"tokenaudit/jobs/sorted"
)

// importKept is how old an imported list may be. Reviews remember what they saw about as
// long, and by then nobody knows what it was made of.
const importKept = 400 * 24 * time.Hour

// known are the authorizations of the imported list that may be of the org of the target,
// ascending by ID; nil if there are none. It notes what the list is worth, and elsewhere
// if it is none of what answers. Free frees what the walk holds.
func (c *collector) known() (known iter.Seq2[audit.Record, error], elsewhere bool, free func()) {
	if c.cfg.Import == "" {
		c.cov.NoNeed(audit.ImportCurrent, "no list is imported")
		return nil, false, func() {}
	}
	list, made, err := c.readImport()
	if err != nil {
		c.cov.Gap(audit.ImportCurrent, audit.Partial, "the imported list could not be read: %v", err)
		return nil, false, func() {}
	}
	day, age := made.UTC().Format(time.DateOnly), time.Since(made)
	imported, listed, missing, err := compareImport(list, c.list)
	switch {
	case err != nil:
		c.cov.Gap(audit.ImportCurrent, audit.Partial, "the imported list could not be compared with the server's list: %v", err)
	case listed == 0:
		c.cov.Gap(audit.ImportCurrent, audit.Partial, "the imported list has %d tokens of this target, and none of them is listed by the server: it is empty or from another server", imported)
	case missing > 0:
		c.cov.Gap(audit.ImportCurrent, audit.Partial, "the imported list lacks %s, although it has newer ones: it is not complete", audit.Plural(missing, "listed token"))
	case age > importKept:
		c.cov.Gap(audit.ImportCurrent, audit.Partial, "the imported list was made on %s, %d days ago. Make a new one, or remove import", day, int(age.Hours()/24))
	default:
		c.cov.Hold(audit.ImportCurrent, "%s from the list of %s looked up, %d of them listed; it proves nothing about later tokens", audit.Plural(imported, "token"), day, listed)
	}
	return c.unseen(list), err != nil || listed == 0, list.Close
}

// readImport reads the list, and when it was written. An error names the file and the
// line, never what is in it.
func (c *collector) readImport() (*sorted.List, time.Time, error) {
	f, err := os.Open(string(c.cfg.Import))
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	org := c.org.OrgID // "" for every org, or where only its name is known and nothing is listed
	if org == "" && c.cfg.Org != "" {
		for id := range c.orgs {
			org = id
		}
	}
	list := &sorted.List{}
	err = recovery.Read(f, func(a audit.Authorization) error {
		if a.OrgID != org && org != "" {
			if a.OrgID = ""; !mayBeOf(a, org) {
				return nil
			}
		}
		return list.Add(a)
	})
	if err != nil {
		list.Close()
		return nil, time.Time{}, fmt.Errorf("%s: %w", c.cfg.Import, err)
	}
	return list, info.ModTime(), nil
}

// CheckImport reads no further than the first authorization of the list.
func CheckImport(path setting.Path) error {
	if err := path.Check(); err != nil {
		return err
	}
	f, err := os.Open(string(path))
	if err != nil {
		return err
	}
	defer f.Close()
	enough := errors.New("one is enough")
	if err := recovery.Read(f, func(audit.Authorization) error { return enough }); err != nil && !errors.Is(err, enough) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// mayBeOf: the list does not say which org an authorization is of. Its permissions tell,
// unless it has none, or one that reaches every org.
func mayBeOf(a audit.Authorization, org string) bool {
	return len(a.Permissions) == 0 || slices.ContainsFunc(a.Permissions, func(p audit.Permission) bool {
		r := p.Resource
		return r.OrgID == org || r.Type == "orgs" && r.ID == org || r.OrgID == "" && r.ID == ""
	})
}

// compareImport counts what is imported, what of it is listed, and what is listed but not
// imported although something newer is: IDs ascend with time.
func compareImport(imports, lists *sorted.List) (imported, listed, missing int, err error) {
	next, stop := iter.Pull2(imports.All())
	defer stop()
	known, errKnown, more := next()
	since := 0 // listed and not imported, since the newest that is both
	for a, err := range lists.All() {
		for ; more && errKnown == nil && known.Key() < a.Key(); known, errKnown, more = next() {
			imported++
		}
		switch {
		case err != nil:
			return 0, 0, 0, err
		case errKnown != nil:
			return 0, 0, 0, errKnown
		case a.Legacy || a.IsServer():
		case more && known.Key() == a.Key():
			listed++
			missing, since = missing+since, 0
		default:
			since++
		}
	}
	for ; more && errKnown == nil; _, errKnown, more = next() {
		imported++
	}
	return imported, listed, missing, errKnown
}

// unseen makes records of what is known from elsewhere: nothing was seen of it yet.
func (c *collector) unseen(list *sorted.List) iter.Seq2[audit.Record, error] {
	const source = "in the output of influxd recovery auth list"
	return func(yield func(audit.Record, error) bool) {
		for a, err := range list.All() {
			r := audit.Record{
				Target: c.cfg.Name, Authorization: a, Presence: audit.Unseen, Evidence: source,
				Owner: audit.Owner{ID: a.UserID, Name: a.User, State: audit.OwnerUnknown, Evidence: source},
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
