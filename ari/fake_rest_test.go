package ari

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// text is JSON.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// ServeHTTP answers a request.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	f.mu.Lock()
	right := password == f.password
	f.mu.Unlock()
	if !right {
		f.reply(w, refusal_(http.StatusUnauthorized, "Authentication required"))
		return
	}
	escaped := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/ari/"), "/")
	path := make([]string, len(escaped))
	for i, s := range escaped {
		path[i], _ = url.PathUnescape(s)
	}
	if path[0] == "events" {
		f.socket(w, r)
		return
	}
	params, err := body(r)
	if err != nil {
		f.reply(w, refusal_(http.StatusBadRequest, "Error parsing request body"))
		return
	}
	req := fakeRequest{r.Method, path, params}
	f.mu.Lock()
	// A DELETE of a playback that never was is how ringside finds out whether it may write.
	if r.Method != http.MethodDelete || path[0] != "playbacks" || f.played[path[1]] {
		f.requests = append(f.requests, req.String()+" "+text(params))
	}
	if c := f.channels[path[min(1, len(path)-1)]]; c != nil && r.Method != http.MethodGet {
		c.line.Wire("> %s %s", req, text(params))
	}
	var answer *fakeAnswer
	if f.says != nil {
		answer = f.says(req)
	}
	if answer == nil && f.readOnly && r.Method != http.MethodGet {
		answer = refusal_(http.StatusForbidden, "Write access denied")
	}
	var wait time.Duration
	if f.late != nil {
		wait = f.late(req)
	}
	f.mu.Unlock()
	time.Sleep(wait)
	if answer == nil {
		answer = f.carryOut(req)
	}
	f.mu.Lock()
	var late time.Duration
	if f.delays != nil {
		late = f.delays(req)
	}
	f.mu.Unlock()
	if answer.hang {
		late = 1000 * time.Hour
	}
	if late > 0 {
		timer := time.NewTimer(late)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.closed:
			return
		case <-r.Context().Done():
			return
		}
	}
	f.reply(w, answer)
}

func (f *fake) reply(w http.ResponseWriter, a *fakeAnswer) {
	if strings.HasPrefix(a.body, "<") {
		w.Header().Set("Content-Type", "text/html")
	} else if a.body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// carryOut does what is asked.
func (f *fake) carryOut(r fakeRequest) *fakeAnswer {
	resource := r.path[0]
	id, action := "", ""
	if len(r.path) > 1 {
		id = r.path[1]
	}
	if len(r.path) > 2 {
		action = r.path[2]
	}
	switch {
	case resource == "channels":
		return f.channelRequest(r, id, action)
	case resource == "bridges":
		return f.bridgeRequest(r, id, action)
	case resource == "playbacks" && r.method == http.MethodDelete:
		return f.stopPlay(id)
	case resource == "playbacks":
		f.mu.Lock()
		defer f.mu.Unlock()
		if p := f.plays[id]; p != nil {
			return &fakeAnswer{status: http.StatusOK, body: text(p.fields()["playback"])}
		}
		return refusal_(http.StatusNotFound, "Playback not found")
	case resource == "applications":
		return f.application(r, id, action)
	case resource == "asterisk" && id == "modules":
		if slices.Contains(f.lacks, action) {
			return refusal_(http.StatusNotFound, "Module not found")
		}
		return &fakeAnswer{status: http.StatusOK, body: `{"name":"` + action + `","status":"Running"}`}
	case resource == "asterisk" && id == "ping":
		return &fakeAnswer{status: http.StatusOK, body: `{"ping":"pong","timestamp":"` + stamp(time.Now()) + `","asterisk_id":"02:fc"}`}
	case resource == "asterisk" && id == "info":
		return &fakeAnswer{status: http.StatusOK, body: `{"system":{"version":"22.10.1","entity_id":"02:fc"}}`}
	}
	return refusal_(http.StatusNotFound, "Resource not found")
}

// application is GET /applications/{app}, and its subscription.
func (f *fake) application(r fakeRequest, id, action string) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	channels, bridges := []string{}, []string{}
	for _, c := range f.channels {
		if c.stasis || c.subscribed {
			channels = append(channels, c.id)
		}
	}
	for _, b := range f.bridges {
		bridges = append(bridges, b.id)
	}
	if id != testApp || f.apps[testApp] == nil && len(channels)+len(bridges) == 0 {
		return refusal_(http.StatusNotFound, "Application not found")
	}
	if action == "eventFilter" {
		f.allowed = map[string]bool{}
		list, _ := r.params["allowed"].([]any)
		for _, one := range list {
			kind, _ := one.(map[string]any)["type"].(string)
			f.allowed[kind] = true
		}
	}
	if action == "subscription" {
		source, _ := r.params["eventSource"].(string)
		c := f.channels[strings.TrimPrefix(source, "channel:")]
		if c == nil {
			return refusal_(http.StatusUnprocessableEntity, "Event source does not exist")
		}
		c.subscribed = true
	}
	return &fakeAnswer{status: http.StatusOK, body: text(map[string]any{
		"name": id, "channel_ids": channels, "bridge_ids": bridges, "endpoint_ids": []string{}, "device_names": []string{},
		"events_allowed": []string{}, "events_disallowed": []string{},
	})}
}

func (f *fake) bridgeRequest(r fakeRequest, id, action string) *fakeAnswer {
	switch {
	case id == "":
		f.mu.Lock()
		defer f.mu.Unlock()
		all := []any{}
		for _, b := range f.bridges {
			all = append(all, b.snapshot())
		}
		return &fakeAnswer{status: http.StatusOK, body: text(all)}
	case action == "addChannel":
		return f.addChannel(id, r.params)
	case action == "record":
		return f.record(id, r.params)
	case r.method == http.MethodPost:
		return f.makeBridge(id)
	}
	return f.destroyBridge(id)
}

func (f *fake) channelRequest(r fakeRequest, id, action string) *fakeAnswer {
	switch {
	case id == "":
		f.mu.Lock()
		defer f.mu.Unlock()
		all := []any{}
		for _, c := range f.channels {
			all = append(all, c.snapshot())
		}
		return &fakeAnswer{status: http.StatusOK, body: text(all)}
	case id == "create":
		return f.create(r.params)
	case action == "" && r.method == http.MethodPost:
		return f.originate(id, r.params)
	case action == "" && r.method == http.MethodDelete:
		return f.hangUp(id, r.params)
	case action == "" && r.method == http.MethodGet:
		f.mu.Lock()
		defer f.mu.Unlock()
		if c := f.channels[id]; c != nil {
			return &fakeAnswer{status: http.StatusOK, body: text(c.snapshot())}
		}
		return refusal_(http.StatusNotFound, "Channel not found")
	case action == "dial":
		return f.dialChannel(id, r.params)
	case action == "play":
		return f.play(id, r.path[3], r.params)
	case action == "answer":
		c := f.channel(id)
		if c == nil {
			return refusal_(http.StatusNotFound, "Channel not found")
		}
		return f.queued(c, http.StatusConflict, func() *fakeAnswer { f.answer(c); return &fakeAnswer{status: http.StatusNoContent} })
	case action == "ring", action == "mute", action == "dtmf":
		return f.inStasis(id, func(*fakeChannel) {})
	case action == "moh":
		return f.inStasis(id, func(c *fakeChannel) { f.music(c, r) })
	case action == "variable":
		return f.variable(id, r)
	case action == "continue":
		return f.inStasis(id, func(c *fakeChannel) {
			c.subscribed = c.subscribed && c.caller
			f.leave(c)
		})
	}
	return refusal_(http.StatusNotFound, "Resource not found")
}

// music begins or ends music on hold. The lock is held.
func (f *fake) music(c *fakeChannel, r fakeRequest) {
	c.moh = ""
	if r.method == http.MethodPost {
		c.moh, _ = r.params["mohClass"].(string)
	}
	if c.caller {
		c.line.Music(c.moh)
	}
}

// hangUp is DELETE /channels/{id}.
func (f *fake) hangUp(id string, p map[string]any) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.channels[id]
	if c == nil {
		return refusal_(http.StatusNotFound, "Channel not found")
	}
	cause := 16
	if word, ok := p["reason"].(string); ok {
		known := false
		cause, known = map[string]int{
			"normal": 16, "busy": 17, "no_answer": 19, "timeout": 18, "rejected": 21, "congestion": 34, "unallocated": 1,
			"number_incomplete": 28, "codec_mismatch": 58, "normal_unspecified": 31, "interworking": 127, "failure": 38,
			"answered_elsewhere": 26,
		}[word]
		if !known {
			return refusal_(http.StatusBadRequest, "Invalid reason for hangup reason provided")
		}
	}
	if code, ok := p["reason_code"].(string); ok {
		cause = number(code)
	}
	f.end(c, cause, true)
	f.ends[c.number] = cause
	if c.caller {
		c.line.End(cause)
	}
	return &fakeAnswer{status: http.StatusNoContent}
}
