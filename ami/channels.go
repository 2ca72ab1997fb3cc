package ami

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// maxChannels bounds the picture: no Asterisk has as many.
const maxChannels = 50_000

// channels is the live picture of Asterisk's channels and devices, from which extensions are reported.
type channels struct {
	places Places
	lines  Lines

	// mu is held while lines are told, so that they hear of changes in their order.
	mu      sync.Mutex
	all     map[string]*channel              // by unique id
	on      map[string]map[*channel]struct{} // by extension
	devices map[string]ringside.DeviceState
	// looks counts how often all channels were looked at.
	looks uint64
	// endings are told how a channel ended that somebody waits for, by unique id.
	endings map[string]chan<- ending
}

// ending is how a channel ended.
type ending struct {
	cause  ringside.HangupCause
	dialed ringside.DialStatus
}

func newChannels(places Places, lines Lines) *channels {
	c := &channels{places: places, lines: lines, endings: map[string]chan<- ending{}}
	c.reset()
	return c
}

// reset forgets everything: a new connection tells it again.
func (c *channels) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = map[string]*channel{}
	c.on = map[string]map[*channel]struct{}{}
	c.devices = map[string]ringside.DeviceState{}
}

// event takes an event, on the goroutine that reads. One about a channel that is not known changes
// nothing.
func (c *channels) event(name []byte, m Message, now time.Time) {
	switch string(name) {
	case "Newchannel":
		c.begin(m, occurred(m, now))
	case "Newstate", "NewCallerid", "NewConnectedLine", "Newexten", "Hold", "Unhold":
		c.change(m, func(*channel) {})
	case "Rename":
		c.rename(m)
	case "BridgeEnter":
		c.change(m, func(ch *channel) { ch.Bridge = m.Get("BridgeUniqueid") })
	case "BridgeLeave":
		c.change(m, func(ch *channel) { ch.Bridge = "" })
	case "BridgeMerge":
		c.merge(m)
	case "DialEnd":
		c.dialEnd(m)
	case "Hangup":
		c.end(m, occurred(m, now))
	case "DeviceStateChange":
		c.device(m, now)
	}
}

func (c *channels) begin(m Message, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) >= maxChannels {
		return
	}
	ch := &channel{look: c.looks}
	ch.take(m)
	if ch.ID == "" {
		return
	}
	ch.Since, ch.call = at, ch.CallID
	c.remove(c.all[ch.ID])
	ch.number = c.places.number(ch.Endpoint)
	c.all[ch.ID] = ch
	if ch.number != "" {
		if c.on[ch.number] == nil {
			c.on[ch.number] = map[*channel]struct{}{}
		}
		c.on[ch.number][ch] = struct{}{}
	}
	c.report(ch.number, at)
}

// remove takes a channel out of the picture. Mutex held.
func (c *channels) remove(ch *channel) {
	if ch == nil {
		return
	}
	delete(c.all, ch.ID)
	delete(c.on[ch.number], ch)
	if len(c.on[ch.number]) == 0 {
		delete(c.on, ch.number)
	}
}

// change takes what an event says about a channel that is known.
func (c *channels) change(m Message, edit func(*channel)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.all[string(m.find("Uniqueid"))]
	if ch == nil {
		return
	}
	before := ch.lineCall()
	ch.take(m)
	edit(ch)
	if ch.lineCall() != before {
		c.report(ch.number, time.Now())
	}
}

// rename gives a channel another name, if it has the one that the event says.
func (c *channels) rename(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch, to := c.all[m.Get("Uniqueid")], m.Get("Newname"); ch != nil && ch.Name == m.Get("Channel") && to != "" {
		ch.Name = to
	}
}

// merge moves the channels of a bridge that is taken up by another one.
func (c *channels) merge(m Message) {
	to, from := m.Get("ToBridgeUniqueid"), m.Get("FromBridgeUniqueid")
	if from == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.all {
		if ch.Bridge == from {
			ch.Bridge = to
		}
	}
}

// dialEnd tells who has answered.
func (c *channels) dialEnd(m Message) {
	id, status := m.Get("DestUniqueid"), dialStatus(m.find("DialStatus"))
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.all[id]
	if ch == nil {
		return
	}
	if waiting := c.endings[id]; waiting != nil && status != ringside.DialAnswered {
		delete(c.endings, id)
		waiting <- ending{dialed: status}
	}
	if status == ringside.DialAnswered && ch.number != "" && c.lines != nil {
		c.lines.Answered(ch.call, ch.number)
	}
}

func (c *channels) end(m Message, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := m.Get("Uniqueid")
	cause := ringside.HangupCause(number(m.find("Cause")))
	if waiting := c.endings[id]; waiting != nil {
		delete(c.endings, id)
		waiting <- ending{cause: cause}
	}
	if ch := c.all[id]; ch != nil {
		c.remove(ch)
		c.report(ch.number, at)
	}
}

// device takes a device's state. Virtual devices (Queue:…, park:…) are not of interest.
func (c *channels) device(m Message, now time.Time) {
	device := m.find("Device")
	if i := bytes.IndexAny(device, "/:"); i < 0 || device[i] != '/' {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := string(device)
	if _, known := c.devices[name]; !known && len(c.devices) >= maxChannels {
		return
	}
	c.devices[name] = deviceState(m.find("State"))
	c.report(c.places.number(name), occurred(m, now))
}

// report tells all that is known about an extension. Mutex held.
func (c *channels) report(number string, at time.Time) {
	if number == "" || c.lines == nil {
		return
	}
	r := ringside.LineReport{Number: number, State: ringside.DeviceUnknown, At: at}
	if s, ok := c.devices[c.places.device(number)]; ok {
		r.State = s
	}
	for ch := range c.on[number] {
		r.Calls = append(r.Calls, ch.lineCall())
	}
	c.lines.Report(r)
}

// resync asks for all devices and channels, on a new connection or when something was missed.
func (c *channels) resync(ctx context.Context, s *Session) error {
	err := s.List(ctx, NewAction("DeviceStateList"), func(m Message) { c.device(m, time.Now()) })
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.looks++
	c.mu.Unlock()
	err = s.List(ctx, NewAction("CoreShowChannels"), func(m Message) {
		if same(m.event(), "CoreShowChannel") {
			c.seen(m, time.Now())
		}
	})
	if err != nil {
		return err
	}
	c.sweep()
	return nil
}

// seen takes an item of the list of channels.
func (c *channels) seen(m Message, now time.Time) {
	c.mu.Lock()
	ch := c.all[string(m.find("Uniqueid"))]
	if ch != nil {
		ch.look = c.looks
	}
	c.mu.Unlock()
	if ch != nil {
		c.change(m, func(*channel) {})
		return
	}
	c.begin(m, now.Add(-clock(m.Get("Duration"))))
}

// sweep takes out the channels that were there before the last look and were not seen in it: their end was
// missed.
func (c *channels) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.all {
		if ch.look < c.looks {
			c.remove(ch)
			c.report(ch.number, time.Now())
		}
	}
}

// clock reads a duration such as 00:01:30.
func clock(text string) time.Duration {
	t := 0
	for part := range bytes.SplitSeq([]byte(text), []byte(":")) {
		t = 60*t + number(part)
	}
	return time.Duration(t) * time.Second
}

// oldestFirst puts channels in the order of their beginning.
func oldestFirst(all []ringside.ChannelInfo) {
	slices.SortFunc(all, func(a, b ringside.ChannelInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
}

// byName finds a channel by its name; nil if there is none. Mutex held.
func (c *channels) byName(name string) *channel {
	for _, ch := range c.all {
		if ch.Name == name {
			return ch
		}
	}
	return nil
}

// named finds a channel by its name.
func (c *channels) named(name string) (ringside.ChannelInfo, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch := c.byName(name); ch != nil {
		return ch.ChannelInfo, true
	}
	return ringside.ChannelInfo{}, false
}

// peer finds the one channel that shares a bridge with the named one.
func (c *channels) peer(name string) (peer string, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.byName(name)
	if own == nil || own.Bridge == "" {
		return "", false
	}
	for _, ch := range c.all {
		if ch.Bridge == own.Bridge && ch.Name != name {
			if peer != "" {
				return "", false
			}
			peer = ch.Name
		}
	}
	return peer, peer != ""
}

// live reports whether there is a channel with that unique id or name.
func (c *channels) live(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[id] != nil || c.byName(id) != nil
}

// awaitEnd tells over the channel how the one with that unique id, which is still to begin, ends or fails
// to be reached. forget ends the waiting.
func (c *channels) awaitEnd(id string) (ended <-chan ending, forget func()) {
	tell := make(chan ending, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endings[id] = tell
	return tell, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.endings, id)
	}
}

// counts gives how many channels there are, and how many of them are up.
func (c *channels) counts() (all, up int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.all {
		if ch.State == ringside.ChannelUp {
			up++
		}
	}
	return len(c.all), up
}

// endpoints gives the states of all devices.
func (c *channels) endpoints() map[string]ringside.DeviceState {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]ringside.DeviceState, len(c.devices))
	for d, s := range c.devices {
		all[d] = s
	}
	return all
}
