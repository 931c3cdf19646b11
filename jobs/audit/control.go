package audit

// Control is a requirement of a framework that a check relates to. A finding is
// evidence that bears on it; it is no statement that it is met or not.
type Control struct {
	Framework string `json:"framework"` // "PCI DSS"
	Version   string `json:"version"`   // "4.0.1"
	ID        string `json:"id"`        // "7.2.5.1"
	Title     string `json:"title"`     // in our own words
	Strength  string `json:"strength"`  // direct, supporting
	Source    string `json:"source"`    // where the framework can be read
}

// Controls are the controls by the ID of the check that relates to them.
type Controls map[string][]Control
