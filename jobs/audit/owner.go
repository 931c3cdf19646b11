package audit

// OwnerState says what is known of the user that an authorization belongs to.
type OwnerState string

const (
	OwnerPresent   OwnerState = "present"
	OwnerInactive  OwnerState = "inactive"
	OwnerDeleted   OwnerState = "deleted"    // only with proof: a 404 that says "user not found"
	OwnerNotMember OwnerState = "not_member" // exists, but is neither member nor owner of the org
	OwnerUnknown   OwnerState = "unknown"    // could not be seen; never the same as deleted
)

// Owner is the user of an authorization. Users are told apart by ID: a user that
// was deleted and created again under the same name is another one.
type Owner struct {
	ID    string     `json:"id"`
	Name  string     `json:"name,omitempty"`
	State OwnerState `json:"state"`
	// MembershipKnown is false where members and owners of the org could not be
	// read; OwnerPresent then does not mean that the user is a member.
	MembershipKnown bool `json:"membershipKnown,omitempty"`
	// Evidence names the answers that the state rests on.
	Evidence string `json:"evidence,omitempty"`
}
