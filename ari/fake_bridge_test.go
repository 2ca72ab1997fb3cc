package ari

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// fakeBridge is a bridge of the fake.
type fakeBridge struct {
	id       string
	channels []*fakeChannel
	// recording is the name of its recording in progress.
	recording string
	began     time.Time
}

func (b *fakeBridge) snapshot() map[string]any {
	ids := []string{}
	for _, c := range b.channels {
		ids = append(ids, c.id)
	}
	return map[string]any{
		"id": b.id, "technology": "simple_bridge", "bridge_type": "mixing", "bridge_class": "stasis", "creator": "Stasis",
		"name": testApp, "channels": ids, "creationtime": stamp(time.Now()), "video_mode": "talker",
	}
}

func (f *fake) makeBridge(id string) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bridges[id] != nil {
		return refusal_(http.StatusConflict, fmt.Sprintf("Bridge with id '%s' already exists", id))
	}
	b := &fakeBridge{id: id}
	f.bridges[id] = b
	return &fakeAnswer{status: http.StatusOK, body: text(b.snapshot())}
}

// addChannel is POST /bridges/{id}/addChannel.
func (f *fake) addChannel(id string, p map[string]any) *fakeAnswer {
	var ids []string
	switch list := p["channel"].(type) {
	case []any:
		for _, one := range list {
			ids = append(ids, fmt.Sprint(one))
		}
	default:
		ids = strings.Split(fmt.Sprint(list), ",")
	}
	f.mu.Lock()
	b := f.bridges[id]
	var all []*fakeChannel
	for _, one := range ids {
		all = append(all, f.channels[one])
	}
	f.mu.Unlock()
	switch {
	case b == nil:
		return refusal_(http.StatusNotFound, "Bridge not found")
	case slices.Contains(all, nil):
		return refusal_(http.StatusBadRequest, "Channel not found")
	}
	f.mu.Lock()
	for _, c := range all {
		if !c.stasis {
			f.mu.Unlock()
			return refusal_(http.StatusUnprocessableEntity, "Channel not in Stasis application")
		}
	}
	f.mu.Unlock()
	for _, c := range all {
		if a := f.queued(c, http.StatusUnprocessableEntity, func() *fakeAnswer {
			if c.bridge == b {
				return &fakeAnswer{status: http.StatusNoContent}
			}
			f.unbridge(c)
			c.bridge = b
			b.channels = append(b.channels, c)
			f.event("ChannelEnteredBridge", c, map[string]any{"bridge": b.snapshot()})
			f.mix(b, nil)
			return &fakeAnswer{status: http.StatusNoContent}
		}); a.status != http.StatusNoContent {
			return a
		}
	}
	return &fakeAnswer{status: http.StatusNoContent}
}

// mix lets who is in a bridge hear each other. When two are in it, the answer of one answers the other; a
// third makes Asterisk mix, and then nobody is answered by another. The lock is held.
func (f *fake) mix(b *fakeBridge, answered *fakeChannel) {
	if answered != nil && len(b.channels) == 2 {
		for _, c := range b.channels {
			if c != answered && c.state != "Up" && c.leg == nil {
				if c.moh != "" {
					c.moh = ""
					c.line.Music("")
				}
				f.answer(c)
			}
		}
	}
	up := 0
	for _, c := range b.channels {
		if c.state == "Up" {
			up++
		}
	}
	for _, c := range b.channels {
		if c.leg != nil && c.state == "Up" && up >= 2 {
			c.leg.Connect()
		}
	}
}

// unbridge takes a channel out of its bridge. The lock is held.
func (f *fake) unbridge(c *fakeChannel) {
	b := c.bridge
	if b == nil {
		return
	}
	c.bridge = nil
	b.channels = slices.DeleteFunc(b.channels, func(o *fakeChannel) bool { return o == c })
	f.event("ChannelLeftBridge", c, map[string]any{"bridge": b.snapshot()})
	if len(b.channels) == 0 {
		f.recorded(b)
	}
}

func (f *fake) destroyBridge(id string) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.bridges[id]
	if b == nil {
		return refusal_(http.StatusNotFound, "Bridge not found")
	}
	for len(b.channels) > 0 {
		f.unbridge(b.channels[0])
	}
	delete(f.bridges, id)
	f.tell("BridgeDestroyed", map[string]any{"bridge": b.snapshot()})
	return &fakeAnswer{status: http.StatusNoContent}
}

// record is POST /bridges/{id}/record.
func (f *fake) record(id string, p map[string]any) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.bridges[id]
	if b == nil {
		return refusal_(http.StatusNotFound, "Bridge not found")
	}
	b.recording, b.began = fmt.Sprint(p["name"]), time.Now()
	f.tell("RecordingStarted", map[string]any{"recording": map[string]any{
		"name": b.recording, "format": "wav", "state": "recording", "target_uri": "bridge:" + id,
	}})
	return &fakeAnswer{status: http.StatusCreated, body: text(map[string]any{"name": b.recording, "format": "wav", "state": "queued"})}
}

// recorded ends a bridge's recording. The lock is held.
func (f *fake) recorded(b *fakeBridge) {
	if b.recording == "" {
		return
	}
	f.tell("RecordingFinished", map[string]any{"recording": map[string]any{
		"name": b.recording, "format": "wav", "state": "done", "target_uri": "bridge:" + b.id,
		"duration": int(time.Since(b.began) / time.Second),
	}})
	b.recording = ""
}

// fakePlay is a playback.
type fakePlay struct {
	id    string
	on    *fakeChannel
	media []string
	stop  chan struct{}
	state string
}

func (p *fakePlay) fields() map[string]any {
	return map[string]any{"playback": map[string]any{
		"id": p.id, "media_uri": p.media[0], "target_uri": "channel:" + p.on.id, "language": "en", "state": p.state,
	}}
}

// play is POST /channels/{id}/play/{playback}.
func (f *fake) play(id, playback string, p map[string]any) *fakeAnswer {
	c := f.channel(id)
	if c == nil {
		return refusal_(http.StatusNotFound, "Channel not found")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.stasis {
		return refusal_(http.StatusConflict, "Channel not in Stasis application")
	}
	list, _ := p["media"].([]any)
	play := &fakePlay{id: playback, on: c, stop: make(chan struct{}), state: "queued"}
	for _, m := range list {
		play.media = append(play.media, fmt.Sprint(m))
	}
	if len(play.media) == 0 {
		return refusal_(http.StatusInternalServerError, "Failed to queue media for playback")
	}
	f.plays[playback], f.played[playback] = play, true
	before, done, left := c.tail, make(chan struct{}), c.left
	c.tail = done
	f.work.Go(func() {
		defer close(done)
		select {
		case <-before:
		case <-left:
			return
		}
		f.run(play)
	})
	return &fakeAnswer{status: http.StatusCreated, body: text(play.fields()["playback"])}
}

// run plays to the end.
func (f *fake) run(p *fakePlay) {
	f.mu.Lock()
	if f.plays[p.id] != p {
		f.mu.Unlock()
		return
	}
	p.state, p.on.playing = "playing", p
	f.event("PlaybackStarted", p.on, p.fields())
	stuck := strings.HasPrefix(p.media[0], "nonsense:")
	f.mu.Unlock()
	state := "done"
	for _, m := range p.media {
		kind, what, _ := strings.Cut(m, ":")
		if p.on.line.Hear(p.stop, kind+" "+what) {
			state = "done"
		} else {
			state = "failed"
		}
		if p.on.line.Left() {
			return // its end says so
		}
		select {
		case <-p.stop:
			state = "done"
		default:
			continue
		}
		break
	}
	if stuck {
		<-p.stop
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finish(p, state)
}

// finish tells that a playback has ended. The lock is held.
func (f *fake) finish(p *fakePlay, state string) {
	if f.plays[p.id] != p {
		return
	}
	delete(f.plays, p.id)
	if p.on.playing == p {
		p.on.playing = nil
	}
	if p.state == "done" || p.state == "failed" {
		return
	}
	p.state = state
	f.event("PlaybackFinished", p.on, p.fields())
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
}

func (f *fake) stopPlay(id string) *fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.plays[id]
	if p == nil {
		return refusal_(http.StatusNotFound, "Playback not found")
	}
	f.finish(p, "done")
	return &fakeAnswer{status: http.StatusNoContent}
}
