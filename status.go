package ringside

// Status is a call's state in the CRM's words. It only moves forward:
// ringing → answered, or ringing → busy, no_answer, failed or abandoned.
type Status string

// The statuses.
const (
	StatusRinging   Status = "ringing"
	StatusAnswered  Status = "answered"
	StatusBusy      Status = "busy"
	StatusNoAnswer  Status = "no_answer"
	StatusFailed    Status = "failed"
	StatusAbandoned Status = "abandoned"
)

// Advance gives the later of s and next: once a call has left ringing, its status stays.
func (s Status) Advance(next Status) Status {
	if s == "" || s == StatusRinging {
		return next
	}
	return s
}

// Direction is where a call comes from and goes to, in the CRM's words.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
	Internal Direction = "internal"
)

// Disposition says in more detail than Status how a call ended.
type Disposition string

// The dispositions.
const (
	EndTalked      Disposition = "talked"          // somebody answered and they talked
	EndVoicemail   Disposition = "voicemail"       // the caller was given to voicemail
	EndAnnounced   Disposition = "announced"       // an announcement was played
	EndHungUp      Disposition = "hung_up"         // a rule said so
	EndBusy        Disposition = "busy"            // everybody was busy
	EndNoAnswer    Disposition = "no_answer"       // nobody answered
	EndUnavailable Disposition = "unavailable"     // nobody could be reached
	EndAbandoned   Disposition = "abandoned"       // the caller left first
	EndReleased    Disposition = "released"        // given back to the PBX's dialplan
	EndDecided     Disposition = "decided"         // the dialplan carries out the decision
	EndInterrupted Disposition = "interrupted"     // ringside was stopped or killed meanwhile
	EndLost        Disposition = "connection_lost" // the PBX went away
	EndFailed      Disposition = "failed"
)
