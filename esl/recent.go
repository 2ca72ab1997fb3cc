package esl

// maxRecent is how many channels that have ended are remembered.
const maxRecent = 8192

// recent remembers channels that have ended, the latest ones: what is still told of them, by an event that
// was overtaken or by a list that was read before, changes nothing.
type recent struct {
	ended map[string]uint64 // the number of the event that told the end
	order []string
	next  int
}

func newRecent() recent { return recent{ended: map[string]uint64{}} }

// add notes the end of a channel.
func (r *recent) add(id string, sequence uint64) {
	if last, ok := r.ended[id]; ok {
		r.ended[id] = max(last, sequence)
		return
	}
	if len(r.order) < maxRecent {
		r.order = append(r.order, id)
	} else {
		delete(r.ended, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % maxRecent
	}
	r.ended[id] = sequence
}

// has reports whether a channel has ended, as far as an event with that number can know. An id may be used
// again: then its CHANNEL_CREATE has a later number than the end had.
func (r *recent) has(id string, begins bool, sequence uint64) bool {
	last, ok := r.ended[id]
	return ok && (!begins || sequence <= last)
}
