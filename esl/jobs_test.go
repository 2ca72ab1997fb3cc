package esl

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// An outcome may come in one piece with the reply, and is what was printed, to the byte.
func TestOutcomeWithReply(t *testing.T) {
	f := newFakeSwitch(t)
	f.says("status", "UP 0 years\nno newline at the end")
	s := f.session(nil)
	for range 100 {
		if printed, err := s.run(t.Context(), "status"); err != nil || printed != "UP 0 years\nno newline at the end" {
			t.Fatalf("%q, %v", printed, err)
		}
	}
	if n := len(s.jobs.waiting); n > 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// An outcome that comes late is nobody else's.
func TestLateOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		f.silent["status"] = true
		s := f.session(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.run(ctx, "status"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if len(f.jobs) != 1 || len(s.jobs.waiting) != 0 {
			t.Fatalf("jobs %q, waiting %d", f.jobs, len(s.jobs.waiting))
		}
		f.send(jobEvent(f.jobs[0], "status", "late\n"))
		f.says("uptime", "in time")
		if printed, err := s.run(t.Context(), "uptime"); err != nil || printed != "in time" {
			t.Errorf("%q, %v", printed, err)
		}
	})
}

// Commands in progress end with the connection.
func TestJobsEndWithTheConnection(t *testing.T) {
	f := newFakeSwitch(t)
	f.silent["originate"] = true
	s := f.session(nil)
	over := make(chan error, 1)
	go func() {
		_, err := s.run(t.Context(), "originate", "user/101", "&park()")
		over <- err
	}()
	for {
		f.mu.Lock()
		taken := len(f.jobs)
		f.mu.Unlock()
		if taken > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	f.hangUp()
	if err := <-over; !errors.Is(err, ringside.ErrPBXAway) {
		t.Error(err)
	}
}

func TestTooManyJobs(t *testing.T) {
	f := newFakeSwitch(t)
	f.silent["status"] = true
	s := f.session(nil)
	for range maxJobs {
		if _, err := s.post(t.Context(), func(string) {}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.post(t.Context(), func(string) {}, "status"); !errors.Is(err, ringside.ErrRefused) {
		t.Error(err)
	}
}

func TestOutcomes(t *testing.T) {
	for printed, want := range map[string]error{
		"+OK\n": nil, "": nil, "true": nil, "value": nil,
		"-ERR No such channel!\n": ringside.ErrNoChannel, "-ERR Cannot locate session!\n": ringside.ErrNoChannel, "-ERR invalid uuid\n": ringside.ErrNoChannel,
		"-ERR permission denied": ringside.ErrNotPermitted, "-ERR\n": ringside.ErrRefused, "-ERR NORMAL_TEMPORARY_FAILURE\n": ringside.ErrRefused,
		"-USAGE: <uuid> [cause]\n": ringside.ErrRefused, "-ERR nosuch Command not found!\n": ringside.ErrRefused,
	} {
		if err := problem("x", printed); !errors.Is(err, want) {
			t.Errorf("%q is %v, want %v", printed, err, want)
		}
	}
}

// Who lacks a right is told which, and where to give it.
func TestDeniedCommand(t *testing.T) {
	f := newFakeSwitch(t)
	f.denied["uuid_kill"] = true
	p := f.controlled()
	err := p.Hangup(t.Context(), ringside.HangupRequest{Channel: "00000000-0000-0000-0000-000000000001"})
	if !errors.Is(err, ringside.ErrNotPermitted) {
		t.Error(err)
	}
}

// Whatever comes as an outcome or a reply, a job has one outcome at most, and nothing is left.
func FuzzOutcome(f *testing.F) {
	for _, s := range []string{"+OK 1\n", "-ERR USER_BUSY\n", "-ERR", "-USAGE: x", "", "\x00\xff", "+OK\n\nContent-Length: 5\n\n"} {
		f.Add(s, "1")
	}
	f.Fuzz(func(t *testing.T, printed, id string) {
		var j jobs
		got := 0
		if err := j.add("1", func(string) { got++ }); err != nil {
			t.Fatal(err)
		}
		e := event{fields: fields("Event-Name: BACKGROUND_JOB\nJob-UUID: " + id + "\n"), body: []byte(printed)}
		j.finish(e)
		j.finish(e)
		if got > 1 || got == 1 && len(j.waiting) > 0 {
			t.Errorf("%d outcomes", got)
		}
		err := problem("x", printed)
		if err != nil && !errors.Is(err, ringside.ErrRefused) && !errors.Is(err, ringside.ErrNoChannel) && !errors.Is(err, ringside.ErrNotPermitted) {
			t.Error(err)
		}
		var p PBX
		p.placed = newPlaced()
		made, err := p.reached(ringside.Originated{ID: "a"}, printed)
		if err == nil && made.Status == "" {
			t.Errorf("%q has neither a status nor an error", printed)
		}
	})
}
