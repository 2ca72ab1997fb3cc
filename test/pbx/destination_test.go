package pbx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

func TestAnnouncement(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.ringside(toDestination(nil, `action: play_announcement, announcement_text: beep`))
		c := s.dials(pbx.CallSpec{To: called})
		s.ends(c, 200)
		if n := len(s.messages(c).Received("BYE")); n != 1 {
			t.Errorf("the caller got %d BYE after the announcement", n)
		}
		s.row(c, "", "ANSWERED")
		s.tells(c, told{status: "no_answer", as: "announced", legs: "announcement done", rule: 5})
		if log := pbx.Tail(s.Log(), s.log, 1000); !strings.Contains(log, "beep") {
			t.Error("Asterisk's log has no word of the sound")
		}
	})
}

func TestCallerHangsUpDuringAnnouncement(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.ringside(toDestination(nil, `action: play_announcement, announcement_text: demo-congrats`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.row(c, "", "ANSWERED")
		r := s.tells(c, told{status: "abandoned", as: "abandoned", legs: "announcement left"})
		if r.End.Sub(r.Start) > 3*time.Second {
			t.Errorf("ringside's record: the call lasted %v", r.End.Sub(r.Start))
		}
	})
}

func TestVoicemail(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.ringside(toDestination([]string{mailbox}, `action: route_to_voicemail, target_number: "`+mailbox+`"`))
		c := s.dials(pbx.CallSpec{To: called, Talk: 4 * time.Second, Echo: true})
		s.ends(c, 200)
		s.recorded(mailbox)
		s.row(c, "", "ANSWERED")
		s.tells(c, told{status: "no_answer", as: "voicemail", legs: "voicemail " + mailbox + " done"})
	})
}

func TestForwardToExternalNumber(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		carrier := s.phone("carrier", pbx.Answers(soon))
		s.ringside(toDestination(nil, `action: forward_external, target_external: "+74951234567"`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(carrier, 1, 0, 1)
		if to := s.received(carrier, "INVITE").First; !strings.HasPrefix(to, "INVITE sip:+74951234567@") {
			t.Errorf("the carrier got %q", to)
		}
		s.row(c, "trunk", "ANSWERED")
		s.tells(c, told{status: "answered", as: "talked", to: "+74951234567", legs: "forward +74951234567 answered"})
	})
}

func TestHangupRule(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
		s.ringside(toDestination(nil, `action: hangup`))
		c := s.dials(pbx.CallSpec{To: called})
		s.ends(c, 403) // cause 21, call rejected
		s.saw(fallback, 0, 0, 0)
		s.row(c, "", "FAILED")
		if r := s.tells(c, told{status: "failed", as: "hung_up", rule: 5}); r.Cause != 21 {
			t.Errorf("ringside's record: cause %d", r.Cause)
		}
	})
}

func TestDirectExtension(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("103", pbx.Answers(soon))
		s.ringside(directory([]string{"103"}, ""))
		c := s.dials(pbx.CallSpec{To: "103", Name: "Anna", Talk: short})
		s.ends(c, 200)
		s.saw(p, 1, 0, 1)
		if from := s.received(p, "INVITE").Header("From"); !strings.Contains(from, "Anna") || !strings.Contains(from, c.Spec.Number) {
			t.Errorf("the phone was called by %q", from)
		}
		s.row(c, "103", "ANSWERED")
		s.tells(c, told{status: "answered", as: "talked", to: "103", legs: "dial 103 answered"})
	})
}

// Asterisk runs the extension h of a context when a channel ends: a pattern that matches it makes a
// second call of every call.
func TestEndOfACallIsNoNewCall(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("103", pbx.Answers(soon))
		s.ringside(directory([]string{"103"}, ""))
		c := s.dials(pbx.CallSpec{To: "103", Talk: soon})
		s.ends(c, 200)
		s.row(c, "103", "ANSWERED")
		log := pbx.Tail(s.Log(), s.log, 1000)
		if strings.Contains(log, "[h@ringside-") {
			t.Errorf("the dialplan runs its lines again at the end of a call: %s", grep(log, "[h@ringside-"))
		}
		if r := s.onlyRecord(); r.Revision != 1 {
			t.Errorf("ringside's record: revision %d of a call that was asked about once", r.Revision)
		}
	})
}

func TestBusyExtension(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone("103", pbx.Refuses(486))
		s.ringside(directory([]string{"103"}, ""))
		c := s.dials(pbx.CallSpec{To: "103"})
		s.ends(c, 486)
		s.saw(p, 1, 0, 0)
		s.row(c, "103", "BUSY")
		s.tells(c, told{status: "busy", as: "busy", legs: "dial 103 busy"})
	})
}

func TestBusyExtensionWithMailbox(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		p := s.phone(mailbox, pbx.Refuses(486))
		s.ringside(directory([]string{mailbox}, ""))
		c := s.dials(pbx.CallSpec{To: mailbox, Talk: 4 * time.Second, Echo: true})
		s.ends(c, 200)
		s.saw(p, 1, 0, 0)
		s.row(c, mailbox, "BUSY")
		s.tells(c, told{status: "no_answer", as: "voicemail", legs: "dial " + mailbox + " busy; voicemail " + mailbox + " done"})
	})
}

func TestClosedHours(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		day, night := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
		// Open on one day of the week, and that is neither today nor tomorrow.
		open := strings.ToLower(time.Now().UTC().AddDate(0, 0, 3).Weekday().String()[:3])
		s.ringside(directory([]string{"101", "102"}, `
rules:
  - {id: 5, name: Open, priority: 1, called_number_pattern: "7001", time_condition: "`+open+` 09:00-18:00", action: route_to_number, target_number: "101"}
  - {id: 6, name: Closed, priority: 2, called_number_pattern: "7001", action: route_to_number, target_number: "102"}
`))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(day, 0, 0, 0)
		s.saw(night, 1, 0, 1)
		s.row(c, "102", "ANSWERED")
		s.tells(c, told{status: "answered", as: "talked", to: "102", rule: 6})
	})
}

func TestNoDirectory(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
		s.ringside("")
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(fallback, 1, 0, 1)
		s.row(c, pbx.Fallback, "ANSWERED")
		// The hangup script reports that the dialplan's own phone was talked with.
		r, ok := s.recordIf(c, func(r ringside.Call) bool { return r.Status == "answered" && !r.Live() })
		if !ok {
			t.Errorf("ringside's record: %s %s", r.Status, r.Disposition)
		}
	})
}

func TestNothingFits(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
		s.ringside(directory([]string{"101"}, ""))
		c := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(c, 200)
		s.saw(fallback, 1, 0, 1)
		s.row(c, pbx.Fallback, "ANSWERED")
		s.record(c)
	})
}
