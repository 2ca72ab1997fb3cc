package guard

import (
	"context"

	"github.com/ringside-pbx/ringside"
)

// Originate implements ringside.CallControl.
func (g *Guard) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	const action = "originate"
	r, out, err := g.checkOriginate(r)
	if err != nil {
		return ringside.Originated{}, g.refuse(action, r.By, err)
	}
	var c *call
	if out != nil {
		out.action = action
		if c, err = g.enter(*out); err != nil {
			return ringside.Originated{}, err
		}
	}
	g.log.Info("originates a call", "by", r.By, "from", r.From.Number, "to", r.To.Number, "caller_id", r.CallerID, "outside", c != nil)
	made, err := g.opt.Control.Originate(ctx, r)
	switch {
	case c == nil:
	case err == nil && made.Status != "" && made.Status != ringside.DialAnswered:
		g.outside.end(c)
	default:
		g.settle(c, made.ID, err)
	}
	return made, err
}

// checkOriginate gives the request as it is passed on, and what limits have to know if it dials out.
func (g *Guard) checkOriginate(r ringside.OriginateRequest) (ringside.OriginateRequest, *dialOut, error) {
	if err := first(r.Validate(), checkPerson(r.By)); err != nil {
		return r, nil, err
	}
	dir, err := g.inEffect()
	if err != nil {
		return r, nil, err
	}
	from, err := g.side(dir, r.From)
	if err != nil {
		return r, nil, err
	}
	to, err := g.side(dir, r.To)
	if err != nil {
		return r, nil, err
	}
	r.From, r.To = from.target, to.target
	if r.From == r.To {
		return r, nil, &ringside.InvalidError{Field: "to", Reason: r.To.Number + " would be connected with itself"}
	}
	if r.CallerID, err = callerID(dir, r.CallerID, from, to); err != nil {
		return r, nil, err
	}
	if r.Presents, err = presents(r.Presents, from, to); err != nil {
		return r, nil, err
	}
	for _, v := range r.Variables {
		if err := g.variable(v); err != nil {
			return r, nil, err
		}
	}
	if !from.outside() && !to.outside() {
		return r, nil, nil
	}
	out, err := g.outward(dir, r.By, from, to)
	return r, out, err
}

// outward checks a call of which one end is a telephone number, or both.
func (g *Guard) outward(dir Directory, by string, from, to side) (*dialOut, error) {
	out := &dialOut{by: by, number: to.target.Number}
	if !to.outside() {
		out.number = from.target.Number
	}
	if from.outside() && to.outside() && !g.opt.ExternalToExternal {
		return nil, deny(out.number, "%s and %s are both outside: outbound.external_to_external is off", from.target.Number, to.target.Number)
	}
	who, err := g.person(dir, by)
	if err = first(err, from.mayCallOut(), to.mayCallOut()); err != nil {
		return nil, err
	}
	for _, s := range []side{from, to} {
		if s.ext != nil {
			who = append(who, extensionKey(s.target.Number))
		}
	}
	if len(who) == 0 {
		who = []string{personKey("")}
	}
	out.who = who
	return out, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
