package ringside

import "time"

// Condition is how something is doing.
type Condition string

// The conditions, from best to worst; Severity puts them in order.
const (
	ConditionUnknown   Condition = "unknown"
	ConditionHealthy   Condition = "healthy"
	ConditionBusy      Condition = "busy" // callers wait, and are being served
	ConditionDegraded  Condition = "degraded"
	ConditionUnhealthy Condition = "unhealthy"
	ConditionCritical  Condition = "critical" // the PBX can't be asked
)

// Severity orders conditions: the higher, the worse.
func (c Condition) Severity() int {
	switch c {
	case ConditionHealthy:
		return 1
	case ConditionBusy:
		return 2
	case ConditionDegraded:
		return 3
	case ConditionUnhealthy:
		return 4
	case ConditionCritical:
		return 5
	}
	return 0
}

// PBXHealth is a report on a PBX.
type PBXHealth struct {
	Status     Condition        `json:"overall_status"`
	Message    string           `json:"message"`
	At         time.Time        `json:"timestamp"`
	Connection ConnectionHealth `json:"connection"`
	System     SystemHealth     `json:"system"`
	Channels   ChannelsHealth   `json:"channels"`
	Endpoints  EndpointsHealth  `json:"endpoints"`
	Queues     QueuesHealth     `json:"queues"`
	Quality    CallQuality      `json:"quality"`
}

// ConnectionHealth is the state of the connection with the PBX.
type ConnectionHealth struct {
	Status    Condition `json:"status"`
	Connected bool      `json:"connected"`
	// Since is when the connection was made or lost; zero if there never was one.
	Since time.Time `json:"since,omitzero"`
	// Ping is the round trip in milliseconds, ClockAhead how far the PBX's clock is ahead, in seconds.
	Ping       float64 `json:"response_time_ms,omitempty"`
	ClockAhead float64 `json:"clock_ahead,omitempty"`
	Error      string  `json:"error,omitempty"`
	// Lost counts events that a slow listener has missed.
	Lost uint64 `json:"lost_events,omitempty"`
	// Forged counts events that can't be the PBX's own: somebody calls with line breaks in a number.
	Forged uint64 `json:"forged_events,omitempty"`
}

// SystemHealth is what the PBX says about itself.
type SystemHealth struct {
	Status   Condition `json:"status"`
	Version  string    `json:"version,omitempty"`
	System   string    `json:"system,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Reloaded time.Time `json:"reloaded,omitzero"`
	// Calls are in progress now; MaxCalls is the PBX's limit, 0 if it has none.
	Calls    int    `json:"calls_active"`
	MaxCalls int    `json:"max_calls,omitempty"`
	Error    string `json:"error,omitempty"`
}

// ChannelsHealth counts the channels.
type ChannelsHealth struct {
	Status Condition `json:"status"`
	Total  int       `json:"total_channels"`
	Active int       `json:"active_channels"` // that are up
	Error  string    `json:"error,omitempty"`
}

// EndpointsHealth counts the phones and trunks.
type EndpointsHealth struct {
	Status Condition `json:"status"`
	Total  int       `json:"total"`
	Online int       `json:"online"`
	// Offline are the names of those that can't be reached, Unmonitored counts those of which the PBX
	// does not know.
	Offline     []string `json:"offline,omitempty"`
	Unmonitored int      `json:"unmonitored,omitempty"`
	Error       string   `json:"error,omitempty"`
}

// QueuesHealth sums up the PBX's queues.
type QueuesHealth struct {
	Status     Condition    `json:"status"`
	Total      int          `json:"total_queues"`
	WithAgents int          `json:"queues_with_agents"`
	WithCalls  int          `json:"queues_with_calls"`
	Waiting    int          `json:"total_waiting_calls"`
	Longest    int          `json:"longest_wait"` // in seconds
	Alerts     []QueueAlert `json:"alerts"`
	Error      string       `json:"error,omitempty"`
}

// QueueAlert is a queue that somebody should look at.
type QueueAlert struct {
	// Type is "long_wait" or "no_agents".
	Type  string `json:"type"`
	Queue string `json:"queue"`
	// Wait is the longest wait in seconds, Waiting how many wait, Caller who waits longest.
	Wait    int    `json:"wait_time"`
	Waiting int    `json:"waiting_calls"`
	Caller  string `json:"caller,omitempty"`
}

// CallQuality sums up the calls that ended within a window before the report.
type CallQuality struct {
	Status Condition `json:"status"`
	// Grade is "excellent", "good", "fair" or "poor"; empty without a call.
	Grade string `json:"grade,omitempty"`
	// Window is in seconds.
	Window    int `json:"window"`
	Total     int `json:"total_calls"`
	Completed int `json:"completed_calls"`
	Failed    int `json:"failed_calls"`
	// Short are completed calls whose talk was shorter than the limit.
	Short int `json:"short_calls"`
	// Average is of the completed calls' talk, in seconds.
	Average float64 `json:"avg_duration"`
}
