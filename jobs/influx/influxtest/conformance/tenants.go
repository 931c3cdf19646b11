package conformance

func userCases() []Exchange {
	const path = "/api/v2/users"
	return []Exchange{
		OK("T51", path, "operator", "admin", "iotUser", "inactiveUser", "globexUser", "reader", "outsider"),
		OK("T52", path+"?name=iot_user_1", "operator", "iotUser"),
		OK("T53", path+"/?name=iot_user_1", "operator", "iotUser"),
		Failure("T54", path+"?name=IOT_USER_1", "operator", 404, "not found", "user not found"),
		Failure("T55", path+"?name=deleted_user", "operator", 404, "not found", "user not found"),
		Failure("T56", path+"?id={deletedUser}", "operator", 404, "not found", "user not found"),
		Failure("T57", path+"/{deletedUser}", "operator", 404, "not found", "user not found"),
		OK("T58", path+"/{inactiveUser}", "operator", "inactiveUser").With(`"status": "inactive"`),
		OK("T59", path+"?limit=2", "operator", "admin", "iotUser"),
		OK("T60", path+"?limit=2&offset=2", "operator", "inactiveUser", "globexUser"),
		OK("T61", path+"?limit=2&after={iotUser}", "operator", "inactiveUser", "globexUser"),
		Failure("T62", path+"?limit=101", "operator", 400, "invalid", "limit must be between 1 and 100"),
		Failure("T63", path+"?limit=0", "operator", 400, "invalid", "limit must be between 1 and 100"),
		Failure("T64", path+"?limit=-1", "operator", 400, "invalid", "limit must be between 1 and 100"),
		Failure("T65", path+"?limit=x", "operator", 400, "invalid", "limit is invalid"),
		OK("T66", path+"?offset=-5&limit=2", "operator", "admin", "iotUser"),
		Failure("T67", path+"?after=nope", "operator", 400, "invalid", "decoding after: id must have a length of 16 bytes"),
		OK("T68", path+"?descending=true", "operator", "outsider", "reader", "globexUser", "inactiveUser", "iotUser", "admin"),
		OK("T69", path+"?offset=1000", "operator"),
		OK("T70", path, "allAccess", "reader"),
		OK("T71", path+"?limit=2", "allAccess"),
		OK("T72", path+"?name=iot_user_1", "allAccess"),
		Failure("T73", path+"/{iotUser}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		Failure("T74", path+"/{deletedUser}", "allAccess", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		Failure("T75", path+"/{deletedUser}", "auditorGlobal", 404, "not found", "user not found"),
		OK("T76", "/api/v2/me", "operator", "admin"),
		Failure("T77", "/api/v2/me", "readOnly", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		Failure("T78", "/api/v2/me", "deletedUserWrite", 403, "forbidden", "User is inactive"),
		OK("T121", path+"?limit=2&descending=true&after={reader}", "operator", "outsider", "reader"),
		OK("T122", path+"?limit=2&after={deletedUser}", "operator", "globexUser", "reader"),
		Failure("a user that never was", path+"/0000000000000001", "auditor", 404, "not found", "user not found"),
		Failure("a user that never was, not permitted", path+"/0000000000000001", "allAccess", 401, "unauthorized", "read:users/{} is unauthorized"),
	}
}

func orgCases() []Exchange {
	const path = "/api/v2/orgs"
	return []Exchange{
		OK("T79", path, "operator", "acme", "globex").InAnyOrder(),
		Failure("T80", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		OK("T81", path+"?orgID={acme}", "operator", "acme"),
		OK("T82", path+"?orgID=bad", "operator", "acme", "globex").InAnyOrder(),
		OK("T83", path, "allAccess", "acme"),
		OK("pages of its own", path+"?limit=1", "allAccess", "acme"),
		OK("T84", path, "auditorOrg"),
		OK("T85", path+"/{acme}/members", "operator", "iotUser", "inactiveUser"),
		OK("T86", path+"/{acme}/owners", "operator", "admin", "reader"),
		OK("T87", path+"/{acme}/members", "allAccess", "iotUser", "inactiveUser"),
		Failure("T88", path+"/{acme}/members", "auditorOrg", 404, "not found", "404 page not found"),
		Failure("T89", path+"/{globex}/members", "allAccess", 404, "not found", "404 page not found"),
		Failure("T90", path+"/{goneOrg}/members", "operator", 404, "not found", "404 page not found"),
		OK("nobody is a member", path+"/{globex}/members", "operator"),
		Failure("members of a malformed id", path+"/bad/members", "operator", 400, "invalid", "corrupt ID provided: id must have a length of 16 bytes"),
		OK("org=", path+"?org=acme", "allAccess", "acme"),
		OK("org= not permitted", path+"?org=globex", "allAccess"),
		OK("by id", path+"/{acme}", "allAccess", "acme"),
		Failure("by id, deleted", path+"/{goneOrg}", "operator", 404, "not found", "organization not found"),
		Failure("by id, not permitted", path+"/{globex}", "allAccess", 401, "unauthorized", "read:orgs/{globex} is unauthorized"),
	}
}

func bucketCases() []Exchange {
	const path = "/api/v2/buckets"
	return []Exchange{
		Failure("T92", path+"?id={deletedBucket}", "operator", 404, "not found", "bucket not found"),
		Failure("T93", path+"/{deletedBucket}", "operator", 404, "not found", "bucket not found"),
		OK("T94", path+"?orgID={acme}&limit=100", "operator", "_monitoring", "_tasks", "telemetry"),
		OK("one bucket only", path, "readOnly", "telemetry"),
	}
}

func legacyCases() []Exchange {
	const path = "/private/legacy/authorizations"
	return []Exchange{
		OK("T95", path, "operator", "v1Live").With(`"token": "v1-live"`),
		OK("T96", path+"?userID={deletedUser}", "operator"),
		OK("T97", path+"?token=v1-live", "operator", "v1Live"),
		Failure("T98", path+"/{v1Orphan}", "operator", 404, "not found", "user not found"),
		OK("not permitted", path, "readOnly"),
		OK("user= selects nothing", path+"?user=reader", "operator", "v1Live"),
		Failure("user= of nobody", path+"?user=nobody", "operator", 404, "not found", "user not found"),
		Failure("token= of nobody", path+"?token=nobody", "operator", 404, "not found", "authorization not found"),
	}
}
