package ringside

import (
	"encoding/json"
	"time"
)

// Outcome is what a decision says, in the words of the CRM's own routing API.
type Outcome string

// The outcomes.
const (
	Route         Outcome = "route"
	Queue         Outcome = "queue"
	Voicemail     Outcome = "voicemail"
	Forward       Outcome = "forward"
	Announcement  Outcome = "announcement"
	Hangup        Outcome = "hangup"
	Busy          Outcome = "busy"
	NotConfigured Outcome = "not_configured" // there is no directory
	NotFound      Outcome = "not_found"      // nothing fits: released to the dialplan
	Failed        Outcome = "error"
)

// TargetType says what kind of target a Route leads to, in the CRM's words.
type TargetType string

// The target types.
const (
	TargetNumber      TargetType = "number"
	TargetGroupMember TargetType = "group_member"
	TargetDirect      TargetType = "direct"
	TargetOwner       TargetType = "owner"
	TargetExternal    TargetType = "external"
)

// Ref names a rule or a group in a record.
type Ref struct {
	ID   int64  `json:"id"`
	Name string `json:"name,omitempty"`
}

// Decision is what is to be done with a call now. Rule and Group point into an immutable directory
// and are nil where no rule or group is concerned.
type Decision struct {
	Action     Outcome
	TargetType TargetType
	// Target is the extension, telephone number or mailbox; empty for outcomes that have none.
	Target string
	// Targets are all members that are to be rung at once (all_ring); nil when there is but one.
	Targets []string
	// Timeout is how long the target is rung, or the caller waits in the queue.
	Timeout time.Duration
	// Announcement is the text or sound of an Announcement.
	Announcement string
	// Cause is the hangup cause of a Hangup or Busy.
	Cause HangupCause
	Rule  *Rule
	Group *RingGroup
	// CallerName is the caller's name as the CRM knows it; empty if it does not.
	CallerName string
	// Key identifies the destination that the decision came from: a call that has been there
	// without success names it in its next query.
	Key DestinationKey
	// Trace explains the decision, if it was asked for.
	Trace []Step
}

// Dialled are the targets that a Route or Forward rings; nil for any other outcome.
func (d *Decision) Dialled() []Target {
	switch {
	case d.Action == Forward:
		return []Target{{Kind: ToExternal, Number: d.Target}}
	case d.Action != Route:
		return nil
	case d.Targets == nil:
		return []Target{{Kind: ToExtension, Number: d.Target}}
	}
	targets := make([]Target, len(d.Targets))
	for i, n := range d.Targets {
		targets[i] = Target{Kind: ToExtension, Number: n}
	}
	return targets
}

// DestinationKey identifies a destination within one directory; the zero value is none.
type DestinationKey struct {
	Action Action
	Target string
	Group  int64
}

// Step is one sentence of the explanation of a decision.
type Step struct {
	// Step is the kind: "rule", "member", "group", "number", "default", "queue", "result".
	Step    string `json:"step"`
	Rule    int64  `json:"rule,omitempty"`
	Group   int64  `json:"group,omitempty"`
	Member  string `json:"member,omitempty"`
	Name    string `json:"name,omitempty"`
	Matched bool   `json:"matched"`
	Why     string `json:"why"`
}

// Explained is a decision in the form in which it is shown and sent
// (POST /api/v1/route, ringside route --json).
type Explained struct {
	Action     Outcome    `json:"action"`
	TargetType TargetType `json:"target_type,omitempty"`
	// Target is one text, or a list if several are rung at once.
	Target Targets `json:"target,omitempty"`
	// Dial is the PBX's dial string, if the decision has one.
	Dial string `json:"dial,omitempty"`
	// Timeout is in seconds.
	Timeout      int         `json:"timeout,omitempty"`
	Text         string      `json:"text,omitempty"`
	Cause        HangupCause `json:"cause,omitempty"`
	Group        *Ref        `json:"group,omitempty"`
	Rule         *Ref        `json:"rule,omitempty"`
	CallerID     string      `json:"caller_id"`
	CalledNumber string      `json:"called_number"`
	Version      string      `json:"version"`
	Contact      *Contact    `json:"contact"`
	Trace        []Step      `json:"trace"`
}

// Explain puts a decision on a query in the form in which it is shown.
func (d *Decision) Explain(caller, called Number, version string) Explained {
	e := Explained{
		Action: d.Action, TargetType: d.TargetType, Timeout: int(d.Timeout / time.Second),
		Text: d.Announcement, Cause: d.Cause, Group: d.Group.Ref(), Rule: d.Rule.Ref(),
		CallerID: caller.String(), CalledNumber: called.String(), Version: version,
		Trace: append([]Step{}, d.Trace...),
	}
	switch {
	case d.Targets != nil:
		e.Target = d.Targets
	case d.Target != "":
		e.Target = Targets{d.Target}
	}
	return e
}

// Targets are the targets of a decision; in JSON, a single one is a text.
type Targets []string

// MarshalJSON implements json.Marshaler.
func (t Targets) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Targets) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = make(Targets, 1)
		return json.Unmarshal(b, &(*t)[0])
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// Ref names the rule; nil for no rule.
func (r *Rule) Ref() *Ref {
	if r == nil {
		return nil
	}
	return &Ref{ID: r.ID, Name: r.Name}
}

// Ref names the group; nil for no group.
func (g *RingGroup) Ref() *Ref {
	if g == nil {
		return nil
	}
	return &Ref{ID: g.ID, Name: g.Name}
}
