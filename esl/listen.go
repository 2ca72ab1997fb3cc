package esl

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Event is what FreeSWITCH has told once.
type Event struct{ e event }

// Name is the event's name, of a custom one its subclass.
func (e Event) Name() string { return printable(e.e.name()) }

// Channel is the uuid of the channel that it is about; empty if it is about none.
func (e Event) Channel() string { return printable(e.e.get("Unique-ID")) }

// Body is what follows the headers; empty if nothing does.
func (e Event) Body() string { return strings.ToValidUTF8(string(e.e.body), "") }

// Headers are the names and decoded values, in FreeSWITCH's order. A name can come twice.
func (e Event) Headers() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for line := range strings.Lines(string(e.e.fields)) {
			name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if ok && !yield(strings.ToValidUTF8(name, ""), decode([]byte(strings.TrimPrefix(value, " ")))) {
				return
			}
		}
	}
}

// callEvents are what is listened to if nothing else is asked for: the life of calls.
func callEvents() []string {
	return []string{"CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", hangupComplete}
}

// Listening says what to listen to.
type Listening struct {
	// Events are names, such as CHANNEL_ANSWER or, of custom ones, callcenter::info; none are those of the
	// life of calls.
	Events []string
	// Channel, a uuid, leaves out all other channels' events.
	Channel string
}

// listenBehind is how many events may wait for who listens, listenPing how often FreeSWITCH is asked
// whether it is there.
const (
	listenBehind = 10_000
	listenPing   = 15 * time.Second
)

// names are the events to subscribe to.
func (w Listening) names() ([]string, error) {
	if len(w.Events) == 0 {
		return callEvents(), nil
	}
	var plain, custom []string
	for _, name := range w.Events {
		switch {
		case !word(name):
			return nil, &ringside.InvalidError{Field: "event", Reason: fmt.Sprintf("%.80q is no event's name", name)}
		case strings.EqualFold(name, "ALL"), strings.EqualFold(name, customEvent):
			return nil, &ringside.InvalidError{Field: "event", Reason: name + " is everything: name the events that are wanted, such as CHANNEL_ANSWER or sofia::register"}
		case strings.Contains(name, "::"):
			custom = append(custom, name)
		default:
			plain = append(plain, strings.ToUpper(name))
		}
	}
	if len(custom) > 0 {
		plain = append(append(plain, customEvent), custom...)
	}
	return plain, nil
}

// Listen connects, and calls each for every event until ctx ends, the connection ends, or each fails. It
// never stops reading, whatever each does: events that come while 10,000 wait are lost.
func Listen(ctx context.Context, l Login, w Listening, each func(Event) error) (lost uint64, err error) {
	names, err := w.names()
	if err != nil {
		return 0, err
	}
	if w.Channel != "" && !IsChannel(w.Channel) {
		return 0, &ringside.InvalidError{Field: "uuid", Reason: fmt.Sprintf("%.80q is no channel's uuid", w.Channel)}
	}
	events := make(chan event, listenBehind)
	var missed atomic.Uint64
	s, err := connect(ctx, l, func(e event) {
		select {
		case events <- e:
		default:
			missed.Add(1)
		}
	})
	if err != nil {
		return 0, err
	}
	defer s.close()
	if err := s.listenTo(ctx, names, w.Channel); err != nil {
		return 0, err
	}
	err = s.tell(ctx, events, each)
	return missed.Load(), err
}

// listenTo subscribes; the filter comes first, so that nothing passes it.
func (s *session) listenTo(ctx context.Context, names []string, channel string) error {
	if channel != "" {
		cmd, err := filterCommand("Unique-ID", channel)
		if err != nil {
			return err
		}
		if f, err := s.conn.ask(ctx, cmd); err != nil {
			return asked("filter", f, err)
		}
	}
	if err := s.event(ctx, slices.Clone(names)...); err != nil {
		return fmt.Errorf("subscribing to %s: %w", strings.Join(names, " "), err)
	}
	return nil
}

// tell hands events over one after the other.
func (s *session) tell(ctx context.Context, events <-chan event, each func(Event) error) error {
	ping := time.NewTicker(listenPing)
	defer ping.Stop()
	for {
		select {
		case e := <-events:
			if err := each(Event{e}); err != nil {
				return err
			}
		case <-ping.C:
			if _, err := s.ping(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-s.conn.ended:
			return s.tellRest(events, each)
		case <-ctx.Done():
			return nil // who listened has heard enough
		}
	}
}

// tellRest hands over what came before the connection ended.
func (s *session) tellRest(events <-chan event, each func(Event) error) error {
	for {
		select {
		case e := <-events:
			if err := each(Event{e}); err != nil {
				return err
			}
		default:
			return away(s.conn.lost())
		}
	}
}
