package ringside

// Contact is what the CRM knows about a caller.
type Contact struct {
	// ID is the CRM's own; empty for a contact that was loaded from a file.
	ID      string `json:"id,omitempty"`
	Phone   string `json:"phone"`
	Name    string `json:"name,omitempty"`
	Company string `json:"company,omitempty"`
	URL     string `json:"url,omitempty"`
	// Owner is the extension of the manager who looks after the contact.
	Owner string `json:"owner,omitempty"`
}

// ContactChange is one change of the CRM's contacts: a contact as it is now, or its end.
type ContactChange struct {
	// ID is the CRM's own.
	ID string `json:"id"`
	// Phones are all numbers of the contact; one that is no longer there is forgotten.
	Phones  []string `json:"phones,omitempty"`
	Name    string   `json:"name,omitempty"`
	Company string   `json:"company,omitempty"`
	URL     string   `json:"url,omitempty"`
	Owner   string   `json:"owner,omitempty"`
	// Deleted: the contact is no more.
	Deleted bool `json:"deleted,omitempty"`
}
