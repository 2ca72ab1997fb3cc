package esl

import (
	"context"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Health makes a full report. It never fails: what could not be asked says why.
func (p *PBX) Health(ctx context.Context) ringside.PBXHealth {
	return p.hearing.health(ctx, p.do, p.connectionHealth(ctx))
}

func (p *PBX) connectionHealth(ctx context.Context) ringside.ConnectionHealth {
	// A fresh look, if there is a connection at all.
	if s := p.session.Load(); s != nil {
		_, _ = p.ping(ctx, s) // the state below tells
	}
	st := p.State()
	h := ringside.ConnectionHealth{
		Status: ringside.ConditionHealthy, Connected: st.Up, Since: st.Since, Ping: float64(st.Ping.Microseconds()) / 1000,
	}
	switch {
	case !st.Up:
		h.Status, h.Ping, h.Error = ringside.ConditionCritical, 0, "not connected yet"
		if st.Err != nil {
			h.Error = st.Err.Error()
		}
	case st.Ping >= p.opt.Limits.WithDefaults().Ping:
		h.Status, h.Error = ringside.ConditionDegraded, fmt.Sprintf("FreeSWITCH answers after %s", st.Ping.Round(time.Millisecond))
	}
	return h
}

// Queues are mod_callcenter's, by name.
func (p *PBX) Queues() []ringside.PBXQueue { return p.hearing.queues.snapshot() }

// AddQueueMember makes an extension an agent of a queue.
func (p *PBX) AddQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	return p.hearing.queues.addMember(ctx, p.do, r)
}

// RemoveQueueMember takes an extension out of a queue.
func (p *PBX) RemoveQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	return p.hearing.queues.removeMember(ctx, p.do, r)
}

// PauseQueueMember lets an extension rest, or ends that.
func (p *PBX) PauseQueueMember(ctx context.Context, r ringside.QueueMemberRequest) error {
	return p.hearing.queues.pauseMember(ctx, p.do, r)
}

// SetQueuePenalty sets how late an extension's turn comes.
func (p *PBX) SetQueuePenalty(ctx context.Context, r ringside.QueueMemberRequest) error {
	return p.hearing.queues.setPenalty(ctx, p.do, r)
}

// ReloadQueue lets FreeSWITCH read a queue's configuration again.
func (p *PBX) ReloadQueue(ctx context.Context, queue string) error {
	return p.hearing.queues.reload(ctx, p.do, queue)
}
