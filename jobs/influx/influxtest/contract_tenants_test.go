package influxtest_test

func userCases() []exchange {
	const path = "/api/v2/users"
	return []exchange{
		ok("T51", path, "operator", 954, "admin", "iot_user_1", "inactive_user", "globex_user", "reader", "outsider"),
		ok("T52", path+"?name=iot_user_1", "operator", 209, "iot_user_1"),
		ok("T53", path+"/?name=iot_user_1", "operator", 209, "iot_user_1"),
		failure("T54", path+"?name=IOT_USER_1", "operator", 404, "not found", "user not found"),
		failure("T55", path+"?name=deleted_user", "operator", 404, "not found", "user not found"),
		failure("T56", path+"?id={deletedUser}", "operator", 404, "not found", "user not found"),
		failure("T57", path+"/{deletedUser}", "operator", 404, "not found", "user not found"),
		ok("T58", path+"/{inactiveUser}", "operator", 137, "inactive_user"),
		ok("T59", path+"?limit=2", "operator", 354, "admin", "iot_user_1"),
		ok("T60", path+"?limit=2&offset=2", "operator", 365, "inactive_user", "globex_user"),
		ok("T61", path+"?limit=2&after={iotUser}", "operator", 365, "inactive_user", "globex_user"),
		failure("T62", path+"?limit=101", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T63", path+"?limit=0", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T64", path+"?limit=-1", "operator", 400, "invalid", "limit must be between 1 and 100"),
		failure("T65", path+"?limit=x", "operator", 400, "invalid", "limit is invalid"),
		ok("T66", path+"?offset=-5&limit=2", "operator", 354, "admin", "iot_user_1"),
		failure("T67", path+"?after=nope", "operator", 400, "invalid", "decoding after: id must have a length of 16 bytes"),
		ok("T68", path+"?descending=true", "operator", 954, "outsider", "reader", "globex_user", "inactive_user", "iot_user_1", "admin"),
		ok("T69", path+"?offset=1000", "operator", 58),
		ok("T70", path, "allAccess", 205, "reader"),
		ok("T71", path+"?limit=2", "allAccess", 58),
		ok("T72", path+"?name=iot_user_1", "allAccess", 58),
		failure("T73", path+"/{iotUser}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T74", path+"/{deletedUser}", "allAccess", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		failure("T75", path+"/{deletedUser}", "auditorGlobal", 404, "not found", "user not found"),
		ok("T76", "/api/v2/me", "operator", 127, "admin"),
		failure("T77", "/api/v2/me", "readOnly", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T78", "/api/v2/me", "deletedUserWrite", 403, "forbidden", "User is inactive"),
		ok("T121", path+"?limit=2&descending=true&after={reader}", "operator", 353, "outsider", "reader"),
		ok("T122", path+"?limit=2&after={deletedUser}", "operator", 356, "globex_user", "reader"),
	}
}

// Organizations come in the order of their random ids. The list of both is one
// byte longer than recorded: a trailing zero was cut from a recorded time.
func orgCases() []exchange {
	const path = "/api/v2/orgs"
	return []exchange{
		ok("T79", path, "operator", 1351, "globex", "acme"),
		failure("T80", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		ok("T81", path+"?orgID={acme}", "operator", 700, "acme"),
		ok("T82", path+"?orgID=bad", "operator", 1351, "globex", "acme"),
		ok("T83", path, "allAccess", 700, "acme"),
		ok("pages of its own", path+"?limit=1", "allAccess", 700, "acme"),
		ok("T84", path, "auditorOrg", 56),
		ok("T85", path+"/{acme}/members", "operator", 430, "iot_user_1", "inactive_user"),
		ok("T86", path+"/{acme}/owners", "operator", 413, "admin", "reader"),
		ok("T87", path+"/{acme}/members", "allAccess", 430, "iot_user_1", "inactive_user"),
		failure("T88", path+"/{acme}/members", "auditorOrg", 404, "not found", "404 page not found"),
		failure("T89", path+"/{globex}/members", "allAccess", 404, "not found", "404 page not found"),
		failure("T90", path+"/{goneOrg}/members", "operator", 404, "not found", "404 page not found"),
		ok("limit, offset", path+"?limit=1&offset=1", "operator", 0, "acme"),
		ok("by id", path+"/{acme}", "allAccess", 0, "acme"),
		failure("by id, deleted", path+"/{goneOrg}", "operator", 404, "not found", "organization not found"),
		failure("by id, not permitted", path+"/{globex}", "allAccess", 401, "unauthorized", "read:orgs/{globex} is unauthorized"),
	}
}

func bucketCases() []exchange {
	const path = "/api/v2/buckets"
	return []exchange{
		failure("T92", path+"?id={deletedBucket}", "operator", 404, "not found", "bucket not found"),
		failure("T93", path+"/{deletedBucket}", "operator", 404, "not found", "bucket not found"),
		ok("T94", path+"?orgID={acme}&limit=100", "operator", 2306, "_monitoring", "_tasks", "telemetry"),
		ok("one bucket only", path, "readOnly", 0, "telemetry"),
	}
}
