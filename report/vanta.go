package report

import (
	"context"
	"io"
	"iter"
	"net/mail"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

const vantaFile = "vanta-access.csv"

// writeVanta writes the population as the Vanta Access File has it, an account for
// each authorization. To upload it, Vanta wants it named
// "Access File - [Company] - [System].csv".
func writeVanta(ctx context.Context, d *draft) error {
	return d.File(vantaFile, func(w io.Writer) error {
		return writeTable(w, CSVStyle{}, vantaColumns(d.in.Summary.Policy), existing(d.authorizationRows(ctx)))
	})
}

// vantaColumns have the names and the values of
// https://help.vanta.com/en/articles/11345421-access-file-uploader.
func vantaColumns(policy audit.AppliedPolicy) []column {
	return []column{
		{name: "Account name", value: func(r *row) value { return str(r.account()) }},
		{name: "Account owner", value: func(r *row) value { return str(r.accountOwner(policy)) }},
		{name: "Role", value: func(r *row) value { return str(r.roles()) }},
		{name: "Status", value: func(r *row) value { return str(r.accountStatus()) }},
	}
}

// existing leaves out what is gone.
func existing(rows iter.Seq2[*row, error]) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		for r, err := range rows {
			if err == nil && !r.Exists() {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// account is unlike every other, and says what the authorization is for. Vanta
// refuses spaces at the ends.
func (r *row) account() string {
	return strings.TrimSpace(r.Target + "/" + r.Key() + " " + strings.TrimSpace(audit.Line(r.Description, 100)))
}

// accountOwner is empty, for the reviewer to fill in, where the user is known and
// its name is no e-mail address: a name alone is nobody that Vanta knows.
func (r *row) accountOwner(policy audit.AppliedPolicy) string {
	switch {
	case r.Owner.State == audit.OwnerDeleted:
		return "No owner"
	case r.isService(policy):
		return "Not a person"
	case isMail(r.owner()):
		return r.owner()
	}
	return ""
}

// isService reports whether the policy lists the owner as a service user.
func (r *row) isService(policy audit.AppliedPolicy) bool {
	return slices.Contains(policy.ServiceUsers, r.UserID) || r.owner() != "" && slices.Contains(policy.ServiceUsers, r.owner())
}

func isMail(name string) bool {
	address, err := mail.ParseAddress(name)
	return err == nil && address.Address == name
}

func (r *row) roles() string {
	roles := []string{r.access.Class()}
	if r.access.Mints {
		roles = append(roles, "creates tokens")
	}
	if r.access.AdministersUsers {
		roles = append(roles, "administers users")
	}
	return strings.Join(roles, ", ")
}

// accountStatus is that of the authorization: only what says that it is inactive is
// taken for that.
func (r *row) accountStatus() string {
	if r.Status == audit.Inactive {
		return "Deactivated"
	}
	return "Active"
}
