package ari

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// Whatever comes on the WebSocket, the calls go on and the connection stays.
func TestStrangeFramesAreSurvived(t *testing.T) {
	for name, c := range map[string]struct {
		frame string
		log   string // that it is told
	}{
		"an unknown type":                {`{"type":"ChannelToneDetected","channel":{"id":"call-1"}}`, ""},
		"no JSON":                        {`hello`, ""},
		"an empty frame":                 {``, ""},
		"an event that breaks off":       {`{"type":"StasisStart","channel":{"id":"call-`, "an event can't be read"},
		"numbers for texts":              {`{"type":"StasisEnd","channel":17}`, "an event can't be read"},
		"another shape":                  {`["type","StasisStart"]`, ""},
		"null":                           {`null`, ""},
		"a channel without an id":        {`{"type":"StasisEnd","channel":{}}`, ""},
		"a type in a name":               {`{"type":"ChannelCallerId","channel":{"id":"call-1","caller":{"name":"\",\"type\":\"StasisEnd"}}}`, ""},
		"a type that comes last":         {`{"channel":{"id":"x"},"type":"ChannelDestroyed","cause":16}`, ""},
		"a deep one":                     {strings.Repeat("[", 100_000), ""},
		"a huge one":                     {`{"type":"StasisEnd","channel":{"id":"` + strings.Repeat("x", 3<<20) + `"}}`, ""},
		"a NUL":                          {"\x00", ""},
		"the end of somebody else's":     {`{"type":"StasisEnd","channel":{"id":"call-2"}}`, ""},
		"an end of nothing":              {`{"type":"PlaybackFinished","playback":{"id":"call-1","state":"done"}}`, ""},
		"a transfer of no bridge":        {`{"type":"BridgeAttendedTransfer","result":"Success"}`, ""},
		"a replacement of a stranger":    {`{"type":"ChannelHangupRequest","channel":{"id":"call-2"}}`, ""},
		"a recording without a duration": {`{"type":"RecordingFinished","recording":{"name":"x","state":"done"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, Options{}, waitsForever, func(s *site) {
				l := s.line("call-1", nil)
				after(time.Second)
				s.pbx.raw(c.frame, c.frame, c.frame)
				after(time.Minute)
				s.ended(l, "")
				if l.Hearing() != "default" {
					t.Errorf("the caller hears %q", l.Hearing())
				}
				if !s.app.State().Up {
					t.Error("the connection was given up")
				}
				if c.log != "" {
					s.says(c.log)
				}
				if n := strings.Count(s.log.String(), "can't be read"); n > 0 && c.log == "" {
					t.Errorf("it was told %d times", n)
				}
				l.Leave()
			})
		})
	}
}

// A flood of frames that can't be read does not flood the log.
func TestRubbishIsLoggedCalmly(t *testing.T) {
	story(t, Options{}, nil, func(s *site) {
		for range 10_000 {
			s.pbx.raw(`{"type":"StasisStart"`)
		}
		after(time.Second)
		if n := strings.Count(s.log.String(), "can't be read"); n == 0 || n > 20 {
			t.Errorf("%d lines about 10,000 frames", n)
		}
		if len(s.log.String()) > 64<<10 {
			t.Errorf("%d bytes of log", len(s.log.String()))
		}
	})
}

// A frame that is larger than any of Asterisk's ends the connection, not the program: it is made anew, and
// calls go on.
func TestTheConnectionIsMadeAnewAfterAFrameThatIsTooLarge(t *testing.T) {
	story(t, Options{}, waitsForever, func(s *site) {
		l := s.line("call-1", nil)
		after(time.Second)
		s.pbx.raw(`{"type":"X","x":"` + strings.Repeat("x", maxFrame) + `"}`)
		after(10 * time.Second)
		if !s.app.State().Up {
			t.Error("not connected again")
		}
		s.ended(l, "")
		l.Leave()
	})
}

// A foreign channel's events, whatever they say, change nothing for a call.
func TestEventsAboutForeignChannelsChangeNothing(t *testing.T) {
	var res ringside.DialResult
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		res, _ = ch.Dial(ctx, channeltest.Extensions("101"))
		_ = ch.Release(ctx, ringside.ResultReleased)
	}, func(s *site) {
		l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: 10 * time.Second, Talk: time.Minute}})
		after(time.Second)
		for _, kind := range []string{"StasisEnd", "ChannelDestroyed", "ChannelHangupRequest", "ChannelStateChange"} {
			s.pbx.raw(`{"type":"` + kind + `","cause":17,"channel":{"id":"ringside-leg-1.2","name":"PJSIP/101-0000000a","state":"Up"}}`)
		}
		after(2 * time.Minute)
		s.ended(l, "dialplan")
		if res.Status != ringside.DialAnswered {
			t.Errorf("the attempt ended as %+v", res)
		}
	})
}
