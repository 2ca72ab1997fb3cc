package agi

import (
	"log/slog"
	"sync"
	"time"
)

// limited is a log that a flood of connections can't flood: of each message it lets a few through
// a minute and then says how many were left out.
type limited struct {
	log *slog.Logger
	mu  sync.Mutex
	run map[string]*logRun
}

type logRun struct {
	since  time.Time
	passed int
	missed int
}

// A message passes this often in this time.
const (
	logBurst  = 10
	logWindow = time.Minute
)

func newLimited(log *slog.Logger) *limited {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &limited{log: log, run: map[string]*logRun{}}
}

// pass reports whether the message may be logged, and how many like it were left out before.
// Messages are constants of this package, so there are few.
func (l *limited) pass(msg string) (missed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	r := l.run[msg]
	if r == nil || now.Sub(r.since) >= logWindow {
		if r != nil {
			missed = r.missed
		}
		l.run[msg] = &logRun{since: now, passed: 1}
		return missed, true
	}
	if r.passed < logBurst {
		r.passed++
		return 0, true
	}
	r.missed++
	return 0, false
}

func (l *limited) at(write func(string, ...any), msg string, args []any) {
	missed, ok := l.pass(msg)
	if !ok {
		return
	}
	if missed > 0 {
		args = append(args, "left_out", missed)
	}
	write(msg, args...)
}

// Warn logs a warning, as slog.Logger does.
func (l *limited) Warn(msg string, args ...any) { l.at(l.log.Warn, msg, args) }

// Error logs an error, as slog.Logger does.
func (l *limited) Error(msg string, args ...any) { l.at(l.log.Error, msg, args) }
