// Package calmlog is a log that a flood of strangers can't flood. It owns what was said lately, and
// nothing else.
package calmlog

import (
	"log/slog"
	"sync"
	"time"
)

// Log lets a few of each message through a minute and then says how many were left out. It is safe for
// any number of goroutines. Messages are constants of the program, so there are few.
type Log struct {
	log  *slog.Logger
	mu   sync.Mutex
	runs map[string]*run
}

type run struct {
	since  time.Time
	passed int
	missed int
}

// A message passes Burst times in a Window.
const (
	Burst  = 10
	Window = time.Minute
)

// New makes a log of another one; nil discards everything.
func New(log *slog.Logger) *Log {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Log{log: log, runs: map[string]*run{}}
}

// pass reports whether the message may be logged, and how many like it were left out before.
func (l *Log) pass(msg string) (missed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	r := l.runs[msg]
	if r == nil || now.Sub(r.since) >= Window {
		if r != nil {
			missed = r.missed
		}
		l.runs[msg] = &run{since: now, passed: 1}
		return missed, true
	}
	if r.passed < Burst {
		r.passed++
		return 0, true
	}
	r.missed++
	return 0, false
}

func (l *Log) at(write func(string, ...any), msg string, args []any) {
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
func (l *Log) Warn(msg string, args ...any) { l.at(l.log.Warn, msg, args) }

// Error logs an error, as slog.Logger does.
func (l *Log) Error(msg string, args ...any) { l.at(l.log.Error, msg, args) }
