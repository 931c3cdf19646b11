package influxtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const bucketsPath = "/api/v2/buckets"

type bucket struct {
	ID             string          `json:"id"`
	OrgID          string          `json:"orgID"`
	Type           string          `json:"type"`
	Description    string          `json:"description,omitempty"`
	Name           string          `json:"name"`
	RetentionRules []retentionRule `json:"retentionRules"`
	CreatedAt      time.Time       `json:"createdAt"`
	UpdatedAt      time.Time       `json:"updatedAt"`
	Links          links           `json:"links"`
	Labels         []string        `json:"labels"`
}

type retentionRule struct {
	Type                      string `json:"type"`
	EverySeconds              int    `json:"everySeconds"`
	ShardGroupDurationSeconds int    `json:"shardGroupDurationSeconds"`
}

type bucketsResponse struct {
	Links   pagingLinks `json:"links"`
	Buckets []*bucket   `json:"buckets"`
}

func newBucket(id, orgID, name string) *bucket {
	self := bucketsPath + "/" + id
	return &bucket{
		ID: id, OrgID: orgID, Type: "user", Name: name,
		RetentionRules: []retentionRule{}, Labels: []string{},
		Links: links{
			"self": self, "members": self + "/members", "owners": self + "/owners", "labels": self + "/labels",
			"org": orgsPath + "/" + orgID, "write": "/api/v2/write?org=" + orgID + "&bucket=" + id,
		},
	}
}

// asSystem makes it one of the two buckets every organization has.
func (b *bucket) asSystem(description string, retention time.Duration) {
	b.Type, b.Description = "system", description
	b.RetentionRules = []retentionRule{{Type: "expire", EverySeconds: int(retention.Seconds())}}
}

// listBuckets filters by permission after paging, as listUsers does.
func (s *Server) listBuckets(r *http.Request, caller *Authorization) (any, error) {
	q := r.URL.Query()
	options, err := parseFindOptions(q)
	if err != nil {
		return nil, err
	}
	found, err := s.findBuckets(q, options)
	if err != nil {
		return nil, err
	}
	list := bucketsResponse{Buckets: []*bucket{}}
	for _, b := range found {
		if mayReadBucket(b, caller) == nil {
			list.Buckets = append(list.Buckets, b)
		}
	}
	list.Links = newPagingLinks(q, options, len(list.Buckets))
	return list, nil
}

func (s *Server) findBuckets(q url.Values, o findOptions) ([]*bucket, error) {
	orgID, err := idParameter(q, "orgID")
	if err != nil {
		return nil, err
	}
	id, err := idParameter(q, "id")
	switch {
	case err != nil:
		return nil, err
	case id != "":
		return only(s.state.bucketByID(id))
	case orgID == "" && q.Get("org") != "":
		found, err := s.state.orgByName(strings.TrimSpace(q.Get("org")))
		if err != nil {
			return nil, err
		}
		orgID = found.ID
	}
	return s.bucketsPage(orgID, q.Get("name"), o)
}

func (s *Server) bucketsPage(orgID, name string, o findOptions) ([]*bucket, error) {
	ids := s.bucketIDs(orgID, name)
	switch {
	case orgID == "":
		ids = o.page(ids)
	case name != "" && len(ids) == 0:
		return nil, missing(`bucket "` + name + `" not found`)
	default:
		ids = o.cut(ids[slices.Index(ids, o.after)+1:])
	}
	var page []*bucket
	for _, id := range ids {
		page = append(page, s.state.buckets[id])
	}
	return page, nil
}

// bucketIDs ascend, but those of one organization are in the order of names (T94).
func (s *Server) bucketIDs(orgID, name string) []string {
	ids := slices.DeleteFunc(ascending(s.state.buckets), func(id string) bool {
		b := s.state.buckets[id]
		return orgID != "" && b.OrgID != orgID || name != "" && b.Name != name
	})
	if orgID != "" {
		slices.SortFunc(ids, func(a, b string) int {
			return cmp.Compare(s.state.buckets[a].Name, s.state.buckets[b].Name)
		})
	}
	return ids
}

func (s *Server) bucket(r *http.Request, caller *Authorization) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	b, err := s.state.bucketByID(id)
	if err != nil {
		return nil, err
	}
	return b, mayReadBucket(b, caller)
}

// mayReadBucket: who may read the organization may read its system buckets
// (InfluxDB 2.9.1 authorizer/authorize.go AuthorizeReadBucket).
func mayReadBucket(b *bucket, caller *Authorization) error {
	if b.Type == "system" {
		return caller.may(toRead("orgs", b.OrgID, ""))
	}
	return caller.may(toRead("buckets", b.ID, b.OrgID))
}
