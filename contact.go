package ringside

// Contact is what the CRM knows about a caller.
type Contact struct {
	Phone   string `json:"phone"`
	Name    string `json:"name,omitempty"`
	Company string `json:"company,omitempty"`
	URL     string `json:"url,omitempty"`
	// Owner is the extension of the manager who looks after the contact.
	Owner string `json:"owner,omitempty"`
}
