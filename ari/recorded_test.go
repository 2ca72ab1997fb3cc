package ari

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/CyCoreSystems/ari/v6"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialstatus"
)

// recorded are the frames of a recording.
func recorded(t testing.TB, file string) (frames [][]byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' {
			frames = append(frames, line)
		}
	}
	return frames
}

// replay is an App that is connected with nobody, and hears what was recorded.
type replay struct {
	app   *App
	calls []*call
	names map[string]string // of channels, by their id: caller1, leg1, other1
	order []string
	made  map[string]int
}

func newReplay(t testing.TB) *replay {
	t.Helper()
	app, err := New(Options{URL: "http://127.0.0.1:8088/ari", Username: "u", Name: "lab", Dial: templates}, board(nil))
	if err != nil {
		t.Fatal(err)
	}
	return &replay{app: app, names: map[string]string{}, made: map[string]int{}}
}

func (r *replay) name(kind, id string) {
	r.made[kind]++
	r.names[id] = fmt.Sprintf("%s%d", kind, r.made[kind])
	r.order = append(r.order, id)
}

// hear takes a frame as the application does, but for callers, whom nobody serves, and for channels and
// playbacks that ringside would have made: they belong to the latest call.
func (r *replay) hear(t testing.TB, frame []byte) {
	t.Helper()
	ev, err := decode(frame)
	if err != nil {
		t.Fatalf("%v: %s", err, frame)
	}
	if start, ok := ev.(*ari.StasisStart); ok && r.app.owner(start.Channel.ID) == nil {
		id := start.Channel.ID
		switch {
		case strings.HasPrefix(id, "leg"), strings.HasPrefix(id, "cons-leg"):
			r.name("leg", id)
			r.calls[len(r.calls)-1].add(&party{id: id, called: true})
		case start.ReplaceChannel.ID != "":
			r.name("other", id)
		default:
			r.name("caller", id)
			c := r.app.newCall(context.Background())
			c.caller = &party{id: id, name: start.Channel.Name}
			c.add(c.caller)
			r.app.claim(fmt.Sprintf("b%d", len(r.calls)+1), c) // the bridges of the recordings
			r.calls = append(r.calls, c)
		}
	}
	for _, e := range []string{`"playback":{"id":"`, `"recording":{"name":"`} {
		if _, rest, ok := strings.Cut(string(frame), e); ok {
			id, _, _ := strings.Cut(rest, `"`)
			r.app.claim(id, r.calls[len(r.calls)-1])
		}
	}
	if ev != nil {
		r.app.digest(ev)
	}
}

// picture is what is known in the end.
func (r *replay) picture() string {
	var all []string
	for _, id := range r.order {
		for _, c := range r.calls {
			p := c.parties[id]
			if p == nil {
				continue
			}
			all = append(all, r.names[id]+":"+r.about(c, p))
		}
	}
	slices.Sort(all)
	for i, c := range r.calls {
		if !c.moved.IsZero() {
			all = append(all, fmt.Sprintf("call%d was transferred", i+1))
		}
		if cause := context.Cause(c.ctx); cause != nil {
			what := "ended"
			if errors.Is(cause, ringside.ErrCallerGone) {
				what = "the caller is gone"
			}
			all = append(all, fmt.Sprintf("call%d: %s", i+1, what))
		}
		var plays []string
		for id, state := range c.plays {
			plays = append(plays, id+" "+state)
		}
		slices.Sort(plays)
		all = append(all, plays...)
	}
	return strings.Join(all, "; ")
}

func (r *replay) about(c *call, p *party) string {
	var b strings.Builder
	for _, f := range []struct {
		is   bool
		what string
	}{
		{p.entered > 1, fmt.Sprintf("came %d times", p.entered)},
		{p.ringing, "rang"},
		{p.progress, "sent sound"},
		{p.up, "up"},
		{p.replaced, "replaced"},
		{p.over(), "over"},
		{p.gone && p.called && !p.up, string(dialstatus.OfCause(p.cause))},
		{p.gone && p.up, fmt.Sprint(p.cause)},
	} {
		if f.is {
			b.WriteString(" " + f.what)
		}
	}
	if p.stands != nil {
		b.WriteString(" in place of " + r.names[p.stands.id])
	}
	if c.caller == p && p.stands != nil {
		b.WriteString(" as caller")
	}
	return b.String()
}

// The table says of each recording, of Asterisk 22 and 16 alike, what became of each channel: "caller" is one
// that the dialplan handed over, "leg" one that was called, "other" one that a transfer put in the place of
// another. Every recording ends with everybody gone.
func TestRecordingsEndWithTheRightPicture(t *testing.T) {
	pictures := map[string]string{
		"answered":                           `caller1: up over 16; leg1: rang up over 16; call1: the caller is gone`,
		"answered-phone-hangs-up":            `caller1: up over 16; leg1: rang up over 16; call1: the caller is gone`,
		"attended-transfer-both-ari":         `caller1: up over 16; caller2: up replaced over; leg1: rang up replaced over; leg2: rang up over 16; other1: up over in place of caller2 as caller; other2: rang up over in place of leg1; call1 was transferred; call1: the caller is gone; call2 was transferred; call2: the caller is gone`,
		"attended-transfer-to-dialplan-call": `caller1: up over 16; leg1: rang up replaced over; other1: rang up over in place of leg1; call1 was transferred; call1: the caller is gone`,
		"blind-transfer":                     `caller1: up over 16; leg1: rang up replaced over; other1: rang up over in place of leg1; call1 was transferred; call1: the caller is gone`,
		"blind-transfer-hangup":              `caller1: up over 16; leg1: rang up replaced over; other1: rang up over in place of leg1; call1 was transferred; call1: the caller is gone`,
		"blind-transfer-to-stasis":           `caller1: up over 16; caller2: over; leg1: rang up replaced over; other1: rang up over in place of leg1; call1 was transferred; call1: the caller is gone; call2: the caller is gone`,
		"bridge-recording":                   `caller1: up over 16; leg1: rang up over 16; call1: the caller is gone; r1 empty`,
		"bridge-recording-destroyed":         `caller1: up over 16; leg1: rang up over 16; call1: the caller is gone; r2 empty`,
		"bridge-recording-failed":            `caller1: up over 16; leg1: rang up over 16; call1: the caller is gone; r6 empty`,
		"busy":                               `caller1: over; leg1: rang over busy; call1: the caller is gone`,
		"caller-cancels":                     `caller1: over; call1: the caller is gone`,
		"caller-hangs-up":                    `caller1: up over; call1: the caller is gone`,
		"caller-hangs-up-while-ringing":      `caller1: over; leg1: rang over no_answer; call1: the caller is gone`,
		"continue":                           `caller1: up over; call1: the caller is gone`,
		"continue-again":                     `caller1: over; call1: the caller is gone`,
		"continue-subscribed":                `caller1: up over 16; call1: the caller is gone`,
		"failover":                           `caller1: up over 16; leg1: rang over busy; leg2: rang up over 16; call1: the caller is gone`,
		"no-answer":                          `caller1: over; leg1: rang over no_answer; call1: the caller is gone`,
		"playback":                           `caller1: up over; call1: the caller is gone; p1 done`,
		"playback-hangup":                    `caller1: up over; call1: the caller is gone; p13 failed; p14 failed`,
		"playback-missing-file":              `caller1: up over; call1: the caller is gone; p4 failed; p5 done; p6 failed; p9 done`,
		"playback-stopped":                   `caller1: up over; call1: the caller is gone; p10 done; p11 done; p12 done`,
		"refused":                            `caller1: over; leg1: over unavailable; call1: the caller is gone`,
		"ring-group":                         `caller1: up over 16; leg1: rang over unavailable; leg2: rang up over 16; call1: the caller is gone`,
		"two-ring":                           `caller1: over; leg1: rang over unavailable; leg2: rang up over 16; call1: the caller is gone`,
	}
	for _, version := range []string{"22", "16"} {
		for name, want := range pictures {
			t.Run(name+" of "+version, func(t *testing.T) {
				r := newReplay(t)
				for _, frame := range recorded(t, filepath.Join("testdata", "recorded", version, name+".jsonl")) {
					r.hear(t, frame)
				}
				if got := r.picture(); got != want {
					t.Errorf("the picture is\n%s\nwant\n%s", got, want)
				}
			})
		}
		files, err := filepath.Glob("testdata/recorded/" + version + "/*.jsonl")
		if err != nil || len(files) != len(pictures) {
			t.Errorf("%d recordings, %d pictures, %v", len(files), len(pictures), err)
		}
	}
}

// What is told late, twice or in another order than recorded does not change the picture: fields go one way.
func TestEventsThatAreToldTwiceChangeNothing(t *testing.T) {
	for _, name := range []string{"answered", "busy", "failover", "ring-group", "playback-hangup", "no-answer"} {
		t.Run(name, func(t *testing.T) {
			once, twice := newReplay(t), newReplay(t)
			for _, frame := range recorded(t, filepath.Join("testdata", "recorded", "22", name+".jsonl")) {
				once.hear(t, frame)
				twice.hear(t, frame)
				if !bytes.Contains(frame, []byte(`"StasisStart"`)) {
					twice.hear(t, frame)
				}
			}
			if a, b := once.picture(), twice.picture(); a != b {
				t.Errorf("once it is\n%s\ntwice\n%s", a, b)
			}
		})
	}
}
