package ami

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

func (t *tales) quality(_ time.Time, _, _ time.Duration) ringside.CallQuality {
	return ringside.CallQuality{Status: ringside.ConditionUnknown}
}

// Queues are those of Asterisk.
func (p *PBX) Queues() []ringside.PBXQueue { return nil }

// AddQueueMember is not known yet.
func (p *PBX) AddQueueMember(context.Context, ringside.QueueMemberRequest) error { return ringside.ErrRefused }

// RemoveQueueMember is not known yet.
func (p *PBX) RemoveQueueMember(context.Context, ringside.QueueMemberRequest) error { return ringside.ErrRefused }

// PauseQueueMember is not known yet.
func (p *PBX) PauseQueueMember(context.Context, ringside.QueueMemberRequest) error { return ringside.ErrRefused }

// SetQueuePenalty is not known yet.
func (p *PBX) SetQueuePenalty(context.Context, ringside.QueueMemberRequest) error { return ringside.ErrRefused }

// ReloadQueue is not known yet.
func (p *PBX) ReloadQueue(context.Context, string) error { return ringside.ErrRefused }
