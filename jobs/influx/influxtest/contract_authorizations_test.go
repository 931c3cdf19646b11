package influxtest_test

func all() []string {
	return append(acmeOnly()[:14:14], "globexWrite", "globexAllAccess", "dashboards", "outsiderWrite")
}

func acmeOnly() []string {
	return []string{
		"operator", "activeWrite", "readWrite", "readOnly", "inactiveWrite", "dangling",
		"allAccess", "allAccessNoMe", "auditorOrg", "auditorGlobal", "auditor",
		"inactiveOperator", "inactiveUserWrite", "inactiveUserOperator",
		"dashboards", "outsiderWrite",
	}
}

func readersOwn() []string {
	return []string{"allAccess", "allAccessNoMe", "auditorOrg", "auditor"}
}

func authorizationCases() []exchange {
	const path = "/api/v2/authorizations"
	return []exchange{
		ok("T1", path, "operator", 42666, all()...),
		ok("T2", path+"?userID={deletedUser}", "operator", 76),
		failure("T3", path+"?user=deleted_user", "operator", 404, "not found", "user not found"),
		ok("T4", path+"?userID=0000000000000099", "operator", 76),
		ok("T5", path+"?orgID={goneOrg}", "operator", 76),
		failure("T6", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		ok("T7", path+"?org=globex", "operator", 7888, "globexWrite", "globexAllAccess"),
		ok("T8", path+"?user=iot_user_1&org=globex", "operator", 76),
		ok("T9", path+"?userID={reader}&user=iot_user_1", "operator", 15496, readersOwn()...),
		ok("T10", path+"?id={activeWrite}", "operator", 750, "activeWrite"),
		ok("T11", path+"?id={activeWrite}&userID={reader}", "operator", 750, "activeWrite"),
		failure("T12", path+"?id=00000000000000aa", "operator", 404, "not found", "authorization not found"),
		ok("T13", path+"?id={deletedUserWrite}", "operator", 76),
		ok("T14", path+"?token=anything", "operator", 42666, all()...),
		ok("T15", path+"?limit=2&offset=1&after={readOnly}&descending=true", "operator", 42666, all()...),
		ok("T16", path+"?limit=abc", "operator", 42666, all()...),
		failure("T17", path+"?userID=iot_user_1", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		failure("T18", path+"?userID=zzzzzzzzzzzzzzzz", "operator", 400, "invalid", "invalid ID"),
		failure("T19", path+"?userID=0000000000000000", "operator", 400, "invalid", "invalid ID"),
		ok("T20", path+"?userID=", "operator", 42666, all()...),
		ok("T21", path+"?userid={reader}", "operator", 42666, all()...),
		ok("T22", path+"/?userID={reader}", "operator", 15496, readersOwn()...),
		ok("T23", path, "allAccess", 15496, readersOwn()...),
		ok("T24", path, "allAccessNoMe", 76),
		ok("T25", path, "auditorOrg", 76),
		ok("T26", path, "auditorGlobal", 42666, all()...),
		ok("T27", path, "auditor", 34855, acmeOnly()...),
		ok("T28", path, "readOnly", 76),
		ok("T119", path+"?user=iot_user_1", "readOnly", 76),
		failure("T120", path+"?user=nobody", "readOnly", 404, "not found", "user not found"),
		ok("T123", path+"?userID={reader}&userID={iotUser}", "operator", 15496, readersOwn()...),
		failure("T125", "/api/v2/nope", "operator", 404, "not found", "path not found"),
	}
}

func authenticationCases() []exchange {
	const path = "/api/v2/authorizations"
	return []exchange{
		ok("T29", path, "inactiveOperator", 76),
		ok("T30", "/api/v2/users", "inactiveOperator", 58),
		ok("T31", "/api/v2/orgs", "inactiveOperator", 56),
		ok("T32", "/api/v2/buckets", "inactiveOperator", 107),
		failure("T33", "/api/v2/me", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		failure("T34", path+"/{activeWrite}", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		failure("T35", path, "inactiveUserOperator", 403, "forbidden", "User is inactive"),
		failure("T36", path, "deletedUserOperator", 403, "forbidden", "User is inactive"),
		failure("T37", path, "unknown", 401, "unauthorized", "unauthorized access"),
		failure("T38", path, "", 401, "unauthorized", "unauthorized access"),
	}
}

func byIDCases() []exchange {
	const path = "/api/v2/authorizations/"
	return []exchange{
		ok("T39", path+"{activeWrite}", "operator", 615, "activeWrite"),
		failure("T40", path+"{deletedUserWrite}", "operator", 404, "not found", "user not found"),
		failure("T41", path+"{goneOrgWrite}", "operator", 404, "not found", "organization not found"),
		failure("T42", path+"00000000000000aa", "operator", 404, "not found", "authorization not found"),
		failure("T43", path+"abc", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		ok("T44", path+"{dangling}", "operator", 576, "dangling"),
		ok("T45", path+"{dashboards}", "operator", 573, "dashboards"),
		ok("T46", path+"{operator}", "operator", 3771, "operator"),
		failure("T47", path+"{activeWrite}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T48", path+"{readOnly}", "readOnly", 401, "unauthorized", "read:orgs/{acme}/authorizations/{readOnly} is unauthorized"),
		failure("T49", path+"{deletedUserWrite}", "auditorOrg", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		failure("T50", path+"{deletedUserWrite}", "auditor", 404, "not found", "user not found"),
	}
}

func legacyCases() []exchange {
	const path = "/private/legacy/authorizations"
	return []exchange{
		ok("T95", path, "operator", 775, "v1Live"),
		ok("T96", path+"?userID={deletedUser}", "operator", 84),
		ok("T97", path+"?token=v1-live", "operator", 775, "v1Live"),
		failure("T98", path+"/{v1Orphan}", "operator", 404, "not found", "user not found"),
		failure("legacy token miss", path+"?token=nobody", "operator", 404, "not found", "authorization not found"),
		failure("legacy user miss", path+"?user=nobody", "operator", 404, "not found", "user not found"),
		ok("legacy user selects nothing", path+"?user=reader", "operator", 775, "v1Live"),
	}
}
