package ringside

// HangupCause is a cause of Q.850 (ITU-T), as Asterisk and FreeSWITCH both use it.
type HangupCause int

// The causes that ringside gives or tells apart.
const (
	CauseUnknown        HangupCause = 0
	CauseUnallocated    HangupCause = 1
	CauseNormal         HangupCause = 16
	CauseBusy           HangupCause = 17
	CauseNoUserResponse HangupCause = 18
	CauseNoAnswer       HangupCause = 19
	CauseAbsent         HangupCause = 20
	CauseRejected       HangupCause = 21
	CauseCongestion     HangupCause = 34
)
