package ringside

import "time"

// Waiting is one caller in a queue (CallQueue in the CRM).
type Waiting struct {
	CallID string    `json:"session_id"`
	Group  Ref       `json:"group"`
	Caller string    `json:"caller_id"`
	Called string    `json:"called_number"`
	Status string    `json:"status"` // waiting or connecting
	Since  time.Time `json:"wait_start_time"`
	// Position counts from 1.
	Position int `json:"queue_position"`
	// Estimate is how long the caller may expect to wait, in seconds, from the group's own history.
	Estimate int `json:"estimated_wait_time"`
}
