package ringside

import (
	"context"
	"time"
)

// CallControl acts on the calls of a PBX, whoever placed them, and tells about them. Every request is
// checked before anything is sent: what is wrong with it is an *InvalidError that names the field.
// Other errors are ErrNoChannel, ErrNotPermitted, ErrForbidden, ErrPBXAway, and ErrRefused with the
// PBX's own words. Every method honours ctx; a request whose ctx ended may have been carried out.
type CallControl interface {
	// Originate calls From and, when it answers, To. It returns when From has answered or the attempt
	// has failed; with Async as soon as the PBX has taken the request. With an error, an ID says that the
	// call may have been placed all the same.
	Originate(ctx context.Context, r OriginateRequest) (Originated, error)
	// Hangup ends a channel.
	Hangup(ctx context.Context, r HangupRequest) error
	// Transfer sends a channel to another destination, or lets its owner consult that one first.
	Transfer(ctx context.Context, r TransferRequest) error
	// Park puts a channel in a parking lot and tells where it can be picked up.
	Park(ctx context.Context, r ParkRequest) (Parked, error)
	// Spy calls a listener and lets them listen to a channel, whisper to it, or join its talk.
	Spy(ctx context.Context, r SpyRequest) (Originated, error)
	// Bridge connects two channels; whom they talked to is left.
	Bridge(ctx context.Context, r BridgeRequest) error
	// SendDTMF presses keys for a channel, one after the other.
	SendDTMF(ctx context.Context, r DTMFRequest) error
	// Mute silences a channel, or ends that.
	Mute(ctx context.Context, r MuteRequest) error
	// Record begins to record a channel and tells under which name.
	Record(ctx context.Context, r RecordRequest) (Recording, error)
	// StopRecord ends a recording that Record began.
	StopRecord(ctx context.Context, r Recording) error
	// Variable reads a channel variable; empty is not set.
	Variable(ctx context.Context, channel, name string) (string, error)
	// SetVariable sets a channel variable.
	SetVariable(ctx context.Context, channel string, v Variable) error
	// Channel tells about one channel.
	Channel(ctx context.Context, name string) (ChannelInfo, error)
	// Channels tells about all channels, the oldest first.
	Channels(ctx context.Context) ([]ChannelInfo, error)
}

// OriginateRequest asks the PBX to place a call.
type OriginateRequest struct {
	// From is called first, To when From has answered.
	From Target `json:"from"`
	To   Target `json:"to"`
	// CallerID is the number that From sees; empty is To's.
	CallerID   string `json:"caller_id,omitempty"`
	CallerName string `json:"caller_name,omitempty"`
	// Presents is the number that To sees; empty is From's.
	Presents string `json:"presents,omitempty"`
	// Ring is how long From is rung; 0 is 30 s.
	Ring      time.Duration `json:"ring,omitempty"`
	Variables []Variable    `json:"variables,omitempty"`
	Async     bool          `json:"async,omitempty"`
	// By is the person on whose behalf the call is placed, for limits and the log.
	By string `json:"by,omitempty"`
}

// Originated is the outcome of a call that was placed.
type Originated struct {
	// ID is the PBX's id of From's channel, known from the beginning.
	ID string `json:"id"`
	// Channel is From's channel; empty if the request was async or nobody answered.
	Channel string `json:"channel,omitempty"`
	// Status is how calling From ended; empty if the request was async.
	Status DialStatus `json:"status,omitempty"`
}

// HangupRequest ends a channel.
type HangupRequest struct {
	Channel string `json:"channel"`
	// Cause is what the other side is told; 0 is CauseNormal.
	Cause HangupCause `json:"cause,omitempty"`
}

// TransferRequest moves a call.
type TransferRequest struct {
	// Channel is the one that is sent to To, while the one that it talked to is left. With Attended it
	// is the channel of the one who transfers: they talk to To first, and hand over by hanging up.
	Channel  string `json:"channel"`
	To       Target `json:"to"`
	Attended bool   `json:"attended,omitempty"`
	By       string `json:"by,omitempty"`
}

// ParkRequest parks a channel.
type ParkRequest struct {
	Channel string `json:"channel"`
	// Lot is the parking lot; empty is the PBX's default.
	Lot string `json:"lot,omitempty"`
	// Timeout is how long it stays there; 0 is as the lot says.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Announce is the channel that hears the place; empty is none.
	Announce string `json:"announce,omitempty"`
}

// Parked is where a channel is parked.
type Parked struct {
	Lot string `json:"lot"`
	// Space is the number to dial to pick the call up.
	Space string `json:"space"`
}

// SpyMode is what a listener may do.
type SpyMode string

// The modes.
const (
	SpyListen  SpyMode = "listen"  // hears both sides, and nobody hears them
	SpyWhisper SpyMode = "whisper" // is heard by the channel they listen to
	SpyBarge   SpyMode = "barge"   // is heard by both sides
)

// SpyRequest lets somebody listen to a channel.
type SpyRequest struct {
	Listener Target  `json:"listener"`
	Channel  string  `json:"channel"`
	Mode     SpyMode `json:"mode"`
	By       string  `json:"by,omitempty"`
}

// BridgeRequest connects two channels.
type BridgeRequest struct {
	Channel string `json:"channel"`
	With    string `json:"with"`
}

// DTMFRequest presses keys.
type DTMFRequest struct {
	Channel string `json:"channel"`
	// Digits are of 0-9, *, # and A-D, 32 at most.
	Digits string `json:"digits"`
	// Length is how long each key is pressed; 0 is 100 ms.
	Length time.Duration `json:"length,omitempty"`
}

// MuteRequest silences a channel.
type MuteRequest struct {
	Channel string `json:"channel"`
	// Direction is "in" (what the channel says), "out" (what it hears) or "all"; empty is "in".
	Direction string `json:"direction,omitempty"`
	// Off ends the silence.
	Off bool `json:"off,omitempty"`
}

// RecordRequest begins a recording.
type RecordRequest struct {
	Channel string `json:"channel"`
	// Name is the file's name without its folder and ending; empty is made of the channel's id and the
	// time. It is of letters, digits, "_", "-" and ".", and begins with a letter or digit.
	Name string `json:"name,omitempty"`
	// Format is "wav" (also if it is empty) or "gsm".
	Format string `json:"format,omitempty"`
}

// Recording is one that goes on.
type Recording struct {
	Channel string `json:"channel"`
	// ID is the PBX's; empty stops all recordings of the channel.
	ID   string `json:"id,omitempty"`
	File string `json:"file,omitempty"`
}

// ChannelInfo is what a PBX tells about one channel.
type ChannelInfo struct {
	// Name is what requests call the channel, such as PJSIP/101-0000002a; ID is the PBX's id of it,
	// CallID that of the whole call.
	Name   string `json:"name"`
	ID     string `json:"id"`
	CallID string `json:"call_id"`
	// Endpoint is the device or trunk that the channel belongs to.
	Endpoint string       `json:"endpoint,omitempty"`
	State    ChannelState `json:"state"`
	// Caller is the number of the channel's own side, Connected that of the side it talks to.
	Caller        string `json:"caller,omitempty"`
	CallerName    string `json:"caller_name,omitempty"`
	Connected     string `json:"connected,omitempty"`
	ConnectedName string `json:"connected_name,omitempty"`
	// Context, Extension and Application are the place in the dialplan.
	Context     string `json:"context,omitempty"`
	Extension   string `json:"extension,omitempty"`
	Application string `json:"application,omitempty"`
	Data        string `json:"application_data,omitempty"`
	// Bridge is the id of the bridge that the channel is in.
	Bridge string `json:"bridge,omitempty"`
	// Since is when the channel began, as well as the PBX tells.
	Since time.Time `json:"since,omitzero"`
}

// ChannelState is how far a channel has come.
type ChannelState string

// The states.
const (
	ChannelDown    ChannelState = "down"
	ChannelDialing ChannelState = "dialing" // it calls, and nothing rings yet
	ChannelRing    ChannelState = "ring"    // it has called and waits
	ChannelRinging ChannelState = "ringing" // it is being called
	ChannelUp      ChannelState = "up"
	ChannelBusy    ChannelState = "busy"
)
