package pbx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

func phones() string { return directory([]string{"101", "102", "103", "104", "190"}, "") }

func TestClickToCall(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		one, two := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
		s.managed(phones())
		if said := s.say("originate", "101", "102", "--set", `CRM_NOTE=a,b"c\d(e`); !strings.Contains(said, "101 has answered: PJSIP/101-") {
			t.Errorf("it said %s", said)
		}
		s.together("101", "102")
		s.saw(one, 1, 0, 0)
		s.saw(two, 1, 0, 0)
		for p, shown := range map[*pbx.Phone]string{one: "102", two: "101"} {
			if from := s.received(p, "INVITE").Header("From"); !strings.Contains(from, "<sip:"+shown+"@") {
				t.Errorf("phone %s shows %s, not %s", p.Number, from, shown)
			}
		}
		ch := s.channel("101", ringside.ChannelUp)
		if got := s.say("variable", ch.Name, "CRM_NOTE"); got != `a,b"c\d(e`+"\n" {
			t.Errorf("the variable is %q", got)
		}
		if n := len(s.channels()); n != 2 {
			t.Errorf("%d channels", n)
		}
		s.say("hangup", ch.Name)
		s.saw(one, 1, 0, 1)
		s.saw(two, 1, 0, 1)
	})
}

func TestClickToCallThatNobodyTakes(t *testing.T) {
	throughEachDoor(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Refuses(486))
		s.phone("102", pbx.Rings())
		s.managed(phones())
		s.refuses("101 was not reached: busy", "originate", "101", "103")
		s.refuses("102 was not reached: no answer", "originate", "102", "103", "--ring", "1s")
		s.refuses("190 was not reached: unavailable", "originate", "190", "103")
	})
}

// Over ARI alone, without the manager interface.
func TestClickToCallWithARIAlone(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		one, two := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(short))
		carrier := s.phone("carrier", pbx.Refuses(486))
		s.ringsideWith(pbx.DaemonOptions{Config: outside, Directory: "version: \"1\"\ntime_zone: UTC\ndefault_country: RU\nnumbers:\n" +
			"  - {id: 1, number: \"101\", account: {can_make_external_calls: true, external_caller_id: \"+74951234567\"}}\n  - {id: 2, number: \"102\"}\n"})
		s.say("originate", "101", "102")
		s.together("101", "102")
		s.say("hangup", s.channel("102", ringside.ChannelUp).Name)
		s.saw(one, 1, 0, 1)
		s.saw(two, 1, 0, 1)
		s.refuses("set ami.address", "queue", "stats")

		// Who is called first hears that the other is busy, and is let go.
		s.say("originate", "101", "+79001234567")
		if from := s.received(carrier, "INVITE").Header("From"); !strings.Contains(from, "+74951234567@") {
			t.Errorf("the carrier sees %s", from)
		}
		s.saw(one, 2, 0, 2)

		// Both have a record each.
		s.eventually("both calls are recorded", func() (bool, error) {
			calls, err := s.daemon.Calls()
			if err != nil || len(calls) != 2 {
				return false, err
			}
			inside, out := calls[0], calls[1]
			return inside.Caller == "101" && inside.Called == "102" && inside.Status == ringside.StatusAnswered && legs(inside) == "dial 102 answered" &&
				out.Called == "+79001234567" && out.Direction == ringside.Outbound && legs(out) == "dial +79001234567 busy", nil
		})
	})
}

func TestHangupTellsTheCause(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		p := s.phone("101", pbx.Rings())
		s.managed(phones())
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10101"})
		s.received(p, "INVITE")
		ch := s.channel("plain", ringside.ChannelRing)
		s.say("hangup", ch.Name, "--cause", "17")
		s.ends(c, 486)
		s.saw(p, 1, 1, 0)
		s.refuses("no such channel", "hangup", ch.Name)
	})
}

func TestBlindTransfer(t *testing.T) {
	for _, who := range []struct{ name, moved, left string }{
		{"the caller is moved", "plain", "101"}, {"the called one is moved", "101", "plain"},
	} {
		t.Run(who.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				one, two := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
				s.managed(phones())
				c := s.talk("101")
				s.say("transfer", s.channel(who.moved, ringside.ChannelUp).Name, "102")
				s.together(who.moved, "102")
				s.saw(two, 1, 0, 0)
				if who.left == "101" {
					s.saw(one, 1, 0, 1)
				} else {
					s.ends(c, 200)
				}
			})
		})
	}
}

func TestAttendedTransfer(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one, two := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
		s.managed(phones())
		s.talk("101")
		agent := s.channel("101", ringside.ChannelUp).Name
		s.say("transfer", "--attended", agent, "102")
		s.together("101", "102")
		s.saw(one, 1, 0, 0)
		s.say("hangup", agent)
		s.together("plain", "102")
		s.saw(one, 1, 0, 1)
		s.saw(two, 1, 0, 0)
	})
}

func TestWhoConsultsIsNotTakenAway(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		for _, number := range []string{"101", "102", "103"} {
			s.phone(number, pbx.Answers(soon))
		}
		s.managed(phones())
		s.talk("101")
		agent := s.channel("101", ringside.ChannelUp).Name
		s.say("transfer", "--attended", agent, "102")
		s.together("101", "102")
		asked := s.channel("102", ringside.ChannelUp).Name
		for _, one := range []string{agent, asked} {
			s.refuses("which waits", "transfer", "--attended", one, "103")
			s.refuses("which waits", "transfer", one, "103")
			s.refuses("which waits", "park", one)
		}
		s.refuses("waits for somebody", "transfer", s.channel("plain", ringside.ChannelUp).Name, "103")
		s.say("hangup", agent)
		s.together("plain", "102")
		s.say("transfer", "--attended", asked, "103")
		s.together("102", "103")
		s.say("hangup", asked)
		s.together("plain", "103")
		s.say("transfer", s.channel("103", ringside.ChannelUp).Name, "101")
		s.together("103", "101")
	})
}

func TestAttendedTransferToSomebodyWhoIsBusy(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		two := s.phone("102", pbx.Refuses(486))
		s.managed(phones())
		s.talk("101")
		s.say("transfer", "--attended", s.channel("101", ringside.ChannelUp).Name, "102")
		s.received(two, "INVITE")
		s.together("plain", "101")
	})
}

func TestAttendedTransferWithoutWaitingForTheAnswer(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		two := s.phone("102", pbx.Answers(1500*time.Millisecond))
		s.managed(phones())
		s.talk("101")
		agent := s.channel("101", ringside.ChannelUp).Name
		s.say("transfer", "--attended", agent, "102")
		s.received(two, "INVITE")
		s.say("hangup", agent)
		s.together("plain", "102")
	})
}

func TestTransferOutside(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		for _, number := range []string{"101", "102"} {
			s.phone(number, pbx.Answers(soon))
		}
		carrier := s.phone("carrier", pbx.Answers(soon))
		s.managed("version: \"1\"\ntime_zone: UTC\ndefault_country: RU\nnumbers:\n"+
			"  - {id: 1, number: \"101\", account: {can_make_external_calls: true, external_caller_id: \"+74951234567\"}}\n  - {id: 2, number: \"102\"}\n", outside)
		s.talk("102")
		s.refuses("can_make_external_calls", "transfer", s.channel("plain", ringside.ChannelUp).Name, "+79161234567")
		s.say("hangup", s.channel("plain", ringside.ChannelUp).Name)
		s.talk("101")
		caller := s.channel("plain", ringside.ChannelUp).Name
		s.refuses("outbound.allow", "transfer", caller, "+5355512345")
		s.together("plain", "101")
		s.say("transfer", caller, "+79161234567")
		if m := s.received(carrier, "INVITE"); !strings.Contains(m.First, "+79161234567@") {
			t.Errorf("the carrier got %s", m.First)
		}
		s.together("plain", "trunk")
		s.say("hangup", s.channel("plain", ringside.ChannelUp).Name)

		s.say("originate", "101", "+79161234568")
		s.eventually("the carrier is called for 101", func() (bool, error) {
			m, err := carrier.Messages()
			in := m.Received("INVITE")
			return len(in) == 2 && strings.Contains(in[1].Header("From"), "<sip:+74951234567@"), err
		})
	})
}

func TestPark(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one := s.phone("101", pbx.Answers(soon))
		s.managed(phones())
		s.talk("101")
		caller := s.channel("plain", ringside.ChannelUp).Name
		if said := s.say("park", caller); !strings.Contains(said, "dial 701 ") {
			t.Errorf("it said %s", said)
		}
		s.saw(one, 1, 0, 1)
		out, err := s.CLI("parking show default")
		s.must(err)
		if !strings.Contains(out, caller) {
			t.Errorf("Asterisk has not parked %s:\n%s", caller, out)
		}
		s.phone("102", pbx.Answers(soon))
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "26701"})
		s.eventually("the parked call is picked up", func() (bool, error) {
			out, err := s.CLI("parking show default")
			return !strings.Contains(out, caller), err
		})
	})
}

func TestWhoseCallIsParkedIsFree(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		one, other := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
		s.managed(two())
		c := s.dials(pbx.CallSpec{To: called})
		s.answered(c)
		s.together("trunk", "101")
		s.say("park", s.channel("trunk", ringside.ChannelUp).Name)
		s.saw(one, 1, 0, 1)
		next := s.dials(pbx.CallSpec{To: called, Talk: short})
		s.ends(next, 200)
		s.tells(next, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
		s.saw(other, 0, 0, 0)
		s.say("hangup", s.channel("trunk", ringside.ChannelUp).Name)
		r, ok := s.recordIf(c, func(r ringside.Call) bool { return !r.Live() && len(r.Legs) > 1 })
		if !ok || r.Legs[0].Kind != "dial" || r.Legs[1].Kind != "park" || r.Legs[1].Start.Before(r.Legs[0].End.Add(-time.Second)) || !r.End.After(r.Legs[0].End) {
			t.Errorf("the parked call's record: %+v", r.Legs)
		}
	})
}

func TestSpy(t *testing.T) {
	for mode, option := range map[string]string{"listen": "qE", "whisper": "qEw", "barge": "qEB"} {
		t.Run(mode, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				s.phone("101", pbx.Answers(soon))
				chief := s.phone("103", pbx.Answers(soon))
				s.managed(phones())
				s.talk("101")
				spied := s.channel("101", ringside.ChannelUp).Name
				s.say("spy", "103", spied, "--mode", mode)
				s.saw(chief, 1, 0, 0)
				listener := s.channel("103", ringside.ChannelUp)
				if listener.Application != "ChanSpy" || listener.Data != spied+","+option {
					t.Errorf("the listener runs %s(%s)", listener.Application, listener.Data)
				}
				s.together("plain", "101")
				s.refuses("no such channel", "spy", "103", "PJSIP/101-ffffffff")
				s.say("hangup", spied)
				s.eventually("the talk is recorded, and listening in is not", func() (bool, error) {
					calls, err := s.daemon.Calls()
					return len(calls) == 1 && !calls[0].Live(), err
				})
			})
		})
	}
}

func TestBridge(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.managed(phones())
		// Both hear music.
		s.answered(s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1611"}))
		s.answered(s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1611"}))
		all := s.channels()
		if len(all) != 2 {
			t.Fatalf("%d channels", len(all))
		}
		s.say("bridge", all[0].Name, all[1].Name)
		s.eventually("they talk to one another", func() (bool, error) {
			now, err := asks[[]ringside.ChannelInfo](s, "channels")
			return len(now) == 2 && now[0].Bridge != "" && now[0].Bridge == now[1].Bridge, err
		})
	})
}

func TestKeysReachTheChannel(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.managed(phones())
		// The caller sends back what it hears, keys too, and the dialplan reads them.
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "2711", Echo: true})
		ch := s.channel("plain", ringside.ChannelUp).Name
		s.say("dtmf", ch, "42#")
		s.eventually("the dialplan has read the keys", func() (bool, error) {
			out, err := s.daemon.Run("variable", ch, "KEYS")
			return strings.TrimSpace(string(out)) == "42", err
		})
	})
}

func TestMuteAndRecord(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.managed(phones())
		s.talk("101")
		ch := s.channel("101", ringside.ChannelUp).Name
		s.say("mute", ch)
		s.say("mute", ch, "--off")
		s.answered(s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "1611"})) // hears music
		ch = s.music()
		s.say("record", ch, "--name", "talk-1")
		s.eventually("the recording has sound", func() (bool, error) { return s.recordingHasSound("talk-1.wav") })
		s.say("record", ch, "--stop")
		s.refuses("refused", "record", ch, "--stop")
		s.refuses("no file name", "record", ch, "--name", "../../etc/passwd")
	})
}

// music is the channel of the caller who hears music.
func (s *stage) music() (name string) {
	s.t.Helper()
	s.eventually("somebody hears music", func() (bool, error) {
		all, err := asks[[]ringside.ChannelInfo](s, "channels")
		for _, ch := range all {
			if ch.Application == "MusicOnHold" {
				name = ch.Name
			}
		}
		return name != "", err
	})
	return name
}
