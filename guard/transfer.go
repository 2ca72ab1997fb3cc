package guard

import (
	"cmp"
	"context"
	"strings"

	"github.com/ringside-pbx/ringside"
)

// Transfer implements ringside.CallControl. Whoever consults somebody outside leaves the ledger when they hand
// over, for their channel is the only one that is known: the limits by time hold all the same.
func (g *Guard) Transfer(ctx context.Context, r ringside.TransferRequest) error {
	const action = "transfer"
	r, out, err := g.checkTransfer(ctx, r)
	if err != nil {
		return g.refuse(action, r.By, err)
	}
	var c *call
	if out != nil {
		out.action = action
		if c, err = g.enter(*out); err != nil {
			return err
		}
	}
	g.log.Info("transfers a call", "by", r.By, "channel", r.Channel, "to", r.To.Number, "attended", r.Attended, "outside", c != nil)
	err = g.opt.Control.Transfer(ctx, r)
	if c != nil {
		g.settle(c, "", err)
	}
	return err
}

// checkTransfer gives the request as it is passed on, and what limits have to know if it dials out.
func (g *Guard) checkTransfer(ctx context.Context, r ringside.TransferRequest) (ringside.TransferRequest, *dialOut, error) {
	if err := first(r.Validate(), checkPerson(r.By)); err != nil {
		return r, nil, err
	}
	dir, err := g.inEffect()
	if err != nil {
		return r, nil, err
	}
	to, err := g.side(dir, r.To)
	if err != nil {
		return r, nil, err
	}
	r.To = to.target
	if !to.outside() {
		return r, nil, nil
	}
	who, err := g.person(dir, r.By)
	if err != nil {
		return r, nil, err
	}
	info, err := g.opt.Control.Channel(ctx, r.Channel)
	if err != nil {
		return r, nil, err
	}
	names, err := owners(dir, info, r.Attended)
	if err != nil {
		return r, nil, err
	}
	who = append(who, names...)
	if len(who) == 0 {
		who = []string{personKey("")}
	}
	return r, &dialOut{by: r.By, number: to.target.Number, id: cmp.Or(info.ID, r.Channel), who: who}, nil
}

// owners are the extensions that a transfer to the outside is for, which need the permission as if they
// dialled: the one whose channel it is, and the one who sends it away, which is whom it talks to. Numbers on
// channels may be forged, but here they can only forbid.
func owners(dir Directory, info ringside.ChannelInfo, attended bool) (who []string, err error) {
	device := info.Endpoint[strings.LastIndexByte(info.Endpoint, '/')+1:]
	numbers := []string{info.Endpoint, device, info.Caller}
	if !attended {
		numbers = append(numbers, info.Connected)
	}
	for _, n := range numbers {
		e, ok := dir.Extension(n)
		if !ok {
			continue
		}
		owner := side{target: ringside.Target{Kind: ringside.ToExtension, Number: n}, ext: &e}
		if err := owner.mayCallOut(); err != nil {
			return nil, err
		}
		who = append(who, extensionKey(n))
	}
	return who, nil
}
