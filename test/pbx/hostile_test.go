package pbx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// bait is a file that only a caller's own text can bring into being.
func (s *stage) bait() string { return filepath.Join(s.dir, "owned") }

// taken reports whether a caller's text was carried out.
func (s *stage) taken() bool {
	_, err := os.Stat(s.bait())
	return err == nil
}

// The trunk sets AGIEXECFULL=yes: a FastAGI server that hands a caller's name on unescaped runs
// the caller's commands. Without this story the next one would prove nothing.
func TestRigCallersTextCanBeCarriedOut(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		naive := func(c net.Conn, r *bufio.Reader) {
			env, err := pbx.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, `EXEC NoOp "`+env["agi_calleridname"]+"\"\n")
			_, _ = r.ReadString('\n')
		}
		r, err := pbx.StartResponder(s.AGI, naive)
		s.must(err)
		defer r.Close()
		s.phone(pbx.Fallback, pbx.Refuses(486))
		s.ends(s.dials(pbx.CallSpec{To: called, Name: "${SHELL(touch " + s.bait() + ")}"}), 486)
		if !s.taken() {
			t.Error("the trap is not armed: the caller's command was not carried out")
		}
	})
}

// hostile is a call whose caller means harm. Line breaks are not among them: see
// TestLineBreaksInNumbers.
type hostile struct {
	name string
	call pbx.CallSpec // its texts have %s where the bait belongs
}

func hostileCalls() []hostile {
	return []hostile{
		{"function in the name", pbx.CallSpec{Name: "${SHELL(touch %s)}"}},
		{"expression in the name", pbx.CallSpec{Name: `$\x5b${SHELL(touch %s)}=1\x5d`}},
		{"escaped line break and quote in the name", pbx.CallSpec{Name: `\\nEXEC System \"touch %s\"`}},
		{"quotes and commas in the name", pbx.CallSpec{Name: `\",30,U(x)\"&PJSIP/102|${SHELL(touch %s)}`}},
		{"10 KB name", pbx.CallSpec{Name: "${SHELL(touch %s)}" + strings.Repeat("A", 10_000)}},
		{"function in the number", pbx.CallSpec{Number: "+7900$%%7BSHELL(touch%%20%s)%%7D"}},
		{"second target in the number", pbx.CallSpec{Number: "500&PJSIP/102"}},
		{"second target in the called number", pbx.CallSpec{To: called + "&PJSIP/102"}},
		{"function in the called number", pbx.CallSpec{To: called + "$%%7BSHELL(touch%%20%s)%%7D"}},
		{"options in the called number", pbx.CallSpec{To: called + ",30,U(x)"}},
		{"JSON of an event in the name", pbx.CallSpec{Name: `\",\"args\":\x5b\"leg\"\x5d,\"type\":\"StasisEnd\",\"x\":\"${SHELL(touch %s)}`}},
		{"Cyrillic name", pbx.CallSpec{Name: "Иван «Петров» ${SHELL(touch %s)}"}},
	}
}

// with puts the bait in its place.
func (h hostile) with(bait string) pbx.CallSpec {
	call := h.call
	for _, text := range []*string{&call.Name, &call.Number, &call.To} {
		if strings.Contains(*text, "%s") {
			*text = fmt.Sprintf(*text, bait)
		}
	}
	if call.To == "" {
		call.To = called
	}
	call.At, call.Talk = pbx.FromRaw, short
	return call
}

// What the callers of the next story send gets through SIPp and Asterisk: here the dialplan alone
// takes their calls.
func TestRigHostileCallsArrive(t *testing.T) {
	for _, x := range hostileCalls() {
		t.Run(x.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				p := s.phone(pbx.Fallback, pbx.Answers(0))
				c := s.dials(x.with(s.bait()))
				s.ends(c, 200)
				m := s.received(p, "INVITE")
				t.Logf("From: %.300s", m.Header("From"))
				t.Logf("Asterisk: %s", grep(pbx.Tail(s.Log(), s.log, 1000), "Executing ["))
			})
		})
	}
}

// grep gives the first line that has a text in it.
func grep(lines, text string) string {
	for line := range strings.Lines(lines) {
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestHostileCallers(t *testing.T) {
	for _, x := range hostileCalls() {
		t.Run(x.name, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				intended, other := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon))
				s.ringside(toDestination([]string{"101", "102"}, `action: route_to_number, target_number: "101"`))
				c := s.dials(x.with(s.bait()))
				s.ends(c, 200)

				s.saw(intended, 1, 0, 1)
				s.saw(other, 0, 0, 0)
				r := s.onlyRecord()
				if r.Status != "answered" || r.RoutedTo != "101" || legs(r) != "dial 101 answered" {
					t.Errorf("ringside's record: %s, to %s: %s", r.Status, r.RoutedTo, legs(r))
				}
				if n := len(r.CallerName); n > 1024 {
					t.Errorf("ringside's record: a name of %d bytes", n)
				}
				if s.taken() {
					t.Error("the caller's command was carried out")
				}
				if s.ari {
					return // Asterisk writes no row of each phone then
				}
				answered := 0
				_ = pbx.Until(patience, "", func() (bool, error) { // Asterisk may write its row after ringside
					rows, err := s.CDRsOf(strings.TrimPrefix(r.ID, pbx.Node+"-"))
					answered = 0
					for _, row := range rows {
						if row.Phone() == "102" {
							t.Errorf("CDR row of the other phone: %v", row)
						}
						if row.Phone() == "101" && row.Disposition == "ANSWERED" {
							answered++
						}
					}
					return answered > 0, err
				})
				if answered != 1 {
					t.Errorf("%d CDR rows say that the intended phone was talked with, want 1", answered)
				}
			})
		})
	}
}

// PJSIP drops a message with a line break in the caller's name, folded or bare. In a number it comes
// through, percent-encoded, and Asterisk writes it into FastAGI's request as it is: the caller may
// write lines of the request, end it, or forge answers to ringside's commands. Such a call may be
// served as usual or be left to the dialplan; nothing that the caller wrote may count.
func TestLineBreaksInNumbers(t *testing.T) {
	const intended = "7001"
	for _, x := range []struct {
		name string
		call pbx.CallSpec
	}{
		{"command in the caller's number", pbx.CallSpec{Number: `5%22%0D%0AEXEC%20System%20%22touch%20/bait`}},
		{"line of the request in the caller's number", pbx.CallSpec{Number: "5%0Aagi_extension%3A%207002%0Aagi_dnid%3A%207002"}},
		{"channel in the caller's number", pbx.CallSpec{Number: "5%0Aagi_channel%3A%20PJSIP/102-00000001%0Aagi_x%3A%20"}},
		{"end of the request in the caller's number", pbx.CallSpec{Number: "5%0A%0A200%20result=0%0A200%20result=1%20(ANSWER)"}},
		{"line of the request in the called number", pbx.CallSpec{To: intended + "%0Aagi_callerid%3A%20102%0Aagi_channel%3A%20PJSIP/102-00000001"}},
		{"end of the request in the called number", pbx.CallSpec{To: intended + "%0A%0A200%20result=0%0A200%20result=0"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughEachDoor(t, func(t *testing.T, s *stage) {
				right, wrong, fallback := s.phone("101", pbx.Answers(soon)), s.phone("102", pbx.Answers(soon)), s.phone(pbx.Fallback, pbx.Answers(soon))
				s.ringside(directory([]string{"101", "102"}, `
rules:
  - {id: 5, name: Right, priority: 1, called_number_pattern: "7001", action: route_to_number, target_number: "101"}
  - {id: 6, name: Wrong, priority: 2, action: route_to_number, target_number: "102"}
`))
				call := x.call
				call.At, call.Talk = pbx.FromRaw, short
				if call.To == "" {
					call.To = intended
				}
				c := s.dials(call)
				s.ends(c, 200)
				s.saw(wrong, 0, 0, 0)
				byRingside, byDialplan := len(s.messages(right).Received("INVITE")), len(s.messages(fallback).Received("INVITE"))
				if byRingside+byDialplan != 1 {
					t.Errorf("the intended phone rang %d times, the dialplan's %d times", byRingside, byDialplan)
				}
				t.Logf("served by ringside: %v", byRingside == 1)
				s.eventually("no call is live", func() (bool, error) {
					calls, err := s.daemon.Calls()
					for _, r := range calls {
						if r.Live() {
							return false, err
						}
					}
					return true, err
				})
				calls, err := s.daemon.Calls()
				s.must(err)
				for _, r := range calls {
					if strings.ContainsAny(r.Caller+r.Called+r.CallerName+r.Channel, "\r\n") || r.RoutedTo == "102" || r.Called == "7002" || strings.Contains(r.Channel, "102-") {
						t.Errorf("ringside's record believes the caller: %+v", r)
					}
				}
			})
		})
	}
}
