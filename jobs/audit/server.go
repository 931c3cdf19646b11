package audit

// ServerID is the ID of the record that stands for the server itself, for
// findings that are about no single authorization. It is not part of the
// population.
const ServerID = "server"

// Server is that record, as a list would give it.
func Server(description string) Authorization {
	return Authorization{ID: ServerID, Description: description, Status: Inactive}
}

// IsServer reports whether the record stands for the server, or for exceptions,
// and not for an authorization.
func (a Authorization) IsServer() bool { return a.ID == ServerID || a.isExceptions() }

// exceptionsID is the ID of the record that stands for exceptions that nothing
// used. Its key is the last of all, as it is known when all others were met.
const exceptionsID = "unused-exceptions"

func (a Authorization) isExceptions() bool { return a.ID == exceptionsID }

func exceptionsRecord(target string) Record {
	return Record{
		Target: target, Presence: Listed, Owner: Owner{State: OwnerPresent, MembershipKnown: true},
		Authorization: Authorization{ID: exceptionsID, Description: "exceptions that nothing used", Status: Inactive, Legacy: true},
	}
}
