package ami

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/backoff"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/uplink"
)

// Lines takes what Asterisk knows of extensions' devices. It is called on the goroutine that reads events:
// it may not wait for anything.
type Lines interface {
	Report(reports ...ringside.LineReport)
	// Answered tells that an extension has answered on a call, named by Asterisk's own id.
	Answered(callID, number string)
	// Silence tells that nothing is known any more.
	Silence()
}

// Options make a PBX. Login is required.
type Options struct {
	Login Login
	// Known reports whether a number is an extension of ours; nil: whatever Places make a device of.
	Known func(number string) bool
	// Lines and Witness take what is seen; nil: nobody does. Witness is called on a goroutine of its own,
	// one call after the other.
	Lines   Lines
	Witness func(ctx context.Context, w ringside.Witnessed)
	// Places say where calls go that ringside places and transfers.
	Places Places
	// Limits are the thresholds of the health report.
	Limits Limits
	// Keepalive is how often Asterisk is asked whether it is there; 0 is 15 s.
	Keepalive time.Duration
	// Reconcile is how often each queue is compared with Asterisk; 0 is 10 min.
	Reconcile time.Duration
}

// PBX is one Asterisk. Make it with New, and Start it.
type PBX struct {
	opt  Options
	calm *calmlog.Log

	session  atomic.Pointer[Session]
	forged   atomic.Uint64
	channels *channels
	queues   *queues
	tales    *tales
	watchers watchers

	mu    sync.Mutex
	state LinkState
	// doubts has a token when the picture of channels may be wrong.
	doubts chan struct{}

	uplink uplink.Uplink
}

// LinkState is how the connection is doing.
type LinkState struct {
	Up bool
	// Since is when the connection was made or lost; zero before the first.
	Since time.Time
	// Err is why there is none.
	Err error
	// Version is that of the manager interface, Attempts how many have failed in a row.
	Version  string
	Attempts int
	// Ping is the latest round trip, Clock how far Asterisk's clock is ahead then.
	Ping, Clock time.Duration
	// Lost counts events that a slow listener has missed, Forged those that can't be Asterisk's own.
	Lost, Forged uint64
}

// New makes a PBX that is not connected yet.
func New(opt Options) *PBX {
	opt.Login = opt.Login.withDefaults()
	opt.Keepalive = cmp.Or(opt.Keepalive, 15*time.Second)
	opt.Reconcile = cmp.Or(opt.Reconcile, 10*time.Minute)
	p := &PBX{opt: opt, calm: calmlog.New(opt.Login.Log), doubts: make(chan struct{}, 1)}
	p.opt.Login.Forged = p.doubt
	p.channels = newChannels(opt.Places, opt.Lines)
	p.queues = newQueues(p.extension)
	p.tales = newTales(p.extension)
	return p
}

// extension tells which extension of ours a device is, such as 101 for PJSIP/101; empty if it is none.
func (p *PBX) extension(device string) string {
	n := p.opt.Places.number(device)
	if n != "" && p.opt.Known != nil && !p.opt.Known(n) {
		return ""
	}
	return n
}

// Start connects, and keeps connected until Stop.
func (p *PBX) Start() {
	p.uplink.Start(
		p.run,
		func(ctx context.Context) { p.queues.run(ctx, p.opt.Reconcile, p.session.Load) },
		func(ctx context.Context) { p.tales.run(ctx, p.opt.Witness) },
	)
}

// Stop ends the connection and waits until nothing of it runs any more, or ctx ends.
func (p *PBX) Stop(ctx context.Context) error { return p.uplink.Stop(ctx) }

// WaitUp waits until there is a connection, or the first attempt at one has failed.
func (p *PBX) WaitUp(ctx context.Context) error {
	return uplink.WaitUp(ctx, "Asterisk", func() (bool, error) {
		st := p.State()
		return st.Up, st.Err
	})
}

// State tells how the connection is doing.
func (p *PBX) State() LinkState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Lost, s.Forged = p.watchers.lost.Load(), p.forged.Load()
	return s
}

// bootWithin is how long a user who is not told waits for Asterisk to boot.
const bootWithin = 2 * time.Second

// run keeps the connection.
func (p *PBX) run(ctx context.Context) {
	uplink.Keep(ctx, p.connected, func(err error) bool {
		p.down(err)
		var auth *AuthError
		return errors.As(err, &auth)
	})
}

// connected makes one connection and returns why it is over.
func (p *PBX) connected(ctx context.Context, wait *backoff.Backoff) error {
	p.channels.reset()
	s, err := Connect(ctx, p.opt.Login, p.event)
	if err != nil {
		return err
	}
	defer s.Close()
	unhook := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer unhook()
	if err := p.booted(ctx, s); err != nil {
		return err
	}
	early, err := p.resync(ctx, s)
	if err != nil {
		return err
	}
	wait.Reset()
	p.up(s)
	defer p.session.Store(nil)
	return p.keepAlive(ctx, s, early)
}

// booted waits until Asterisk has booted: before that its lists are not complete.
func (p *PBX) booted(ctx context.Context, s *Session) error {
	most := time.NewTimer(bootWithin)
	defer most.Stop()
	select {
	case <-s.Booted():
	case <-most.C:
	case <-s.Ended():
		return s.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// resync asks for everything that events only change. early: Asterisk does not know all the questions yet.
func (p *PBX) resync(ctx context.Context, s *Session) (early bool, err error) {
	if m, err := s.Do(ctx, NewAction("CoreSettings")); err == nil {
		s.named(m.Get("SystemName"))
	}
	for _, part := range []struct {
		what string
		ask  func(context.Context, *Session) error
	}{
		{"channels and devices", p.channels.resync}, {"calls", p.tales.resync}, {"queues", p.queues.resync},
	} {
		err := part.ask(ctx, s)
		switch {
		case err == nil:
		case isUnknown(err):
			early = true
			p.calm.Warn("Asterisk does not tell everything yet", "about", part.what, "error", err)
		case refused(err):
			p.calm.Warn("Asterisk does not tell everything", "about", part.what, "error", err)
		default:
			return false, fmt.Errorf("asking for %s: %w", part.what, err)
		}
	}
	return early, nil
}

// doubt notes that an event was forged: what it was cut out of is missing.
func (p *PBX) doubt() {
	p.forged.Add(1)
	p.queues.forged(time.Now())
	p.calm.Warn("somebody calls with line breaks in a number: Asterisk's events about that call can't be trusted and are left out")
	select {
	case p.doubts <- struct{}{}:
	default:
	}
}

// doubtPause is between two looks at all channels because of doubts: who forges events may not keep
// Asterisk busy.
const doubtPause = 5 * time.Second

// keepAlive asks whether Asterisk is there until it is not, and looks at its channels again when
// something may have been missed, and now and then. What could not be asked early, while Asterisk was
// loading its modules, is asked again: soon at first, and at once when it says that it has booted.
func (p *PBX) keepAlive(ctx context.Context, s *Session, early bool) error {
	tick := time.NewTicker(p.opt.Keepalive)
	defer tick.Stop()
	again := time.NewTicker(p.opt.Reconcile)
	defer again.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	var doubts <-chan struct{}
	later := backoff.Backoff{First: 2 * time.Second, Last: p.opt.Reconcile}
	loaded := time.NewTimer(later.Next(0))
	defer loaded.Stop()
	booted := s.Booted()
	if isClosed(booted) {
		booted = nil
	}
	err := p.ping(ctx, s)
	for err == nil {
		select {
		case <-tick.C:
			err = p.ping(ctx, s)
		case <-pause.C:
			doubts = p.doubts
		case <-doubts:
			doubts = nil
			pause.Reset(doubtPause)
			err = p.look(ctx, s)
		case <-again.C:
			err = p.look(ctx, s)
		case <-booted:
			booted = nil
			early, err = p.resync(ctx, s)
		case <-loaded.C:
			if early {
				early, err = p.resync(ctx, s)
				loaded.Reset(later.Next(0))
			}
		case <-s.Ended():
			return s.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// look compares the pictures of channels and calls with Asterisk.
func (p *PBX) look(ctx context.Context, s *Session) error {
	for _, ask := range []func(context.Context, *Session) error{p.channels.resync, p.tales.resync} {
		if err := ask(ctx, s); err != nil && s.Err() != nil {
			return s.Err()
		}
	}
	return nil
}

// pingWithin is how long Asterisk may take to answer a ping before it counts as gone.
const pingWithin = 5 * time.Second

func (p *PBX) ping(ctx context.Context, s *Session) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	began := time.Now()
	m, err := s.Ping(ctx)
	if err != nil {
		if s.Err() != nil {
			return s.Err()
		}
		return fmt.Errorf("%w: no answer to a ping: %w", ringside.ErrPBXAway, err)
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Ping, p.state.Clock = now.Sub(began), 0
	if at := epoch(m.Get("Timestamp")); !at.IsZero() {
		p.state.Clock = at.Sub(began.Add(now.Sub(began) / 2))
	}
	return nil
}

func (p *PBX) up(s *Session) {
	p.mu.Lock()
	p.state = LinkState{Up: true, Since: time.Now(), Version: s.Version()}
	p.mu.Unlock()
	p.session.Store(s)
	p.opt.Login.Log.Info("Asterisk's manager interface is connected", "address", p.opt.Login.Address, "version", s.Version())
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
		p.calm.Warn("Asterisk's manager interface is away; calls are routed as ever", "address", p.opt.Login.Address, "error", err)
	}
	p.queues.lost(now)
	p.tales.lost(now)
	if p.opt.Lines != nil {
		p.opt.Lines.Silence()
	}
}

// live gives the connection.
func (p *PBX) live() (*Session, error) {
	if s := p.session.Load(); s != nil {
		return s, nil
	}
	if err := p.State().Err; err != nil {
		if errors.Is(err, ringside.ErrPBXAway) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ringside.ErrPBXAway, err)
	}
	return nil, fmt.Errorf("%w: ringside has not connected yet", ringside.ErrPBXAway)
}

// do carries out an action on the connection that there is.
func (p *PBX) do(ctx context.Context, a Action) (Message, error) {
	s, err := p.live()
	if err != nil {
		return Message{}, err
	}
	return s.Do(ctx, a)
}

// event takes one event. It runs on the goroutine that reads.
func (p *PBX) event(m Message) {
	now := m.read()
	name := m.event()
	p.channels.event(name, m, now)
	p.queues.event(name, m, now)
	p.tales.event(name, m, now)
	p.watchers.publish(m)
}
