package contract

import (
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest/conformance"
)

func nothing(*conformance.World) {}

// leaves: a user with tokens is deleted, another token is revoked.
func leaves(w *conformance.World) {
	w.DeleteUser(w.IDs["iotUser"])
	w.DeleteAuthorization(w.IDs["auditorGlobal"])
}

// returns: the id of the deleted user is created again, another user is set
// inactive, a bucket is deleted.
func returns(w *conformance.World) {
	w.RestoreUser(w.IDs["iotUser"], "phoenix")
	w.SetUserStatus(w.IDs["outsider"], "inactive")
	w.DeleteBucket(w.IDs["telemetry"])
}

func closesOrg(w *conformance.World) { w.DeleteOrg(w.IDs["globex"]) }

func restoresBadly(w *conformance.World) { w.Poison(w.IDs["activeWrite"]) }

// everyOrgWeeks: three authorizations were hidden before the first review. They
// are known by their number only, and remain so.
func everyOrgWeeks() []week {
	const unknown = " stored authorizations are neither listed nor known"
	return []week{
		{nothing, audit.Partial, 18, 3, 0, 1, "3 of 21" + unknown, `
dangling, dangling-grant new
globexAllAccess, owner not_member, owner-not-member new
globexWrite, owner not_member, owner-not-member new
inactiveUserOperator, owner inactive, inactive-owner new
inactiveUserWrite, owner inactive, inactive-owner new
outsiderWrite, owner not_member, owner-not-member new
readWrite, dangling-grant new`},
		{leaves, audit.Partial, 11, 9, 0, 0, "3 of 20" + unknown, `
activeWrite, hidden, owner deleted, deleted-owner new
auditorGlobal, gone
dangling, hidden, owner deleted, deleted-owner new, dangling-grant open
dashboards, hidden, owner deleted, deleted-owner new
globexAllAccess, owner not_member, owner-not-member open
globexWrite, owner not_member, owner-not-member open
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open
inactiveWrite, hidden, owner deleted, deleted-owner new
outsiderWrite, owner not_member, owner-not-member open
readOnly, hidden, owner deleted, deleted-owner new
readWrite, hidden, owner deleted, deleted-owner new, dangling-grant open
v1Live, hidden, owner deleted, deleted-owner new`},
		{returns, audit.Partial, 17, 3, 0, 1, "3 of 20" + unknown, `
activeWrite, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant new
dangling, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant open
dashboards, owner not_member, deleted-owner resolved, owner-not-member new
globexAllAccess, owner not_member, owner-not-member open
globexWrite, owner not_member, owner-not-member open
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open, dangling-grant new
inactiveWrite, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant new
outsiderWrite, owner inactive, inactive-owner new, owner-not-member open, dangling-grant new
readOnly, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant new
readWrite, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant open
v1Live, owner not_member, deleted-owner resolved, owner-not-member new, dangling-grant new`},
		{closesOrg, audit.Partial, 15, 5, 0, 1, "3 of 20" + unknown, `
activeWrite, owner not_member, owner-not-member open, dangling-grant open
dangling, owner not_member, owner-not-member open, dangling-grant open
dashboards, owner not_member, owner-not-member open
globexAllAccess, hidden, org deleted, owner unknown, deleted-org new, owner-not-member open
globexWrite, hidden, org deleted, owner unknown, deleted-org new, owner-not-member open
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open, dangling-grant open
inactiveWrite, owner not_member, owner-not-member open, dangling-grant open
outsiderWrite, owner inactive, inactive-owner open, owner-not-member open, dangling-grant open
readOnly, owner not_member, owner-not-member open, dangling-grant open
readWrite, owner not_member, owner-not-member open, dangling-grant open
v1Live, owner not_member, owner-not-member open, dangling-grant open`},
		// The list of one user fails; its authorizations are asked for one by one.
		{restoresBadly, audit.Partial, 9, 7, 1, 1, "authorizations of user phoenix ({iotUser}) could not be read", `
activeWrite, unseen, owner unknown, owner-not-member open, dangling-grant open
dangling, hidden, owner not_member, owner-not-member open, dangling-grant open
dashboards, hidden, owner not_member, owner-not-member open
globexAllAccess, hidden, org deleted, owner unknown, deleted-org open, owner-not-member open
globexWrite, hidden, org deleted, owner unknown, deleted-org open, owner-not-member open
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open, dangling-grant open
inactiveWrite, hidden, owner not_member, owner-not-member open, dangling-grant open
outsiderWrite, owner inactive, inactive-owner open, owner-not-member open, dangling-grant open
readOnly, hidden, owner not_member, owner-not-member open, dangling-grant open
readWrite, hidden, owner not_member, owner-not-member open, dangling-grant open
v1Live, owner not_member, owner-not-member open, dangling-grant open`},
	}
}

// acmeWeeks: the credential may not read orgs, so members are unknown; and the
// counts of an instance with another org say nothing about this one, until that
// other org is deleted.
func acmeWeeks() []week {
	return []week{
		{nothing, audit.Partial, 16, 0, 0, 1, "the instance has 2 orgs, and the credential sees the tokens of 1", `
dangling, dangling-grant new
inactiveUserOperator, owner inactive, inactive-owner new
inactiveUserWrite, owner inactive, inactive-owner new
readWrite, dangling-grant new`},
		{leaves, audit.Partial, 9, 6, 0, 0, "the instance has 2 orgs, and the credential sees the tokens of 1", `
activeWrite, hidden, owner deleted, deleted-owner new
auditorGlobal, gone
dangling, hidden, owner deleted, deleted-owner new, dangling-grant open
dashboards, hidden, owner deleted, deleted-owner new
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open
inactiveWrite, hidden, owner deleted, deleted-owner new
readOnly, hidden, owner deleted, deleted-owner new
readWrite, hidden, owner deleted, deleted-owner new, dangling-grant open
v1Live, hidden, owner deleted, deleted-owner new`},
		{returns, audit.Partial, 15, 0, 0, 1, "the instance has 2 orgs, and the credential sees the tokens of 1", `
activeWrite, deleted-owner resolved, dangling-grant new
dangling, deleted-owner resolved, dangling-grant open
dashboards, deleted-owner resolved
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open, dangling-grant new
inactiveWrite, deleted-owner resolved, dangling-grant new
outsiderWrite, owner inactive, inactive-owner new, dangling-grant new
readOnly, deleted-owner resolved, dangling-grant new
readWrite, deleted-owner resolved, dangling-grant open
v1Live, deleted-owner resolved, dangling-grant new`},
		{closesOrg, audit.Partial, 15, 5, 0, 1, "5 of 20 stored authorizations are neither listed nor known", `
activeWrite, dangling-grant open
dangling, dangling-grant open
inactiveUserOperator, owner inactive, inactive-owner open
inactiveUserWrite, owner inactive, inactive-owner open, dangling-grant open
inactiveWrite, dangling-grant open
outsiderWrite, owner inactive, inactive-owner open, dangling-grant open
readOnly, dangling-grant open
readWrite, dangling-grant open
v1Live, dangling-grant open`},
	}
}
