package calls

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

func TestDestinationsThatRingNobody(t *testing.T) {
	to := func(d ringside.Destination, fallback *ringside.Destination) ringside.Directory {
		doc := sales(nil)
		doc.Rules[0].Destination, doc.Rules[0].Fallback = d, fallback
		return doc
	}
	voicemail := ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "110"}
	sound := ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "closed-today"}
	text := ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "We are closed."}
	cases := []struct {
		name        string
		doc         ringside.Directory
		ch          channeltest.Channel
		heard       string
		status      ringside.Status
		disposition ringside.Disposition
	}{
		{
			name: "hangup", doc: to(ringside.Destination{Action: ringside.HangUp}, nil), ch: channeltest.Channel{},
			heard: "hangup 21", status: ringside.StatusFailed, disposition: ringside.EndHungUp,
		},
		{
			name: "announcement", doc: to(sound, nil),
			heard: "answer; play closed-today0; hangup 16", status: ringside.StatusNoAnswer, disposition: ringside.EndAnnounced,
		},
		{
			name: "announcement that is a text", doc: to(text, nil),
			heard: "answer; play We are closed.0; hangup 16", status: ringside.StatusNoAnswer, disposition: ringside.EndAnnounced,
		},
		{
			name: "text on a PBX that can't speak, with a fallback", doc: to(text, &voicemail), ch: channeltest.Channel{NoSpeech: true},
			heard:  "answer; play We are closed.0; voicemail 110; hangup 16",
			status: ringside.StatusNoAnswer, disposition: ringside.EndVoicemail,
		},
		{
			name: "text on a PBX that can't speak", doc: to(text, nil), ch: channeltest.Channel{NoSpeech: true},
			heard: "answer; play We are closed.0; release released", status: ringside.StatusFailed, disposition: ringside.EndReleased,
		},
		{
			name: "voicemail", doc: to(voicemail, nil),
			heard: "voicemail 110; hangup 16", status: ringside.StatusNoAnswer, disposition: ringside.EndVoicemail,
		},
		{
			name: "voicemail that can't take a message", doc: to(voicemail, &sound), ch: channeltest.Channel{NoVoicemail: true},
			heard:  "voicemail 110; answer; play closed-today0; hangup 16",
			status: ringside.StatusNoAnswer, disposition: ringside.EndAnnounced,
		},
		{
			name:  "forward that is not reached, with a fallback",
			doc:   to(ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+7 (495) 123-45-67"}, &voicemail),
			heard: "dial +74951234567; voicemail 110; hangup 16", status: ringside.StatusNoAnswer, disposition: ringside.EndVoicemail,
		},
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, c.doc), nil)
				defer s.close()
				c.ch.PBX, c.ch.PromptTakes = s.pbx, time.Second
				c.ch.Start = ringside.Offer{CallID: "1", Called: "500", At: time.Now()}
				s.serve(&c.ch)
				s.serving.Wait()
				if got := heard(&c.ch); got != c.heard {
					t.Errorf("the PBX was told %q, want %q", got, c.heard)
				}
				if r := s.record(1); r.Status != c.status || r.Disposition != c.disposition {
					t.Errorf("recorded %s, %s; want %s, %s", r.Status, r.Disposition, c.status, c.disposition)
				}
			})
		})
	}
}

func TestCallerLeavesDuringAPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := sales(nil)
		doc.Rules[0].Destination = ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "closed"}
		s := newSite(t, office(t, doc), nil)
		defer s.close()
		ch := &channeltest.Channel{PBX: s.pbx, PromptTakes: time.Minute, Start: ringside.Offer{CallID: "1", Called: "500", At: time.Now()}}
		leave := s.serve(ch)
		time.Sleep(10 * time.Second)
		leave()
		s.serving.Wait()
		if r := s.record(1); r.Status != ringside.StatusAbandoned || r.Legs[0].Result != "left" || r.Duration != 10 {
			t.Errorf("recorded %+v", r)
		}
	})
}
