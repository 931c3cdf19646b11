package audit

// ServerID is the ID of the record that stands for the server itself, for
// findings that are about no single authorization. It is not part of the
// population.
const ServerID = "server"

// Server is that record, as a list would give it.
func Server(description string) Authorization {
	return Authorization{ID: ServerID, Description: description, Status: Inactive}
}

// IsServer reports whether the record stands for the server.
func (a Authorization) IsServer() bool { return a.ID == ServerID }
