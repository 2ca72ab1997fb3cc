package ami

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ringside-pbx/ringside"
)

// Queues gives the PBX's queues as they are known now, by name; while there is no connection they are
// stale.
func (p *PBX) Queues() []ringside.PBXQueue { return p.queues.snapshot() }

// Queue gives one of the PBX's queues as it is known now.
func (p *PBX) Queue(name string) (ringside.PBXQueue, bool) { return p.queues.one(name) }

// QueueFigures tell how well the picture of the queues fits.
func (p *PBX) QueueFigures() QueueFigures {
	p.queues.mu.Lock()
	defer p.queues.mu.Unlock()
	f := p.queues.figures
	f.Queues = len(p.queues.order)
	return f
}

// AddQueueMember makes an extension a dynamic member of a queue. One that is a member already is
// ringside.ErrRefused, as in the other changes of queues; their errors are also *ringside.InvalidError,
// ErrNotPermitted and ErrPBXAway.
func (p *PBX) AddQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	a, err := p.memberAction("QueueAdd", r, true)
	if err != nil {
		return err
	}
	a = a.With("Penalty", strconv.Itoa(r.Penalty)).With("Paused", strconv.FormatBool(r.Paused))
	if r.Name != "" {
		a = a.With("MemberName", r.Name)
	}
	if r.Paused && r.Reason != "" {
		a = a.With("Reason", r.Reason) // 16 has no reason yet for who is added
	}
	_, err = p.do(ctx, a)
	return err
}

// RemoveQueueMember takes a dynamic member out of a queue. One that is none, or that a file or database
// made a member, is refused.
func (p *PBX) RemoveQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	a, err := p.memberAction("QueueRemove", r, true)
	if err != nil {
		return err
	}
	_, err = p.do(ctx, a)
	return err
}

// PauseQueueMember pauses a member or ends its pause (Paused), in all its queues if none is named.
func (p *PBX) PauseQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	a, err := p.memberAction("QueuePause", r, false)
	if err != nil {
		return err
	}
	a = a.With("Paused", strconv.FormatBool(r.Paused))
	if r.Reason != "" {
		a = a.With("Reason", r.Reason)
	}
	_, err = p.do(ctx, a)
	return err
}

// SetQueuePenalty changes a member's penalty, in all its queues if none is named.
func (p *PBX) SetQueuePenalty(ctx context.Context, r ringside.QueueMemberRequest) error {
	a, err := p.memberAction("QueuePenalty", r, false)
	if err != nil {
		return err
	}
	_, err = p.do(ctx, a.With("Penalty", strconv.Itoa(r.Penalty)))
	return err
}

// ReloadQueue has Asterisk read a queue's configuration again, or all queues'. Asterisk does not say
// whether there is such a queue.
func (p *PBX) ReloadQueue(ctx context.Context, queue string) error {
	return p.queueAction(ctx, "QueueReload", queue)
}

// ResetQueue sets a queue's counters to zero, or all queues'.
func (p *PBX) ResetQueue(ctx context.Context, queue string) error {
	return p.queueAction(ctx, "QueueReset", queue)
}

// queueAction carries out an action after which no event tells what it has changed.
func (p *PBX) queueAction(ctx context.Context, action, queue string) error {
	if queue != "" && !ringside.QueueName(queue) {
		return &ringside.InvalidError{Field: "queue", Reason: fmt.Sprintf("%.100q is no queue's name", queue)}
	}
	if _, err := p.do(ctx, NewAction(action, "Queue", queue)); err != nil {
		return err
	}
	p.queues.refresh(queue)
	return nil
}

// memberAction makes an action about a member, whose interface is how the extension is called.
func (p *PBX) memberAction(action string, r ringside.QueueMemberRequest, needsQueue bool) (Action, error) {
	if err := r.Validate(); err != nil {
		return Action{}, err
	}
	if needsQueue && r.Queue == "" {
		return Action{}, &ringside.InvalidError{Field: "queue", Reason: "is missing"}
	}
	device, err := p.opt.Places.dialString(ringside.Target{Kind: ringside.ToExtension, Number: r.Number})
	if err != nil {
		return Action{}, err
	}
	return NewAction(action, "Queue", r.Queue, "Interface", device), nil
}
