package ringside

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// CallSchema is the version of Call's wire form.
const CallSchema = 1

// MaxCallID is the longest call id, in bytes: the CRM's session_id has room for 100 characters.
const MaxCallID = 100

// CallID makes ringside's id of a call from the PBX's, which is kept to printable ASCII without
// blanks and to what the CRM has room for. What begins with the node's name is such an id already:
// a dialplan reports with the id that it was given, since the PBX's own may change in a transfer.
func CallID(node, pbxID string) string {
	prefix := node + "-"
	id := prefix + strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, strings.TrimPrefix(pbxID, prefix))
	if len(id) > MaxCallID {
		id = id[:MaxCallID]
	}
	return id
}

// Call is one call from its beginning to its end: the live state while it lasts, the record
// afterwards. Its JSON is the record that the CRM receives (CallLog in its words).
type Call struct {
	// ID is the node's name, "-", and the PBX's id of the call.
	ID       string `json:"session_id"`
	Schema   int    `json:"schema"`
	Revision int    `json:"revision"`
	Node     string `json:"node,omitempty"`
	PBX      string `json:"pbx,omitempty"`
	Channel  string `json:"channel,omitempty"`
	// Endpoint is the device or trunk that the call came from.
	Endpoint string `json:"endpoint,omitempty"`

	Caller     string    `json:"caller_id"`
	CallerE164 string    `json:"caller_e164,omitempty"`
	CallerName string    `json:"caller_name,omitempty"`
	Called     string    `json:"called_number"`
	CalledE164 string    `json:"called_e164,omitempty"`
	Direction  Direction `json:"direction"`
	Contact    *Contact  `json:"contact,omitempty"`

	Status      Status      `json:"status"`
	Disposition Disposition `json:"disposition,omitempty"`
	Cause       HangupCause `json:"cause,omitempty"`
	RoutedTo    string      `json:"routed_to_number,omitempty"`
	Group       *Ref        `json:"routed_to_group,omitempty"`
	Rule        *Ref        `json:"routing_rule,omitempty"`

	Start  time.Time `json:"start_time"`
	Answer time.Time `json:"answer_time,omitzero"`
	End    time.Time `json:"end_time,omitzero"`
	// Duration is in whole seconds: of the talk if the call was answered, else of the whole call.
	Duration int `json:"duration"`
	// QueueWait is how long the caller stood in queues, in whole seconds.
	QueueWait int `json:"queue_wait_time,omitempty"`

	Legs  []Leg  `json:"legs,omitempty"`
	Trace []Step `json:"trace,omitempty"`
	// Version is that of the directory which decided.
	Version string `json:"directory_version,omitempty"`
	Notes   string `json:"notes,omitempty"`
	// Recording is the file that the PBX recorded the call to, CRMID what its dialplan gave as the CRM's
	// own id of the call.
	Recording string `json:"recording_file,omitempty"`
	CRMID     string `json:"crm_id,omitempty"`
}

// The kinds of legs; the last four are those of legs that only the PBX tells of.
const (
	LegDial         = "dial"
	LegForward      = "forward"
	LegQueue        = "queue"
	LegVoicemail    = "voicemail"
	LegAnnouncement = "announcement"
	LegPark         = "park"
	LegConference   = "conference"
	LegTransfer     = "transfer"
	LegApplication  = "application"
)

// How a stay ends, in a queue, a parking lot or an application.
const (
	StayServed  = "served"
	StayLeft    = "left"
	StayTimeout = "timeout"
	StayDone    = "done"
)

// Leg is one attempt to reach somebody, or one stay in a queue.
type Leg struct {
	// Kind is LegDial or another of the kinds.
	Kind    string    `json:"kind"`
	Targets []string  `json:"targets,omitempty"`
	Group   int64     `json:"group,omitempty"`
	Start   time.Time `json:"start_time"`
	Answer  time.Time `json:"answer_time,omitzero"`
	End     time.Time `json:"end_time,omitzero"`
	// Answered is the target that answered.
	Answered string `json:"answered,omitempty"`
	// Result is a DialStatus, or how the stay ended: StayServed and the others.
	Result string      `json:"result,omitempty"`
	Cause  HangupCause `json:"cause,omitempty"`
	// Parties tell what became of each target, where the PBX tells.
	Parties []Party `json:"parties,omitempty"`
	// PBXKey is the PBX's own key of a leg that it told of, unique in the call: the unique id of the leg's
	// channel, "/", and the number of the PBX's record of it. A leg that ringside made has none.
	PBXKey string `json:"pbx_key,omitempty"`
}

// Clone gives a copy that shares nothing that is changed later.
func (c *Call) Clone() Call {
	r := *c
	r.Legs = slices.Clone(c.Legs)
	for i := range r.Legs {
		r.Legs[i].Parties = slices.Clone(r.Legs[i].Parties)
	}
	r.Trace = slices.Clip(c.Trace)
	return r
}

// Live reports whether the call has not ended.
func (c *Call) Live() bool { return c.End.IsZero() }

// Finish ends the call at the given time, if it has not ended, and works out its duration.
func (c *Call) Finish(at time.Time) {
	if !c.End.IsZero() {
		return
	}
	c.End = at
	from := c.Start
	if c.Status == StatusAnswered && !c.Answer.IsZero() {
		from = c.Answer
	}
	c.Duration = max(0, int(at.Sub(from)/time.Second))
}

// Continue joins c, a later part of the call that the PBX asked about again, to prev, its recorded
// part: the same call, one revision on. The earlier beginning, answer and decision count; the later
// end does. c's legs are those that come after prev's; one that has a PBX's key is there once.
func (c Call) Continue(prev Call) Call {
	c.Revision = prev.Revision + 1
	if prev.Start.Before(c.Start) {
		c.Start = prev.Start
	}
	if c.Caller == "" {
		// A channel that the PBX has made for a transfer has no number of its own.
		c.Caller, c.CallerE164, c.CallerName = prev.Caller, prev.CallerE164, cmp.Or(c.CallerName, prev.CallerName)
		if c.Contact == nil {
			c.Contact = prev.Contact
		}
	}
	if !prev.Answer.IsZero() && (c.Answer.IsZero() || prev.Answer.Before(c.Answer)) {
		c.Answer = prev.Answer
	}
	if prev.Status == StatusAnswered {
		c.Status = StatusAnswered
	}
	if c.Rule == nil {
		c.Rule = prev.Rule
	}
	if c.Group == nil {
		c.Group = prev.Group
	}
	if c.RoutedTo == "" {
		c.RoutedTo = prev.RoutedTo
	}
	c.QueueWait += prev.QueueWait
	legs := prev.Legs[:len(prev.Legs):len(prev.Legs)]
	for _, l := range c.Legs {
		// The PBX may tell of a leg twice: a record of it was on its way when the PBX told again.
		if l.PBXKey == "" || !slices.ContainsFunc(legs, func(o Leg) bool { return o.PBXKey == l.PBXKey }) {
			legs = append(legs, l)
		}
	}
	c.Legs = legs
	c.Recording = cmp.Or(c.Recording, prev.Recording)
	c.CRMID = cmp.Or(c.CRMID, prev.CRMID)
	if len(c.Trace) == 0 {
		c.Trace = prev.Trace
	}
	if end := c.End; !end.IsZero() {
		c.End = time.Time{}
		c.Finish(end)
	}
	return c
}
