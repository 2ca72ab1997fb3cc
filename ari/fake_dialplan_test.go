package ari

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside/internal/channeltest"
)

func number(s string) int { n, _ := strconv.Atoi(s); return n }

// call lets a line's call arrive: the dialplan of `ringside dialplan asterisk --ari` takes it.
func (f *fake) call(l *channeltest.Line) {
	f.mu.Lock()
	c := f.add(l.ID, "PJSIP/"+l.Endpoint, l)
	c.caller, c.state = true, "Ring"
	c.callerName, c.callerNumber = l.CallerName, l.Caller
	if len(f.home.PBX.Phones) == 0 {
		f.home = l // the phones are the same for everybody
	}
	f.mu.Unlock()
	f.work.Go(func() { f.dialplan(c) })
	f.work.Go(func() {
		select {
		case <-l.Gone():
		case <-f.closed:
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if c.busy {
			if c.subscribed {
				f.event("ChannelHangupRequest", c, nil)
			}
			return
		}
		cause := 127 // CANCEL
		if c.state == "Up" {
			cause = 16
		}
		f.end(c, cause, false)
	})
}

// dialplan is the lines around Stasis().
func (f *fake) dialplan(c *fakeChannel) {
	for {
		f.mu.Lock()
		f.limit(c, firstLease)
		in := !c.ended && f.enter(c, "route", c.line.ID, url.PathEscape(c.line.Called), c.vars["VMSTATUS"], "T")
		left := c.left
		f.mu.Unlock()
		if in {
			select {
			case <-left:
			case <-f.closed:
				return
			}
		}
		f.mu.Lock()
		task, mailbox, words := c.vars["RINGSIDE_TASK"], c.vars["RINGSIDE_DIAL"], c.vars["RINGSIDE_TEXT"]
		delete(c.vars, "RINGSIDE_TASK")
		recorded := c.vars["VMSTATUS"] == "SUCCESS"
		ended, patience := c.ended, c.patience
		f.limit(c, 0)
		result := c.vars["RINGSIDE_RESULT"]
		f.mu.Unlock()
		switch {
		case ended:
			return
		case patience: // the extension T
			c.line.Continue()
			return
		case !in && recorded:
			f.do(func() { f.end(c, 16, true) })
			c.line.End(16)
			return
		case in && task == "voicemail":
			f.voicemail(c, mailbox)
			continue
		case in && task == "speak" && f.speech != "":
			f.application_(c, func() {
				f.do(func() { f.answer(c) }) // as app_flite does
				c.line.Hear(nil, "text "+words)
			})
			continue
		case in && result == "done":
			f.do(func() { f.end(c, 16, true) })
			c.line.End(16)
			return
		}
		c.line.Continue()
		return
	}
}

// limit sets a channel's absolute timeout; 0 is none. The lock is held.
func (f *fake) limit(c *fakeChannel, d time.Duration) {
	if c.timeout != nil {
		c.timeout.Stop()
	}
	c.timeout = nil
	if d > 0 {
		c.timeout = time.AfterFunc(d, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if c.stasis {
				c.patience = true
				f.leave(c)
			}
		})
	}
}

// voicemail is the application VoiceMail. Who hangs up after their message has left one: the hangup handler
// tells of it between the request to hang up and the channel's end.
func (f *fake) voicemail(c *fakeChannel, mailbox string) {
	f.application_(c, func() {
		if !c.line.NoMailbox {
			f.do(func() { f.answer(c) })
		}
		box, _, _ := strings.Cut(mailbox, "@")
		status := "FAILED"
		if c.line.Voicemail(box) {
			status = "SUCCESS"
		}
		f.do(func() { c.vars["VMSTATUS"] = status })
	})
}

// application_ runs an application of the dialplan. A channel that is hung up meanwhile ends after it.
func (f *fake) application_(c *fakeChannel, run func()) {
	f.do(func() { c.busy, c.appName = true, "VoiceMail" })
	run()
	f.mu.Lock()
	defer f.mu.Unlock()
	c.busy = false
	if c.line.Left() {
		f.end(c, 16, false)
	}
}

// variable is POST and GET /channels/{id}/variable.
func (f *fake) variable(id string, r fakeRequest) *fakeAnswer {
	name, _ := r.params["variable"].(string)
	value, _ := r.params["value"].(string)
	if name == "" {
		return refusal_(http.StatusBadRequest, "Variable name is required")
	}
	if r.method == http.MethodPost {
		return f.inStasis(id, func(c *fakeChannel) { f.set(c, name, value) })
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[id]
	if c == nil {
		return refusal_(http.StatusNotFound, "Provided channel was not found")
	}
	value, ok := c.vars[name]
	if !ok {
		return refusal_(http.StatusNotFound, "Provided variable was not found")
	}
	return &fakeAnswer{status: http.StatusOK, body: text(map[string]any{"value": value})}
}

// set sets a variable, or calls a function. The lock is held.
func (f *fake) set(c *fakeChannel, name, value string) {
	function, args, isFunction := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	switch {
	case isFunction && function == "ARRAY":
		for _, lacks := range f.lacks {
			if lacks == "func_strings.so" {
				return
			}
		}
		names, values := channeltest.Args(args, ',', 100), channeltest.Args(value, ',', 100)
		for i, n := range names {
			v := ""
			if i < len(values) {
				v = values[i]
			}
			f.set(c, n, v)
		}
		return
	case isFunction && name == "CALLERID(name)":
		c.callerName = value
		if c.caller {
			c.line.Shows(value)
		}
		return
	case isFunction && name == "CALLERID(num)":
		c.callerNumber = value
		return
	case isFunction && name == "TIMEOUT(absolute)":
		f.limit(c, time.Duration(number(value))*time.Second)
		return
	case isFunction:
		c.line.Fault("the function %s is called with %q", name, value)
		return
	}
	c.vars[name] = value
	f.event("ChannelVarset", c, map[string]any{"variable": name, "value": value})
	if c.caller && name != "RINGSIDE_TASK" && name != "RINGSIDE_TEXT" {
		c.line.Set(name, value)
	}
}
