package esl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/ringside-pbx/ringside"
)

// session is one connection on which somebody has logged in. Its goroutine reads until the connection ends
// or close is called.
type session struct {
	login Login
	conn  *conn
	jobs  jobs
	// digest takes events in the order of the wire, on the goroutine that reads.
	digest func(event)

	reading sync.WaitGroup
	// greeting is what FreeSWITCH says first; spoken, which belongs to the goroutine that reads, that it has.
	greeting chan frame
	spoken   bool
	// mayRun are the commands that the user is limited to; nil is no limit. cut: FreeSWITCH has not told all.
	mayRun []string
	cut    bool
}

const backgroundJob = "BACKGROUND_JOB"

// connect connects and logs in. Events that are subscribed to go to digest.
func connect(ctx context.Context, l Login, digest func(event)) (*session, error) {
	l = l.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	c, err := l.open(ctx)
	if err != nil {
		return nil, l.unreached(err)
	}
	words := &firstWords{Conn: c}
	s := &session{login: l, digest: digest, greeting: make(chan frame, 1)}
	s.conn = newConn(words, newFramer(words), s.hear)
	s.reading.Go(s.conn.read)
	if err := s.greeted(ctx, words); err != nil {
		s.close()
		return nil, err
	}
	if err := s.authenticate(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close ends the connection and waits until nothing reads from it any more.
func (s *session) close() {
	s.conn.end(net.ErrClosed)
	s.reading.Wait()
}

// greeted waits until FreeSWITCH asks for the password.
func (s *session) greeted(ctx context.Context, words *firstWords) error {
	var f frame
	select {
	case f = <-s.greeting:
	case <-ctx.Done():
		return s.login.ungreeted(words.text(), context.Cause(ctx))
	case <-s.conn.ended:
		select { // it may have come with the end
		case f = <-s.greeting:
		default:
			return s.login.ungreeted(words.text(), s.conn.lost())
		}
	}
	switch f.kind() {
	case typeAuth:
		return nil
	case typeRejection:
		return s.login.rejected()
	}
	return s.login.ungreeted(words.text(), errProtocol)
}

// authenticate logs in, and learns what the user may do.
func (s *session) authenticate(ctx context.Context) error {
	cmd, err := authCommand(s.login.User, s.login.Password.Reveal())
	if err != nil {
		return err
	}
	f, err := s.conn.ask(ctx, cmd)
	switch {
	case errors.Is(err, ringside.ErrRefused):
		return s.login.wrongPassword(err)
	case err != nil:
		return s.login.ungreeted("", err)
	}
	s.mayRun, s.cut = rightsIn(f.head)
	return nil
}

// maxRights is what FreeSWITCH has room for to tell what a user may do.
const maxRights = 512

// rightsIn are the commands that a reply limits the user to; nil is no limit.
func rightsIn(reply fields) (commands []string, cut bool) {
	const name = "Allowed-API"
	v, ok := reply.raw(name)
	if !ok || string(v) == "all" {
		return nil, false
	}
	separator := ","
	if bytes.ContainsRune(v, ' ') {
		separator = " "
	}
	return strings.Split(string(v), separator), len(name)+len(": \n")+len(v) >= maxRights-1
}

// hear takes what is no reply. A panic in there costs one event.
func (s *session) hear(f frame) {
	defer func() {
		if p := recover(); p != nil {
			s.login.Log.Error("an event of FreeSWITCH failed inside ringside", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	if !s.spoken {
		s.spoken = true
		s.greeting <- f
		return
	}
	if f.kind() != typeEvent {
		return // a notice of the end, which comes anyway
	}
	e := f.event()
	if e.plain("Event-Name") == backgroundJob {
		s.jobs.finish(e)
		return
	}
	s.digest(e)
}

// subscribe asks for the jobs' outcomes and for the events, and gives those that the user may not hear.
func (s *session) subscribe(ctx context.Context, names []string) (denied []string, err error) {
	wanted := merged(append([]string{backgroundJob}, names...))
	if err := s.event(ctx, wanted...); err == nil || !errors.Is(err, ringside.ErrNotPermitted) {
		return nil, err
	}
	custom := false
	for _, name := range wanted {
		if name == customEvent {
			custom = true
			continue
		}
		one := []string{name}
		if custom {
			one = []string{customEvent, name}
		}
		err := s.event(ctx, one...)
		switch {
		case err == nil:
		case !errors.Is(err, ringside.ErrNotPermitted):
			return denied, err
		case name == backgroundJob:
			return nil, fmt.Errorf("%w: the event socket's user may not hear %s, with which commands tell how they went: add it to esl-allowed-events in the directory",
				ringside.ErrNotPermitted, name)
		default:
			denied = append(denied, name)
		}
	}
	return denied, nil
}

func (s *session) event(ctx context.Context, names ...string) error {
	cmd, err := eventsCommand(names...)
	if err != nil {
		return err
	}
	f, err := s.conn.ask(ctx, cmd)
	if err != nil {
		return asked("event", f, err)
	}
	return nil
}

const customEvent = "CUSTOM"

// merged puts lists of events together, each once, subclasses of custom ones last.
func merged(lists ...[]string) []string {
	var plain, custom []string
	for _, names := range lists {
		to := &plain
		for _, n := range names {
			switch {
			case n == customEvent:
				to = &custom
			case !slices.Contains(*to, n):
				*to = append(*to, n)
			}
		}
	}
	if len(custom) > 0 {
		plain = append(append(plain, customEvent), custom...)
	}
	return plain
}

// ping asks whether FreeSWITCH is there, and gives its version if it tells that. A refusal is an answer.
func (s *session) ping(ctx context.Context) (version string, err error) {
	cmd, err := apiCommand("version")
	if err != nil {
		return "", err
	}
	f, err := s.conn.ask(ctx, cmd)
	switch {
	case err == nil:
		return versionIn(f.outcome()), nil
	case errors.Is(err, ringside.ErrRefused):
		return "", nil
	}
	return "", away(err)
}

// versionIn finds 1.10.12 in "FreeSWITCH Version 1.10.12-release+git~… (…)".
func versionIn(text string) string {
	_, rest, ok := strings.Cut(text, "Version ")
	if !ok {
		return ""
	}
	v, _, _ := strings.Cut(rest, " ")
	v, _, _ = strings.Cut(v, "-")
	return printable(v)
}
