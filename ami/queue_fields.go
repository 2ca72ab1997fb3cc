package ami

// field is what a header is about.
type field uint8

const (
	fQueue field = iota
	fMember
	fName
	fMembership
	fReason
	fChannel
	fID
	fCaller
	fCallerName
	fStrategy
	fLevel
	texts // those before are texts, those after are whole numbers
	fPenalty
	fTaken
	fLastCall
	fLastPause
	fInCall
	fStatus
	fPaused
	fWrapUp
	fPosition
	fCount
	fHold
	fTalk
	fWait
	fMax
	fWeight
	fCompleted
	fAbandoned
	fLimit
	fields // of other headers
)

// fieldOf gives the field of a header's name.
func fieldOf(name []byte) field {
	switch string(name) {
	case "Queue":
		return fQueue
	case "Interface", "Location":
		return fMember
	case "MemberName", "Name":
		return fName
	case "Membership":
		return fMembership
	case "PausedReason":
		return fReason
	case "Channel":
		return fChannel
	case "Uniqueid":
		return fID
	case "CallerIDNum":
		return fCaller
	case "CallerIDName":
		return fCallerName
	case "Strategy":
		return fStrategy
	case "ServicelevelPerf":
		return fLevel
	case "Penalty":
		return fPenalty
	case "CallsTaken":
		return fTaken
	case "LastCall":
		return fLastCall
	case "LastPause":
		return fLastPause
	case "InCall":
		return fInCall
	case "Status":
		return fStatus
	case "Paused":
		return fPaused
	case "Wrapuptime":
		return fWrapUp
	case "Position":
		return fPosition
	case "Count":
		return fCount
	case "HoldTime", "Holdtime":
		return fHold
	case "TalkTime":
		return fTalk
	case "Wait":
		return fWait
	case "Max":
		return fMax
	case "Weight":
		return fWeight
	case "Completed":
		return fCompleted
	case "Abandoned":
		return fAbandoned
	case "ServiceLevel":
		return fLimit
	}
	return fields
}
