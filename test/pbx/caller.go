package pbx

import (
	"fmt"
	"strings"
	"time"
)

// Where callers call from: the address says which part of the dialplan serves them.
const (
	// FromTrunk is served by ringside's /route.
	FromTrunk = "127.0.0.2"
	// FromDecide is served by ringside's /decide and the dialplan.
	FromDecide = "127.0.0.4"
	// FromRaw is as FromTrunk, with a dialplan that does not filter the called number.
	FromRaw = "127.0.0.6"
	// FromPlain is served by the dialplan alone.
	FromPlain = "127.0.0.5"
	// CarrierAddress is where calls to the outer world go.
	CarrierAddress = "127.0.0.3"

	carrier = "carrier"
)

// CallSpec is one call to be made. Unless it says otherwise the caller waits for the other side.
type CallSpec struct {
	// At is the address that the call comes from (FromTrunk if empty).
	At string
	// Number and Name are the caller's, To is called. They go into the messages as they are.
	Number, Name, To string
	// CancelAfter hangs up if there was no answer after this time.
	CancelAfter time.Duration
	// Talk hangs up so long after the answer.
	Talk time.Duration
	// TCP sends over TCP, for messages that no datagram has room for.
	TCP bool
	// Echo sends the sound back that comes in: without it the caller is mute.
	Echo bool
}

// FromHeader is the From header up to its tag.
func (c CallSpec) FromHeader() string {
	uri := "<sip:" + c.Number + "@[local_ip]:[local_port]>"
	if c.Name == "" {
		return uri
	}
	return `"` + c.Name + `" ` + uri
}

// Refusals are the final responses that end a call before it is answered.
func (CallSpec) Refusals() []int {
	return []int{400, 401, 403, 404, 408, 410, 413, 414, 480, 484, 486, 487, 488, 500, 501, 502, 503, 504, 513, 600, 603, 604, 606}
}

// Caller is a SIPp that makes one call.
type Caller struct {
	*agent
	Spec CallSpec
}

// Call makes a call and returns as soon as it is under way. Its logs lie in dir under the name.
func (a *Asterisk) Call(dir, name string, spec CallSpec) (*Caller, error) {
	if spec.At == "" {
		spec.At = FromTrunk
	}
	port, err := a.ports.free(spec.At)
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	args := []string{"-m", "1", fmt.Sprintf("127.0.0.1:%d", a.Port)}
	if spec.TCP {
		args = append([]string{"-t", "t1"}, args...)
	}
	if spec.Echo {
		media, err := a.ports.free(spec.At)
		if err != nil {
			return nil, fmt.Errorf("call: %w", err)
		}
		args = append([]string{"-rtp_echo", "-mp", fmt.Sprint(media)}, args...)
	}
	ag, err := startAgent(dir, "caller-"+name, "caller.xml", spec, spec.At, port, true, args...)
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	return &Caller{ag, spec}, nil
}

// Final is the final response to the call: 200, 486, …; 0 if there was none yet.
func (c *Caller) Final() (int, error) {
	ms, err := c.Messages()
	if err != nil {
		return 0, err
	}
	for _, m := range ms {
		var code int
		if m.Sent || !strings.HasSuffix(m.Header("CSeq"), " INVITE") {
			continue
		}
		if _, err := fmt.Sscanf(m.First, "SIP/2.0 %d", &code); err == nil && code >= 200 {
			return code, nil
		}
	}
	return 0, nil
}

// AnsweredAfter is the time from the INVITE to its 200; false if there was none yet.
func (c *Caller) AnsweredAfter() (time.Duration, bool, error) {
	ms, err := c.Messages()
	if err != nil {
		return 0, false, err
	}
	from, to := ms.Sent("INVITE"), ms.Received("200 INVITE")
	if len(from) == 0 || len(to) == 0 {
		return 0, false, nil
	}
	return to[0].At.Sub(from[0].At), true, nil
}

// Calls makes so many equal calls, some per second, and waits until all have ended. In the caller's number
// [call_number] makes them different. There is no log of their messages.
func (a *Asterisk) Calls(dir, name string, spec CallSpec, rate, calls int) error {
	if spec.At == "" {
		spec.At = FromTrunk
	}
	port, err := a.ports.free(spec.At)
	if err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	ag, err := startAgent(dir, "calls-"+name, "caller.xml", spec, spec.At, port, false,
		"-m", fmt.Sprint(calls), "-r", fmt.Sprint(rate), "-l", "20000", fmt.Sprintf("127.0.0.1:%d", a.Port))
	if err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	limit := time.Duration(calls/rate)*time.Second + spec.Talk + time.Minute
	if err := ag.Wait(limit); err != nil {
		_ = ag.Kill()
		return fmt.Errorf("calls %s: %w: %s", name, err, Tail(ag.Output, 0, 20))
	}
	return nil
}
