package influxtest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// generated authorizations are computed whenever they are read, so that a million
// of them needs no memory. Their tokens are not accepted.
type generated struct {
	n       int
	orgID   string
	users   []string
	buckets []string
	since   time.Time
}

const (
	firstGenerated = 0x1200000000000000 // after all snowflakes
	year           = 365 * 24 * time.Hour
)

// Generate gives the organization n authorizations for benchmarks, owned by
// generated members of it, the same in every run: 2 % of them are all-access
// tokens, the others have 1 to 6 permissions on buckets, which makes about 1.4 kB
// each in a list. It may be called once.
func (s *Server) Generate(orgID string, n int) {
	g := generated{n: n, orgID: orgID, since: s.Now().Add(-2 * year)}
	for i := range n/100 + 1 {
		user := s.AddUser(fmt.Sprintf("gateway-%05d", i))
		s.AddMember(orgID, user)
		g.users = append(g.users, user)
	}
	for i := range 200 {
		g.buckets = append(g.buckets, s.AddBucket(orgID, fmt.Sprintf("plant-%03d-telemetry", i)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.generated = g
}

func (g generated) all() iter.Seq[*Authorization] {
	return func(yield func(*Authorization) bool) {
		for i := range g.n {
			if !yield(g.at(i)) {
				return
			}
		}
	}
}

func (g generated) byID(id string) *Authorization {
	var n uint64
	_, _ = fmt.Sscanf(id, "%x", &n)
	if n < firstGenerated || n >= firstGenerated+uint64(g.n) {
		return nil
	}
	return g.at(int(n - firstGenerated))
}

func (g generated) at(i int) *Authorization {
	random := rand.New(rand.NewPCG(22708, uint64(i)))
	id := formatID(firstGenerated + uint64(i))
	created := g.since.Add(time.Duration(i)*(2*year/time.Duration(g.n)) + time.Duration(random.IntN(1e9)))
	return &Authorization{
		ID: id, OrgID: g.orgID, UserID: g.users[random.IntN(len(g.users))],
		Token:       tokenValue(id),
		Status:      pick(random, 0.07, Inactive, Active),
		Description: g.description(random, i),
		Permissions: g.permissions(random),
		CreatedAt:   created, UpdatedAt: created,
	}
}

func pick(random *rand.Rand, chance float64, rare, usual string) string {
	if random.Float64() < chance {
		return rare
	}
	return usual
}

func (g generated) description(random *rand.Rand, i int) string {
	switch random.IntN(20) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(`=HYPERLINK("http://evil.example/%d","click")`, i)
	case 2:
		return fmt.Sprintf("line %d\n\tspindle \"B\" <b>&amp;</b>", i)
	case 3:
		return fmt.Sprintf("Kühlhaus 温度 %d", i)
	}
	return fmt.Sprintf("telegraf on gateway %d, hall %d", i, random.IntN(40))
}

func (g generated) permissions(random *rand.Rand) []Permission {
	if random.IntN(50) == 0 {
		return allOfOrg(g.orgID)
	}
	var ps []Permission
	for range 1 + random.IntN(6) {
		action := pick(random, 0.4, write, read)
		ps = append(ps, onBuckets(action, g.orgID, []string{g.buckets[random.IntN(len(g.buckets))]})...)
	}
	return ps
}
