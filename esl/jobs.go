package esl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ringside-pbx/ringside"
)

// maxJobs is how many commands may be in progress at once.
const maxJobs = 1000

// jobs are the commands in progress on one connection. A job is known before it is sent: its outcome may
// come in the same piece as the reply.
type jobs struct {
	mu      sync.Mutex
	waiting map[string]func(printed string)
}

// add registers a job; done is called once, on the goroutine that reads.
func (j *jobs) add(id string, done func(printed string)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) >= maxJobs {
		return fmt.Errorf("%w: %d commands are in progress already", ringside.ErrRefused, maxJobs)
	}
	if j.waiting == nil {
		j.waiting = map[string]func(string){}
	}
	j.waiting[id] = done
	return nil
}

func (j *jobs) forget(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.waiting, id)
}

// finish hands an outcome to whoever waits for it; one that comes late, or that is somebody else's, is
// nobody's.
func (j *jobs) finish(e event) {
	id := e.plain("Job-UUID")
	j.mu.Lock()
	done := j.waiting[id]
	delete(j.waiting, id)
	j.mu.Unlock()
	if done != nil {
		done(strings.ToValidUTF8(string(e.body), ""))
	}
}

// post sends a command that is carried out in the background, and returns when FreeSWITCH has taken it.
// done is told how it went, unless the connection ends before; it may not wait. forget ends that.
func (s *session) post(ctx context.Context, done func(printed string), name string, args ...string) (forget func(), err error) {
	id := newUUID()
	cmd, err := jobCommand(id, name, args...)
	if err != nil {
		return nil, err
	}
	if err := s.jobs.add(id, done); err != nil {
		return nil, err
	}
	forget = func() { s.jobs.forget(id) }
	f, err := s.conn.ask(ctx, cmd)
	if err != nil {
		forget()
		return nil, asked(name, f, err)
	}
	return forget, nil
}

// asked is the error of a command that was not taken.
func asked(name string, f frame, err error) error {
	switch {
	case errors.Is(err, ringside.ErrConnectionLost), errors.Is(err, errNoReply):
		return away(err)
	case f.head != nil:
		return problem(name, f.outcome())
	}
	return fmt.Errorf("waiting for FreeSWITCH's answer to %s: %w", name, err)
}

// raw carries out a command in the background and gives what it printed.
func (s *session) raw(ctx context.Context, name string, args ...string) (string, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.login.Timeout)
		defer cancel()
	}
	outcome := make(chan string, 1)
	forget, err := s.post(ctx, func(printed string) { outcome <- printed }, name, args...)
	if err != nil {
		return "", err
	}
	defer forget()
	select {
	case printed := <-outcome:
		return printed, nil
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for what FreeSWITCH makes of %s: %w", name, context.Cause(ctx))
	case <-s.conn.ended:
	}
	select { // it may have come with the end
	case printed := <-outcome:
		return printed, nil
	default:
		return "", away(s.conn.lost())
	}
}

// run is raw, where -ERR and -USAGE are errors. It is an api.
func (s *session) run(ctx context.Context, name string, args ...string) (string, error) {
	printed, err := s.raw(ctx, name, args...)
	if err == nil {
		err = problem(name, printed)
	}
	return printed, err
}
