package conformance

import (
	"net/http"
	"slices"
	"testing"
)

// AuthorizationsPath is where InfluxDB lists API tokens.
const AuthorizationsPath = "/api/v2/authorizations"

func exchanges(t *testing.T, ws Worlds) {
	for _, e := range slices.Concat(listCases(), sightCases(), byIDCases(), userCases(), orgCases(), bucketCases(), legacyCases(), routingCases()) {
		t.Run(e.Number, func(t *testing.T) { ws.Check(t, e) })
	}
}

// Everything is what an operator token is shown, in order.
func Everything() []string {
	return append(AcmeOnly()[:14:14], "globexWrite", "globexAllAccess", "dashboards", "outsiderWrite")
}

// AcmeOnly is what of it is in the org acme.
func AcmeOnly() []string {
	return []string{
		"operator", "activeWrite", "readWrite", "readOnly", "inactiveWrite", "dangling",
		"allAccess", "allAccessNoMe", "auditorOrg", "auditorGlobal", "auditor",
		"inactiveOperator", "inactiveUserWrite", "inactiveUserOperator",
		"dashboards", "outsiderWrite",
	}
}

// ReadersOwn are the tokens of the user reader.
func ReadersOwn() []string { return []string{"allAccess", "allAccessNoMe", "auditorOrg", "auditor"} }

func listCases() []Exchange {
	const path = AuthorizationsPath
	return []Exchange{
		OK("T1", path, "operator", Everything()...),
		OK("T2", path+"?userID={deletedUser}", "operator"),
		Failure("T3", path+"?user=deleted_user", "operator", 404, "not found", "user not found"),
		OK("T4", path+"?userID=0000000000000099", "operator"),
		OK("T5", path+"?orgID={goneOrg}", "operator"),
		Failure("T6", path+"?org=gone-org", "operator", 404, "not found", `organization name "gone-org" not found`),
		OK("T7", path+"?org=globex", "operator", "globexWrite", "globexAllAccess"),
		OK("T8", path+"?user=iot_user_1&org=globex", "operator"),
		OK("T9", path+"?userID={reader}&user=iot_user_1", "operator", ReadersOwn()...),
		OK("T10", path+"?id={activeWrite}", "operator", "activeWrite"),
		OK("T11", path+"?id={activeWrite}&userID={reader}", "operator", "activeWrite"),
		Failure("T12", path+"?id=00000000000000aa", "operator", 404, "not found", "authorization not found"),
		OK("T13", path+"?id={deletedUserWrite}", "operator"),
		OK("T14", path+"?token=anything", "operator", Everything()...),
		OK("T15", path+"?limit=2&offset=1&after={readOnly}&descending=true", "operator", Everything()...),
		OK("T16", path+"?limit=abc", "operator", Everything()...),
		Failure("T17", path+"?userID=iot_user_1", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		Failure("T18", path+"?userID=zzzzzzzzzzzzzzzz", "operator", 400, "invalid", "invalid ID"),
		Failure("T19", path+"?userID=0000000000000000", "operator", 400, "invalid", "invalid ID"),
		OK("T20", path+"?userID=", "operator", Everything()...),
		OK("T21", path+"?userid={reader}", "operator", Everything()...),
		OK("T22", path+"/?userID={reader}", "operator", ReadersOwn()...),
		OK("T119", path+"?user=iot_user_1", "readOnly"),
		Failure("T120", path+"?user=nobody", "readOnly", 404, "not found", "user not found"),
		OK("T123", path+"?userID={reader}&userID={iotUser}", "operator", ReadersOwn()...),
		OK("a capital id", path+"?userID=A00000000000000A", "operator"),
		OK("a name with blanks around it", path+"?org=%20globex%20", "operator", "globexWrite", "globexAllAccess"),
		Failure("a plus is a blank", path+"?user=iot+user", "operator", 404, "not found", "user not found"),
	}
}

func sightCases() []Exchange {
	const path = AuthorizationsPath
	return []Exchange{
		OK("T23", path, "allAccess", ReadersOwn()...),
		OK("T24", path, "allAccessNoMe"),
		OK("T25", path, "auditorOrg"),
		OK("T26", path, "auditorGlobal", Everything()...),
		OK("T27", path, "auditor", AcmeOnly()...),
		OK("T28", path, "readOnly"),
		OK("T29", path, "inactiveOperator"),
		OK("T30", "/api/v2/users", "inactiveOperator"),
		OK("T31", "/api/v2/orgs", "inactiveOperator"),
		OK("T32", "/api/v2/buckets", "inactiveOperator"),
		Failure("T33", "/api/v2/me", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		Failure("T34", path+"/{activeWrite}", "inactiveOperator", 401, "unauthorized", "token is inactive"),
		Failure("T35", path, "inactiveUserOperator", 403, "forbidden", "User is inactive"),
		Failure("T36", path, "deletedUserOperator", 403, "forbidden", "User is inactive"),
		Failure("T37", path, "unknown", 401, "unauthorized", "unauthorized access"),
		Failure("T38", path, "", 401, "unauthorized", "unauthorized access"),
	}
}

func byIDCases() []Exchange {
	const path = AuthorizationsPath + "/"
	return []Exchange{
		OK("T39", path+"{activeWrite}", "operator", "activeWrite").With("\"name\": \"telemetry\",\n\t\t\t\t\"org\": \"acme\""),
		Failure("T40", path+"{deletedUserWrite}", "operator", 404, "not found", "user not found"),
		Failure("T41", path+"{goneOrgWrite}", "operator", 404, "not found", "organization not found"),
		Failure("T42", path+"00000000000000aa", "operator", 404, "not found", "authorization not found"),
		Failure("T43", path+"abc", "operator", 400, "invalid", "id must have a length of 16 bytes"),
		OK("T44", path+"{dangling}", "operator", "dangling").With("\"id\": \"{deletedBucket}\",\n\t\t\t\t\"orgID\": \"{acme}\"\n"),
		OK("T45", path+"{dashboards}", "operator", "dashboards").With("\"type\": \"dashboards\",\n\t\t\t\t\"orgID\": \"{acme}\",\n\t\t\t\t\"org\": \"acme\""),
		OK("T46", path+"{operator}", "operator", "operator").With("\"resource\": {\n\t\t\t\t\"type\": \"replications\"\n\t\t\t}"),
		Failure("T47", path+"{activeWrite}", "allAccess", 401, "unauthorized", "read:users/{iotUser} is unauthorized"),
		Failure("T48", path+"{readOnly}", "readOnly", 401, "unauthorized", "read:orgs/{acme}/authorizations/{readOnly} is unauthorized"),
		Failure("T49", path+"{deletedUserWrite}", "auditorOrg", 401, "unauthorized", "read:users/{deletedUser} is unauthorized"),
		Failure("T50", path+"{deletedUserWrite}", "auditor", 404, "not found", "user not found"),
	}
}

// Whatever would change something is left out: the fake refuses it.
func routingCases() []Exchange {
	head := Exchange{Number: "T124", Method: http.MethodHead, Path: AuthorizationsPath, As: "operator", Status: 405}
	put := Exchange{Number: "T126", Method: http.MethodPut, Path: AuthorizationsPath, As: "operator", Status: 405}
	return []Exchange{Failure("T125", "/api/v2/nope", "operator", 404, "not found", "path not found"), head, put}
}
