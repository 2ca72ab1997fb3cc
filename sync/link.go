package sync

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/backoff"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrOlder: the offered directory is older than the one that is there.
	ErrOlder = errors.New("the version is older than the one that is there")
	// ErrFile: the directory of this site does not come from the CRM.
	ErrFile = errors.New("the directory of this site comes from a file")
	// ErrStandalone: there is no CRM.
	ErrStandalone = errors.New("there is no CRM: crm.url is not set")
)

// Link is the link with the CRM. Make it with New, then Start and Stop it.
type Link struct {
	opt    Options
	client *client
	state  *state

	refresh chan struct{} // holds one token: pull the directory now
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	started time.Time
}

// New makes a link that does nothing yet.
func New(opt Options) *Link {
	opt = opt.withDefaults()
	l := &Link{opt: opt, refresh: make(chan struct{}, 1), state: newState(opt), started: opt.Now()}
	if opt.URL == nil {
		return l
	}
	l.client = &client{
		base: opt.URL, credentials: opt.Credentials, node: opt.Node, agent: "ringside/" + opt.Version,
		timeout: opt.Timeout, now: opt.Now, heard: l.state.heard,
		http: http.Client{
			Transport: opt.Transport,
			// A redirection would take the credentials elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	return l
}

// Start begins to speak to the CRM, if there is one.
func (l *Link) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	if l.client == nil {
		return
	}
	if l.opt.Config {
		l.stream(ctx, "directory", l.followDirectory)
		l.stream(ctx, "edits", l.sendEdits)
	}
	l.stream(ctx, "calls", func(ctx context.Context, s *stream) { l.deliver(ctx, s, ringside.CallParcel) })
	l.stream(ctx, "heartbeat", l.polling(l.sendHeartbeat))
	if l.opt.CDRs {
		l.stream(ctx, "cdrs", func(ctx context.Context, s *stream) { l.deliver(ctx, s, ringside.CDRParcel) })
	}
	if l.opt.Contacts {
		l.stream(ctx, "contacts", l.polling(l.pullContacts))
	}
	if l.opt.Annotations {
		l.stream(ctx, "annotations", l.polling(l.pullAnnotations))
	}
	if l.opt.Events {
		l.stream(ctx, "events", l.sendEvents)
	}
	l.wg.Go(func() { l.watchCredentials(ctx) })
}

// stream runs one of the link's tasks until ctx ends.
func (l *Link) stream(ctx context.Context, name string, run func(context.Context, *stream)) {
	s := l.state.stream(name)
	l.wg.Go(func() { run(ctx, s) })
}

// endless is how many pages in a row are read without a rest: where there is always more, the CRM's
// cursors may lead in a circle.
const endless = 5000

// polling does something again and again: at once while there is more of it, else when it is due.
func (l *Link) polling(do func(context.Context) (more bool, err error)) func(context.Context, *stream) {
	return func(ctx context.Context, s *stream) {
		tries := s.retries()
		for row := 0; s.enter(ctx); {
			more, err := do(ctx)
			if err != nil {
				if !tries.failed(ctx, err, nil) {
					return
				}
				continue
			}
			tries.ok()
			pause := time.Duration(0)
			switch row++; {
			case !more:
				row, pause = 0, l.opt.Poll
			case row > endless:
				pause = firstWait
			}
			if pause > 0 && !rest(ctx, pause, nil) {
				return
			}
		}
	}
}

// Stop ends everything; what is not delivered stays in the store.
func (l *Link) Stop(context.Context) error {
	if l.cancel != nil {
		l.cancel()
	}
	l.wg.Wait()
	return nil
}

// Refresh pulls the directory now. It returns at once; ErrStandalone says that there is no CRM.
func (l *Link) Refresh() error {
	if l.client == nil {
		return ErrStandalone
	}
	if l.opt.Config {
		select {
		case l.refresh <- struct{}{}:
		default:
		}
	}
	l.state.reopen()
	return nil
}

// watchCredentials lets the link go on as soon as a refused token has been renewed.
func (l *Link) watchCredentials(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.opt.Credentials.Renewed() {
			l.state.reopen()
		}
		l.state.note(l.opt.Credentials.State())
	}
}

// The longest waits between two attempts: a CRM that is back is noticed within a minute.
const (
	firstWait    = time.Second
	lastWait     = time.Minute
	missingWait  = 10 * time.Minute
	firstProbing = 15 * time.Second
	lastProbing  = 5 * time.Minute
)

// retries counts the failures of one stream and waits between its attempts.
type retries struct {
	stream *stream
	soon   backoff.Backoff
	rarely backoff.Backoff
}

func (s *stream) retries() *retries {
	return &retries{
		stream: s, soon: backoff.Backoff{First: firstWait, Last: lastWait},
		rarely: backoff.Backoff{First: lastWait, Last: missingWait},
	}
}

// ok notes a success.
func (r *retries) ok() {
	r.soon.Reset()
	r.rarely.Reset()
	r.stream.ok()
}

// failed notes a failure and waits until the next attempt is due, or woken has a token. It gives
// false when ctx has ended.
func (r *retries) failed(ctx context.Context, err error, woken <-chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	f := failureOf(err)
	wait := &r.soon
	if f.Trouble == Missing {
		wait = &r.rarely
	}
	pause := wait.Next(f.RetryAfter)
	if f.Trouble == Unauthorized {
		pause = 0 // enter, before the next attempt, knows how long
	}
	r.stream.failed(f, pause)
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-woken:
	case <-r.stream.state.hurried():
	}
	return ctx.Err() == nil
}

func failureOf(err error) *Failure {
	var f *Failure
	if !errors.As(err, &f) {
		f = local(err)
	}
	return f
}

// rest waits for d, or until woken has a token; false when ctx has ended.
func rest(ctx context.Context, d time.Duration, woken <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-woken:
	}
	return true
}
