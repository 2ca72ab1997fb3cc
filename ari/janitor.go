package ari

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A chore is what has to be done about something that no call minds any more.
type chore struct {
	kind choreKind
	id   string
}

type choreKind int

const (
	hangUp  choreKind = iota // a channel that ringside has called
	destroy                  // a bridge
	goOn                     // a caller: back to the dialplan
)

const (
	// choreEvery is how often a chore is tried that failed, choreFor for how long.
	choreEvery = 2 * time.Second
	choreFor   = 10 * time.Minute
	// maxChores bounds them; they are kept through an outage.
	maxChores = 10_000
)

// janitor does what a call could not finish because Asterisk did not answer.
type janitor struct {
	app  *App
	wake chan struct{}

	mu     sync.Mutex
	chores map[chore]time.Time // with the time until which they are tried
}

// add takes a chore, which is tried at once.
func (j *janitor) add(c chore) {
	j.mu.Lock()
	if len(j.chores) < maxChores {
		j.chores[c] = time.Now().Add(choreFor)
	}
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *janitor) due() (all []chore) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for c, until := range j.chores {
		if now.After(until) {
			delete(j.chores, c)
			continue
		}
		all = append(all, c)
	}
	return all
}

func (j *janitor) done(c chore) {
	j.mu.Lock()
	delete(j.chores, c)
	j.mu.Unlock()
}

// run does chores until the application ends.
func (j *janitor) run() {
	again := time.NewTimer(choreEvery)
	defer again.Stop()
	for {
		select {
		case <-j.app.ctx.Done():
			return
		case <-j.wake:
		case <-again.C:
		}
		left := false
		for _, c := range j.due() {
			if j.app.tidy(j.app.ctx, c) {
				j.done(c)
				continue
			}
			left = true
		}
		if left {
			again.Reset(choreEvery)
		}
	}
}

// tidy tries a chore, and reports whether nothing is left to do.
func (a *App) tidy(ctx context.Context, c chore) bool {
	ctx, cancel := context.WithTimeout(ctx, tidyWithin)
	defer cancel()
	var err error
	switch c.kind {
	case hangUp:
		err = a.rest.do(ctx, http.MethodDelete, []string{"channels", c.id}, nil, nil)
	case destroy:
		err = a.rest.do(ctx, http.MethodDelete, []string{"bridges", c.id}, nil, nil)
	case goOn:
		// Music would go on in the dialplan. Whether there is any is not to be known here, and it is not worth
		// much of the time.
		quiet, cancelQuiet := context.WithTimeout(ctx, tidyWithin/5)
		_ = a.rest.do(quiet, http.MethodDelete, []string{"channels", c.id, "moh"}, nil, nil)
		cancelQuiet()
		err = a.rest.do(ctx, http.MethodPost, []string{"channels", c.id, "continue"}, nil, nil)
	}
	return err == nil || left(err)
}

// cleanUp does a chore now; if Asterisk does not answer it is done later.
func (a *App) cleanUp(c chore) {
	if !a.tidy(a.ctx, c) {
		a.janitor.add(c)
	}
}

// cleanUpAll does chores side by side, and returns when each is done or left for later.
func (a *App) cleanUpAll(chores []chore) {
	var all sync.WaitGroup
	for i, c := range chores {
		if i == len(chores)-1 {
			a.cleanUp(c) // mostly it is the only one
			break
		}
		all.Go(func() { a.cleanUp(c) })
	}
	all.Wait()
}
