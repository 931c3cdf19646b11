package influxtest

// Operator returns the 44 permissions of an operator token: everything, in all
// organizations (T46).
func Operator() []Permission {
	var ps []Permission
	for _, t := range resourceTypes() {
		ps = append(ps, both(Resource{Type: t})...)
	}
	return ps
}

// AllAccess returns the 46 permissions of an all-access token: everything in the
// organization, and its own user.
func AllAccess(orgID, userID string) []Permission {
	return append(allOfOrg(orgID), both(Resource{Type: "users", ID: userID})...)
}

// allOfOrg is InfluxDB 2.9.1 authz.go OwnerPermissions.
func allOfOrg(orgID string) []Permission {
	var ps []Permission
	for _, t := range resourceTypes() {
		r := Resource{Type: t, OrgID: orgID}
		if t == "orgs" {
			r = Resource{Type: t, ID: orgID}
		}
		ps = append(ps, both(r)...)
	}
	return ps
}

// AuditorPermissions returns what an audit of the organization needs and no more:
// its authorizations, and users and organizations at large. read:users must not
// name the organization (T25, T27).
func AuditorPermissions(orgID string) []Permission {
	return []Permission{
		toRead("authorizations", "", orgID),
		toRead("users", "", ""),
		toRead("orgs", "", ""),
	}
}

// ReadBuckets allows reading the buckets; without buckets, all of the organization.
func ReadBuckets(orgID string, bucketIDs ...string) []Permission {
	return onBuckets(read, orgID, bucketIDs)
}

// WriteBuckets allows writing the buckets; without buckets, all of the organization.
func WriteBuckets(orgID string, bucketIDs ...string) []Permission {
	return onBuckets(write, orgID, bucketIDs)
}

// ReadWriteBuckets allows both; without buckets, for all of the organization.
func ReadWriteBuckets(orgID string, bucketIDs ...string) []Permission {
	return append(ReadBuckets(orgID, bucketIDs...), WriteBuckets(orgID, bucketIDs...)...)
}

func onBuckets(action, orgID string, bucketIDs []string) []Permission {
	if len(bucketIDs) == 0 {
		return []Permission{{action, Resource{Type: "buckets", OrgID: orgID}}}
	}
	var ps []Permission
	for _, id := range bucketIDs {
		ps = append(ps, Permission{action, Resource{Type: "buckets", ID: id, OrgID: orgID}})
	}
	return ps
}

func both(r Resource) []Permission {
	return []Permission{{read, r}, {write, r}}
}
