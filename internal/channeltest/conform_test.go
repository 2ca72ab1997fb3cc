package channeltest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/ringside-pbx/ringside"
)

// The suite is held to a front end without a wire, of the other kind than FastAGI: it rings every
// phone on its own, can stop a sound, is told at once that a caller has left, and gives up a broken
// connection after ten seconds.
func TestSuiteFitsAFrontEndOfAnotherKind(t *testing.T) {
	Conform(t, Door{PBX: "direct", Open: openDirect, PlayInterrupts: true, SpeechInterrupts: true, Speaks: true, LosesCallOnDrop: patience})
}

const patience = 10 * time.Second

func openDirect(_ *testing.T, serve Serve, lines ...*Line) (closed func()) {
	var calls sync.WaitGroup
	for _, l := range lines {
		calls.Go(func() { serveDirect(serve, l) })
	}
	return calls.Wait
}

func serveDirect(serve Serve, l *Line) {
	ctx, cancel := context.WithCancelCause(context.Background())
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-l.Gone():
			cancel(ringside.ErrCallerGone)
		case <-l.Lost():
			time.Sleep(patience)
			cancel(ringside.ErrConnectionLost)
		case <-over:
		}
	})
	defer func() {
		_ = recover()
		l.Continue()
		close(over)
		watch.Wait()
		cancel(nil)
	}()
	serve(ctx, &direct{ctx: ctx, line: l, at: time.Now()})
}

// direct is a channel that acts on a line without a wire.
type direct struct {
	ctx  context.Context
	line *Line
	at   time.Time
}

// do carries out one command, and takes as long as the PBX's reply.
func (d *direct) do(what string, act func()) error {
	if cause := context.Cause(d.ctx); cause != nil {
		return cause
	}
	d.line.Wire("%s", what)
	act()
	if !d.line.Reply() || d.line.Left() {
		<-d.ctx.Done()
	}
	return context.Cause(d.ctx)
}

func (d *direct) Offer() ringside.Offer {
	l := d.line
	return ringside.Offer{
		PBX: "direct", CallID: l.ID, Channel: "direct/" + l.ID, Endpoint: l.Endpoint, Caller: l.Caller, CallerName: l.CallerName,
		Called: l.Called, At: d.at,
	}
}

func (d *direct) Answer(context.Context) error { return d.do("answer", d.line.Answer) }

func (d *direct) Wait(ctx context.Context, music string) error {
	if ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	if !ringside.Dialable(music) {
		music = "default"
	}
	if err := d.do("music", func() { d.line.Music(music) }); err != nil {
		return err
	}
	<-ctx.Done()
	return d.do("no music", func() { d.line.Music("") })
}

func (d *direct) Play(ctx context.Context, p ringside.Prompt) error {
	what := "sound " + p.Sound
	switch {
	case p.Position > 0:
		what = "position " + strconv.Itoa(p.Position)
	case p.Text != "" && !d.line.Speaks:
		return ringside.ErrNoSpeech
	case p.Text != "":
		what = "text " + p.Text
	case strings.ContainsFunc(p.Sound, unicode.IsControl):
		return ringside.ErrRefused
	}
	if ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	found := true
	if err := d.do("play", func() { found = d.line.Hear(ctx.Done(), what) }); err != nil {
		return err
	}
	if !found {
		return ringside.ErrRefused
	}
	return nil
}

func (d *direct) Voicemail(_ context.Context, mailbox string) error {
	if !ringside.Dialable(mailbox) {
		return ringside.ErrRefused
	}
	left := false
	err := d.do("voicemail", func() { left = d.line.Voicemail(mailbox) })
	switch {
	case left:
		return nil
	case err != nil:
		return err
	}
	return ringside.ErrRefused
}

// cleaned is a text without what a dialplan would expand and a line would end at.
func cleaned(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '$' || unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

func (d *direct) Tell(_ context.Context, id string, dec *ringside.Decision) error {
	vars := map[string]string{"RINGSIDE_ACTION": string(dec.Action), "RINGSIDE_CALL_ID": id}
	if ringside.Dialable(dec.Target) {
		vars["RINGSIDE_TARGET"], vars["RINGSIDE_DIAL"] = dec.Target, "direct/"+dec.Target
	}
	if dec.Timeout > 0 {
		vars["RINGSIDE_TIMEOUT"] = strconv.Itoa(int(dec.Timeout / time.Second))
	}
	if dec.Group != nil {
		vars["RINGSIDE_GROUP"] = cleaned(dec.Group.Name)
	}
	if dec.Rule != nil {
		vars["RINGSIDE_RULE"] = cleaned(dec.Rule.Name)
	}
	return d.do("tell", func() {
		for name, value := range vars {
			d.line.Set(name, value)
		}
	})
}

func (d *direct) Hangup(_ context.Context, cause ringside.HangupCause) error {
	err := d.do("hang up", func() {
		d.line.Set("RINGSIDE_RESULT", string(ringside.ResultDone))
		d.line.End(int(cause))
	})
	if errors.Is(err, ringside.ErrCallerGone) {
		return nil
	}
	return err
}

func (d *direct) Release(_ context.Context, result ringside.Result) error {
	return d.do("release", func() {
		d.line.Set("RINGSIDE_RESULT", string(result))
		d.line.Continue()
	})
}

func (d *direct) Dial(_ context.Context, req ringside.DialRequest) (res ringside.DialResult, err error) {
	res.Status = ringside.DialFailed
	if len(req.Targets) == 0 || slices.ContainsFunc(req.Targets, func(t ringside.Target) bool { return !ringside.Dialable(t.Number) }) {
		return res, ringside.ErrRefused
	}
	if req.CallerName != "" {
		d.line.Shows(cleaned(req.CallerName))
	}
	legs := map[*Leg]ringside.Target{}
	defer func() {
		for g := range legs {
			g.End()
		}
	}()
	refused := ringside.DialUnavailable
	for _, t := range req.Targets {
		err := d.do("ring "+t.Number, func() {
			if g, why := d.line.Ring(t.Number); g != nil {
				legs[g] = t
			} else if why == ringside.DialBusy {
				refused = why
			}
		})
		if err != nil {
			return ringside.DialResult{Status: ringside.DialCancelled}, err
		}
	}
	if len(legs) == 0 {
		return ringside.DialResult{Status: refused}, nil
	}
	if req.Waiting || req.Music != "" {
		music := req.Music
		if !ringside.Dialable(music) {
			music = "default"
		}
		d.line.Music(music)
		defer d.line.Music("")
	}
	winner := d.first(legs, req.Ring)
	switch {
	case d.ctx.Err() != nil:
		return ringside.DialResult{Status: ringside.DialCancelled}, context.Cause(d.ctx)
	case winner == nil:
		return ringside.DialResult{Status: ringside.DialNoAnswer, Cause: ringside.CauseNoAnswer}, nil
	}
	for g := range legs {
		if g != winner {
			g.End()
		}
	}
	return d.talk(winner, legs[winner])
}

// first is the first leg that answers, nil if none does in time or the call ends.
func (d *direct) first(legs map[*Leg]ringside.Target, ring time.Duration) *Leg {
	answers, over := make(chan *Leg, len(legs)), make(chan struct{})
	var listening sync.WaitGroup
	defer listening.Wait()
	defer close(over)
	for g := range legs {
		listening.Go(func() {
			select {
			case <-g.Answered():
				answers <- g
			case <-over:
			}
		})
	}
	timeout := time.NewTimer(ring)
	defer timeout.Stop()
	select {
	case g := <-answers:
		return g
	case <-timeout.C:
	case <-d.ctx.Done():
	}
	return nil
}

func (d *direct) talk(g *Leg, t ringside.Target) (ringside.DialResult, error) {
	d.line.Answer()
	d.line.Music("")
	g.Connect()
	began := time.Now()
	select {
	case <-g.Over():
	case <-d.ctx.Done():
	}
	res := ringside.DialResult{Status: ringside.DialAnswered, Answered: t, Talk: time.Since(began), Cause: ringside.CauseNormal}
	if cause := context.Cause(d.ctx); errors.Is(cause, ringside.ErrConnectionLost) {
		return res, cause
	}
	return res, nil
}
