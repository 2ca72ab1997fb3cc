package esl

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// day is when the told stories happen.
func day(second float64) time.Time {
	return time.UnixMicro(1795399200_000000 + int64(second*1e6))
}

func stamp(second float64) string { return strconv.FormatInt(day(second).UnixMicro(), 10) }

// story tells of calls to tales, in seconds of the day.
type story struct {
	*tales
	sequence int
	begun    map[string]float64
	up       map[string]float64
}

func newStory(numbers numbering) *story {
	return &story{tales: newTales(numbers), begun: map[string]float64{}, up: map[string]float64{}}
}

func (s *story) tell(at float64, name string, l line, more ...string) {
	s.sequence++
	pairs := []string{
		"Event-Date-Timestamp", stamp(at), "Event-Sequence", strconv.Itoa(s.sequence),
		"Caller-Channel-Created-Time", stamp(s.begun[l.id]),
	}
	if up, ok := s.up[l.id]; ok {
		pairs = append(pairs, "Caller-Channel-Answered-Time", stamp(up))
	}
	s.digest(l.tells(name, append(pairs, more...)...))
}

func (s *story) create(at float64, l line) {
	s.begun[l.id] = at
	s.tell(at, "CHANNEL_CREATE", l)
}

func (s *story) answer(at float64, l line) {
	s.up[l.id] = at
	s.tell(at, "CHANNEL_ANSWER", l)
}

func (s *story) bridge(at float64, a, b line) {
	s.tell(at, "CHANNEL_BRIDGE", a, "Bridge-A-Unique-ID", a.id, "Bridge-B-Unique-ID", b.id)
}

func (s *story) hangup(at float64, l line, cause string, more ...string) {
	s.tell(at, "CHANNEL_HANGUP_COMPLETE", l, append([]string{"Hangup-Cause", cause, "Caller-Channel-Hangup-Time", stamp(at)}, more...)...)
}

func (s *story) executed(at float64, l line, app, data string, more ...string) {
	s.tell(at, "CHANNEL_EXECUTE_COMPLETE", l, append([]string{"Application", app, "Application-Data", data}, more...)...)
}

// records are the calls that are over.
func (t *tales) records() (all []ringside.Witnessed) {
	t.handOver(context.Background(), func(_ context.Context, w ringside.Witnessed) { all = append(all, w) }, true)
	return all
}

func second(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return strconv.FormatFloat(t.Sub(day(0)).Seconds(), 'f', -1, 64)
}

// written is a record in short.
func written(w ringside.Witnessed) []string {
	lines := []string{fmt.Sprintf("%s %s>%s %s..%s..%s %s %d outside=%t %s",
		w.CallID, w.Caller, w.Called, second(w.Start), second(w.Answer), second(w.End), w.Status, w.Cause, w.Outside, w.Recording)}
	for _, l := range w.Legs {
		lines = append(lines, fmt.Sprintf("%s %s %s %s..%s..%s %s %s %d %v",
			l.PBXKey, l.Kind, strings.Join(l.Targets, "&"), second(l.Start), second(l.Answer), second(l.End), l.Result, l.Answered, l.Cause, l.Parties))
	}
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return lines
}

func inbound(id, number string) line {
	return line{id, id, "sofia/external/" + number + "@trunk", false, []string{
		"Caller-Caller-ID-Number", number, "Caller-Destination-Number", "74950000000", "variable_sip_gateway", "trunk",
	}}
}

func fromPhone(id, number, called string) line {
	return line{id, id, "sofia/internal/" + number + "@pbx", false, []string{
		"Caller-Caller-ID-Number", number, "Caller-Destination-Number", called, "variable_user_name", number,
	}}
}

func toPhone(id, call, number string) line {
	return line{id, call, "sofia/internal/" + number + "@10.0.0.5", true, []string{"variable_dialed_user", number, "Caller-Destination-Number", number}}
}

func outward(id, call, number string) line {
	return line{id, call, "sofia/gateway/trunk/" + number, true, []string{"Caller-Destination-Number", number, "variable_sip_gateway_name", "trunk"}}
}

func TestTales(t *testing.T) {
	a, b, c := inbound("A", "79001112233"), toPhone("B", "A", "101"), toPhone("C", "A", "102")
	for name, story := range map[string]struct {
		tell func(*story)
		want [][]string
	}{
		"somebody answers, others were rung": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.create(1, c)
				s.answer(5, b)
				s.answer(5.1, a)
				s.bridge(5.2, a, b)
				s.hangup(5.3, c, "LOSE_RACE")
				s.tell(6, "RECORD_START", a, "Record-File-Path", "/rec/a.wav")
				s.tell(29, "RECORD_STOP", a, "Record-File-Path", "/rec/a.wav")
				s.hangup(30, b, "NORMAL_CLEARING")
				s.executed(30, a, "bridge", "user/101,user/102", "variable_originate_disposition", "SUCCESS")
				s.hangup(30.1, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..5..30.1 answered 16 outside=false /rec/a.wav",
				"B/dial1 dial 101 1..5..30 answered 101 16 [{101 answered 16}]",
				"C/dial1 dial 102 1..-..5.3 cancelled 26 [{102 cancelled 26}]",
			}},
		},
		"the caller leaves while it rings": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.hangup(9, b, "ORIGINATOR_CANCEL")
				s.hangup(9, a, "ORIGINATOR_CANCEL")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..9 abandoned 16 outside=false",
				"B/dial1 dial 101 1..-..9 cancelled 16 [{101 cancelled 16}]",
			}},
		},
		"busy, not registered, then voicemail": {
			func(s *story) {
				s.create(0, a)
				s.executed(0.5, a, "set", "continue_on_fail=true")
				s.create(1, b)
				s.hangup(2, b, "USER_BUSY")
				s.executed(2, a, "bridge", "user/101", "variable_originate_disposition", "USER_BUSY")
				s.executed(2.5, a, "bridge", "{x='1,2'}user/102@pbx.example|[leg_timeout=5]user/103", "variable_originate_disposition", "USER_NOT_REGISTERED")
				s.answer(3, a)
				s.executed(20, a, "voicemail", "default pbx.example 101")
				s.hangup(20, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..20 no_answer 16 outside=false",
				"B/dial1 dial 101 1..-..2 busy 17 [{101 busy 17}]",
				"A/dial1 dial 102&103 2..-..2.5 unavailable 20 [{102 unavailable 20} {103 unavailable 20}]",
				"A/voicemail1 voicemail 101 2.5..2.5..20 done 0 []",
			}},
		},
		"a blind transfer": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.answer(2, b)
				s.answer(2, a)
				s.bridge(2, a, b)
				s.hangup(10, b, "BLIND_TRANSFER")
				s.create(11, c)
				s.answer(14, c)
				s.bridge(14, a, c)
				s.hangup(20, c, "NORMAL_CLEARING")
				s.hangup(20, a, "NORMAL_CLEARING", "variable_transfer_history",
					"ARRAY::1795399200:u1:bl_xfer:7001/default/XML|:1795399210:u2:bl_xfer:102/default/XML")
			},
			[][]string{{
				"A 79001112233>74950000000 0..2..20 answered 16 outside=false",
				"B/dial1 dial 101 1..2..10 answered 101 16 [{101 answered 16}]",
				"B/transfer1 transfer 102 10..-..10 done 16 []",
				"C/dial1 dial 102 11..14..20 answered 102 16 [{102 answered 16}]",
			}},
		},
		"a transfer that only the history and the disposition tell of": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.answer(2, b)
				s.bridge(2, a, b)
				s.hangup(10, b, "NORMAL_CLEARING", "variable_endpoint_disposition", "BLIND_TRANSFER")
				s.executed(12, a, "voicemail", "default x 102")
				s.hangup(12, a, "NORMAL_CLEARING", "variable_transfer_history", "1795399210:u2:bl_xfer:*99102/default/XML")
			},
			[][]string{{
				"A 79001112233>74950000000 0..2..12 answered 16 outside=false",
				"B/dial1 dial 101 1..2..10 answered 101 16 [{101 answered 16}]",
				"A/voicemail1 voicemail 102 10..10..12 done 0 []",
				"B/transfer1 transfer *99102 10..-..10 done 16 []",
			}},
		},
		"the dialplan goes elsewhere after the talk": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.answer(2, b)
				s.bridge(2, a, b)
				s.hangup(10, b, "NORMAL_CLEARING")
				s.executed(10, a, "bridge", "user/101", "variable_originate_disposition", "SUCCESS")
				s.executed(10.1, a, "transfer", "survey XML default")
				s.hangup(12, a, "NORMAL_CLEARING", "variable_transfer_history", "1795399210:u2:bl_xfer:survey/default/XML")
			},
			[][]string{{
				"A 79001112233>74950000000 0..2..12 answered 16 outside=false",
				"B/dial1 dial 101 1..2..10 answered 101 16 [{101 answered 16}]",
			}},
		},
		"an attended transfer": {
			func(s *story) {
				consult, other := fromPhone("B2", "101", "102"), toPhone("C", "B2", "102")
				s.create(0, a)
				s.create(1, b)
				s.answer(2, b)
				s.bridge(2, a, b)
				s.create(10, consult)
				s.create(11, other)
				s.answer(12, other)
				s.answer(12, consult)
				s.bridge(12, consult, other)
				s.bridge(15, a, other)
				s.hangup(15.1, b, "ATTENDED_TRANSFER")
				s.hangup(15.1, consult, "ATTENDED_TRANSFER")
				s.hangup(30, other, "NORMAL_CLEARING")
				s.hangup(30, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..2..30 answered 16 outside=false",
				"B/dial1 dial 101 1..2..15.1 answered 101 16 [{101 answered 16}]",
				"C/dial1 dial 102 11..12..30 answered 102 16 [{102 answered 16}]",
				"B/transfer1 transfer 102 15.1..-..15.1 done 16 []",
			}},
		},
		"parked, and picked up by another": {
			func(s *story) {
				picker := fromPhone("X", "103", "5901")
				s.create(0, a)
				s.create(1, b)
				s.answer(2, b)
				s.bridge(2, a, b)
				s.hangup(10, b, "BLIND_TRANSFER")
				s.tell(10.5, valetInfo, a, "Valet-Lot-Name", "lot", "Valet-Extension", "5901", "Action", "hold")
				s.create(20, picker)
				s.tell(20.1, valetInfo, a, "Valet-Lot-Name", "lot", "Valet-Extension", "5901", "Action", "bridge", "Bridge-To-UUID", "X")
				s.answer(20.1, picker)
				s.bridge(20.2, a, picker)
				s.tell(20.3, valetInfo, a, "Valet-Lot-Name", "lot", "Valet-Extension", "5901", "Action", "exit")
				s.executed(20.3, a, "valet_park", "lot 5901")
				s.hangup(40, picker, "NORMAL_CLEARING")
				s.hangup(40, a, "NORMAL_CLEARING", "variable_transfer_history", "1795399210:u2:bl_xfer:5901/default/XML")
			},
			[][]string{{
				"A 79001112233>74950000000 0..2..40 answered 16 outside=false",
				"B/dial1 dial 101 1..2..10 answered 101 16 [{101 answered 16}]",
				"B/transfer1 transfer 5901 10..-..10 done 16 []",
				"A/park1 park 5901 10.5..20.1..40 served 103 0 []",
			}},
		},
		"parked, and given up": {
			func(s *story) {
				s.create(0, a)
				s.tell(1, valetInfo, a, "Valet-Extension", "5901", "Action", "hold")
				s.hangup(9, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..9 abandoned 16 outside=false",
				"A/park1 park 5901 1..-..9 left 0 []",
			}},
		},
		"a queue with two agents": {
			func(s *story) {
				agent := func(id, number string) line {
					return line{id, id, "sofia/internal/" + number + "@x", true, []string{
						"variable_cc_side", "agent", "variable_cc_agent", number + "@default", "variable_cc_member_session_uuid", "A", "Caller-Destination-Number", number,
					}}
				}
				g1, g2 := agent("G1", "101"), agent("G2", "102")
				member := []string{"CC-Queue", "sales@default", "CC-Member-UUID", "m1", "CC-Member-Session-UUID", "A"}
				cc := func(at float64, l line, more ...string) { s.tell(at, callcenterInfo, l, append(more, member...)...) }
				s.create(0, a)
				cc(1, a, "CC-Action", "member-queue-start")
				s.create(2, g1)
				s.hangup(12, g1, "NO_ANSWER")
				s.create(13, g2)
				s.answer(15, g2)
				cc(15.2, g2, "CC-Action", "bridge-agent-start", "CC-Agent", "102@default", "CC-Agent-UUID", "G2")
				s.bridge(15.3, a, g2)
				s.hangup(40, g2, "NORMAL_CLEARING")
				s.hangup(40.1, a, "NORMAL_CLEARING")
				cc(40.2, a, "CC-Action", "member-queue-end", "CC-Cause", "Terminated", "CC-Agent", "102@default")
			},
			[][]string{{
				"A 79001112233>74950000000 0..15..40.1 answered 16 outside=false",
				"A/queue1 queue sales@default 1..15.2..40 served 102 0 []",
				"G1/dial1 dial 101 2..-..12 no_answer 19 [{101 no_answer 19}]",
				"G2/dial1 dial 102 13..15..40 answered 102 16 [{102 answered 16}]",
			}},
		},
		"a queue that takes too long": {
			func(s *story) {
				s.create(0, a)
				s.tell(1, callcenterInfo, a, "CC-Action", "member-queue-start", "CC-Queue", "q", "CC-Member-UUID", "m", "CC-Member-Session-UUID", "A")
				s.tell(9, callcenterInfo, a, "CC-Action", "member-queue-end", "CC-Cause", "Cancel", "CC-Cancel-Reason", "TIMEOUT", "CC-Member-UUID", "m", "CC-Member-Session-UUID", "A")
				s.executed(9, a, "callcenter", "q")
				s.executed(12, a, "playback", "sorry.wav")
				s.hangup(12, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..12 no_answer 16 outside=false",
				"A/queue1 queue q 1..-..9 timeout 0 []",
			}},
		},
		"out to the world, from an extension": {
			func(s *story) {
				x, out := fromPhone("X", "101", "89001112233"), outward("O", "X", "79001112233")
				s.create(0, x)
				s.create(1, out)
				s.answer(4, out)
				s.bridge(4, x, out)
				s.hangup(9, out, "NORMAL_CLEARING")
				s.hangup(9, x, "NORMAL_CLEARING")
			},
			[][]string{{
				"X 101>89001112233 0..4..9 answered 16 outside=true",
				"O/dial1 dial 79001112233 1..4..9 answered 79001112233 16 [{79001112233 answered 16}]",
			}},
		},
		"to an extension whose calls go to a mobile phone": {
			func(s *story) {
				out := line{"O", "A", "sofia/external/79001112233", true, []string{
					"variable_presence_id", "101@pbx", "variable_sip_gateway_name", "trunk", "Caller-Destination-Number", "79001112233",
				}}
				s.create(0, a)
				s.create(1, out)
				s.answer(4, out)
				s.hangup(9, out, "NORMAL_CLEARING")
				s.hangup(9, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..4..9 answered 16 outside=true",
				"O/dial1 dial 101 1..4..9 answered 101 16 [{101 answered 16}]",
			}},
		},
		"FreeSWITCH was told to call": {
			func(s *story) {
				x, out := toPhone("X", "X", "101"), outward("O", "X", "79001112233")
				s.create(0, x)
				s.answer(2, x)
				s.create(3, out)
				s.answer(5, out)
				s.bridge(5, x, out)
				s.hangup(9, out, "NORMAL_CLEARING")
				s.hangup(9, x, "NORMAL_CLEARING")
			},
			[][]string{{
				"X 101>79001112233 0..5..9 answered 16 outside=true",
				"O/dial1 dial 79001112233 3..5..9 answered 79001112233 16 [{79001112233 answered 16}]",
			}},
		},
		"FreeSWITCH was told to call somebody who does not answer": {
			func(s *story) {
				x := toPhone("X", "X", "101")
				s.create(0, x)
				s.hangup(20, x, "NO_ANSWER")
			},
			[][]string{{
				"X 101> 0..-..20 no_answer 19 outside=false",
				"X/dial1 dial 101 0..-..20 no_answer 19 [{101 no_answer 19}]",
			}},
		},
		"a colleague picks up": {
			func(s *story) {
				x := fromPhone("X", "103", "*8101")
				s.create(0, a)
				s.create(1, b)
				s.create(5, x)
				s.answer(5.5, x)
				s.hangup(6, b, "PICKED_OFF")
				s.bridge(6, x, a)
				s.hangup(20, x, "NORMAL_CLEARING")
				s.hangup(20, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..6..20 answered 16 outside=false",
				"B/dial1 dial 101 1..6..20 answered 103 26 [{103 answered 26}]",
			}},
		},
		"listening in is no call": {
			func(s *story) {
				x := toPhone("X", "X", "101")
				s.create(0, x)
				s.answer(2, x)
				s.executed(9, x, "eavesdrop", "A")
				s.hangup(9, x, "NORMAL_CLEARING")
			},
			nil,
		},
		"over a loopback": {
			func(s *story) {
				la := line{"La", "A", "loopback/600-a", true, []string{"variable_other_loopback_leg_uuid", "Lb", "Caller-Destination-Number", "600"}}
				lb := line{"Lb", "Lb", "loopback/600-b", false, []string{"variable_other_loopback_leg_uuid", "La", "Caller-Destination-Number", "600"}}
				x := toPhone("B", "Lb", "101")
				s.create(0, a)
				s.create(1, la)
				s.create(1, lb)
				s.create(2, x)
				s.answer(3, x)
				s.answer(3, la)
				s.bridge(3, lb, x)
				s.bridge(3, a, la)
				s.hangup(9, x, "NORMAL_CLEARING")
				s.hangup(9, lb, "NORMAL_CLEARING")
				s.hangup(9, la, "NORMAL_CLEARING")
				s.hangup(9, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..3..9 answered 16 outside=false",
				"B/dial1 dial 101 2..3..9 answered 101 16 [{101 answered 16}]",
			}},
		},
		"announcements are one": {
			func(s *story) {
				s.create(0, a)
				s.answer(1, a)
				s.executed(1, a, "answer", "")
				s.executed(4, a, "playback", "hello.wav")
				s.executed(6, a, "say", "en number pronounced 5")
				s.hangup(6, a, "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..6 no_answer 16 outside=false",
				"A/announcement1 announcement 1..1..6 done 0 []",
			}},
		},
		"an end comes twice, and events come after it": {
			func(s *story) {
				s.create(0, a)
				s.create(1, b)
				s.hangup(3, b, "USER_BUSY")
				s.hangup(3, b, "NORMAL_CLEARING")
				s.answer(3.1, b)
				s.hangup(4, a, "USER_BUSY", "Hangup-Cause", "USER_BUSY")
				s.hangup(4, a, "USER_BUSY")
				s.executed(5, a, "bridge", "user/101", "variable_originate_disposition", "USER_BUSY")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..4 busy 17 outside=false",
				"B/dial1 dial 101 1..-..3 busy 17 [{101 busy 17}]",
			}},
		},
		"of the caller nobody has heard": {
			func(s *story) {
				s.begun["B"], s.begun["G"] = 1, 1
				s.hangup(9, b, "NORMAL_CLEARING", "Other-Type", "originator", "Other-Leg-Unique-ID", "A")
				s.create(1, toPhone("C", "unknown", "102"))
				s.hangup(9, toPhone("C", "unknown", "102"), "NO_ANSWER")
				s.hangup(9, toPhone("G", "G", "103"), "NORMAL_CLEARING") // its call id was set back when the talk ended
			},
			nil,
		},
		"only the caller's end is heard": {
			func(s *story) {
				s.begun["A"], s.up["A"] = 0, 5
				s.hangup(9, a, "NORMAL_CLEARING", "Other-Type", "originatee", "Other-Leg-Unique-ID", "B",
					"Other-Leg-Direction", "outbound", "Other-Leg-Destination-Number", "7911", "Other-Leg-Channel-Created-Time", stamp(2),
					"Other-Leg-Channel-Answered-Time", stamp(5), "variable_last_bridge_hangup_cause", "NORMAL_CLEARING")
			},
			[][]string{{
				"A 79001112233>74950000000 0..5..9 answered 16 outside=true",
				"B/dial1 dial 7911 2..5..9 answered 7911 16 [{7911 answered 16}]",
			}},
		},
		"a channel gets another id": {
			func(s *story) {
				s.create(0, a)
				s.tell(1, "CHANNEL_UUID", line{"A9", "A9", a.name, false, a.vars}, "Old-Unique-ID", "A")
				x := toPhone("B", "A9", "101")
				s.create(2, x)
				s.begun["A9"] = 0
				s.hangup(5, x, "NO_ANSWER")
				s.hangup(5, line{"A9", "A9", a.name, false, a.vars}, "NO_ANSWER")
			},
			[][]string{{
				"A 79001112233>74950000000 0..-..5 no_answer 19 outside=false",
				"B/dial1 dial 101 2..-..5 no_answer 19 [{101 no_answer 19}]",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(three())
			story.tell(s)
			var got [][]string
			for _, w := range s.records() {
				got = append(got, written(w))
			}
			if !reflect.DeepEqual(got, story.want) {
				t.Errorf("got\n%s\nwant\n%s", inLines(got), inLines(story.want))
			}
			s.leavesNothing(t)
		})
	}
}

func inLines(records [][]string) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString("\t" + strings.Join(r, "\n\t") + "\n")
	}
	return b.String()
}

// leavesNothing: no call is kept.
func (s *story) leavesNothing(t *testing.T) {
	t.Helper()
	if len(s.parts) != 0 || s.open.Len() != 0 || len(s.ending) != 0 || len(s.over) != 0 {
		t.Errorf("%d channels of %d calls are kept", len(s.parts), s.open.Len())
	}
}

func recordedCall(t *testing.T, name, side string) ringside.Witnessed {
	t.Helper()
	calls := newTales(numbering{})
	for _, e := range recordedEvents(t, name, side, calls.events()...) {
		calls.digest(e)
	}
	all := calls.records()
	if len(all) != 1 {
		t.Fatalf("%d records", len(all))
	}
	return all[0]
}

func micro(n int64) time.Time { return time.UnixMicro(n) }

func TestTalesRecordedLoopback(t *testing.T) {
	got := recordedCall(t, "i06_events_plain", "FS->CLI")
	want := ringside.Witnessed{
		PBX: "freeswitch", CallID: "d341d6bc-1fc1-4b44-ab09-120d0af3278e", Channel: "d341d6bc-1fc1-4b44-ab09-120d0af3278e", Endpoint: "loopback/9000",
		Caller: "+74951234567", CallerName: "Иван Петров", Called: "9000",
		Start: micro(1795397726488223), End: micro(1795397728008217), Status: ringside.StatusAbandoned, Cause: ringside.CauseNormal,
		Legs: []ringside.Leg{{
			Kind: "application", Targets: []string{"park"}, Start: micro(1795397726488223), End: micro(1795397728008217), Result: "done",
			PBXKey: "d341d6bc-1fc1-4b44-ab09-120d0af3278e/application1",
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// The socket of the caller's leg tells only of that one; of the other it says what it needs.
func TestTalesRecordedBridge(t *testing.T) {
	got := recordedCall(t, "s01_sip_call_bridge_uas", "FS->SRV")
	want := ringside.Witnessed{
		PBX: "freeswitch", CallID: "53f6b7cc-3890-489d-b83a-4af6aa51bec0", Channel: "53f6b7cc-3890-489d-b83a-4af6aa51bec0",
		Endpoint: "internal", Caller: "+79991234567", CallerName: "Иван Петров", Called: "7001",
		Start: micro(1795399257602290), Answer: micro(1795399257662303), End: micro(1795399258702284),
		Status: ringside.StatusAnswered, Cause: ringside.CauseNormal, Outside: true,
		Legs: []ringside.Leg{{
			Kind: "dial", Targets: []string{"8000"}, Start: micro(1795399257662303), Answer: micro(1795399257662303), End: micro(1795399258702284),
			Answered: "8000", Result: "answered", Cause: ringside.CauseNormal,
			Parties: []ringside.Party{{Number: "8000", State: "answered", Cause: ringside.CauseNormal}},
			PBXKey:  "e44fa7bf-4eb4-4e25-a0a3-0d30e30c8d79/dial1",
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestTalesRecordedFailures(t *testing.T) {
	got := recordedCall(t, "s02_bridge_failures", "FS->SRV")
	var legs []string
	for _, l := range got.Legs {
		legs = append(legs, fmt.Sprintf("%s %s %s %d %s", l.Kind, strings.Join(l.Targets, "&"), l.Result, l.Cause, l.End.Sub(l.Start).Round(time.Millisecond)))
	}
	want := []string{
		"dial 9002 busy 17 320ms",
		"dial 9001 no_answer 19 1.72s",
		"dial 1 unavailable 41 40ms",
		"dial 1 unavailable 66 20ms",
		"dial nosuch unavailable 20 20ms",
		"dial user_busy busy 17 20ms",
		"dial 9000 answered 16 12s",
	}
	if !slices.Equal(legs, want) || got.Status != ringside.StatusAnswered {
		t.Errorf("%s\ngot\n%s\nwant\n%s", got.Status, strings.Join(legs, "\n"), strings.Join(want, "\n"))
	}
}

// A finished call waits a moment for what comes late, and is handed over by itself, one after the other.
func TestTalesHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(three())
		ctx, stop := context.WithCancel(t.Context())
		type told struct {
			id   string
			when time.Duration
		}
		var all []told
		began, done := time.Now(), make(chan struct{})
		go func() {
			defer close(done)
			s.run(ctx, func(_ context.Context, w ringside.Witnessed) { all = append(all, told{w.CallID, time.Since(began)}) })
		}()
		for _, id := range []string{"A", "D"} {
			s.create(0, inbound(id, "7900"))
			s.hangup(1, inbound(id, "7900"), "NORMAL_CLEARING")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		s.create(0, inbound("E", "7900"))
		s.hangup(1, inbound("E", "7900"), "NORMAL_CLEARING")
		synctest.Wait()
		stop() // what is over is still handed over
		<-done
		want := []told{{"A", lateEvents}, {"D", lateEvents + 100*time.Millisecond}, {"E", 10200 * time.Millisecond}}
		if !slices.Equal(all, want) {
			t.Errorf("%v, want %v", all, want)
		}
		s.leavesNothing(t)
	})
}

// A call that was there at the login has a record; one whose end was missed has none.
func TestTalesOverAGap(t *testing.T) {
	s := newStory(three())
	c := &console{answers: map[string]string{
		"show channels as json": channelList(rowA, rowB), "uuid_getvar A user_name": "_undef_", "uuid_getvar B dialed_user": "101",
	}}
	if err := compare(t.Context(), c.run, s); err != nil {
		t.Fatal(err)
	}
	lost := inbound("Z", "7911")
	s.create(10, lost)
	s.create(11, toPhone("Y", "Z", "103"))
	c.answers["uuid_exists Z"], c.answers["uuid_exists Y"], c.answers["uuid_exists A"] = "false", "false", "true"
	c.answers["show channels as json"] = channelList(rowB)
	if err := compare(t.Context(), c.run, s); err != nil {
		t.Fatal(err)
	}
	a, b := line{"A", "A", "sofia/external/7@t", false, nil}, toPhone("B", "A", "101")
	s.begun["A"], s.begun["B"] = 57, 58
	s.answer(60, b)
	s.bridge(60, a, b)
	s.hangup(70, b, "NORMAL_CLEARING")
	s.hangup(70, a, "NORMAL_CLEARING")
	var got [][]string
	for _, w := range s.records() {
		got = append(got, written(w))
	}
	want := [][]string{{"A > 57..60..70 answered 16 outside=false", "B/dial1 dial 101 58..60..70 answered 101 16 [{101 answered 16}]"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", inLines(got), inLines(want))
	}
	s.leavesNothing(t)
}

// In whatever order events come, however often and with whatever missing: nothing panics, no record is told
// twice, its times are in order, and once the pictures were compared no call is kept.
func TestTalesAnyOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newStory(three())
		var steps []func()
		var ids []line
		for call := range 4 {
			a := inbound(fmt.Sprintf("A%d", call), "7900")
			b, c := toPhone(fmt.Sprintf("B%d", call), a.id, "101"), toPhone(fmt.Sprintf("C%d", call), a.id, "102")
			ids = append(ids, a, b, c)
		}
		for _, l := range ids {
			o := ids[r.IntN(len(ids))]
			steps = append(steps,
				func() { s.create(r.Float64()*9, l) },
				func() { s.answer(r.Float64()*9, l) },
				func() { s.bridge(r.Float64()*9, l, o) },
				func() {
					s.hangup(r.Float64()*9, l, []string{"NORMAL_CLEARING", "BLIND_TRANSFER", "ATTENDED_TRANSFER", "USER_BUSY"}[r.IntN(4)])
				},
				func() {
					s.executed(r.Float64()*9, l, []string{"bridge", "voicemail", "playback", "park", "callcenter"}[r.IntN(5)], "x y z")
				},
				func() {
					s.tell(r.Float64()*9, valetInfo, l, "Action", []string{"hold", "bridge", "exit"}[r.IntN(3)], "Bridge-To-UUID", o.id)
				},
				func() {
					s.tell(r.Float64()*9, callcenterInfo, l, "CC-Action", []string{"member-queue-start", "bridge-agent-start", "member-queue-end"}[r.IntN(3)],
						"CC-Member-UUID", "m", "CC-Member-Session-UUID", l.id, "CC-Agent-UUID", o.id)
				},
				func() {
					s.tell(r.Float64()*9, "CHANNEL_UUID", line{l.id + "x", l.id, l.name, l.out, l.vars}, "Old-Unique-ID", l.id)
				},
				func() {
					s.tell(r.Float64()*9, "CHANNEL_BRIDGE", l, "Bridge-A-Unique-ID", l.id, "Bridge-B-Unique-ID", "H"+o.id, "Other-Leg-Unique-ID", "H"+o.id, "Other-Type", "originatee", "Other-Leg-Direction", "outbound")
				},
			)
		}
		r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		if seed%3 == 0 {
			steps = append(steps[:len(steps)/2], steps[:len(steps)/3]...)
		}
		for _, tell := range steps {
			tell()
		}
		c := &console{answers: map[string]string{"show channels as json": `{"row_count": 0}`}}
		c.before = func(command string) {
			if strings.HasPrefix(command, "uuid_exists ") {
				c.answers[command] = "false"
			}
		}
		if err := compare(t.Context(), c.run, s); err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, w := range s.records() {
			if told[w.CallID] {
				t.Errorf("seed %d: %s is told twice", seed, w.CallID)
			}
			told[w.CallID] = true
			if w.End.Before(w.Start) {
				t.Errorf("seed %d: %s ends before it begins", seed, w.CallID)
			}
			keys := map[string]bool{}
			for _, l := range w.Legs {
				if keys[l.PBXKey] || l.Start.Before(w.Start) || l.End.After(w.End) || l.End.Before(l.Start) || !l.Answer.IsZero() && l.Answer.Before(l.Start) {
					t.Errorf("seed %d: a leg of %s: %+v", seed, w.CallID, l)
				}
				keys[l.PBXKey] = true
			}
		}
		s.leavesNothing(t)
	}
}

// However many calls there are whose end never comes, and however long one gets, there is a bound.
func TestTalesAreBounded(t *testing.T) {
	s := newStory(three())
	for i := range maxTales + 10 {
		s.create(0, inbound("A"+strconv.Itoa(i), "7900"))
	}
	if s.open.Len() > maxTales || s.dropped == 0 {
		t.Errorf("%d calls are kept, %d were dropped", s.open.Len(), s.dropped)
	}
	s = newStory(three())
	a := inbound("A", "7900")
	s.create(0, a)
	for i := range 3 * maxParts {
		b := toPhone("B"+strconv.Itoa(i), "A", "101")
		s.create(1, b)
		s.hangup(2, b, "NO_ANSWER")
		s.executed(3, a, "bridge", "user/102", "variable_originate_disposition", "USER_BUSY")
		s.executed(3, a, "voicemail", "a b c")
	}
	s.hangup(9, a, "NORMAL_CLEARING")
	all := s.records()
	if len(all) != 1 || len(all[0].Legs) > maxLegs {
		t.Errorf("%d records", len(all))
	}
	s.leavesNothing(t)
}

// A phone whose end was missed counts until the connection was lost, if the caller is still there.
func TestTalesCountUntilTheLoss(t *testing.T) {
	s := newStory(three())
	a, b := inbound("A", "7900"), toPhone("B", "A", "101")
	s.create(0, a)
	s.create(1, b)
	s.answer(2, b)
	s.bridge(2, a, b)
	s.lost(day(20))
	s.lost(day(30))
	c := &console{answers: map[string]string{"show channels as json": channelList(rowA), "uuid_exists B": "false"}}
	if err := compare(t.Context(), c.run, s); err != nil {
		t.Fatal(err)
	}
	s.hangup(60, a, "NORMAL_CLEARING")
	all := s.records()
	if len(all) != 1 {
		t.Fatalf("%d records", len(all))
	}
	want := []string{"A 7900>74950000000 0..2..60 answered 16 outside=false", "B/dial1 dial 101 1..2..20 answered 101 0 [{101 answered 0}]"}
	if got := written(all[0]); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.leavesNothing(t)
}

func TestRecentIsBounded(t *testing.T) {
	r := newRecent()
	for i := range 3 * maxRecent {
		r.add(strconv.Itoa(i), uint64(i))
	}
	if len(r.ended) != maxRecent || r.has("0", false, 0) || !r.has(strconv.Itoa(3*maxRecent-1), false, 0) {
		t.Errorf("%d are remembered", len(r.ended))
	}
	r.add("again", 5)
	r.add("again", 4)
	if !r.has("again", true, 5) || r.has("again", true, 6) || !r.has("again", false, 6) {
		t.Error("an id that is used again is taken for the old one, or the other way round")
	}
}

// One loopback call's events, of which there are about 20 among those that are asked for.
func BenchmarkHearing(b *testing.B) {
	h := newHearing(hearingOptions{lines: &heard{}})
	events := recordedEvents(b, "i06_events_plain", "FS->CLI", h.events()...)
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range events {
			h.digest(e)
		}
		h.tales.ended, h.presence.ended = newRecent(), newRecent()
		h.tales.records()
	}
	b.ReportMetric(float64(len(events)), "events/op")
}

// A loopback's second half may be told of before the first: it is no call of its own all the same.
func TestALoopbacksHalvesAreOneCallInWhateverOrderTheyCome(t *testing.T) {
	a := line{"A", "A", "sofia/external/x", false, []string{"Caller-Destination-Number", "500"}}
	la := line{"La", "A", "loopback/600-a", true, []string{"variable_other_loopback_leg_uuid", "Lb", "Caller-Destination-Number", "600"}}
	lb := line{"Lb", "Lb", "loopback/600-b", false, []string{"variable_other_loopback_leg_uuid", "La", "Caller-Destination-Number", "600"}}
	for name, halves := range map[string][]line{"the first first": {la, lb}, "the second first": {lb, la}} {
		s := newStory(numbering{})
		s.create(0, a)
		for _, half := range halves {
			s.create(1, half)
		}
		s.hangup(2, lb, "USER_BUSY")
		s.hangup(2, la, "USER_BUSY")
		s.hangup(3, a, "USER_BUSY")
		if all := s.records(); len(all) != 1 || all[0].CallID != "A" {
			t.Errorf("%s: the records are %+v", name, all)
		}
	}
}
