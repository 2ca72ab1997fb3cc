package esl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/backoff"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/condition"
	"github.com/ringside-pbx/ringside/internal/uplink"
)

// Lines takes what FreeSWITCH knows of extensions' devices. It is called on the goroutine that reads events:
// it may not wait for anything.
type Lines interface {
	Report(reports ...ringside.LineReport)
	// Answered tells that an extension has answered on a call, named by FreeSWITCH's own id.
	Answered(callID, number string)
	// Silence tells that nothing is known any more.
	Silence()
}

// Options make a PBX. Login is required.
type Options struct {
	Login Login
	// Known reports whether a number is an extension of ours; nil: whatever looks like one.
	Known func(number string) bool
	// Lines and Witness take what is seen; nil: nobody does. Witness is called on a goroutine of its own,
	// one call after the other.
	Lines   Lines
	Witness func(ctx context.Context, w ringside.Witnessed)
	// Places say how numbers are reached, and where recordings lie.
	Places Places
	// Agent is how agents of mod_callcenter are named that are added to queues, with ${number} in it; empty is
	// ${number}@default.
	Agent string
	// Limits are the thresholds of the health report.
	Limits Limits
	// Keepalive is how often FreeSWITCH is asked whether it is there; 0 is 15 s.
	Keepalive time.Duration
	// Reconcile is how often what is known is compared with FreeSWITCH; 0 is 10 min.
	Reconcile time.Duration
}

// Limits are the thresholds of the health report; zero values are the defaults.
type Limits = condition.Limits

// PBX is one FreeSWITCH. Make it with New, and Start it.
type PBX struct {
	opt      Options
	calm     *calmlog.Log
	placed   *placed
	hearing  *hearing
	trackers []tracker

	session atomic.Pointer[session]

	mu    sync.Mutex
	state LinkState

	uplink uplink.Uplink
}

// LinkState is how the connection is doing.
type LinkState struct {
	Up bool
	// Since is when the connection was made or lost; zero before the first.
	Since time.Time
	// Err is why there is none.
	Err error
	// Version is FreeSWITCH's, Attempts how many to connect have failed in a row.
	Version  string
	Attempts int
	// Ping is the latest round trip.
	Ping time.Duration
	// Unheard are the events that the user may not hear.
	Unheard []string
}

// New makes a PBX that is not connected yet.
func New(opt Options) *PBX {
	opt.Login = opt.Login.withDefaults()
	opt.Keepalive = cmp.Or(opt.Keepalive, 15*time.Second)
	opt.Places = opt.Places.withDefaults()
	p := &PBX{opt: opt, calm: calmlog.New(opt.Login.Log), placed: newPlaced()}
	p.trackers = append([]tracker{p.placed}, p.newTrackers()...)
	return p
}

// newTrackers makes those who follow what FreeSWITCH tells, of the options.
func (p *PBX) newTrackers() []tracker {
	p.hearing = newHearing(hearingOptions{
		known: p.opt.Known, dialled: p.opt.Places.Extension, agent: p.opt.Agent, lines: p.opt.Lines, witness: p.opt.Witness,
		limits: p.opt.Limits, reconcile: p.opt.Reconcile, log: p.opt.Login.Log,
	})
	return []tracker{p.hearing}
}

// Start connects, and keeps connected until Stop.
func (p *PBX) Start() {
	p.uplink.Start(p.run, p.hearing.run)
}

// Stop ends the connection and waits until nothing of it runs any more, or ctx ends.
func (p *PBX) Stop(ctx context.Context) error { return p.uplink.Stop(ctx) }

// WaitUp waits until there is a connection, or the first attempt at one has failed.
func (p *PBX) WaitUp(ctx context.Context) error {
	return uplink.WaitUp(ctx, "FreeSWITCH", func() (bool, error) {
		st := p.State()
		return st.Up, st.Err
	})
}

// State tells how the connection is doing.
func (p *PBX) State() LinkState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// run keeps the connection.
func (p *PBX) run(ctx context.Context) {
	uplink.Keep(ctx, p.connected, func(err error) bool {
		p.down(err)
		var refused *ConnectError
		return errors.As(err, &refused) && refused.Refused
	})
}

// connected makes one connection and returns why it is over.
func (p *PBX) connected(ctx context.Context, wait *backoff.Backoff) error {
	s, err := connect(ctx, p.opt.Login, p.digest)
	if err != nil {
		return err
	}
	defer s.close()
	var lists [][]string
	for _, t := range p.trackers {
		lists = append(lists, t.events())
	}
	unheard, err := s.subscribe(ctx, merged(lists...))
	if err != nil {
		return fmt.Errorf("subscribing to events: %w", err)
	}
	version, err := p.ping(ctx, s)
	if err != nil {
		return err
	}
	wait.Reset()
	p.up(s, version, unheard)
	following, ending := context.WithCancel(ctx)
	var followers sync.WaitGroup
	for _, t := range p.trackers {
		followers.Go(func() { t.up(following, s.run) })
	}
	err = p.keepAlive(ctx, s)
	p.session.Store(nil)
	s.close()
	ending()
	followers.Wait()
	for _, t := range p.trackers {
		t.down()
	}
	return err
}

// digest takes one event. It runs on the goroutine that reads.
func (p *PBX) digest(e event) {
	for _, t := range p.trackers {
		t.digest(e)
	}
}

// keepAlive asks whether FreeSWITCH is there until it is not.
func (p *PBX) keepAlive(ctx context.Context, s *session) error {
	tick := time.NewTicker(p.opt.Keepalive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := p.ping(ctx, s); err != nil {
				return err
			}
		case <-s.conn.ended:
			return away(s.conn.lost())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *PBX) ping(ctx context.Context, s *session) (version string, err error) {
	began := time.Now()
	if version, err = s.ping(ctx); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Ping = time.Since(began)
	return version, nil
}

func (p *PBX) up(s *session, version string, unheard []string) {
	p.mu.Lock()
	p.state = LinkState{Up: true, Since: time.Now(), Version: version, Ping: p.state.Ping, Unheard: unheard}
	p.mu.Unlock()
	p.session.Store(s)
	p.opt.Login.Log.Info("FreeSWITCH's event socket is connected", "address", p.opt.Login.Address, "version", version)
	if len(unheard) > 0 {
		p.calm.Warn("FreeSWITCH does not tell everything: add the events to esl-allowed-events in the directory", "events", strings.Join(unheard, ","))
	}
}

// down notes that there is no connection, and logs it when that is news.
func (p *PBX) down(err error) {
	now := time.Now()
	p.mu.Lock()
	was := p.state
	news := was.Up || was.Err == nil || was.Err.Error() != err.Error()
	p.state.Up, p.state.Err = false, err
	p.state.Attempts++
	if was.Up || was.Since.IsZero() {
		p.state.Since = now
	}
	p.mu.Unlock()
	if news {
		p.calm.Warn("FreeSWITCH's event socket is away; calls are routed as ever", "address", p.opt.Login.Address, "error", err)
	}
}

// live gives the connection.
func (p *PBX) live() (*session, error) {
	if s := p.session.Load(); s != nil {
		return s, nil
	}
	if err := p.State().Err; err != nil {
		return nil, away(err)
	}
	return nil, fmt.Errorf("%w: ringside has not connected yet", ringside.ErrPBXAway)
}

// do carries out a command on the connection that there is.
func (p *PBX) do(ctx context.Context, name string, args ...string) (string, error) {
	s, err := p.live()
	if err != nil {
		return "", err
	}
	return s.run(ctx, name, args...)
}
