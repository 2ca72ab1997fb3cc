package ari

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// fakeChannel is a channel of the fake: a caller's, a phone's, or one that somebody else has.
type fakeChannel struct {
	id, name, state string
	// line remembers what the call went through; caller: the channel is that of the line's caller.
	line   *channeltest.Line
	caller bool
	leg    *channeltest.Leg
	number string // of the phone

	callerName, callerNumber string
	// appName and appData are where it is in the dialplan.
	appName, appData string
	args             []string
	stasis           bool
	// subscribed: the application is told of its life outside of Stasis, too.
	subscribed bool
	// timeout is its absolute timeout; patience: that has run out.
	timeout  *time.Timer
	patience bool
	// busy: an application of the dialplan runs on it.
	busy    bool
	dialled bool
	bridge  *fakeBridge
	vars    map[string]string
	moh     string
	playing *fakePlay
	created time.Time

	// tail is the end of the queue of what it was commanded to do; left is closed when it leaves Stasis,
	// gone when it ends.
	tail       chan struct{}
	left, gone chan struct{}
	ended      bool
}

// add makes a channel. The lock is held.
func (f *fake) add(id, name string, line *channeltest.Line) *fakeChannel {
	f.made++
	done := make(chan struct{})
	close(done)
	c := &fakeChannel{
		id: id, name: fmt.Sprintf("%s-%08x", name, f.made), state: "Down", line: line, vars: map[string]string{}, created: time.Now(),
		tail: done, left: make(chan struct{}), gone: make(chan struct{}),
	}
	f.channels[id] = c
	return c
}

// snapshot is the channel as events and answers show it.
func (c *fakeChannel) snapshot() map[string]any {
	return map[string]any{
		"id": c.id, "name": c.name, "state": c.state, "protocol_id": "", "accountcode": "", "language": "en",
		"caller":    map[string]any{"name": c.callerName, "number": c.callerNumber},
		"connected": map[string]any{"name": "", "number": ""}, "creationtime": stamp(c.created),
		"dialplan": map[string]any{"context": "ringside-route", "exten": c.line.Called, "priority": 3, "app_name": c.appName, "app_data": c.appData},
	}
}

// enter puts a channel into Stasis; false if the application is not connected. The lock is held.
func (f *fake) enter(c *fakeChannel, args ...string) bool {
	if f.apps[testApp] == nil {
		return false
	}
	c.stasis, c.args, c.left = true, args, make(chan struct{})
	c.appName, c.appData = "Stasis", strings.Join(append([]string{testApp}, args...), ",")
	f.event("StasisStart", c, map[string]any{"args": args})
	return true
}

// leave takes a channel out of its bridge and out of Stasis. The lock is held.
func (f *fake) leave(c *fakeChannel) {
	if !c.stasis {
		return
	}
	if p := c.playing; p != nil {
		f.finish(p, "failed")
	}
	f.unbridge(c)
	c.stasis, c.appName, c.appData = false, "", ""
	f.event("StasisEnd", c, nil)
	if c.subscribed {
		f.event("ChannelVarset", c, map[string]any{"variable": "STASISSTATUS", "value": "SUCCESS"})
	}
	close(c.left)
}

// end ends a channel: by a request (soft), or because its owner hung up. The lock is held.
func (f *fake) end(c *fakeChannel, cause int, soft bool) {
	if c.ended {
		return
	}
	c.ended = true
	if c.stasis || c.subscribed {
		request := map[string]any{"cause": cause}
		if soft {
			request = map[string]any{"cause": 32, "soft": true}
		}
		f.event("ChannelHangupRequest", c, request)
	}
	subscribed := c.subscribed
	f.leave(c)
	if mail := c.vars["VMSTATUS"]; mail != "" && subscribed { // the dialplan's hangup handler
		f.event("ChannelUserevent", c, map[string]any{
			"eventname": "RingsideVoicemail", "userevent": map[string]any{"eventname": "RingsideVoicemail", "VMSTATUS": mail},
		})
	}
	f.limit(c, 0)
	if subscribed {
		f.event("ChannelDestroyed", c, map[string]any{"cause": cause, "cause_txt": "as it is"})
	}
	delete(f.channels, c.id)
	close(c.gone)
	if c.leg != nil {
		c.leg.End()
	}
}

// state changes a channel's. The lock is held.
func (f *fake) state(c *fakeChannel, state string) {
	if c.state == state {
		return
	}
	c.state = state
	if c.stasis || c.subscribed {
		f.event("ChannelStateChange", c, nil)
	}
}

// answer answers a caller. The lock is held.
func (f *fake) answer(c *fakeChannel) {
	if c.state != "Up" {
		if c.caller {
			c.line.Answer()
		}
		f.state(c, "Up")
	}
}

// queued carries out what a channel is commanded to do when its turn comes: everything waits behind a
// playback. It answers when that has been done.
func (f *fake) queued(c *fakeChannel, notThere int, act func() *fakeAnswer) *fakeAnswer {
	f.mu.Lock()
	if !c.stasis {
		f.mu.Unlock()
		return refusal_(notThere, "Channel not in Stasis application")
	}
	turn := f.turn(c)
	f.mu.Unlock()
	return turn(act)
}

// turn puts a command behind those that the channel has. What it gives waits for its turn, and carries it out if
// the channel is still there. The lock is held, and is not when the turn is taken.
func (f *fake) turn(c *fakeChannel) func(act func() *fakeAnswer) *fakeAnswer {
	before, done := c.tail, make(chan struct{})
	c.tail = done
	left, lag := c.left, f.lag
	return func(act func() *fakeAnswer) *fakeAnswer {
		defer close(done)
		select {
		case <-before:
		case <-left:
		}
		f.beat(lag, left)
		f.mu.Lock()
		defer f.mu.Unlock()
		if !c.stasis || c.left != left {
			return &fakeAnswer{status: http.StatusNoContent} // it was taken, and is thrown away
		}
		return act()
	}
}

// beat waits until the channel's loop looks at its queue.
func (f *fake) beat(lag time.Duration, left <-chan struct{}) {
	if lag == 0 {
		return
	}
	timer := time.NewTimer(lag)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-left:
	case <-f.closed:
	}
}

// inStasis carries out a command to a channel. Asterisk 16 answers before it does.
func (f *fake) inStasis(id string, act func(c *fakeChannel)) *fakeAnswer {
	c := f.channel(id)
	if c == nil {
		return refusal_(http.StatusNotFound, "Channel not found")
	}
	carryOut := func() *fakeAnswer { act(c); return &fakeAnswer{status: http.StatusNoContent} }
	f.mu.Lock()
	if f.lag == 0 || !c.stasis {
		f.mu.Unlock()
		return f.queued(c, http.StatusConflict, carryOut)
	}
	turn := f.turn(c)
	f.mu.Unlock()
	f.work.Go(func() { turn(carryOut) })
	return &fakeAnswer{status: http.StatusNoContent}
}

// refusal_ is a refusal in Asterisk's words.
func refusal_(status int, message string) *fakeAnswer {
	return &fakeAnswer{status: status, body: fmt.Sprintf(`{"message":%q}`, message)}
}

// number is whom an endpoint is.
func phoneOf(endpoint string) (name, number string) {
	name, _, _ = strings.Cut(endpoint, "@")
	if i := strings.IndexByte(endpoint, '@'); i >= 0 {
		return "PJSIP/" + endpoint[i+1:], strings.TrimPrefix(name, "PJSIP/")
	}
	return name, strings.TrimPrefix(name, "PJSIP/")
}

// called makes the channel of a phone, or says why there is none. The lock is held.
func (f *fake) called(id string, p map[string]any) (*fakeChannel, *fakeAnswer) {
	endpoint, _ := p["endpoint"].(string)
	if f.channels[id] != nil {
		return nil, refusal_(http.StatusConflict, "Channel with given unique ID already exists")
	}
	by, _ := p["originator"].(string)
	line := f.house()
	originator := f.channels[by]
	if originator != nil {
		line = originator.line
	}
	name, number := phoneOf(endpoint)
	if phone := line.PBX.Phones[number]; phone == nil || phone.Away {
		return nil, &fakeAnswer{status: http.StatusInternalServerError, body: `{"error":"Allocation failed"}`}
	}
	c := f.add(id, name, line)
	c.number, c.args = number, strings.Split(fmt.Sprint(p["appArgs"]), ",")
	c.callerNumber, c.callerName = number, "Ext "+number
	c.subscribed = true
	if variables, ok := p["variables"].(map[string]any); ok {
		for k, v := range variables {
			c.vars[k] = fmt.Sprint(v)
		}
	}
	return c, nil
}

// house is the line of the phones that are rung for no caller. The lock is held.
func (f *fake) house() *channeltest.Line {
	for _, c := range f.channels {
		if c.caller {
			return c.line
		}
	}
	return f.home
}

// originate is POST /channels/{id}: the channel comes into Stasis when the phone answers.
func (f *fake) originate(id string, p map[string]any) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, refused := f.called(id, p)
	if refused != nil {
		return refused
	}
	if shown, ok := p["callerId"].(string); ok {
		name, number := splitCallerID(shown)
		f.shown(c, name, number)
	}
	f.ring(c, false)
	return &fakeAnswer{status: http.StatusOK, body: text(c.snapshot())}
}

// create is POST /channels/create: the channel is in Stasis at once, or a moment later.
func (f *fake) create(p map[string]any) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, _ := p["channelId"].(string)
	c, refused := f.called(id, p)
	if refused != nil {
		return refused
	}
	if by, ok := p["originator"].(string); ok && f.channels[by] != nil {
		f.channels[by].subscribed = true
	}
	if name, ok := c.vars["CONNECTEDLINE(name)"]; ok {
		f.shown(c, name, c.vars["CONNECTEDLINE(num)"])
	}
	answer := text(c.snapshot())
	f.work.Go(func() {
		time.Sleep(time.Millisecond)
		f.mu.Lock()
		defer f.mu.Unlock()
		if !c.ended && !f.enter(c, c.args...) {
			f.end(c, 16, false)
		}
	})
	return &fakeAnswer{status: http.StatusOK, body: answer}
}

// dialChannel is POST /channels/{id}/dial.
func (f *fake) dialChannel(id string, p map[string]any) *fakeAnswer {
	c := f.channel(id)
	if c == nil {
		return refusal_(http.StatusNotFound, "Channel not found")
	}
	return f.queued(c, http.StatusConflict, func() *fakeAnswer {
		if c.state != "Down" {
			return refusal_(http.StatusConflict, "Channel is not in the 'Down' state")
		}
		if c.dialled {
			f.end(c, 16, true)
			return &fakeAnswer{status: http.StatusNoContent}
		}
		if by, ok := p["caller"].(string); ok && f.channels[by] != nil {
			f.shows[c.number] = f.channels[by].callerName + " <" + f.channels[by].callerNumber + ">"
		}
		f.ring(c, true)
		return &fakeAnswer{status: http.StatusNoContent}
	})
}

// shown notes what the phone shows of the caller.
func (f *fake) shown(c *fakeChannel, name, number string) {
	f.shows[c.number] = name + " <" + number + ">"
	c.line.Shows(name)
}

// splitCallerID takes "NAME" <NUMBER> apart, as ast_callerid_parse does.
func splitCallerID(s string) (name, number string) {
	begin, end := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if begin < 0 || end < begin {
		return "", s
	}
	return strings.Trim(strings.TrimSpace(s[:begin]), `"`), s[begin+1 : end]
}

// ring sends the INVITE. The lock is held.
func (f *fake) ring(c *fakeChannel, created bool) {
	c.dialled = true
	dial := func(status string) {
		f.event("Dial", c, map[string]any{"dialstatus": status, "dialstring": c.number, "forward": ""})
	}
	dial("")
	leg, refused := c.line.Ring(c.number)
	if leg == nil {
		if !created {
			dial("BUSY")
		}
		cause := 17
		if refused != "busy" {
			cause = 20
		}
		f.work.Go(func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.end(c, cause, false)
		})
		return
	}
	c.leg = leg
	f.state(c, "Ringing")
	dial("RINGING")
	f.work.Go(func() {
		select {
		case <-leg.Answered():
		case <-c.gone:
			return
		case <-f.closed:
			return
		}
		f.mu.Lock()
		if !c.ended {
			f.state(c, "Up")
			dial("ANSWER")
			if !created && !f.enter(c, c.args...) {
				f.end(c, 16, false)
			}
			if c.bridge != nil {
				f.mix(c.bridge, c)
			}
		}
		f.mu.Unlock()
		select {
		case <-leg.Over():
		case <-c.gone:
			return
		case <-f.closed:
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.end(c, 16, false)
	})
}
