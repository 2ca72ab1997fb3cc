package agi

import (
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Switchboard is what the scripts need of the switchboard.
type Switchboard interface {
	ringside.Handler
	// Decide decides on a call that the dialplan carries out; see ringside.Handover.
	Decide(o ringside.Offer, h ringside.Handover) (d ringside.Decision, id string)
	// Finish takes the dialplan's report of a call's end.
	Finish(o ringside.Offer, f ringside.Facts) bool
	// Answered takes the report that an extension has answered the call.
	Answered(id, number string)
	// Contact finds who a caller is.
	Contact(number string) (ringside.Contact, bool)
}

// A script serves one request.
type script func(ctx context.Context, s *session, env *environment)

// script chooses by the request's path, from a fixed set; nil refuses the request.
func (s *Server) script(env *environment) script {
	if !s.opt.Token.IsZero() &&
		subtle.ConstantTimeCompare([]byte(env.query.Get("token")), []byte(s.opt.Token.Reveal())) != 1 {
		s.log.Warn("a FastAGI request has a wrong token and is refused", "script", dialplan.Cut(env.script, 40))
		return nil
	}
	switch env.script {
	case "route":
		return s.route
	case "decide":
		return s.decide
	case "lookup":
		return s.lookup
	case "hangup":
		return s.hangup
	case "answered":
		return s.answered
	case selfTest:
		return s.selfTest
	}
	s.log.Warn("there is no such FastAGI script: the request is refused",
		"script", dialplan.Cut(env.script, 40), "scripts", "route, decide, lookup, hangup, answered")
	return nil
}

func offer(env *environment) ringside.Offer {
	return ringside.Offer{
		PBX: "asterisk", CallID: env.id(), Channel: env.channel, Endpoint: dialplan.Endpoint(env.channel),
		Caller: env.caller(), CallerName: env.name(), Called: env.called(),
		Context: env.context, At: time.Now(),
	}
}

// route drives the call to its end.
func (s *Server) route(ctx context.Context, sess *session, env *environment) {
	ch := &channel{session: sess, dial: s.opt.Dial, offer: offer(env), log: s.log}
	if hook := env.query.Get("answered"); dialplan.Word(hook, 80) {
		ch.answer = hook
	}
	s.calls.ServeCall(ctx, ch)
}

// decide sets the decision's variables in one command and returns: the dialplan keeps control.
func (s *Server) decide(ctx context.Context, sess *session, env *environment) {
	h := ringside.Handover{Tracked: env.query.Get("tracked") == "1"}
	if hold, err := strconv.ParseUint(env.query.Get("hold"), 10, 16); err == nil {
		d := time.Duration(hold) * time.Second
		h.Hold = &d
	}
	d, id := s.calls.Decide(offer(env), h)
	vars, err := s.opt.Dial.Handover(&d, id)
	if err != nil {
		s.log.Warn("a decision can't be dialled and is released", "call", id, "error", err)
	}
	if err := sess.set(ctx, vars...); unusual(err) {
		s.log.Warn("a decision could not be handed over", "call", id, "error", err)
	}
}

// unusual reports whether an error is worth a line in the log: callers leave all the time, and who
// was late is logged already.
func unusual(err error) bool {
	return err != nil && !errors.Is(err, ringside.ErrCallerGone) && !errors.Is(err, ErrLate)
}

// lookup tells the dialplan who the caller is.
func (s *Server) lookup(ctx context.Context, sess *session, env *environment) {
	result := "unknown"
	var vars []ringside.Variable
	if c, ok := s.calls.Contact(env.caller()); ok {
		result = "found"
		for _, v := range []ringside.Variable{
			{Name: dialplan.VarName, Value: c.Name},
			{Name: dialplan.VarCompany, Value: c.Company},
			{Name: dialplan.VarOwner, Value: c.Owner},
		} {
			if v.Value != "" {
				vars = append(vars, v)
			}
		}
	}
	vars = append(vars, ringside.Variable{Name: dialplan.VarResult, Value: result})
	if err := sess.set(ctx, vars...); unusual(err) {
		s.log.Warn("a contact could not be handed over", "error", err)
	}
}

// hangup takes the final facts from a hangup handler or the h extension. That the call has ended is
// true also when the facts can't be read.
func (s *Server) hangup(ctx context.Context, sess *session, env *environment) {
	text, err := sess.value(ctx, outcome)
	if unusual(err) {
		s.log.Warn("how a call went could not be read", "uniqueid", env.uniqueID, "error", err)
	}
	facts := ringside.Facts{}
	res, peer := parseOutcome(text)
	facts.Cause, facts.Talk, facts.Answered = res.Cause, res.Talk, peer
	if text != "" && text[0] != '|' {
		facts.Status = res.Status
	}
	s.calls.Finish(offer(env), facts)
}

// answered takes the report of the called channel that has answered. It sends nothing. Two people
// wait for it to end, so the deadline holds here, too.
func (s *Server) answered(_ context.Context, _ *session, env *environment) {
	s.calls.Answered(env.query.Get("id"), dialplan.Endpoint(env.channel))
}
