package audit

import (
	"fmt"
	"iter"
	"strings"
)

// Survey counts, while authorizations go by, what cannot be read of them: what is left
// out or of another form may be anything.
type Survey struct {
	rows, undated       int
	permissions, status few
}

// few is a number of authorizations and the IDs of the first of them.
type few struct {
	n   int
	ids []string
}

const fewNamed = 5

func (f *few) add(id string) {
	if f.n++; len(f.ids) < fewNamed {
		f.ids = append(f.ids, Line(id, 40))
	}
}

func (f few) String() string {
	more := ""
	if f.n > len(f.ids) {
		more = fmt.Sprintf(" and %d more", f.n-len(f.ids))
	}
	return fmt.Sprintf("%s (%s%s)", Plural(f.n, "token"), strings.Join(f.ids, ", "), more)
}

// Of passes seq on. Each walk counts anew.
func (s *Survey) Of(seq iter.Seq2[Authorization, error]) iter.Seq2[Authorization, error] {
	return func(yield func(Authorization, error) bool) {
		*s = Survey{}
		for a, err := range seq {
			if err == nil && !a.IsServer() {
				s.look(&a)
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

func (s *Survey) look(a *Authorization) {
	s.rows++
	if !a.PermissionsKnown() {
		s.permissions.add(a.ID)
	}
	if !a.StatusKnown() {
		s.status.add(a.ID)
	}
	if a.CreatedAt.IsZero() {
		s.undated++
	}
}

// Conclude says it in the coverage, once the walk has ended.
func (s *Survey) Conclude(c *Coverage) {
	if s.permissions.n > 0 {
		c.Gap(RowsReadable, Partial, "the permissions of %s are left out or cannot be read, so what they allow is not known", s.permissions)
	}
	if s.status.n > 0 {
		c.Gap(RowsReadable, Partial, "the status of %s is neither active nor inactive", s.status)
	}
	if s.rows > 0 {
		c.Hold(RowsReadable, "permissions and status of %s can be read", Plural(s.rows, "listed token"))
	}
	if s.undated > 0 {
		c.AddBlindSpot("no date of creation is known of " + Plural(s.undated, "token") + ", as InfluxDB did not always keep one: not-rotated is not judged there")
	}
}
