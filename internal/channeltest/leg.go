package channeltest

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

// Leg is one phone that is rung for a Line.
type Leg struct {
	// Number is the phone's.
	Number string

	line     *Line
	phone    *Phone
	state    legState // guarded by the line's mutex
	answered chan struct{}
	over     chan struct{}
	first    chan<- *Leg
	timer    *time.Timer
}

type legState int

const (
	legRings legState = iota
	legAnswered
	legTalks
	legOver
)

// Ring rings a phone. One that does not ring says at once why: DialBusy or DialUnavailable.
func (l *Line) Ring(number string) (*Leg, ringside.DialStatus) { return l.ring(number, nil) }

// ring rings a phone, which puts itself in first when it answers.
func (l *Line) ring(number string, first chan<- *Leg) (*Leg, ringside.DialStatus) {
	phone := l.PBX.Phones[number]
	switch {
	case phone == nil, phone.Away:
		return nil, ringside.DialUnavailable
	case phone.Busy:
		return nil, ringside.DialBusy
	}
	g := &Leg{Number: number, line: l, phone: phone, answered: make(chan struct{}), over: make(chan struct{}), first: first}
	phone.enter()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.touched("a phone was rung")
	l.legs = append(l.legs, g)
	g.saw("rings")
	if phone.Answers > 0 {
		g.timer = time.AfterFunc(phone.Answers, g.answer)
	}
	return g, ""
}

// saw notes what the phone saw. The line's mutex is held.
func (g *Leg) saw(what string) {
	g.line.phones = append(g.line.phones, event{time.Now(), g.Number + " " + what})
}

func (g *Leg) answer() {
	g.line.mu.Lock()
	defer g.line.mu.Unlock()
	if g.state != legRings {
		return
	}
	g.state = legAnswered
	close(g.answered)
	if g.first != nil {
		g.first <- g
	}
}

// Answered is closed when the phone has answered.
func (g *Leg) Answered() <-chan struct{} { return g.answered }

// Over is closed when the leg is over, because the phone has hung up or by End.
func (g *Leg) Over() <-chan struct{} { return g.over }

// Connect lets the phone and the caller hear each other. The phone hangs up when it has talked.
func (g *Leg) Connect() {
	g.line.mu.Lock()
	defer g.line.mu.Unlock()
	if g.state != legAnswered {
		return
	}
	g.state = legTalks
	g.saw("talks")
	if g.phone.Talk > 0 {
		g.timer = time.AfterFunc(g.phone.Talk, func() { g.end("hangs up") })
	}
}

// End ends the leg at the PBX's word: the phone stops ringing, or is let go.
func (g *Leg) End() { g.end("") }

func (g *Leg) end(what string) {
	g.line.mu.Lock()
	defer g.line.mu.Unlock()
	if g.state == legOver {
		return
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	rang := g.state == legRings
	switch {
	case what != "":
	case rang:
		what = "stops"
	default:
		what = "is let go"
	}
	g.state = legOver
	g.saw(what)
	g.phone.leave(rang)
	close(g.over)
}

// Attempt is how a PBX's own way to ring several phones at once has ended.
type Attempt struct {
	Status ringside.DialStatus
	Number string // who answered
	Talk   time.Duration
}

// Dial rings phones for a PBX that has one command for a whole attempt: the first to answer stops
// the others and talks, until it or the caller hangs up. connected is called, with who has answered, before
// the talk. When the connection to ringside breaks, everything ends.
func (l *Line) Dial(numbers []string, ring time.Duration, connected func(number string)) Attempt {
	first := make(chan *Leg, len(numbers))
	status := ringside.DialUnavailable
	var legs []*Leg
	for _, n := range numbers {
		leg, refused := l.ring(n, first)
		switch {
		case leg != nil:
			legs = append(legs, leg)
		case refused == ringside.DialBusy:
			status = refused
		}
	}
	if len(legs) == 0 {
		return Attempt{Status: status}
	}
	defer func() {
		for _, g := range legs {
			g.End()
		}
	}()
	timeout := time.NewTimer(ring)
	defer timeout.Stop()
	var winner *Leg
	select {
	case <-l.gone:
		return Attempt{Status: ringside.DialCancelled}
	case <-l.lost:
		return Attempt{Status: ringside.DialCancelled}
	case <-timeout.C:
		return Attempt{Status: ringside.DialNoAnswer}
	case winner = <-first:
	}
	for _, g := range legs {
		if g != winner {
			g.End()
		}
	}
	began := time.Now()
	l.Answer()
	connected(winner.Number)
	winner.Connect()
	select {
	case <-winner.Over():
	case <-l.gone:
	case <-l.lost:
	}
	return Attempt{Status: ringside.DialAnswered, Number: winner.Number, Talk: time.Since(began)}
}

// open are the numbers of the phones whose leg is not over.
func (l *Line) open() (numbers []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.legs {
		if g.state != legOver {
			numbers = append(numbers, g.Number)
		}
	}
	return numbers
}
