// Package calls is the switchboard: the only owner of live state. It knows every call in progress,
// which extensions are being rung or talk, whose turn it is in a ring group and who waits in which
// queue, and it turns a finished call into its record.
//
// Deciding and reserving happen under one short lock, so that two callers are never given the same
// member, and nobody in a queue is served before somebody who has waited longer. There is one
// mutex; no I/O and no callback happens while it is held. That sentence is the whole lock order.
//
// Whatever a front end does, panics included, a call that has begun leaves exactly one record per
// serving. When the switchboard can't decide (no directory, an internal error), it releases the
// call to the PBX's own dialplan and never hangs it up.
package calls
