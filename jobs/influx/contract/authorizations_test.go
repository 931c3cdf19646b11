package contract

import (
	"net/http"
	"slices"
	"testing"
)

const authorizationsPath = "/api/v2/authorizations"

func TestContract(t *testing.T) {
	p := newPair(t)
	for _, e := range slices.Concat(listCases(), sightCases(), byIDCases(), userCases(), orgCases(), bucketCases(), legacyCases(), routingCases()) {
		t.Run(e.number, func(t *testing.T) { p.check(t, e) })
	}
}

func everything() []string {
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

func readersOwn() []string { return []string{"allAccess", "allAccessNoMe", "auditorOrg", "auditor"} }

func listCases() []exchange {
	const path = authorizationsPath
	return []exchange{
		ok("T1", path, "operator", everything()...),
		ok("T2", path+"?userID={deletedUser}", "operator"),
		failure("T3", path+"?user=deleted_user", "operator", 404, "not found", "user not found"),
		ok("T4", path+"?userID=0000000000000099", "operator"),
		ok("T5", path+"?orgID={goneOrg}", "operator"),
		failure("T6", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		ok("T7", path+"?org=globex", "operator", "globexWrite", "globexAllAccess"),
		ok("T8", path+"?user=iot_user_1&org=globex", "operator"),
		ok("T9", path+"?userID={reader}&user=iot_user_1", "operator", readersOwn()...),
		ok("T10", path+"?id={activeWrite}", "operator", "activeWrite"),
		ok("T11", path+"?id={activeWrite}&userID={reader}", "operator", "activeWrite"),
		failure("T12", path+"?id=00000000000000aa", "operator", 404, "not found", "authorization not found"),
		ok("T13", path+"?id={deletedUserWrite}", "operator"),
		ok("T14", path+"?token=anything", "operator", everything()...),
		ok("T15", path+"?limit=2&offset=1&after={readOnly}&descending=true", "operator", everything()...),
		ok("T16", path+"?limit=abc", "operator", everything()...),
		failure("T17", path+"?userID=iot_user_1", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		failure("T18", path+"?userID=zzzzzzzzzzzzzzzz", "operator", 400, "invalid", "invalid ID"),
		failure("T19", path+"?userID=0000000000000000", "operator", 400, "invalid", "invalid ID"),
		ok("T20", path+"?userID=", "operator", everything()...),
		ok("T21", path+"?userid={reader}", "operator", everything()...),
		ok("T22", path+"/?userID={reader}", "operator", readersOwn()...),
		ok("T119", path+"?user=iot_user_1", "readOnly"),
		failure("T120", path+"?user=nobody", "readOnly", 404, "not found", "user not found"),
		ok("T123", path+"?userID={reader}&userID={iotUser}", "operator", readersOwn()...),
		ok("a capital id", path+"?userID=A00000000000000A", "operator"),
		ok("a name with blanks around it", path+"?org=%20globex%20", "operator", "globexWrite", "globexAllAccess"),
		failure("a plus is a blank", path+"?user=iot+user", "operator", 404, "not found", "user not found"),
	}
}

func sightCases() []exchange {
	const path = authorizationsPath
	return []exchange{
		ok("T23", path, "allAccess", readersOwn()...),
		ok("T24", path, "allAccessNoMe"),
		ok("T25", path, "auditorOrg"),
		ok("T26", path, "auditorGlobal", everything()...),
		ok("T27", path, "auditor", acmeOnly()...),
		ok("T28", path, "readOnly"),
		ok("T29", path, "inactiveOperator"),
		ok("T30", "/api/v2/users", "inactiveOperator"),
		ok("T31", "/api/v2/orgs", "inactiveOperator"),
		ok("T32", "/api/v2/buckets", "inactiveOperator"),
		failure("T33", "/api/v2/me", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		failure("T34", path+"/{activeWrite}", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		failure("T35", path, "inactiveUserOperator", 403, "forbidden", "User is inactive"),
		failure("T36", path, "deletedUserOperator", 403, "forbidden", "User is inactive"),
		failure("T37", path, "unknown", 401, "unauthorized", "unauthorized access"),
		failure("T38", path, "", 401, "unauthorized", "unauthorized access"),
	}
}

func byIDCases() []exchange {
	const path = authorizationsPath + "/"
	return []exchange{
		ok("T39", path+"{activeWrite}", "operator", "activeWrite").with("\"name\": \"telemetry\",\n\t\t\t\t\"org\": \"acme\""),
		failure("T40", path+"{deletedUserWrite}", "operator", 404, "not found", "user not found"),
		failure("T41", path+"{goneOrgWrite}", "operator", 404, "not found", "organization not found"),
		failure("T42", path+"00000000000000aa", "operator", 404, "not found", "authorization not found"),
		failure("T43", path+"abc", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		ok("T44", path+"{dangling}", "operator", "dangling").with("\"id\": \"{deletedBucket}\",\n\t\t\t\t\"orgID\": \"{acme}\"\n"),
		ok("T45", path+"{dashboards}", "operator", "dashboards").with("\"type\": \"dashboards\",\n\t\t\t\t\"orgID\": \"{acme}\",\n\t\t\t\t\"org\": \"acme\""),
		ok("T46", path+"{operator}", "operator", "operator").with("\"resource\": {\n\t\t\t\t\"type\": \"replications\"\n\t\t\t}"),
		failure("T47", path+"{activeWrite}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		failure("T48", path+"{readOnly}", "readOnly", 401, "unauthorized", "read:orgs/{acme}/authorizations/{readOnly} is unauthorized"),
		failure("T49", path+"{deletedUserWrite}", "auditorOrg", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		failure("T50", path+"{deletedUserWrite}", "auditor", 404, "not found", "user not found"),
	}
}

// Whatever would change something is not comparable: the fake refuses it.
func routingCases() []exchange {
	head := exchange{number: "T124", method: http.MethodHead, path: authorizationsPath, as: "operator", status: 405}
	put := exchange{number: "T126", method: http.MethodPut, path: authorizationsPath, as: "operator", status: 405}
	return []exchange{failure("T125", "/api/v2/nope", "operator", 404, "not found", "path not found"), head, put}
}
