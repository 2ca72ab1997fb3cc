package channeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Serve is what a front end calls with a call that its PBX has offered.
type Serve func(ctx context.Context, ch ringside.Channel)

// Door is a front end and a scripted fake of the PBX that it speaks with. The capabilities say what
// a PBX can do beyond the port, never what a front end leaves out of it.
type Door struct {
	// PBX is what the front end says in Offer.PBX.
	PBX string
	// Open starts a front end and the fake PBX, on which the lines' calls have just arrived, inside
	// a bubble of testing/synctest: every connection between the two is one in memory. The front
	// end calls serve for each call, as it would call the switchboard, and survives that serve
	// panics. The fake carries out what ringside says on the lines; it tells the front end when a
	// line's Gone is closed, breaks the connection when its Lost is and takes no other, and calls
	// Continue when the dialplan has the call again, also because the connection has broken. closed is
	// called when every serve has returned, or after a minute for a call that was left to the dialplan
	// unserved: it ends both, and returns when nothing of either is left.
	Open func(t *testing.T, serve Serve, lines ...*Line) (closed func())
	// PlayInterrupts: the PBX can stop a sound.
	PlayInterrupts bool
	// SpeechInterrupts: it can stop a text that is spoken, too.
	SpeechInterrupts bool
	// Speaks: the front end can speak a text if a Line asks for it.
	Speaks bool
	// MusicPauses: the PBX takes no command while music plays, so that it plays in pieces, between which there
	// is silence for as long as a reply takes.
	MusicPauses bool
	// LosesCallOnDrop bounds how long after the connection has broken a call's ctx ends; the front
	// end may wait that long for another connection.
	LosesCallOnDrop time.Duration
}

// conformCase is one thing that the port demands.
type conformCase struct {
	name string
	run  func(s *stage)
}

// Conform holds a front end to the port ringside.Channel: every case, on a PBX that replies at once and
// on one that takes a second for each reply.
func Conform(t *testing.T, door Door) {
	groups := map[string][]conformCase{
		"offer": offerCases(), "dial": dialCases(), "attempts": attemptCases(), "wait": waitCases(),
		"play": playCases(), "voicemail": voicemailCases(), "tell": tellCases(), "end": endCases(), "gone": goneCases(), "loss": lossCases(),
	}
	for name, slow := range map[string]time.Duration{"at once": 0, "slow": time.Second} {
		for group, cases := range groups {
			for _, c := range cases {
				t.Run(name+"/"+group+"/"+c.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						line := NewLine("call-1", map[string]*Phone{})
						line.Slow = slow
						c.run(&stage{T: t, door: door, line: line})
					})
				})
			}
		}
	}
}

// stage is one case: a call, and what it is checked with.
type stage struct {
	*testing.T
	door Door
	line *Line
}

// phone adds a phone to the PBX.
func (s *stage) phone(number string, p *Phone) { s.line.PBX.Phones[number] = p }

// call has the line's call served to its end, and checks what holds for every call: nothing is left
// of it, and the caller has hung up, has been hung up by ringside, or is with the dialplan.
func (s *stage) call(serve Serve) {
	s.Helper()
	s.calls(serve, s.line)
}

func (s *stage) calls(serve Serve, lines ...*Line) {
	s.Helper()
	served := make(chan struct{}, len(lines))
	closed := s.door.Open(s.T, func(ctx context.Context, ch ringside.Channel) {
		defer func() { served <- struct{}{} }()
		serve(ctx, ch)
	}, lines...)
	for range lines {
		select {
		case <-served:
		case <-time.After(2 * time.Hour):
			s.Error("serve does not return: the connection is broken to end it")
			for _, l := range lines {
				l.Drop()
			}
		}
	}
	closed()
	synctest.Wait()
	for _, l := range lines {
		s.over(l)
	}
}

// refusable is call for an offer that a front end may leave to the dialplan unserved.
func (s *stage) refusable(serve Serve) (served bool) {
	s.Helper()
	closed := s.door.Open(s.T, func(ctx context.Context, ch ringside.Channel) {
		served = true
		serve(ctx, ch)
	}, s.line)
	time.Sleep(time.Minute)
	closed()
	synctest.Wait()
	s.over(s.line)
	return served
}

// over checks a line after its call.
func (s *stage) over(l *Line) {
	s.Helper()
	ended, result := l.Ended(), l.result()
	switch {
	case ended == "":
		s.Error("the caller is left in silence: neither hung up nor given to the dialplan")
	case ended == "dialplan" && result == ringside.ResultDone:
		s.Error("a call that the dialplan has is told to be done")
	case strings.HasPrefix(ended, "hung up") && result != ringside.ResultDone:
		s.Errorf("a call was hung up with RINGSIDE_RESULT=%s", result)
	}
	// Whom the PBX rings when it has lost ringside is its own affair.
	if open := l.open(); len(open) > 0 && !l.dropped {
		s.Errorf("the phones %v are left ringing or talking", open)
	}
	if class := l.Hearing(); class != "" && ended == "dialplan" && !l.dropped {
		s.Errorf("the dialplan gets the call with music %q", class)
	}
	for _, fault := range l.faults {
		s.Error(fault)
	}
	if s.Failed() {
		s.Logf("on the wire:\n%s", strings.Join(l.wire, "\n"))
	}
}

// slack is how much later than at once something may be on this PBX.
func (s *stage) slack() time.Duration {
	if s.door.MusicPauses {
		return 2500*time.Millisecond + 6*s.line.Slow
	}
	return 1500*time.Millisecond + 6*s.line.Slow
}

// says checks an operation's error; want nil is none.
func (s *stage) says(op string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("%s: %v, want %v", op, got, want)
	}
}

// left checks that the caller's leaving has ended the call.
func (s *stage) left(ctx context.Context) {
	s.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(s.slack()):
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ringside.ErrCallerGone) {
		s.Errorf("the call's ctx has ended with %v, want that the caller is gone", cause)
	}
}

// goesOn checks that the call goes on, by an operation that every PBX carries out.
func (s *stage) goesOn(ctx context.Context, ch ringside.Channel) {
	s.Helper()
	if ctx.Err() != nil {
		s.Errorf("the call has ended with %v and should go on", context.Cause(ctx))
	}
	s.says("an operation on the call that goes on", ch.Answer(ctx), nil)
}

// near checks that something took about as long as it should.
func (s *stage) near(what string, took, want time.Duration) {
	s.Helper()
	if took < want-time.Second || took > want+s.slack() {
		s.Errorf("%s took %s, want about %s", what, took, want)
	}
}

// dials makes one attempt to reach extensions, with 20 seconds of ringing.
func (s *stage) dials(ctx context.Context, ch ringside.Channel, want ringside.DialStatus, numbers ...string) ringside.DialResult {
	s.Helper()
	res, err := ch.Dial(ctx, Extensions(numbers...))
	if res.Status != want || err != nil {
		s.Errorf("dialling %v: %s, %v, want %s", numbers, res.Status, err, want)
	}
	return res
}

// Extensions is an attempt to reach extensions, with 20 seconds of ringing.
func Extensions(numbers ...string) ringside.DialRequest {
	req := ringside.DialRequest{Ring: 20 * time.Second, CallID: "test-1"}
	for _, n := range numbers {
		req.Targets = append(req.Targets, ringside.Target{Kind: ringside.ToExtension, Number: n})
	}
	return req
}

// heard checks what the caller heard.
func (s *stage) heard(want ...string) {
	s.Helper()
	if got := s.line.Heard(); !slices.Equal(got, want) {
		s.Errorf("the caller heard %q, want %q", got, want)
	}
}

// hearing checks the music after d.
func (s *stage) hearing(d time.Duration, want string) {
	time.AfterFunc(d, func() {
		if got := s.line.Hearing(); got != want && (got != "" || !s.door.MusicPauses || s.line.Slow == 0) {
			s.Errorf("the caller hears the music %q, want %q", got, want)
		}
	})
}

// seen checks what the phones saw.
func (s *stage) seen(want ...string) {
	s.Helper()
	if got := s.line.Seen(); !slices.Equal(got, want) {
		s.Errorf("the phones saw %q, want %q", got, want)
	}
}

// ended checks how the call ended.
func (s *stage) ended(want string, result ringside.Result) {
	s.Helper()
	if got := s.line.Ended(); got != want {
		s.Errorf("the call ended as %q, want %q", got, want)
	}
	if got := s.line.result(); got != result {
		s.Errorf("RINGSIDE_RESULT is %q, want %q", got, result)
	}
}

// release gives the call back, as serve does in cases that are about something else.
func (s *stage) release(ctx context.Context, ch ringside.Channel) {
	s.Helper()
	s.says("release", ch.Release(ctx, ringside.ResultReleased), nil)
}

// oneOf checks an operation's error where several are right.
func (s *stage) oneOf(op string, got error, want ...error) {
	s.Helper()
	if !slices.ContainsFunc(want, func(w error) bool { return errors.Is(got, w) }) {
		s.Errorf("%s: %v, want one of %v", op, got, fmt.Sprint(want))
	}
}
