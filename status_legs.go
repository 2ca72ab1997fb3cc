package ringside

// StatusOfLegs is how a call ended that nobody answered, in the CRM's words, from its legs and the cause of
// its end. A call without a leg that says so (told is false then) reached nobody: the caller left, or the PBX
// refused it.
func StatusOfLegs(legs []Leg, cause HangupCause) (status Status, told bool) {
	last := -1
	results := map[string]bool{}
	for i, l := range legs {
		switch l.Kind {
		case LegVoicemail, LegAnnouncement:
			return StatusNoAnswer, true
		case LegDial, LegQueue, LegPark:
			results[l.Result] = true
			if last < 0 || l.End.After(legs[last].End) {
				last = i
			}
		}
	}
	switch {
	case last < 0:
		return statusOfCause(cause), false
	case legs[last].Result == string(DialCancelled), legs[last].Result == StayLeft:
		return StatusAbandoned, true
	case results[string(DialNoAnswer)], results[StayTimeout]:
		return StatusNoAnswer, true
	case results[string(DialBusy)]:
		return StatusBusy, true
	}
	return StatusFailed, true
}

func statusOfCause(cause HangupCause) Status {
	switch cause {
	case CauseUnknown, CauseNormal, 26, 31, 127:
		return StatusAbandoned
	case CauseBusy:
		return StatusBusy
	case CauseNoUserResponse, CauseNoAnswer:
		return StatusNoAnswer
	}
	return StatusFailed
}
