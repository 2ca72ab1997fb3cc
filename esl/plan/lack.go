package plan

// lack is something that the engine does and a plan can't; group is a place, -1 for none.
type lack struct {
	code  string
	group int
}

// The codes of lacks.
const (
	lackOwner   = "static-owner"
	lackSpeech  = "static-speech"
	lackOutside = "static-outside"
	lackQueue   = "static-queue"
	lackOrder   = "static-order"
)

// text says what is lacking.
func (l lack) text() string {
	switch l.code {
	case lackOwner:
		return "FreeSWITCH has no contacts: callers go to the group at once, and without one the rule is skipped"
	case lackSpeech:
		return "nothing speaks texts: callers go on as if it had been played, to the fallback or to busy"
	case lackOutside:
		return "numbers outside can't be dialled: callers go on as if nobody had answered there"
	case lackQueue:
		return "nobody waits in a queue: when the members have been rung once, the overflow applies"
	}
	return "the members are rung in their own order: FreeSWITCH remembers no turns"
}
