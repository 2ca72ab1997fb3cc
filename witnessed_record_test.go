package ringside

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// at is a moment of the day of the tests, in seconds from its beginning.
func at(seconds float64) time.Time {
	return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// leg makes a leg; one that was answered ends as such. key is empty for ringside's own.
func leg(key, kind, target string, start, answer, end float64, result DialStatus) Leg {
	l := Leg{PBXKey: key, Kind: kind, Start: at(start), End: at(end), Result: string(result)}
	if target != "" {
		l.Targets = strings.Split(target, "&")
	}
	if answer > 0 {
		l.Answer, l.Result = at(answer), string(DialAnswered)
		if len(l.Targets) > 0 {
			l.Answered = l.Targets[0]
		}
	}
	return l
}

// inWords tells what matters of a record in one line.
func inWords(c *Call) string {
	var legs []string
	for _, l := range c.Legs {
		who := "own"
		if l.PBXKey != "" {
			who = l.PBXKey
		}
		legs = append(legs, fmt.Sprintf("%s:%s %s", who, l.Kind, strings.Join(l.Targets, "&")))
	}
	return fmt.Sprintf("%s, %s, to %q, %d s [%s]", c.Status, c.Disposition, c.RoutedTo, c.Duration, strings.Join(legs, "; "))
}

func TestRecordOfACallThatRingsideHasNotRouted(t *testing.T) {
	cases := []struct {
		name string
		w    Witnessed
		want string
	}{
		{
			"an internal call",
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(65), Legs: []Leg{leg("a", "dial", "102", 0, 5, 65, "")}},
			`answered, talked, to "102", 60 s [a:dial 102]`,
		},
		{
			"one whose status the PBX does not tell",
			Witnessed{Answer: at(5), End: at(65), Legs: []Leg{leg("a", "dial", "102", 0, 5, 65, "")}},
			`answered, talked, to "102", 60 s [a:dial 102]`,
		},
		{
			"nobody answers",
			Witnessed{Status: StatusNoAnswer, End: at(20), Legs: []Leg{leg("a", "dial", "102", 0, 0, 20, DialNoAnswer)}},
			`no_answer, no_answer, to "", 20 s [a:dial 102]`,
		},
		{
			"nobody answers, and a message is left",
			Witnessed{Status: StatusNoAnswer, End: at(40), Legs: []Leg{
				leg("a", "dial", "102", 0, 0, 20, DialNoAnswer), leg("b", "voicemail", "102", 20, 0, 40, "done"),
			}},
			`no_answer, voicemail, to "", 40 s [a:dial 102; b:voicemail 102]`,
		},
		{
			"busy",
			Witnessed{Status: StatusBusy, End: at(1), Legs: []Leg{leg("a", "dial", "102", 0, 0, 1, DialBusy)}},
			`busy, busy, to "", 1 s [a:dial 102]`,
		},
		{
			"not registered",
			Witnessed{Status: StatusFailed, End: at(1), Legs: []Leg{leg("a", "dial", "102", 0, 0, 1, DialUnavailable)}},
			`failed, unavailable, to "", 1 s [a:dial 102]`,
		},
		{
			"no such number",
			Witnessed{Status: StatusFailed, End: at(1)},
			`failed, failed, to "", 1 s []`,
		},
		{
			"the caller leaves",
			Witnessed{Status: StatusRinging, End: at(7), Legs: []Leg{leg("a", "dial", "102", 0, 0, 7, DialCancelled)}},
			`abandoned, abandoned, to "", 7 s [a:dial 102]`,
		},
		{
			"voicemail, which is nobody",
			Witnessed{Status: StatusAnswered, Answer: at(20), End: at(50), Legs: []Leg{
				leg("a", "dial", "102", 0, 0, 20, DialNoAnswer), leg("b", "voicemail", "102", 20, 20, 50, ""),
			}},
			`no_answer, voicemail, to "", 50 s [a:dial 102; b:voicemail 102]`,
		},
		{
			"an announcement, which is nobody",
			Witnessed{Status: StatusAnswered, Answer: at(0), End: at(9), Legs: []Leg{leg("a", "announcement", "", 0, 0.1, 9, "")}},
			`no_answer, announced, to "", 9 s [a:announcement ]`,
		},
		{
			"a queue of the PBX, in which the second member answers",
			Witnessed{Status: StatusAnswered, Answer: at(40), End: at(100), Legs: []Leg{
				leg("a", "queue", "", 0, 40, 100, ""), leg("b", "dial", "101", 5, 0, 20, DialNoAnswer), leg("c", "dial", "102", 25, 40, 100, ""),
			}},
			`answered, talked, to "102", 60 s [a:queue ; b:dial 101; c:dial 102]`,
		},
		{
			"parked and retrieved",
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(90), Legs: []Leg{
				leg("a", "dial", "101", 0, 5, 30, ""), leg("b", "park", "701", 30, 0, 60, "done"), leg("c", "dial", "103", 60, 60, 90, ""),
			}},
			`answered, talked, to "101", 85 s [a:dial 101; b:park 701; c:dial 103]`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.w.CallID, c.w.Start = "7", at(0)
			c.w.Recording, c.w.CRMID = "7.wav", "lead-7"
			r := c.w.Record("site")
			if got := inWords(&r); got != c.want {
				t.Errorf("recorded %s\n     want %s", got, c.want)
			}
			if r.ID != "site-7" || r.Revision != 1 || r.Recording != "7.wav" || r.CRMID != "lead-7" || !r.End.Equal(c.w.End) {
				t.Errorf("recorded %+v", r)
			}
			if _, news := c.w.Complete(r); news {
				t.Error("told again, it is news")
			}
		})
	}
	t.Run("its stay in the PBX's queue counts until the answer", func(t *testing.T) {
		w := Witnessed{Status: StatusAnswered, Start: at(0), Answer: at(40), End: at(99), Legs: []Leg{leg("a", "queue", "", 2, 40, 99, "")}}
		if r := w.Record("site"); r.QueueWait != 38 {
			t.Errorf("it waited for %d s", r.QueueWait)
		}
	})
}

func TestDirectionOfAWitnessedCall(t *testing.T) {
	cases := []struct {
		known   Direction
		outside bool
		want    Direction
	}{
		{Inbound, false, Inbound},
		{Inbound, true, Inbound}, // forwarded to a mobile phone
		{Outbound, true, Outbound},
		{Outbound, false, Internal}, // a feature's code, say
		{Internal, false, Internal},
		{Internal, true, Outbound}, // an extension that is forwarded
	}
	for _, c := range cases {
		w := Witnessed{Outside: c.outside}
		if got := w.Direction(c.known); got != c.want {
			t.Errorf("%s, outside %v: %s, want %s", c.known, c.outside, got, c.want)
		}
	}
}

// finished is a record of ringside's own.
func finished(status Status, as Disposition, answer, end float64, legs ...Leg) Call {
	c := Call{ID: "site-7", Node: "site", Revision: 1, Status: status, Disposition: as, Start: at(0), Legs: legs, Caller: "+79001234567"}
	if answer > 0 {
		c.Answer = at(answer)
	}
	for _, l := range legs {
		if l.Answered != "" {
			c.RoutedTo = l.Answered
		}
	}
	c.Finish(at(end))
	return c
}

func TestRecordOfRingsidesIsCompletedByWhatItLacks(t *testing.T) {
	own := func(target string, start, answer, end float64, result DialStatus) Leg {
		return leg("", "dial", target, start, answer, end, result)
	}
	pbx := func(key, target string, start, answer, end float64, result DialStatus) Leg {
		return leg(key, "dial", target, start, answer, end, result)
	}
	cases := []struct {
		name string
		prev Call
		w    Witnessed
		want string // empty: no revision
	}{
		{
			"a served call lacks nothing",
			finished(StatusAnswered, EndTalked, 25, 60, own("101", 0.1, 0, 20, DialNoAnswer), own("102", 20.1, 25, 60, "")),
			Witnessed{Status: StatusAnswered, Answer: at(24.9), End: at(60.4), Legs: []Leg{
				pbx("a", "101", 0.2, 0, 20, DialNoAnswer), pbx("b", "102", 20.2, 24.9, 60.3, ""),
			}},
			"",
		},
		{
			"all were rung",
			finished(StatusAnswered, EndTalked, 5, 60, own("101&102&103", 0.1, 5, 60, "")),
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(60.1), Legs: []Leg{
				pbx("a", "101", 0.1, 5, 60, ""), pbx("b", "102", 0.15, 0, 5, DialCancelled), pbx("c", "103", 0.2, 0, 5, DialCancelled),
			}},
			"",
		},
		{
			"left the queue at once, and the application is ringside's own",
			finished(StatusAbandoned, EndAbandoned, 0, 0.2, leg("", "queue", "", 0.1, 0, 0.2, "left")),
			Witnessed{Status: StatusAbandoned, End: at(0.2), Legs: []Leg{leg("a/1", "application", "AGI", 0, 0, 0, "done")}},
			"",
		},
		{
			"taken out of the queue by a transfer, and answered there",
			finished(StatusAbandoned, EndAbandoned, 0, 30, leg("", "queue", "", 0.1, 0, 30, "left")),
			Witnessed{Status: StatusAnswered, Answer: at(35), End: at(60), Legs: []Leg{
				leg("a/1", "queue", "", 0.1, 0, 30, "left"), pbx("b/1", "103", 30.1, 35, 60, ""),
			}},
			`answered, talked, to "103", 25 s [own:queue ; b/1:dial 103]`,
		},
		{
			"refused at once",
			finished(StatusBusy, EndBusy, 0, 0.5, own("101", 0.1, 0, 0.3, DialBusy)),
			Witnessed{Status: StatusBusy, End: at(12), Legs: []Leg{pbx("a", "101", 0.15, 0, 0.2, DialBusy)}},
			"",
		},
		{
			"answered at once",
			finished(StatusAnswered, EndTalked, 0.4, 30, own("101&102", 0.1, 0.4, 30, "")),
			Witnessed{Status: StatusAnswered, Answer: at(0.4), End: at(30), Legs: []Leg{pbx("a", "101", 0.2, 0.4, 30, ""), pbx("b", "102", 0.5, 0, 0.6, DialCancelled)}},
			"",
		},
		{
			"abandoned",
			finished(StatusAbandoned, EndAbandoned, 0, 9, own("101", 0.1, 0, 9, DialCancelled)),
			Witnessed{Status: StatusAbandoned, End: at(9.1), Legs: []Leg{pbx("a", "101", 0.2, 0, 9, DialCancelled)}},
			"",
		},
		{
			"a queue of ringside's, in which the PBX sees music and the member's phone",
			finished(StatusAnswered, EndTalked, 45, 60, leg("", "queue", "", 0, 0, 45, "served"), own("101", 40, 45, 60, "")),
			Witnessed{Status: StatusAnswered, Answer: at(45), End: at(60), Legs: []Leg{leg("a", "application", "", 0.1, 0.1, 40, ""), pbx("b", "101", 40.1, 45, 60, "")}},
			"",
		},
		{
			"101 transfers the caller blindly to 103",
			finished(StatusAnswered, EndTalked, 5, 30, own("101&103", 0.1, 5, 30, "")),
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(90), Legs: []Leg{pbx("a", "101", 0.1, 5, 30, ""), pbx("b", "103", 29.9, 35, 90, "")}},
			`answered, talked, to "101", 85 s [own:dial 101&103; b:dial 103]`,
		},
		{
			"101 asks 103 meanwhile, and parks the caller",
			finished(StatusAnswered, EndTalked, 5, 30, own("101", 0.1, 5, 30, "")),
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(60), Legs: []Leg{
				pbx("a", "101", 0.1, 5, 30, ""), leg("b", "transfer", "103", 10, 12, 20, ""),
				leg("c", "park", "701", 30, 0, 50, "done"), pbx("d", "101", 50, 50, 60, ""),
			}},
			`answered, talked, to "101", 55 s [own:dial 101; b:transfer 103; c:park 701; d:dial 101]`,
		},
		{
			"a decided call, of which nobody reported the end",
			finished(StatusRinging, EndDecided, 0, 0.1),
			Witnessed{Status: StatusAnswered, Answer: at(6), End: at(66), Legs: []Leg{pbx("a", "101", 0.1, 6, 66, "")}},
			`answered, talked, to "101", 60 s [a:dial 101]`,
		},
		{
			"a decided call, which the caller left",
			finished(StatusRinging, EndDecided, 0, 0.1),
			Witnessed{Status: StatusAbandoned, End: at(8), Legs: []Leg{pbx("a", "101", 0.1, 0, 8, DialCancelled)}},
			`abandoned, abandoned, to "", 8 s [a:dial 101]`,
		},
		{
			"a decided call, of which the dialplan reported the end: how it came to that",
			finished(StatusAnswered, EndTalked, 6, 66),
			Witnessed{Status: StatusAnswered, Answer: at(5.8), End: at(66.3), Legs: []Leg{pbx("a", "101", 0.1, 6, 66, "")}},
			`answered, talked, to "101", 60 s [a:dial 101]`,
		},
		{
			"released after an attempt: the fallback answers",
			finished(StatusFailed, EndReleased, 0, 0.6, own("101", 0.1, 0, 0.5, DialUnavailable)),
			Witnessed{Status: StatusAnswered, Answer: at(6), End: at(16), Legs: []Leg{pbx("a", "101", 0.1, 0, 0.4, DialUnavailable), pbx("b", "100", 0.6, 6, 16, "")}},
			`answered, talked, to "100", 10 s [own:dial 101; b:dial 100]`,
		},
		{
			"released, and busy in the end",
			finished(StatusFailed, EndReleased, 0, 0.1),
			Witnessed{Status: StatusBusy, End: at(3), Legs: []Leg{pbx("b", "100", 0.2, 0, 3, DialBusy)}},
			`busy, busy, to "", 3 s [b:dial 100]`,
		},
		{
			"ringside was killed in the talk",
			finished(StatusAnswered, EndInterrupted, 5, 20, Leg{Kind: "dial", Targets: []string{"101"}, Start: at(0.1), Answer: at(5), Answered: "101"}),
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(65), Legs: []Leg{pbx("a", "101", 0.1, 5, 65, "")}},
			`answered, talked, to "101", 60 s [own:dial 101; a:dial 101]`,
		},
		{
			"the link was lost while 102 rang",
			finished(StatusFailed, EndLost, 0, 25, own("101", 0.1, 0, 20, DialNoAnswer), own("102", 20.1, 0, 25, DialFailed)),
			Witnessed{Status: StatusAnswered, Answer: at(30), End: at(60), Legs: []Leg{pbx("a", "101", 0.1, 0, 20, DialNoAnswer), pbx("b", "102", 20.1, 30, 60, "")}},
			`answered, talked, to "102", 30 s [own:dial 101; own:dial 102; b:dial 102]`,
		},
		{
			"nobody knew who answered",
			finished(StatusAnswered, EndTalked, 5, 60, Leg{Kind: "dial", Targets: []string{"101", "102"}, Start: at(0), Answer: at(5), End: at(60), Result: "answered"}),
			Witnessed{Status: StatusAnswered, Answer: at(5), End: at(60), Legs: []Leg{pbx("a", "102", 0.1, 5, 60, ""), pbx("b", "101", 0.1, 0, 5, DialCancelled)}},
			`answered, talked, to "102", 55 s [own:dial 101&102]`,
		},
		{
			"what was recorded as unanswered stays so, whatever answered the channel",
			finished(StatusNoAnswer, EndVoicemail, 0, 50, own("101", 0, 0, 20, DialNoAnswer), leg("", "voicemail", "101", 20, 0, 50, "done")),
			Witnessed{Status: StatusAnswered, Answer: at(20), End: at(50.2), Legs: []Leg{pbx("a", "101", 0, 0, 20, DialNoAnswer), leg("b", "voicemail", "", 20.1, 20.1, 50, "")}},
			"",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.w.CallID, c.w.Start = "7", at(0)
			part, news := c.w.Complete(c.prev)
			if !news && c.want == "" {
				return
			}
			joined := part.Continue(c.prev)
			if got := inWords(&joined); got != c.want {
				t.Fatalf("news %v: %s\n     want %s", news, got, c.want)
			}
			if joined.Revision != 2 || joined.ID != c.prev.ID || joined.Caller != c.prev.Caller {
				t.Errorf("joined %+v", joined)
			}
			if part, news := c.w.Complete(joined); news {
				t.Errorf("told again, it is news: %s", inWords(&part))
			}
		})
	}
	t.Run("and keeps what a part that was made without it lacks", func(t *testing.T) {
		w := Witnessed{CallID: "7", Recording: "7.wav", CRMID: "lead-7", Start: at(0), End: at(9)}
		whole, bare := w.Record("site"), (&Witnessed{CallID: "7", Start: at(0), End: at(9)}).Record("site")
		if c := bare.Continue(whole); c.Recording != "7.wav" || c.CRMID != "lead-7" {
			t.Errorf("joined %+v", c)
		}
	})
	t.Run("the names of its recording and of the CRM are filled in, and not replaced", func(t *testing.T) {
		prev := finished(StatusAnswered, EndTalked, 5, 60, own("101", 0.1, 5, 60, ""))
		first := Witnessed{CallID: "7", Recording: "7.wav"}
		second := Witnessed{CallID: "7", Recording: "other.wav", CRMID: "lead-7"}
		for _, w := range []Witnessed{first, second} {
			part, news := w.Complete(prev)
			if !news {
				t.Fatalf("%+v is no news", w)
			}
			prev = part.Continue(prev)
		}
		if prev.Recording != "7.wav" || prev.CRMID != "lead-7" || prev.Revision != 3 || prev.Duration != 55 {
			t.Errorf("recorded %+v", prev)
		}
	})
}

// TestPartsMayComeInAnyOrderAndTwice joins random parts of one call to random records, as the store
// does, through JSON.
func TestPartsMayComeInAnyOrderAndTwice(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	dispositions := []Disposition{EndTalked, EndDecided, EndReleased, EndInterrupted, EndLost, EndAbandoned, EndNoAnswer}
	statuses := []Status{StatusAnswered, StatusBusy, StatusNoAnswer, StatusAbandoned, StatusFailed}
	for round := range 300 {
		part := func(name string) Witnessed {
			w := Witnessed{CallID: "7", Start: at(0), End: at(float64(60 + random.IntN(60))), Status: statuses[random.IntN(len(statuses))]}
			for i := range random.IntN(4) {
				start := random.Float64() * 60
				w.Legs = append(w.Legs, leg(fmt.Sprint(name, i), "dial", fmt.Sprint(101+random.IntN(3)), start, float64(random.IntN(2))*(start+1), start+20, DialNoAnswer))
			}
			return w
		}
		a, b := part("a"), part("b")
		prev := finished(statuses[random.IntN(len(statuses))], dispositions[random.IntN(len(dispositions))], 0, 30,
			leg("", "dial", "101", 0, 0, 10, DialNoAnswer), leg("", "dial", "102", 10, float64(random.IntN(2)*12), 30, DialFailed))
		first, again := join(t, prev, a, b), join(t, prev, b, a, a, b)
		if got, want := keys(&again), keys(&first); !slices.Equal(got, want) {
			t.Fatalf("round %d: legs %v in one order, %v in the other", round, want, got)
		}
		if first.End.Before(prev.End) {
			t.Fatalf("round %d: the end moved back from %s to %s", round, prev.End, first.End)
		}
		takenAway := prev.Status == StatusAbandoned && first.Status == StatusAnswered
		if s := first.Status; prev.settled() && s != prev.Status && !takenAway {
			t.Fatalf("round %d: the status %s became %s", round, prev.Status, s)
		}
		c := part("c")
		twice := c.Record("site")
		if joined := twice.Continue(twice); len(joined.Legs) != len(twice.Legs) {
			t.Fatalf("round %d: joined to itself, %d legs became %d", round, len(twice.Legs), len(joined.Legs))
		}
	}
}

// join completes the record with each of the parts, through JSON, as it comes from the store.
func join(t *testing.T, c Call, parts ...Witnessed) Call {
	for _, w := range parts {
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var stored Call
		if err := json.Unmarshal(data, &stored); err != nil {
			t.Fatal(err)
		}
		part, news := w.Complete(stored)
		if !news {
			continue
		}
		c = part.Continue(stored)
	}
	return c
}

func keys(c *Call) (keys []string) {
	for _, l := range c.Legs {
		keys = append(keys, l.PBXKey)
	}
	slices.Sort(keys)
	return keys
}
