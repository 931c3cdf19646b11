package csv

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const VantaFile = "vanta-access.csv"

// Vanta writes the population as the Vanta Access File has it, an account for each
// authorization. To upload it, Vanta wants it named "Access File - [Company] -
// [System].csv".
type Vanta struct{ accounts *writer }

func NewVanta(s *table.Staging, in table.Input) (*Vanta, error) {
	w, err := newWriter(s, VantaFile, table.CSVStyle{}, vantaColumns(in.Summary.Policy))
	if err != nil {
		return nil, err
	}
	if err := w.header(); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return &Vanta{w}, nil
}

// Add leaves out what is gone, and the server.
func (v *Vanta) Add(r *table.Row) error {
	if !r.Exists() {
		return nil
	}
	return v.accounts.add(r)
}

func (v *Vanta) Finish(context.Context, *audit.Highlights) ([]table.Shown, error) {
	return nil, v.accounts.end()
}

func (v *Vanta) Close() error { return v.accounts.file.Close() }

// vantaColumns have the names and the values of
// https://help.vanta.com/en/articles/11345421-access-file-uploader.
func vantaColumns(policy audit.AppliedPolicy) []table.Column {
	return []table.Column{
		{Name: "Account name", Value: func(r *table.Row) any { return accountName(r) }},
		{Name: "Account owner", Value: func(r *table.Row) any { return accountOwner(r, policy) }},
		{Name: "Role", Value: func(r *table.Row) any { return roles(r) }},
		{Name: "Status", Value: func(r *table.Row) any { return accountStatus(r) }},
	}
}

// accountName is unlike every other, and says what the authorization is for. Vanta
// refuses spaces at the ends.
func accountName(r *table.Row) string {
	return strings.TrimSpace(r.Target + "/" + r.Key() + " " + strings.TrimSpace(audit.Line(r.Description, 100)))
}

// accountOwner is empty, for the reviewer to fill in, where the user is known and
// its name is no e-mail address: a name alone is nobody that Vanta knows.
func accountOwner(r *table.Row, policy audit.AppliedPolicy) string {
	switch {
	case r.Owner.State == audit.OwnerDeleted:
		return "No owner"
	case r.IsService(policy):
		return "Not a person"
	case isMail(r.OwnerName()):
		return r.OwnerName()
	}
	return ""
}

func isMail(name string) bool {
	address, err := mail.ParseAddress(name)
	return err == nil && address.Address == name
}

func roles(r *table.Row) string {
	roles := []string{r.Access.Class()}
	if r.Access.Mints {
		roles = append(roles, "creates tokens")
	}
	if r.Access.AdministersUsers {
		roles = append(roles, "administers users")
	}
	return strings.Join(roles, ", ")
}

// accountStatus is that of the authorization at the review: only what says that it does not
// work is taken for that.
func accountStatus(r *table.Row) string {
	if !r.Works(r.Now) {
		return "Deactivated"
	}
	return "Active"
}
