package contract

func userCases() []exchange {
	const path = "/api/v2/users"
	return []exchange{
		ok("T51", path, "operator", "admin", "iotUser", "inactiveUser", "globexUser", "reader", "outsider"),
		ok("T52", path+"?name=iot_user_1", "operator", "iotUser"),
		ok("T53", path+"/?name=iot_user_1", "operator", "iotUser"),
		failure("T54", path+"?name=IOT_USER_1", "operator", 404, "not found", "user not found"),
		failure("T55", path+"?name=deleted_user", "operator", 404, "not found", "user not found"),
		failure("T56", path+"?id={deletedUser}", "operator", 404, "not found", "user not found"),
		failure("T57", path+"/{deletedUser}", "operator", 404, "not found", "user not found"),
		ok("T58", path+"/{inactiveUser}", "operator", "inactiveUser").with(`"status": "inactive"`),
		ok("T59", path+"?limit=2", "operator", "admin", "iotUser"),
		ok("T60", path+"?limit=2&offset=2", "operator", "inactiveUser", "globexUser"),
		ok("T61", path+"?limit=2&after={iotUser}", "operator", "inactiveUser", "globexUser"),
		failure("T62", path+"?limit=101", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T63", path+"?limit=0", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T64", path+"?limit=-1", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T65", path+"?limit=x", "operator", 400, "invalid", "limit is invalid"),
		ok("T66", path+"?offset=-5&limit=2", "operator", "admin", "iotUser"),
		failure("T67", path+"?after=nope", "operator", 400, "invalid", "decoding after: id must have a length of 16 bytes"),
		ok("T68", path+"?descending=true", "operator", "outsider", "reader", "globexUser", "inactiveUser", "iotUser", "admin"),
		ok("T69", path+"?offset=1000", "operator"),
		ok("T70", path, "allAccess", "reader"),
		ok("T71", path+"?limit=2", "allAccess"),
		ok("T72", path+"?name=iot_user_1", "allAccess"),
		failure("T73", path+"/{iotUser}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T74", path+"/{deletedUser}", "allAccess", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		failure("T75", path+"/{deletedUser}", "auditorGlobal", 404, "not found", "user not found"),
		ok("T76", "/api/v2/me", "operator", "admin"),
		failure("T77", "/api/v2/me", "readOnly", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T78", "/api/v2/me", "deletedUserWrite", 403, "forbidden", "User is inactive"),
		ok("T121", path+"?limit=2&descending=true&after={reader}", "operator", "outsider", "reader"),
		ok("T122", path+"?limit=2&after={deletedUser}", "operator", "globexUser", "reader"),
		failure("a user that never was", path+"/0000000000000001", "auditor", 404, "not found", "user not found"),
		failure("a user that never was, not permitted", path+"/0000000000000001", "allAccess", 401, "unauthorized", "read:users/{} is unauthorized"),
	}
}

func orgCases() []exchange {
	const path = "/api/v2/orgs"
	return []exchange{
		ok("T79", path, "operator", "acme", "globex").inAnyOrder(),
		failure("T80", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		ok("T81", path+"?orgID={acme}", "operator", "acme"),
		ok("T82", path+"?orgID=bad", "operator", "acme", "globex").inAnyOrder(),
		ok("T83", path, "allAccess", "acme"),
		ok("pages of its own", path+"?limit=1", "allAccess", "acme"),
		ok("T84", path, "auditorOrg"),
		ok("T85", path+"/{acme}/members", "operator", "iotUser", "inactiveUser"),
		ok("T86", path+"/{acme}/owners", "operator", "admin", "reader"),
		ok("T87", path+"/{acme}/members", "allAccess", "iotUser", "inactiveUser"),
		failure("T88", path+"/{acme}/members", "auditorOrg", 404, "not found", "404 page not found"),
		failure("T89", path+"/{globex}/members", "allAccess", 404, "not found", "404 page not found"),
		failure("T90", path+"/{goneOrg}/members", "operator", 404, "not found", "404 page not found"),
		ok("nobody is a member", path+"/{globex}/members", "operator"),
		failure("members of a malformed id", path+"/bad/members", "operator", 400, "invalid", "corrupt ID provided: id must have a length of 16 bytes"),
		ok("org=", path+"?org=acme", "allAccess", "acme"),
		ok("org= not permitted", path+"?org=globex", "allAccess"),
		ok("by id", path+"/{acme}", "allAccess", "acme"),
		failure("by id, deleted", path+"/{goneOrg}", "operator", 404, "not found", "organization not found"),
		failure("by id, not permitted", path+"/{globex}", "allAccess", 401, "unauthorized", "read:orgs/{globex} is unauthorized"),
	}
}

func bucketCases() []exchange {
	const path = "/api/v2/buckets"
	return []exchange{
		failure("T92", path+"?id={deletedBucket}", "operator", 404, "not found", "bucket not found"),
		failure("T93", path+"/{deletedBucket}", "operator", 404, "not found", "bucket not found"),
		ok("T94", path+"?orgID={acme}&limit=100", "operator", "_monitoring", "_tasks", "telemetry"),
		ok("one bucket only", path, "readOnly", "telemetry"),
	}
}

func legacyCases() []exchange {
	const path = "/private/legacy/authorizations"
	return []exchange{
		ok("T95", path, "operator", "v1Live").with(`"token": "v1-live"`),
		ok("T96", path+"?userID={deletedUser}", "operator"),
		ok("T97", path+"?token=v1-live", "operator", "v1Live"),
		failure("T98", path+"/{v1Orphan}", "operator", 404, "not found", "user not found"),
		ok("not permitted", path, "readOnly"),
		failure("token= of nobody", path+"?token=nobody", "operator", 404, "not found", "authorization not found"),
	}
}
