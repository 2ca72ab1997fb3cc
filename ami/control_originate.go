package ami

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	// callerVariable has the number that the printed dialplan shows to whom From calls.
	callerVariable = "RINGSIDE_CALLER"
	defaultRing    = 30 * time.Second
	// outcomeGrace is how long after the ring time Asterisk may take to say how an attempt ended.
	outcomeGrace = 5 * time.Second
)

// Originate implements ringside.CallControl. What is asked of Asterisk never waits for the answer there:
// its thread would hold back all events of this connection until somebody answers.
func (p *PBX) Originate(ctx context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	if err := r.Validate(); err != nil {
		return ringside.Originated{}, err
	}
	exten, err := p.opt.Places.exten(r.To)
	if err != nil {
		return ringside.Originated{}, err
	}
	number := r.CallerID
	if number == "" {
		number = r.To.Number
	}
	a := NewAction("Originate", "Context", p.opt.Places.Context, "Exten", exten, "Priority", "1",
		"CallerID", fmt.Sprintf("%q <%s>", r.CallerName, number))
	// Without this, whom From calls would see their own number: From's channel shows it.
	presents := r.Presents
	if presents == "" {
		presents = r.From.Number
	}
	a = a.With("Variable", callerVariable+"="+presents)
	for _, v := range r.Variables {
		a = a.With("Variable", v.Name+"="+argument(v.Value))
	}
	return p.call(ctx, a, r.From, r.Ring, r.Async, placedID)
}

// argument keeps a value one value: Asterisk reads a header Variable as arguments, separated by commas.
func argument(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `,`, `\,`).Replace(value)
}

// Spy implements ringside.CallControl.
func (p *PBX) Spy(ctx context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	if err := r.Validate(); err != nil {
		return ringside.Originated{}, err
	}
	// ChanSpy takes the beginning of a name: without this check it would listen to somebody else.
	if _, ok := p.channels.named(r.Channel); !ok {
		return ringside.Originated{}, fmt.Errorf("%w: %s", ringside.ErrNoChannel, r.Channel)
	}
	options := map[ringside.SpyMode]string{
		ringside.SpyListen: "qE", ringside.SpyWhisper: "qEw", ringside.SpyBarge: "qEB",
	}[r.Mode]
	a := NewAction("Originate", "Application", "ChanSpy", "Data", r.Channel+","+options,
		"CallerID", fmt.Sprintf("%q <%s>", "Spy", r.Listener.Number))
	return p.call(ctx, a, r.Listener, 0, false, spyID)
}

// call calls a target and, unless async, waits until it has answered or the attempt has failed.
func (p *PBX) call(ctx context.Context, a Action, who ringside.Target, ring time.Duration, async bool, kind string) (ringside.Originated, error) {
	var none ringside.Originated
	s, err := p.live()
	if err != nil {
		return none, err
	}
	device, err := p.opt.Places.dialString(who)
	if err != nil {
		return none, err
	}
	if ring == 0 {
		ring = defaultRing
	}
	made := ringside.Originated{ID: dialplan.UniqueID(kind)}
	a = a.With("Channel", device).With("ChannelId", made.ID).With("Async", "true").
		With("Timeout", fmt.Sprint(ring.Milliseconds()))
	if async {
		_, err := s.Do(ctx, a)
		return made, p.noPlace(err)
	}
	ended, forget := p.channels.awaitEnd(made.ID)
	defer forget()
	ctx, cancel := context.WithTimeout(ctx, ring+outcomeGrace)
	defer cancel()
	m, err := s.await(ctx, a, "OriginateResponse")
	if err != nil {
		return made, p.noPlace(err) // it may have been placed: the id tells
	}
	if same(m.find("Response"), "Success") {
		made.Channel, made.Status = m.Get("Channel"), ringside.DialAnswered
		return made, nil
	}
	made.Status = outcome(number(m.find("Reason")), ended)
	return made, nil
}

// outcome tells how an attempt failed. Asterisk's reasons are those of a channel (3 no answer, 5 busy, 8
// congestion), and mostly 0: then the end of the channel tells, if there was one.
func outcome(reason int, ended <-chan ending) ringside.DialStatus {
	switch reason {
	case 3:
		return ringside.DialNoAnswer
	case 5:
		return ringside.DialBusy
	case 8:
		return ringside.DialCongested
	}
	late := time.NewTimer(endingWithin)
	defer late.Stop()
	select {
	case e := <-ended:
		if e.dialed != "" {
			return e.dialed
		}
		return causeStatus(e.cause)
	case <-late.C:
		return ringside.DialUnavailable // there was no channel: nobody to call
	}
}

// endingWithin is how long after the outcome the end of the channel may be told.
const endingWithin = 300 * time.Millisecond

// causeStatus tells how a call that ended with a cause went.
func causeStatus(cause ringside.HangupCause) ringside.DialStatus {
	switch cause {
	case ringside.CauseBusy, ringside.CauseRejected:
		return ringside.DialBusy
	case ringside.CauseNoUserResponse, ringside.CauseNoAnswer:
		return ringside.DialNoAnswer
	case ringside.CauseCongestion:
		return ringside.DialCongested
	case ringside.CauseUnallocated, ringside.CauseAbsent, 3:
		return ringside.DialUnavailable
	}
	return ringside.DialFailed
}

// What the unique ids of channels begin with that ringside makes: of calls that it places, and of those who
// only listen in.
const (
	placedID = "ringside-"
	spyID    = "ringside-spy-"
)

// noPlace says where the places come from, if Asterisk misses one.
func (p *PBX) noPlace(err error) error {
	var refused *ActionError
	if errors.As(err, &refused) && strings.HasPrefix(refused.Message, "Extension does not exist") {
		return fmt.Errorf("%w (context %s): %w", err, p.opt.Places.Context, errPlace)
	}
	return err
}

// errPlace says that the dialplan lacks what calls are sent to.
var errPlace = errors.New("`ringside dialplan asterisk` prints it")
