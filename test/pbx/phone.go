package pbx

import (
	"fmt"
	"time"
)

// Manner is how a phone takes its calls; the zero value answers at once and talks until the other
// side hangs up.
type Manner struct {
	// Ring is how long it rings before it does what Code says. 0 is not at all.
	Ring time.Duration
	// Early says that it sends 183 with a session, and so may be heard, in place of 180.
	Early bool
	// Never says that it rings until it is cancelled.
	Never bool
	// Code is its final response: 200 (also 0) answers, 486 is busy, 480 not available, 603 declines.
	Code int
	// Talk is how long it talks before it hangs up; 0 leaves that to the other side.
	Talk time.Duration
}

// Answers is a phone that answers after it has rung for so long.
func Answers(after time.Duration) Manner { return Manner{Ring: after} }

// Rings is a phone that nobody answers.
func Rings() Manner { return Manner{Never: true} }

// Refuses is a phone that refuses calls with a code.
func Refuses(code int) Manner { return Manner{Code: code} }

// Phone is a SIPp that takes the calls to one extension.
type Phone struct {
	*agent
	Number string
}

// Phone starts the phone of an extension (or of the trunk "carrier") and waits until it can be
// called. Its logs lie in dir.
func (a *Asterisk) Phone(dir, number string, manner Manner) (*Phone, error) {
	return a.startPhone(dir, number, manner, true)
}

func (a *Asterisk) startPhone(dir, number string, manner Manner, traced bool) (*Phone, error) {
	address := ""
	for _, e := range append(extensions(), extension{carrier, CarrierAddress}) {
		if e.Number == number {
			address = e.Address
		}
	}
	if address == "" {
		return nil, fmt.Errorf("start a phone: extension %q has no address", number)
	}
	if manner.Code == 0 {
		manner.Code = 200
	}
	data := struct {
		Manner
		Rings bool
	}{manner, manner.Never || manner.Ring > 0}
	ag, err := startAgent(dir, "phone-"+number, "phone.xml", data, address, a.Port, traced, "-buff_size", "4194304")
	if err != nil {
		return nil, fmt.Errorf("start a phone: %w", err)
	}
	p := &Phone{agent: ag, Number: number}
	if err := p.listening(address, a.Port); err != nil || !p.Running() {
		_ = p.Kill()
		return nil, fmt.Errorf("start phone %s: %w: %s", number, err, Tail(p.Output, 0, 10))
	}
	return p, nil
}
