package ringside

import (
	"context"
	"errors"
	"time"
)

// Causes with which a call's context ends.
var (
	// ErrCallerGone: the caller hung up.
	ErrCallerGone = errors.New("the caller hung up")
	// ErrConnectionLost: the PBX closed the connection or stopped answering.
	ErrConnectionLost = errors.New("the connection to the PBX was lost")
	// ErrNoSpeech: the PBX has no way to speak a text that is no sound's name.
	ErrNoSpeech = errors.New("no text-to-speech application is configured")
	// ErrRefused: the PBX does not know or does not allow the command; the call goes on.
	ErrRefused = errors.New("the PBX refused the command")
)

// Channel is the whole contract between a PBX and ringside: one caller's channel, with one
// operation at a time. Every method honours ctx, and returns context.Cause of the call when the
// caller leaves meanwhile. Implementations refuse CR, LF and NUL in every value.
type Channel interface {
	// Offer tells who called what.
	Offer() Offer
	// Answer answers the caller; answering twice is harmless.
	Answer(ctx context.Context) error
	// Dial makes one attempt to reach one target, or several at once, and returns when the attempt
	// is over: nobody answered, or the talk has ended.
	Dial(ctx context.Context, req DialRequest) (DialResult, error)
	// Play plays an announcement to its end. ErrNoSpeech says that it was a text and can't be spoken.
	// Play ends early, with nil, when ctx ends for another reason than the caller's leaving, where the
	// PBX can do that; elsewhere it plays to its end. The call's own end returns its cause.
	Play(ctx context.Context, p Prompt) error
	// Wait plays music on hold (of the named class; empty is the default) until ctx ends or the
	// caller leaves. It returns nil when ctx ended, and the cause when the caller left.
	Wait(ctx context.Context, music string) error
	// Voicemail hands over to the PBX's voicemail and returns nil when the caller has left a message,
	// whether they have hung up after it or not; the cause if they left without one.
	Voicemail(ctx context.Context, mailbox string) error
	// Tell makes a decision on the call known to the dialplan and the CDR, as channel variables, all in
	// one command where the PBX can. id is with which the dialplan reports on the call.
	Tell(ctx context.Context, id string, d *Decision) error
	// Hangup ends the call with a cause.
	Hangup(ctx context.Context, cause HangupCause) error
	// Release gives the call back to the PBX's own dialplan.
	Release(ctx context.Context, result Result) error
}

// Result is what a front end tells the dialplan, in RINGSIDE_RESULT, which is set last.
type Result string

// The results.
const (
	// ResultDone: the call was served to its end.
	ResultDone Result = "done"
	// ResultDecided: the decision is in the variables and the dialplan carries it out.
	ResultDecided Result = "decided"
	// ResultDefault: there was no decision in time; the configured default is in the variables.
	ResultDefault Result = "default"
	// ResultReleased: the dialplan goes on with its own lines.
	ResultReleased Result = "released"
)

// Variable is a channel variable.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Prompt is an announcement: a sound's name, else a text to be spoken, else a place in a queue.
type Prompt struct {
	Sound string
	Text  string
	// Position is the caller's place in a queue, counted from 1; 0 announces no position.
	Position int
}

// TargetKind says how a target is dialled.
type TargetKind string

// The kinds of targets.
const (
	ToExtension TargetKind = "extension"
	ToExternal  TargetKind = "external"
)

// Target is whom to dial. The front end makes a dial string of it with its configured template.
type Target struct {
	Kind   TargetKind `json:"kind"`
	Number string     `json:"number"` // Dialable
}

// DialRequest is one attempt.
type DialRequest struct {
	Targets []Target
	// Ring is how long the targets are rung.
	Ring time.Duration
	// Music is the class of music that the caller hears in place of the ringing tone; empty is the
	// ringing tone.
	Music string
	// Waiting says that the caller hears music on hold (of class Music, or the default) because
	// they come from a queue.
	Waiting bool
	// CallerName replaces the caller's own name on the called phones if it is not empty.
	CallerName string
	// CallID is ringside's id of the call, which the PBX hands back when it reports an answer.
	CallID string
	// Recorded are the numbers of those targets whose talk is to be recorded, where the front end can.
	Recorded []string
	// Progress is told what becomes of each target while the attempt goes on, where the PBX tells; nil
	// for nobody. It is called from the goroutine that runs Dial.
	Progress func(Party)
}

// Party is one target of an attempt.
type Party struct {
	Number string `json:"number"`
	// State is PartyDialing, PartyRinging, or how it ended for this target: a DialStatus.
	State string      `json:"state"`
	Cause HangupCause `json:"cause,omitempty"`
}

// How far the call to a party has come, beside the DialStatus in which it ends.
const (
	PartyDialing = "dialing"
	PartyRinging = "ringing"
)

// DialStatus is how an attempt ended.
type DialStatus string

// How an attempt ended.
const (
	DialAnswered    DialStatus = "answered"
	DialBusy        DialStatus = "busy"
	DialNoAnswer    DialStatus = "no_answer"
	DialUnavailable DialStatus = "unavailable" // not registered, does not exist, trunk is away
	DialCongested   DialStatus = "congested"
	DialCancelled   DialStatus = "cancelled" // the caller left while it rang
	DialFailed      DialStatus = "failed"    // the PBX would not dial
)

// DialResult is the outcome of one attempt.
type DialResult struct {
	Status DialStatus
	// Answered is the target that answered, if the PBX tells.
	Answered Target
	// Talk is how long they talked.
	Talk  time.Duration
	Cause HangupCause
	// Recording is the file that the talk was recorded to; empty if it was not.
	Recording string
}
