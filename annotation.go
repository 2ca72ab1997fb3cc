package ringside

import "time"

// Annotation is what the CRM knows about a call after it has received the record.
type Annotation struct {
	CallID  string   `json:"session_id"`
	Contact *Contact `json:"contact,omitempty"`
	Note    string   `json:"note,omitempty"`
	Task    *Task    `json:"task,omitempty"`
	// Responsible is whom the CRM made responsible, by name or extension.
	Responsible string    `json:"responsible,omitempty"`
	Updated     time.Time `json:"updated,omitzero"`
}

// Task is what the CRM wants done about a call.
type Task struct {
	ID    string    `json:"id,omitempty"`
	Title string    `json:"title"`
	URL   string    `json:"url,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	Done  bool      `json:"done,omitempty"`
}
