package control

import (
	"context"

	"github.com/ringside-pbx/ringside"
)

// PBX acts on the PBX and tells about it. Its errors are those of
// ringside.CallControl.
type PBX interface {
	ringside.CallControl
	// PBXHealth is a full report on the PBX.
	PBXHealth(ctx context.Context) (ringside.PBXHealth, error)
	// Queues are those of the PBX itself, in the order of their names.
	Queues(ctx context.Context) ([]ringside.PBXQueue, error)
	// ChangeQueue changes a queue's member, or reads the queue's configuration again.
	ChangeQueue(ctx context.Context, c QueueChange) error
}

// QueueVerb is what is done to a queue.
type QueueVerb string

// The verbs.
const (
	QueueAdd     QueueVerb = "add"
	QueueRemove  QueueVerb = "remove"
	QueuePause   QueueVerb = "pause" // or ends the pause, as Member.Paused says
	QueuePenalty QueueVerb = "penalty"
	QueueReload  QueueVerb = "reload"
)

// QueueChange is a change of a queue of the PBX.
type QueueChange struct {
	Verb   QueueVerb                   `json:"verb"`
	Member ringside.QueueMemberRequest `json:"member"`
}
