package ami

import (
	"slices"
	"time"

	"github.com/ringside-pbx/ringside"
)

// joined: a caller waits now. Position and Count are those after it.
func (q *queues) joined(k *queue, w *said, now time.Time) (fits bool) {
	at := max(w.num[fPosition]-1, 0)
	if i := k.caller(w.text[fID]); i >= 0 {
		// The list has told already, or the caller is back.
		fits = w.num[fCount] == len(k.callers)
		if fits && i != at && at < len(k.callers) {
			c := k.callers[i]
			k.callers = slices.Insert(slices.Delete(k.callers, i, i+1), at, c)
		}
		return fits
	}
	if len(w.text[fID]) == 0 || q.callers >= maxCallers || len(k.callers) >= maxWaiting {
		return false
	}
	k.callers = slices.Insert(k.callers, min(at, len(k.callers)), q.newCaller(w, now))
	q.callers++
	return at < len(k.callers) && w.num[fCount] == len(k.callers)
}

// left: a caller does not wait any more; the others have moved up.
func (q *queues) left(k *queue, w *said) (fits bool) {
	i := k.caller(w.text[fID])
	if i < 0 {
		return false
	}
	k.callers = slices.Delete(k.callers, i, i+1)
	q.callers--
	// The position is not compared: it is from before those in front have left.
	return w.num[fCount] == len(k.callers)
}

// caller is where in the queue one is, -1 if nowhere.
func (k *queue) caller(id []byte) int {
	for i := range k.callers {
		if k.callers[i].ID == string(clip(id)) {
			return i
		}
	}
	return -1
}

// newCaller makes one of what was said, with one allocation for all its texts.
func (q *queues) newCaller(w *said, since time.Time) ringside.PBXQueueCaller {
	texts := [...][]byte{clip(w.text[fID]), clip(w.text[fChannel]), clip(known(w.text[fCaller])), clip(known(w.text[fCallerName]))}
	q.text = q.text[:0]
	for _, t := range texts {
		q.text = append(q.text, t...)
	}
	rest := string(q.text)
	next := func(t []byte) string {
		s := rest[:len(t)]
		rest = rest[len(t):]
		return s
	}
	return ringside.PBXQueueCaller{
		ID: next(texts[0]), Channel: next(texts[1]), Number: next(texts[2]), Name: next(texts[3]), Since: since,
	}
}

// known is a caller's number or name, empty if Asterisk does not know it. Lists and events spell that
// differently.
func known(b []byte) []byte {
	if string(b) == "<unknown>" || string(b) == "unknown" {
		return nil
	}
	return b
}
