package ami

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// What Asterisk 22 told, with times; 16 tells the same at nearly the same times.
var recordedCalls = []struct {
	name, want string
	// sixteen is what differs there: its order of two legs of one moment, or a cause.
	sixteen string
}{
	{name: "call-answered", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10101: answered, answered 0.2, over 0.7, cause 16
  A/#1 dial 101: answered by 101, 0.0 0.2 0.7, cause 16
`}, {name: "call-busy", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10104: busy, answered -, over 0.0, cause 17
  A/#1 dial 104: busy, 0.0 - 0.0, cause 17
`}, {name: "call-cancelled", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10105: abandoned, answered -, over 0.5, cause 127
  A/#1 dial 105: cancelled, 0.0 - 0.5, cause 127
`}, {name: "call-noanswer-next", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 11105102: answered, answered 1.2, over 1.5, cause 16
  A/#1 dial 105: no_answer, 0.0 - 1.0
  A/#2 dial 102: answered by 102, 1.0 1.2 1.5, cause 16
`}, {name: "call-unregistered", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10190: failed, answered -, over 0.0, cause 3
  A/#1 dial 190: unavailable, 0.0 - 0.0
`}, {name: "blindtransfer", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.1, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  B/transfer1 transfer 103: done, 0.5 - 0.5
  A/#2 dial 103: answered by 103, 0.5 0.7 1.1, cause 16
`}, {name: "atxfer-digits", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 21102: answered, answered 0.2, over 4.3, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 3.1, cause 16
  C/#2 dial 103: answered by 103, 2.1 2.3 4.3, cause 16
  B/transfer1 transfer 103: done, 3.1 - 3.1
`}, {name: "atxfer-cancel", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 21102: answered, answered 0.2, over 4.3, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 4.3, cause 16
  B/#2 dial 103: answered by 103, 2.1 2.3 3.0, cause 16
`}, {name: "redirect-caller", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.0, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  A/#2 dial 103: answered by 103, 0.5 0.7 1.0, cause 16
`}, {name: "redirect-callee", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.0, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  B/#2 dial 103: answered by 103, 0.5 0.7 1.0, cause 16
`}, {name: "redirect-ringing", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10105: answered, answered 0.6, over 0.9, cause 16
  A/#1 dial 105: cancelled, 0.0 - 0.4, cause 16
  A/#2 dial 103: answered by 103, 0.4 0.6 0.9, cause 16
`}, {name: "redirect-both", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.6, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  B/#3 conference 77: done, 0.5 0.5 1.5
  A/#2 conference 77: done, 0.5 0.5 1.5
`, sixteen: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.6, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  A/#3 conference 77: done, 0.5 0.5 1.5
  B/#2 conference 77: done, 0.5 0.5 1.5
`}, {name: "park-and-pickup", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.9, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  A/#2 park 701: served by 103, 0.5 1.2 1.9
`}, {name: "park-timeout", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 3.0, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  A/#2 park 701: timeout, 0.5 - 1.5
  A/#3 dial 102: answered by 102, 1.5 1.7 3.0, cause 16
`}, {name: "park-giveup", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 10102: answered, answered 0.2, over 1.0, cause 16
  A/#1 dial 102: answered by 102, 0.0 0.2 0.5, cause 16
  A/#2 park 701: left, 0.5 - 1.0
`}, {name: "park-dialplan", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 24100: abandoned, answered -, over 1.5, cause 16
  A/#1 park 701: left, 0.5 - 1.5
`}, {name: "queue-answered", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 22support: answered, answered 6.7, over 9.0, cause 16
  A/queue1 queue : served by 102, 0.5 6.7 6.7
  A/#1 dial 101: no_answer, 0.5 - 5.5
  A/#2 dial 102: answered by 102, 6.5 6.7 9.0, cause 16
`}, {name: "queue-abandon", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 22sales: abandoned, answered -, over 1.5, cause 0
  A/#1 queue : left, 0.5 - 1.5
`, sixteen: `
PJSIP/plain- (plain) +7900555 "Anna" calls 22sales: abandoned, answered -, over 1.5, cause 16
  A/#1 queue : left, 0.5 - 1.5
`}, {name: "conference", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 2355: answered, answered 0.5, over 1.5, cause 16
  A/#1 conference 55: done, 0.5 0.5 1.5
PJSIP/plain- (plain) +7900555 "Anna" calls 2355: answered, answered 0.5, over 1.9, cause 16
  A/#1 conference 55: done, 0.5 0.5 1.5
`}, {name: "bridge", want: `
PJSIP/plain- (plain) +7900555 "Anna" calls 16000: answered, answered 1.3, over 2.2, cause 16
  A/#1 application +7900555: done by +7900555, 1.3 1.3 2.2
`},
}

var (
	anyCaller = regexp.MustCompile(`\+7900555\d+`)
	anyTime   = regexp.MustCompile(`\b\d+\.\d\b`)
	anyKey    = regexp.MustCompile(`(?m)^  [A-Z]/\S+`)
)

func anonymous(s string) string { return anyCaller.ReplaceAllString(s, "+7900555") }

// TestRecordedCalls plays what Asterisk said of real calls.
func TestRecordedCalls(t *testing.T) {
	for _, c := range recordedCalls {
		for _, version := range []string{"22", "16"} {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				calls, all := replay(t, version, c.name)
				want, got := c.want[1:], anonymous(telling(all))
				if version == "16" {
					if c.sixteen != "" {
						want = c.sixteen[1:]
					}
					want, got = anyTime.ReplaceAllString(want, "t"), anyTime.ReplaceAllString(got, "t")
				}
				if got != want {
					t.Errorf("it tells\n%s\nnot\n%s", got, want)
				}
				if len(calls.calls)+len(calls.parts)+len(calls.bridges)+calls.open.Len() > 0 {
					t.Error("something is kept of calls that are over")
				}
			})
		}
	}
}

// altered plays a recording of 22 after a change to its events.
func altered(t *testing.T, name string, change func([]Message) []Message) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "recorded", "22", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	in := newFramer(bytes.NewReader(raw))
	_, _ = in.banner()
	var all []Message
	for m, err := in.next(); err == nil; m, err = in.next() {
		if m.Event() != "" && !m.Has("ActionID") {
			all = append(all, m.Clone())
		}
	}
	calls := newTales(phones)
	for _, m := range change(all) {
		calls.event(m.find("Event"), m, occurred(m, began))
	}
	return anonymous(telling(drain(calls)))
}

func isEvent(name string) func(Message) bool {
	return func(m Message) bool { return m.Event() == name }
}

// TestRowsChangeLittle shows which liberties Asterisk and its configuration may take with rows.
func TestRowsChangeLittle(t *testing.T) {
	sameKeys := func(s string) string { return s }
	noKeys := func(s string) string { return anyKey.ReplaceAllString(s, " ") }
	for _, c := range []struct {
		name string
		// except are recordings of which only rows tell everything.
		except []string
		same   func(string) string
		change func([]Message) []Message
	}{
		{"rows come twice", nil, sameKeys, func(all []Message) (twice []Message) {
			for _, m := range all {
				if twice = append(twice, m); m.Event() == "Cdr" {
					twice = append(twice, m)
				}
			}
			return twice
		}},
		{"rows come last, and backwards", nil, sameKeys, func(all []Message) []Message {
			var rows []Message
			for _, m := range slices.Backward(all) {
				if m.Event() == "Cdr" {
					rows = append(rows, m)
				}
			}
			return append(slices.DeleteFunc(all, isEvent("Cdr")), rows...)
		}},
		{"CEL comes last", nil, sameKeys, func(all []Message) []Message {
			var late []Message
			for _, m := range all {
				if m.Event() == "CEL" {
					late = append(late, m)
				}
			}
			return append(slices.DeleteFunc(all, isEvent("CEL")), late...)
		}},
		{"there is no CEL", nil, sameKeys, func(all []Message) []Message {
			return slices.DeleteFunc(all, isEvent("CEL"))
		}},
		{"rows are not mapped", nil, noKeys, func(all []Message) []Message {
			for i, m := range all {
				if m.Event() == "Cdr" {
					s := regexp.MustCompile(`(LinkedID|Sequence): .*\r\n`).ReplaceAllString(string(m.raw), "")
					all[i] = ParseMessage(s)
				}
			}
			return all
		}},
		{"there are no rows", []string{"bridge"}, noKeys, func(all []Message) []Message {
			return slices.DeleteFunc(all, isEvent("Cdr"))
		}},
		{"there are neither rows nor CEL", []string{"bridge", "call-unregistered"}, noKeys, func(all []Message) []Message {
			return slices.DeleteFunc(all, func(m Message) bool { return m.Event() == "Cdr" || m.Event() == "CEL" })
		}},
	} {
		for _, r := range recordedCalls {
			if slices.Contains(c.except, r.name) {
				continue
			}
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				if got, want := c.same(altered(t, r.name, c.change)), c.same(r.want[1:]); got != want {
					t.Errorf("it tells\n%s\nnot\n%s", got, want)
				}
			})
		}
	}
}

// TestOriginatedCalls: the caller is who was called first, the called number where they were led to.
func TestOriginatedCalls(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"originate-outside", `
PJSIP/101- (101) 101 "" calls 79001112233: answered, answered 0.3, over 1.5, cause 16, outside
  A/#1 dial 79001112233: answered by 79001112233, 0.2 0.3 1.5, cause 16
`},
		{"originate", `
PJSIP/101- (101) 101 "" calls 102: answered, answered 0.4, over 0.8, cause 16
  A/#1 dial 102: answered by 102, 0.2 0.4 0.8, cause 16
PJSIP/101- (101) 101 "" calls 102: answered, answered 0.4, over 4.8, cause 16
  A/#1 dial 102: answered by 102, 0.2 0.4 4.8, cause 16
PJSIP/104- (104) 104 "" calls : busy, answered -, over 0.0, cause 17
  A/#1 dial 104: busy, 0.0 - 0.0, cause 17
PJSIP/104- (104) 104 "" calls : busy, answered -, over 0.0, cause 17
  A/#1 dial 104: busy, 0.0 - 0.0, cause 17
PJSIP/105- (105) 105 "" calls +79001234567: no_answer, answered -, over 1.0, cause 19
  A/#1 dial 105: no_answer, 0.0 - 1.0, cause 19
PJSIP/105- (105) 105 "" calls : no_answer, answered -, over 1.0, cause 19
  A/#1 dial 105: no_answer, 0.0 - 1.0, cause 19
PJSIP/101- (101) 101 "" calls 102: answered, answered 0.4, over 0.8, cause 16
  A/#1 dial 102: answered by 102, 0.2 0.4 0.8, cause 16
PJSIP/101- (101) 101 "" calls : answered, answered 0.2, over 0.2, cause 0
  A/#1 dial 101: answered by 101, 0.0 0.2 0.2
PJSIP/101- (101) 101 "" calls 102: answered, answered 0.4, over 0.8, cause 16
  A/#1 dial 102: answered by 102, 0.2 0.4 0.8, cause 16
`},
	} {
		_, all := replay(t, "22", c.name)
		if got := telling(all); got != c.want[1:] {
			t.Errorf("%s tells\n%s\nnot\n%s", c.name, got, c.want[1:])
		}
	}
}

// TestRecordingAndCRM: what the dialplan told is in the record.
func TestRecordingAndCRM(t *testing.T) {
	for _, version := range []string{"22", "16"} {
		_, all := replay(t, version, "call-answered-dialplan")
		if len(all) != 1 || all[0].CRMID != "42" || !strings.HasSuffix(all[0].Recording, ".wav") {
			t.Errorf("%s tells %+v", version, all)
		}
	}
}

// TestHostileCalls: whoever calls with what for a name, every call is told once and as itself.
func TestHostileCalls(t *testing.T) {
	for _, version := range []string{"22", "16"} {
		_, all := replay(t, version, "hostile-names")
		if len(all) != 8 {
			t.Errorf("%s tells %d calls", version, len(all))
		}
		for _, w := range all {
			if w.Status != ringside.StatusBusy || w.Called != "19100" || strings.ContainsAny(w.CallerName, "\r\n") {
				t.Errorf("%s tells %s", version, tell(w))
			}
		}
	}
}
