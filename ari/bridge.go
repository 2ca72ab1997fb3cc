package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// errLegGone says that who was to be connected has left.
var errLegGone = errors.New("the called side has left")

// join connects the caller with a party that has answered.
func (ch *channel) join(ctx context.Context, p *party) error {
	if err := ch.Answer(ctx); err != nil && !errors.Is(err, ringside.ErrRefused) {
		return err
	}
	if err := ch.entered(ctx, p); err != nil {
		return err
	}
	inBridge := false
	ch.look(func() { inBridge = p.bridged })
	if inBridge {
		return nil
	}
	// Music that nobody stops goes on in the bridge.
	if err := ch.silence(ctx); err != nil {
		return err
	}
	return ch.bridged(ctx, p)
}

// entering is how long the event may take that tells that who has answered can be commanded.
const entering = 3 * time.Second

// entered waits until who has answered can be commanded. If Asterisk does not tell, it is asked.
func (ch *channel) entered(ctx context.Context, p *party) error {
	told, cancel := context.WithTimeout(ctx, entering)
	defer cancel()
	err := ch.await(told, func() bool { return p.entered > 0 || p.over() })
	if err == nil || ctx.Err() != nil {
		return err
	}
	if err := ch.do(ctx, http.MethodGet, []string{"channels", p.id}, nil); err != nil {
		if left(err) {
			return fmt.Errorf("%w: %w", errLegGone, err)
		}
		return ch.outcome(ctx, err)
	}
	ch.change(func() { p.entered = max(p.entered, 1) })
	return nil
}

// bridged puts the caller and a party into the call's bridge.
func (ch *channel) bridged(ctx context.Context, p *party) error {
	if err := ch.claimTurn(ctx); err != nil {
		return err
	}
	id := ch.app.newID(bridgeID)
	ch.app.claim(id, ch.call)
	name := ch.app.opt.Name
	ch.change(func() {
		ch.bridge, ch.apart = id, false
		if !p.up {
			name += " early" // nobody talks in it yet: see adopt
		}
	})
	err := ch.made(ctx, func() error {
		return ch.app.rest.do(ctx, http.MethodPost, []string{"bridges", id}, params{"type": "mixing", "name": name}, nil)
	})
	if err != nil {
		return ch.outcome(ctx, err)
	}
	err = ch.do(ctx, http.MethodPost, []string{"bridges", id, "addChannel"}, params{"channel": []string{ch.callerID(), p.id}})
	if left(err) || errors.Is(err, ringside.ErrRefused) {
		gone := false
		ch.look(func() { gone = ch.caller.over() })
		if !gone && !left(ch.do(ctx, http.MethodGet, []string{"channels", ch.callerID()}, nil)) {
			return fmt.Errorf("%w: %w", errLegGone, err)
		}
		return fmt.Errorf("%w: %w", ringside.ErrCallerGone, err)
	}
	if err == nil {
		ch.change(func() { p.bridged = true })
	}
	return ch.outcome(ctx, err)
}

// record begins to record the talk if it is to be, and gives the file's name: below Asterisk's folder
// "recording". A talk that can't be recorded goes on.
func (ch *channel) record(ctx context.Context, with *party, req ringside.DialRequest) string {
	wanted := false
	for _, n := range req.Recorded {
		wanted = wanted || n == with.target.Number
	}
	if !wanted || !ch.app.opt.Record {
		return ""
	}
	name := time.Now().UTC().Format("20060102-150405-") + dialplan.FileName(req.CallID)
	ch.app.claim(name, ch.call)
	ch.change(func() { ch.plays[name] = "" })
	err := ch.do(ctx, http.MethodPost, []string{"bridges", ch.bridge, "record"},
		params{"name": name, "format": "wav", "ifExists": "fail"})
	if err != nil {
		if ctx.Err() == nil {
			ch.app.log.Warn("a talk can't be recorded", "call", req.CallID, "error", err)
		}
		return ""
	}
	return name + format
}

const format = ".wav"

// kept waits until the recording of a talk has ended, and reports whether there is one. When Asterisk does
// not say, it is taken to be there.
func (ch *channel) kept(file string, talk time.Duration) bool {
	ctx, cancel := context.WithTimeout(ch.app.ctx, dust)
	defer cancel()
	state := ""
	_ = ch.await(ctx, func() bool { state = ch.plays[strings.TrimSuffix(file, format)]; return state != "" })
	return state != failed && (state != empty || talk < 2*time.Second)
}
