package guard

import (
	"context"
	"errors"
	"slices"

	"github.com/ringside-pbx/ringside"
)

// dialOut is a request to dial out that has passed every check but the limits.
type dialOut struct {
	action, by string
	// number is what is dialled, for a refusal.
	number string
	// id is the PBX's id of a channel that is there already; empty for one that is to come.
	id string
	// who are the names that limits count it by.
	who []string
}

// enter enters a request in the ledger, or refuses it.
func (g *Guard) enter(d dialOut) (*call, error) {
	now := g.now()
	g.outside.prune(now, g.opt.Live)
	slices.Sort(d.who)
	c, err := g.outside.enter(now, d.id, slices.Compact(d.who))
	var limit *denial
	if errors.As(err, &limit) {
		limit.number = d.number
	}
	if err != nil {
		return nil, g.refuse(d.action, d.by, err)
	}
	return c, nil
}

// settle keeps a call in the ledger for as long as it may go on. A request that was cut off may have been
// carried out, and so may one whose PBX was lost after it had named the channel.
func (g *Guard) settle(c *call, id string, err error) {
	if id == "" {
		id = c.id
	}
	cutOff := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case err == nil && id != "", id != "" && (cutOff || errors.Is(err, ringside.ErrPBXAway)):
		g.outside.settle(c, id, g.now().Add(settling))
	case err == nil, cutOff:
		g.outside.settle(c, "", g.now().Add(doubt))
	default:
		g.outside.end(c)
	}
}
