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
	// choreEvery is how often a chore is tried that failed, choreFor for how long, choresAtOnce how many are
	// tried at one time: one that Asterisk does not answer holds up no other.
	choreEvery   = 2 * time.Second
	choreFor     = 10 * time.Minute
	choresAtOnce = 16
	// maxChores bounds them; they are kept through an outage.
	maxChores = 10_000
)

// janitor does what a call could not finish because Asterisk did not answer.
type janitor struct {
	app  *App
	wake chan struct{}

	mu     sync.Mutex
	chores map[chore]*trial
}

// trial is how far a chore is: tried now, or next at a time, and until when.
type trial struct {
	now         bool
	next, until time.Time
}

// add takes a chore, which is tried at once.
func (j *janitor) add(c chore) {
	j.mu.Lock()
	if _, known := j.chores[c]; !known && len(j.chores) < maxChores {
		j.chores[c] = &trial{until: time.Now().Add(choreFor)}
	}
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// due are the chores whose time it is, which are being tried from now on.
func (j *janitor) due() (all []chore) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for c, t := range j.chores {
		switch {
		case t.now || now.Before(t.next):
		case now.After(t.until):
			delete(j.chores, c)
		default:
			t.now = true
			all = append(all, c)
		}
	}
	return all
}

// try tries a chore.
func (j *janitor) try(c chore) {
	done := j.app.tidy(j.app.ctx, c)
	j.mu.Lock()
	defer j.mu.Unlock()
	if done {
		delete(j.chores, c)
		return
	}
	t := j.chores[c]
	t.now, t.next = false, time.Now().Add(choreEvery)
}

// pending is how many chores there are.
func (j *janitor) pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.chores)
}

// run does chores until the application ends.
func (j *janitor) run() {
	var trials sync.WaitGroup
	defer trials.Wait()
	room := make(chan struct{}, choresAtOnce)
	again := time.NewTimer(choreEvery)
	defer again.Stop()
	for {
		select {
		case <-j.app.ctx.Done():
			return
		case <-j.wake:
		case <-again.C:
		}
		for _, c := range j.due() {
			select {
			case room <- struct{}{}:
			case <-j.app.ctx.Done():
				return
			}
			trials.Go(func() {
				defer func() { <-room }()
				j.try(c)
			})
		}
		if j.pending() > 0 {
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
