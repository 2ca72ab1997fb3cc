package ari

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/CyCoreSystems/ari/v6"
)

// settling is how long an event may take that makes a channel known which a list has named already.
const settling = 500 * time.Millisecond

// census is what Asterisk says is there.
type census struct {
	channels map[string]ari.ChannelData
	// mine are the channels that are subscribed to by the application: those in Stasis among them.
	mine    map[string]bool
	bridges []ari.BridgeData
	// entered is how often each channel had come into Stasis before all this was asked.
	entered map[string]int
}

func (a *App) count(ctx context.Context) (*census, error) {
	c := &census{channels: map[string]ari.ChannelData{}, mine: map[string]bool{}}
	var channels []ari.ChannelData
	if err := a.rest.do(ctx, http.MethodGet, []string{"channels"}, nil, &channels); err != nil {
		return nil, err
	}
	for _, ch := range channels {
		c.channels[ch.ID] = ch
	}
	var app ari.ApplicationData
	err := a.rest.do(ctx, http.MethodGet, []string{"applications", a.opt.Name}, nil, &app)
	if err != nil && !left(err) {
		return nil, err
	}
	// The WebSocket is answered before the application is known: then it has nothing from before.
	for _, id := range app.ChannelIDs {
		c.mine[id] = true
	}
	if err := a.rest.do(ctx, http.MethodGet, []string{"bridges"}, nil, &c.bridges); err != nil {
		return nil, err
	}
	return c, nil
}

// resync brings what is known up to date after the connection has come back: events of the time between
// are lost.
func (a *App) resync(ctx context.Context) {
	a.filter(ctx)
	known, entered := a.known()
	now := a.census(ctx)
	if now == nil {
		return
	}
	now.entered = entered
	// Callers first: who has lost caller and phone has lost the caller.
	for id, c := range known {
		if c.isCaller(id) {
			a.catchUp(c, id, now)
			a.endPlaybacks(ctx, c)
		}
	}
	for id, c := range known {
		if !c.isCaller(id) {
			a.catchUp(c, id, now)
		}
	}
	err := a.rest.do(ctx, http.MethodGet, []string{"asterisk", "modules", "func_strings.so"}, nil, nil)
	a.noArray.Store(left(err))
	a.link.rise(a)
	select {
	case <-time.After(settling):
	case <-ctx.Done():
		return
	}
	// Calls have ended meanwhile: what they had is nobody's to adopt.
	if now = a.census(ctx); now != nil {
		a.adopt(now)
	}
}

// census counts until Asterisk answers; nil if ctx ends before.
func (a *App) census(ctx context.Context) *census {
	for {
		now, err := a.count(ctx)
		if err == nil {
			return now
		}
		if ctx.Err() != nil {
			return nil
		}
		a.log.Warn("Asterisk does not say which channels are there", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

// filter keeps Asterisk from sending events that are of no use. One that can't sends them all.
func (a *App) filter(ctx context.Context) {
	var allowed []map[string]string
	for _, kind := range kinds() {
		allowed = append(allowed, map[string]string{"type": kind})
	}
	err := a.rest.do(ctx, http.MethodPut, []string{"applications", a.opt.Name, "eventFilter"}, params{"allowed": allowed}, nil)
	if err != nil && ctx.Err() == nil {
		a.opt.Log.Debug("Asterisk sends all events", "error", err)
	}
}

// known are the channels that calls have, with their calls, and how often each has come into Stasis.
func (a *App) known() (all map[string]*call, entered map[string]int) {
	all, entered = map[string]*call{}, map[string]int{}
	for _, c := range a.inProgress() {
		c.look(func() {
			for id, p := range c.parties {
				if (p.name != "" || p.asked) && !p.gone { // Asterisk knows it
					all[id], entered[id] = c, p.entered
				}
			}
		})
	}
	return all, entered
}

func (c *call) isCaller(id string) (is bool) {
	c.look(func() { is = c.caller != nil && c.caller.id == id })
	return is
}

// catchUp puts what has become of a call's channel into what is known.
func (a *App) catchUp(c *call, id string, now *census) {
	there, ok := now.channels[id]
	if !ok {
		a.about(ari.ChannelData{ID: id}, func(_ *call, p *party) { p.gone, p.lost = true, true })
		return
	}
	a.about(there, func(_ *call, p *party) {
		p.is(there.State)
		switch {
		case now.mine[id] && p.up && p.entered == 0:
			p.entered = 1
		case p == c.caller && (c.away || p.entered != now.entered[id]):
			// They are meant to be in the dialplan, or have come back meanwhile.
		case !now.mine[id] && p.entered > 0:
			p.left = p.entered
		}
	})
}

// endPlaybacks ends those that have ended meanwhile: Asterisk will not tell of them again.
func (a *App) endPlaybacks(ctx context.Context, c *call) {
	var ids []string
	c.look(func() {
		for id, state := range c.plays {
			if state == "" {
				ids = append(ids, id)
			}
		}
	})
	for _, id := range ids {
		if err := a.rest.do(ctx, http.MethodGet, []string{"playbacks", id}, nil, nil); left(err) {
			c.change(func() { c.plays[id] = "done" })
		}
	}
}

// adopt takes care of what an earlier life of ringside has left behind: who talks goes on talking until one
// of them leaves, and everybody else goes back to the dialplan, or is hung up if ringside had called them.
func (a *App) adopt(now *census) {
	inTalk := map[string]bool{}
	for _, b := range now.bridges {
		if !strings.HasPrefix(b.ID, a.prefix(bridgeID)) || a.owner(b.ID) != nil {
			continue
		}
		there, up := 0, []string(nil)
		for _, id := range b.ChannelIDs {
			ch, ok := now.channels[id]
			if !ok || a.owner(id) != nil || strings.HasPrefix(ch.Name, "Recorder/") {
				continue
			}
			there++
			// Who is not answered yet waits for a phone that nobody would stop.
			if ch.State == "Up" {
				up = append(up, id)
			}
		}
		switch {
		case len(up) >= 2:
			for _, id := range up {
				inTalk[id] = true
			}
			a.foster(b.ID, up, now)
			continue
		case there == 1 && len(up) == 1 && b.Name == a.opt.Name:
			// They have talked, and the other has left.
			inTalk[up[0]] = true
			a.janitor.add(chore{hangUp, up[0]})
		}
		a.janitor.add(chore{destroy, b.ID})
	}
	for id, ch := range now.channels {
		ours := strings.HasPrefix(id, a.prefix(legID)) || strings.HasPrefix(id, a.prefix(placedID))
		switch {
		case inTalk[id] || a.owner(id) != nil:
		case ours && (now.mine[id] || ch.State != "Up"):
			a.janitor.add(chore{hangUp, id})
		case now.mine[id] && inStasis(ch, a.opt.Name):
			a.opt.Log.Warn("a call that an earlier ringside has left in Stasis goes back to the dialplan", "channel", ch.Name)
			a.janitor.add(chore{goOn, id})
		}
	}
}

// inStasis reports whether the channel is in the application, as far as Asterisk tells: 16 does not say
// which one runs.
func inStasis(ch ari.ChannelData, app string) bool {
	p := ch.Dialplan
	return p == nil || p.AppName == "" || p.AppName == "Stasis" && (p.AppData == app || strings.HasPrefix(p.AppData, app+","))
}

// unlimit takes away the leases of those who talk: an earlier ringside may not have come to it.
func (a *App) unlimit(channels []string, now *census) {
	v := leaseOf(0)
	for _, id := range channels {
		p := now.channels[id].Dialplan
		if strings.HasPrefix(id, a.prefix(legID)) || p != nil && p.AppData != "" && !strings.HasSuffix(p.AppData, ","+withT) {
			continue
		}
		ctx, cancel := context.WithTimeout(a.ctx, tidyWithin)
		err := a.rest.do(ctx, http.MethodPost, []string{"channels", id, "variable"}, params{"variable": v.Name, "value": v.Value}, nil)
		cancel()
		if err != nil && !left(err) {
			a.log.Warn("a talk may be cut: its lease could not be taken away", "channel", now.channels[id].Name, "error", err)
		}
	}
}

// foster minds a talk that nobody minds until one of the two leaves: then it ends for the other, too.
func (a *App) foster(bridge string, channels []string, now *census) {
	c := a.newCall(a.ctx)
	if !a.enter(c) {
		c.cancel(nil)
		return
	}
	a.claim(bridge, c)
	c.bridge = bridge
	for _, id := range channels {
		ch := now.channels[id]
		c.add(&party{id: id, name: ch.Name, entered: 1, up: true, called: true})
	}
	a.opt.Log.Info("a talk that an earlier ringside has connected goes on", "channels", fmt.Sprint(channels))
	a.wg.Go(func() {
		defer c.cancel(nil)
		defer a.leave(c)
		a.unlimit(channels, now)
		// Once more without anybody to mind it, the talk goes on.
		if err := c.await(c.ctx, func() bool {
			n := 0
			for _, p := range c.parties {
				if !p.over() && !p.replaced {
					n++
				}
			}
			return n < 2 || c.apart
		}); err == nil {
			c.drop()
		}
	})
}
