package ami

import (
	"time"
)

// commit puts a queue whose list is over in the place of what was known of it.
func (q *queues) commit(d *queueDraft, now time.Time) {
	if q.draft == d {
		q.draft = nil
	}
	if d.in || d.queue == nil {
		return
	}
	d.in = true
	k := d.queue
	k.about.Checked, k.about.Stale, k.tried = now, false, now
	q.figures.Checks++
	old := q.all[k.about.Name]
	if old == nil {
		q.add(k)
		return
	}
	k.about.Changed = old.about.Changed
	if !old.about.Checked.IsZero() && !old.about.Stale && differ(old, k) {
		q.figures.Drift++
	}
	k.keepSince(old)
	q.settled(k.about.Name)
	q.members += len(k.members) - len(old.members)
	q.callers += len(k.callers) - len(old.callers)
	// In place: the sweep's order keeps pointing at it.
	*old = *k
	d.queue = old
}

// differ reports whether two pictures of a queue are not the same in what events tell.
func differ(a, b *queue) bool {
	if len(a.members) != len(b.members) || len(a.callers) != len(b.callers) ||
		a.about.Completed != b.about.Completed || a.about.Abandoned != b.about.Abandoned {
		return true
	}
	for i := range a.callers {
		if a.callers[i].ID != b.callers[i].ID {
			return true
		}
	}
	for name, m := range a.members {
		n := b.members[name]
		if n == nil || m.State != n.State || m.Paused != n.Paused || m.PausedReason != n.PausedReason ||
			m.Penalty != n.Penalty || m.InCall != n.InCall || m.CallsTaken != n.CallsTaken {
			return true
		}
	}
	return false
}

// keepSince keeps the moments that events have given: a list's are whole seconds.
func (k *queue) keepSince(old *queue) {
	if len(old.callers) == 0 {
		return
	}
	since := make(map[string]time.Time, len(old.callers))
	for i := range old.callers {
		since[old.callers[i].ID] = old.callers[i].Since
	}
	for i := range k.callers {
		c := &k.callers[i]
		if at, ok := since[c.ID]; ok && at.Sub(c.Since).Abs() < 2*time.Second {
			c.Since = at
		}
	}
}

// add takes up a queue that is new.
func (q *queues) add(k *queue) {
	q.all[k.about.Name] = k
	q.order = append(q.order, k)
	q.members += len(k.members)
	q.callers += len(k.callers)
	delete(q.strange, k.about.Name)
}

// remove forgets a queue that is gone.
func (q *queues) remove(name string) {
	delete(q.strange, name)
	k := q.all[name]
	if k == nil {
		return
	}
	q.settled(name)
	delete(q.all, name)
	for i, o := range q.order {
		if o == k {
			q.order = append(q.order[:i], q.order[i+1:]...)
			break
		}
	}
	q.members -= len(k.members)
	q.callers -= len(k.callers)
}
