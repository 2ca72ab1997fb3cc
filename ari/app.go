package ari

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/backoff"
	"github.com/ringside-pbx/ringside/internal/calmlog"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// Reasons for which a call ends, beside those of the root package.
var (
	errLate     = errors.New("no decision within the deadline: the call was released with the default")
	errReplaced = errors.New("another program has connected with the application's name")
)

// App is ringside's Stasis application on one Asterisk. Make it with New, begin with Start, end it with Stop.
type App struct {
	opt     Options
	rest    *rest
	handler ringside.Handler
	log     *calmlog.Log
	janitor janitor
	link    link
	// defaults release a call that there was no decision on in time.
	defaults []ringside.Variable

	ctx    context.Context
	cancel context.CancelCauseFunc
	reader sync.WaitGroup // the connection
	wg     sync.WaitGroup // calls and what they leave to others

	// noArray: this Asterisk lacks the function with which several variables are set at once.
	noArray atomic.Bool

	mu sync.Mutex
	// owners are the calls by the ids of their channels and playbacks.
	owners  map[string]*call
	calls   map[*call]struct{}
	closing bool
}

// New makes an application; handler serves the calls that the dialplan hands over. The error tells every
// option that can't be meant.
func New(opt Options, handler ringside.Handler) (*App, error) {
	opt = opt.withDefaults()
	if errs := opt.Validate(); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	r, err := newREST(opt)
	if err != nil {
		return nil, err
	}
	defaults, err := opt.Dial.Default(opt.Default)
	if err != nil {
		defaults, _ = opt.Dial.Default("") // there is always the dialplan's own fallback
	}
	a := &App{
		opt: opt, defaults: defaults, rest: r, handler: handler, log: calmlog.New(opt.Log),
		owners: map[string]*call{}, calls: map[*call]struct{}{},
	}
	a.janitor = janitor{app: a, chores: map[chore]*trial{}, wake: make(chan struct{}, 1)}
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	return a, nil
}

// Start connects, and connects again whenever the connection is lost. It does not wait for Asterisk.
func (a *App) Start() {
	a.reader.Go(a.run)
	a.reader.Go(a.janitor.run)
	a.reader.Go(a.renewLeases)
}

// Stop takes no more calls, waits for those in progress until ctx ends, then gives the rest back to the
// dialplan with the cause, and returns how many those were.
func (a *App) Stop(ctx context.Context, cause error) int {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	done := make(chan struct{})
	go func() { a.wg.Wait(); close(done) }()
	left := 0
	select {
	case <-done:
	case <-ctx.Done():
		left = a.end(cause)
		<-done
	}
	a.cancel(cause)
	a.reader.Wait()
	a.link.stop()
	a.rest.client.CloseIdleConnections()
	return left
}

// run keeps the connection until the application is stopped.
func (a *App) run() {
	wait := backoff.Backoff{First: 500 * time.Millisecond, Last: 15 * time.Second}
	yields := backoff.Backoff{First: 4 * time.Minute, Last: time.Hour}
	for a.ctx.Err() == nil {
		began := time.Now()
		err := a.session()
		if a.ctx.Err() != nil {
			return
		}
		if time.Since(began) > a.opt.Keepalive {
			wait.Reset()
		}
		a.link.down(a, err)
		if errors.Is(err, errReplaced) {
			a.yield(yields.Next(0))
			continue
		}
		a.pause(wait.Next(0))
	}
}

func (a *App) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.ctx.Done():
	}
}

// yield leaves the name to whom it was taken by, for as long as Asterisk knows an application of the name:
// two that take it from one another would serve nobody. Asterisk knows it also for the sake of what this
// ringside has connected, so there is an end to it, which comes later each time.
func (a *App) yield(atMost time.Duration) {
	until := time.Now().Add(atMost)
	for a.ctx.Err() == nil && time.Now().Before(until) {
		a.pause(yieldFor)
		err := a.rest.do(a.ctx, http.MethodGet, []string{"applications", a.opt.Name}, nil, nil)
		if errors.Is(err, ringside.ErrNoChannel) {
			return
		}
	}
}

const yieldFor = 10 * time.Second

// session is one connection, from its beginning to its end.
func (a *App) session() error {
	if err := a.mayWrite(); err != nil {
		return err
	}
	s, err := a.rest.connect(a.ctx, a.opt.Name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(a.ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer s.close()
	defer cancel(nil)
	tasks.Go(func() {
		if err := s.keepAlive(ctx, a.opt.Keepalive, a.opt.Timeout); err != nil {
			cancel(err)
		}
	})
	tasks.Go(func() { a.resync(ctx) })
	for {
		frame, err := s.read(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("%w: %w", ringside.ErrPBXAway, err)
		}
		ev, err := decode(frame)
		if err != nil {
			a.log.Warn("ARI: "+err.Error(), "frame", dialplan.Plain(string(frame[:min(len(frame), 300)]), 300))
			continue
		}
		if _, replaced := ev.(*ari.ApplicationReplaced); replaced {
			return errReplaced
		}
		if ev != nil {
			a.digest(ev)
		}
	}
}

// mayWrite finds out whether the user may do anything before calls are handed over: who may only read could
// not even give them back.
func (a *App) mayWrite() error {
	err := a.rest.do(a.ctx, http.MethodDelete, []string{"playbacks", a.newID(soundID)}, nil, nil)
	var refused *RequestError
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
		refused.Message += fmt.Sprintf(": the user [%s] needs read_only = no in ari.conf", a.opt.Username)
		return refused
	}
	return nil // what else is wrong, the connection tells
}

// claim makes a call the owner of an id; false if the id has an owner.
func (a *App) claim(id string, c *call) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, taken := a.owners[id]; taken {
		return false
	}
	a.owners[id] = c
	c.ids = append(c.ids, id)
	return true
}

func (a *App) disclaim(id string) {
	a.mu.Lock()
	delete(a.owners, id)
	a.mu.Unlock()
}

func (a *App) owner(id string) *call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.owners[id]
}
