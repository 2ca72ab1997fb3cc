package channeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Channel is a caller's channel on a PBX.
type Channel struct {
	PBX   *PBX
	Start ringside.Offer
	// NoSpeech, NoSound and NoVoicemail make announcements and voicemail fail as on a PBX without them.
	NoSpeech, NoSound, NoVoicemail bool
	// PromptTakes is how long an announcement or a message takes.
	PromptTakes time.Duration
	// Panic makes the named method panic.
	Panic string
	// Tells: the PBX tells what becomes of each phone, and records talks.
	Tells bool

	mu   sync.Mutex
	log  []string
	told []ringside.Decision
}

var _ ringside.Channel = (*Channel)(nil)

// Log is what the channel was told, a line each.
func (c *Channel) Log() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// Told are the decisions that the dialplan was told.
func (c *Channel) Told() []ringside.Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

func (c *Channel) say(ctx context.Context, method, format string, args ...any) error {
	if c.Panic == method {
		panic("the front end is broken in " + method)
	}
	c.mu.Lock()
	c.log = append(c.log, strings.TrimSpace(method+" "+fmt.Sprintf(format, args...)))
	c.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Offer implements ringside.Channel.
func (c *Channel) Offer() ringside.Offer { return c.Start }

// Answer implements ringside.Channel.
func (c *Channel) Answer(ctx context.Context) error { return c.say(ctx, "answer", "") }

// Tell implements ringside.Channel.
func (c *Channel) Tell(ctx context.Context, id string, d *ringside.Decision) error {
	if c.Panic == "tell" {
		panic("the front end is broken in tell")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, *d)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Play implements ringside.Channel.
func (c *Channel) Play(ctx context.Context, p ringside.Prompt) error {
	if err := c.say(ctx, "play", "%s%s%d", p.Sound, p.Text, p.Position); err != nil {
		return onlyCall(err)
	}
	switch {
	case p.Text != "" && c.NoSpeech:
		return ringside.ErrNoSpeech
	case p.Sound != "" && c.NoSound:
		return ringside.ErrRefused
	}
	return onlyCall(c.pass(ctx, c.PromptTakes))
}

// onlyCall is the cause if a call ends with it, and nil if it is that of one operation's own ctx.
func onlyCall(cause error) error {
	if errors.Is(cause, ringside.ErrCallerGone) || errors.Is(cause, ringside.ErrConnectionLost) {
		return cause
	}
	return nil
}

// Voicemail implements ringside.Channel.
func (c *Channel) Voicemail(ctx context.Context, mailbox string) error {
	if err := c.say(ctx, "voicemail", "%s", mailbox); err != nil {
		return err
	}
	if c.NoVoicemail {
		return ringside.ErrRefused
	}
	return c.pass(ctx, c.PromptTakes)
}

func (c *Channel) pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Wait implements ringside.Channel.
func (c *Channel) Wait(ctx context.Context, music string) error {
	if err := c.say(ctx, "wait", "%s", music); err != nil && errors.Is(context.Cause(ctx), ringside.ErrCallerGone) {
		return err
	}
	<-ctx.Done()
	return onlyCall(context.Cause(ctx))
}

// Hangup implements ringside.Channel.
func (c *Channel) Hangup(ctx context.Context, cause ringside.HangupCause) error {
	return c.say(ctx, "hangup", "%d", cause)
}

// Release implements ringside.Channel.
func (c *Channel) Release(ctx context.Context, result ringside.Result) error {
	return c.say(ctx, "release", "%s", result)
}

// Dial implements ringside.Channel.
func (c *Channel) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	names := make([]string, len(req.Targets))
	for i, t := range req.Targets {
		names[i] = t.Number
	}
	_ = c.say(ctx, "dial", "%s", strings.Join(names, "&"))
	ringing, refused := c.PBX.ring(names)
	for _, n := range names {
		if ringing[n] != nil {
			c.progress(req, n, ringside.PartyRinging)
		} else {
			c.progress(req, n, string(refused))
		}
	}
	if len(ringing) == 0 {
		return ringside.DialResult{Status: refused}, nil
	}
	winner, after := first(ringing)
	timeout := time.NewTimer(req.Ring)
	defer timeout.Stop()
	var answer <-chan time.Time
	if winner != "" {
		t := time.NewTimer(after)
		defer t.Stop()
		answer = t.C
	}
	select {
	case <-ctx.Done():
		c.PBX.stop(ringing, "")
		return ringside.DialResult{Status: ringside.DialCancelled}, context.Cause(ctx)
	case <-timeout.C:
		c.PBX.stop(ringing, "")
		return ringside.DialResult{Status: ringside.DialNoAnswer, Cause: ringside.CauseNoAnswer}, nil
	case <-answer:
	}
	c.PBX.stop(ringing, winner)
	c.progress(req, winner, string(ringside.DialAnswered))
	return c.talk(ctx, req, winner, ringing[winner]), nil
}

// progress tells what has become of one phone, on a PBX that tells.
func (c *Channel) progress(req ringside.DialRequest, number, state string) {
	if c.Tells && req.Progress != nil {
		req.Progress(ringside.Party{Number: number, State: state})
	}
}

func (c *Channel) talk(ctx context.Context, req ringside.DialRequest, number string, p *Phone) ringside.DialResult {
	defer p.leave(false)
	began := time.Now()
	if c.PBX.Answered != nil {
		c.PBX.Answered(req.CallID, number)
	}
	var over <-chan time.Time
	if p.Talk > 0 {
		t := time.NewTimer(p.Talk)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
	case <-ctx.Done():
	}
	res := ringside.DialResult{
		Status: ringside.DialAnswered, Talk: time.Since(began), Cause: ringside.CauseNormal,
		Answered: ringside.Target{Kind: ringside.ToExtension, Number: number},
	}
	if c.Tells && slices.Contains(req.Recorded, number) {
		res.Recording = number + ".wav"
	}
	return res
}

// ring rings the phones that take the call; refused says why none does.
func (p *PBX) ring(numbers []string) (ringing map[string]*Phone, refused ringside.DialStatus) {
	ringing = map[string]*Phone{}
	refused = ringside.DialUnavailable
	for _, n := range numbers {
		switch phone := p.Phones[n]; {
		case phone == nil, phone.Away:
		case phone.Busy:
			refused = ringside.DialBusy
		default:
			phone.enter()
			ringing[n] = phone
		}
	}
	return ringing, refused
}

func first(ringing map[string]*Phone) (winner string, after time.Duration) {
	for n, p := range ringing {
		if p.Answers > 0 && (winner == "" || p.Answers < after || (p.Answers == after && n < winner)) {
			winner, after = n, p.Answers
		}
	}
	return winner, after
}

func (p *PBX) stop(ringing map[string]*Phone, but string) {
	for n, phone := range ringing {
		if n != but {
			phone.leave(true)
		}
	}
}
