package agi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

const (
	readOutcome = "GET FULL VARIABLE \"${DIALSTATUS}|${ANSWEREDTIME}|${HANGUPCAUSE}|${URIENCODE(${DIALEDPEERNAME})}\""
	tellDone    = `EXEC MSet "RINGSIDE_RESULT=done"`
)

// told puts the outcome of an operation in words.
func told(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ringside.ErrCallerGone):
		return "caller gone"
	case errors.Is(err, ringside.ErrConnectionLost):
		return "connection lost"
	case errors.Is(err, ringside.ErrNoSpeech):
		return "no speech"
	case errors.Is(err, ringside.ErrRefused):
		return "refused"
	}
	return err.Error()
}

func TestRouteRingsOneExtension(t *testing.T) {
	var h heardBy
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		o := ch.Offer()
		h.add(o.PBX, o.CallID, o.Endpoint, o.Caller, o.CallerName, o.Called, o.Context)
		res, err := ch.Dial(ctx, channeltest.Extensions("101"))
		h.add(told(err), string(res.Status), res.Answered.Number, res.Talk.String(), fmt.Sprint(res.Cause))
		h.add(told(ch.Hangup(ctx, ringside.CauseNormal)))
	}}
	log := story(t, Options{}, b, "route?id=pbx-1.5&answered=ringside-answered", `
		> EXEC Dial "PJSIP/101,20,U(ringside-answered^test-1)"
		quiet
		pause 2m
		< 200 result=0
		> `+readOutcome+`
		< 200 result=1 (ANSWER|95|16|PJSIP%2F101-0000000a)
		> `+tellDone+`
		< 200 result=0
		> EXEC Hangup 16
		< 200 result=-1
		> HANGUP
		< 200 result=1
		closed`)
	h.want(t, "asterisk pbx-1.5 trunk 44201 caller 500 from-trunk", "ok answered 101 1m35s 16", "ok")
	if log != "" {
		t.Errorf("a call that goes well is logged: %s", log)
	}
}

func TestNoAnswerGoesOnToTheNext(t *testing.T) {
	var h heardBy
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		for _, n := range []string{"101", "102", "103", "104", "105"} {
			res, err := ch.Dial(ctx, channeltest.Extensions(n))
			h.add(n, told(err), string(res.Status), res.Answered.Number)
		}
		h.add(told(ch.Release(ctx, ringside.ResultReleased)))
	}}
	attempt := func(number, outcome string) string {
		return `
		> EXEC Dial "PJSIP/` + number + `,20,"
		< 200 result=0
		> ` + readOutcome + `
		< 200 result=1 (` + outcome + `)`
	}
	story(t, Options{}, b, "route", attempt("101", "NOANSWER||19|PJSIP%2F101-1")+attempt("102", "BUSY|0|17|")+
		attempt("103", "CHANUNAVAIL||20|")+attempt("104", "CONGESTION||34|")+attempt("105", "||0|")+`
		> EXEC MSet "RINGSIDE_RESULT=released"
		< 200 result=0
		closed`)
	h.want(t, "101 ok no_answer ", "102 ok busy ", "103 ok unavailable ", "104 ok congested ", "105 ok failed ", "ok")
}

func TestRingAllTellsWhoAnswered(t *testing.T) {
	var h heardBy
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		req := channeltest.Extensions("101", "102")
		req.CallerName, req.Waiting, req.Music = `Anna "A" O'Neil, ${SHELL(id)}`, true, "jazz"
		res, err := ch.Dial(ctx, req)
		h.add(told(err), string(res.Status), res.Answered.Number)
	}}
	story(t, Options{Dial: dialplan.Dial{Extension: "PJSIP/${number}", Options: "tT"}}, b, "route", `
		> EXEC MSet "CALLERID(name)=\"Anna 'A' O'Neil, {SHELL(id)}\""
		< 200 result=0
		> EXEC Dial "PJSIP/101&PJSIP/102,20,tTm(jazz)"
		< 200 result=0
		> `+readOutcome+`
		< 200 result=1 (ANSWER|5|16|PJSIP%2F102-1)
		closed`)
	h.want(t, "ok answered 102")
}

func TestQueueWaitsOnAnIdleConnectionUntilAMemberIsFree(t *testing.T) {
	var h heardBy
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		h.add("answer", told(ch.Answer(ctx)))
		h.add("position", told(ch.Play(ctx, ringside.Prompt{Position: 3})))
		h.add("position", told(ch.Play(ctx, ringside.Prompt{Position: 1})))
		waiting, cancel := context.WithTimeout(ctx, 90*time.Second)
		h.add("wait", told(ch.Wait(waiting, "")))
		cancel()
		res, err := ch.Dial(ctx, channeltest.Extensions("101"))
		h.add("dial", told(err), string(res.Status))
	}}
	story(t, Options{}, b, "route", `
		> ANSWER
		< 200 result=0
		> STREAM FILE "queue-thereare" ""
		< 200 result=0 endpos=100
		> SAY NUMBER 2 ""
		< 200 result=0
		> STREAM FILE "queue-callswaiting" ""
		< 200 result=0 endpos=100
		> STREAM FILE "queue-youarenext" ""
		< 200 result=0 endpos=100
		> SET MUSIC ON default
		< 200 result=0
		pause 89s
		quiet
		pause 2s
		> SET MUSIC OFF
		< 200 result=0
		> EXEC Dial "PJSIP/101,20,"
		< 200 result=0
		> `+readOutcome+`
		< 200 result=1 (NOANSWER||19|)
		closed`)
	h.want(t, "answer ok", "position ok", "position ok", "wait ok", "dial ok no_answer")
}

// A member is freed at any moment, also between two of ringside's own steps.
func TestQueueEndsItsWaitWheneverTheMemberIsFreed(t *testing.T) {
	for range 200 {
		b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
			waiting, cancel := context.WithCancel(ctx)
			free := make(chan struct{})
			go func() { <-free; cancel() }()
			close(free)
			if err := ch.Wait(waiting, "jazz"); err != nil {
				t.Errorf("the wait ended with %v", err)
			}
			_ = ch.Release(ctx, ringside.ResultReleased)
		}}
		ours, theirs := net.Pipe()
		w := newWire()
		w.begin(ours)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s := newSession(t.Context(), ours, w)
			defer s.cancel(nil)
			b.serve(s.ctx, &channel{session: s, dial: templates})
		}()
		a := &asterisk{t: t, conn: theirs}
		buf := make([]byte, maxCommand)
		var said []string
		for len(said) == 0 || !strings.HasPrefix(said[len(said)-1], "EXEC MSet") {
			_ = theirs.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := theirs.Read(buf)
			if err != nil {
				t.Fatalf("after %q: %v", said, err)
			}
			said = append(said, string(buf[:n]))
			a.say("200 result=0\n")
		}
		// A wait that is over before it begins says nothing.
		if s := strings.Join(said[:len(said)-1], ""); s != "" && s != "SET MUSIC ON jazz\nSET MUSIC OFF\n" {
			t.Fatalf("ringside said %q", said)
		}
		<-done
		_ = theirs.Close()
		_ = ours.Close()
	}
}

func TestHangupIsUnderstoodWhereverItStands(t *testing.T) {
	cases := []struct {
		name         string
		serve        func(ctx context.Context, ch ringside.Channel, h *heardBy)
		conversation string
		want         []string
	}{
		{"while idle in the queue", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("wait", told(ch.Wait(ctx, "")), told(context.Cause(ctx)))
		}, `
			> SET MUSIC ON default
			< 200 result=0
			pause 10s
			< HANGUP
			closed`, []string{"wait caller gone caller gone"}},
		{"in two pieces while idle", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("wait", told(ch.Wait(ctx, "")))
		}, `
			> SET MUSIC ON default
			< 200 result=0
			~ HANG
			pause 1s
			~ UP\n
			closed`, []string{"wait caller gone"}},
		{"half of it, then the member is free, then the rest", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			waiting, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			h.add("wait", told(ch.Wait(waiting, "")), told(context.Cause(ctx)))
		}, `
			> SET MUSIC ON default
			< 200 result=0
			~ HAN
			pause 6s
			> SET MUSIC OFF
			~ GUP\n511 Command Not Permitted on a dead channel or intercept routine\n
			closed`, []string{"wait ok caller gone"}},
		{"before the reply", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			_, err := ch.Dial(ctx, channeltest.Extensions("101"))
			h.add("dial", told(err), told(context.Cause(ctx)))
			h.add("hangup", told(ch.Hangup(ctx, ringside.CauseNormal)))
		}, `
			> EXEC Dial "PJSIP/101,20,"
			< HANGUP
			< 200 result=-1
			> ` + readOutcome + `
			< 200 result=1 (CANCEL||0|)
			> ` + tellDone + `
			< 200 result=0
			closed`, []string{"dial ok caller gone", "hangup caller gone"}},
		{"together with the reply", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("set", told(ch.Tell(ctx, "A", &ringside.Decision{Action: ringside.Queue})))
			h.add("answer", told(ch.Answer(ctx)), told(context.Cause(ctx)))
		}, `
			> EXEC MSet "RINGSIDE_ACTION=queue,RINGSIDE_CALL_ID=A"
			~ HANGUP\n200 result=0\n
			> ANSWER
			< 511 Command Not Permitted on a dead channel or intercept routine
			closed`, []string{"set ok", "answer caller gone caller gone"}},
		{"after the reply", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("set", told(ch.Tell(ctx, "A", &ringside.Decision{Action: ringside.Queue})))
			h.add("answer", told(ch.Answer(ctx)), told(context.Cause(ctx)))
		}, `
			> EXEC MSet "RINGSIDE_ACTION=queue,RINGSIDE_CALL_ID=A"
			~ 200 result=0\nHANGUP\n
			> ANSWER
			< 511 Command Not Permitted on a dead channel or intercept routine
			closed`, []string{"set ok", "answer caller gone caller gone"}},
		{"alone, before the first command", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("answer", told(ch.Answer(ctx)), told(context.Cause(ctx)))
		}, `
			> ANSWER
			< HANGUP
			pause 1s
			< 511 Command Not Permitted on a dead channel or intercept routine
			closed`, []string{"answer caller gone caller gone"}},
		{"while a prompt plays", func(ctx context.Context, ch ringside.Channel, h *heardBy) {
			h.add("play", told(ch.Play(ctx, ringside.Prompt{Sound: "welcome"})))
		}, `
			> STREAM FILE "welcome" ""
			~ HANGUP\n200 result=-1 endpos=3520\n
			closed`, []string{"play caller gone"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h heardBy
			story(t, Options{}, &board{serve: func(ctx context.Context, ch ringside.Channel) { c.serve(ctx, ch, &h) }}, "route", c.conversation)
			h.want(t, c.want...)
		})
	}
}

// answering is the shortest call: one command, and what came of it.
func answering(h *heardBy) *board {
	return &board{serve: func(ctx context.Context, ch ringside.Channel) {
		h.add(told(ch.Answer(ctx)))
		h.add(told(ch.Tell(ctx, "A", &ringside.Decision{Action: ringside.Queue})))
	}}
}

func TestRepliesOfEveryKind(t *testing.T) {
	usage := "< 520-Invalid command syntax.  Proper usage follows:\n< Returns <literal>0</literal>\n< Example return code: 200 result=1 (testvariable)\n< 520 End of proper usage.\n"
	next := "\n> EXEC MSet \"RINGSIDE_ACTION=queue,RINGSIDE_CALL_ID=A\"\n< 200 result=0\nclosed"
	cases := []struct{ name, reply, want string }{
		{"success", "< 200 result=0" + next, "ok; ok"},
		{"an error result", "< 200 result=-1" + next, "ok; ok"},
		{"no result", "< 200 result= (timeout)" + next, "ok; ok"},
		{"progress first", "< 100 result=0 Trying...\n< 100 result=0 Trying...\n< 200 result=0" + next, "ok; ok"},
		{"blank lines first", "< \n< \n< 200 result=0" + next, "ok; ok"},
		{"CR LF", "~ 200 result=0\r\\n" + next, "ok; ok"},
		{"unknown command", "< 510 Invalid or unknown command" + next, "refused; ok"},
		{"dead channel", "< 511 Command Not Permitted on a dead channel or intercept routine" + next, "refused; ok"},
		{"usage", usage + next, "refused; ok"},
		{"usage in one line", "< 520 Invalid command syntax.  Proper usage not available." + next, "refused; ok"},
		{"usage without an end", strings.Repeat("< 520-and so on\n", maxUsage+1) + "closed", "connection lost; connection lost"},
		{"rubbish", "< HTTP/1.1 400 Bad Request\nclosed", "connection lost; connection lost"},
		{"a value in two lines", "~ 200 result=1 (a\\nb)\\n\n> EXEC MSet \"RINGSIDE_ACTION=queue,RINGSIDE_CALL_ID=A\"\nclosed", "ok; connection lost"},
		{"a line of 8 KiB", "< 200 result=1 (" + strings.Repeat("x", maxLine-18) + ")" + next, "ok; ok"},
		{"a line longer than 8 KiB", "~ 200 result=1 (" + strings.Repeat("x", maxLine) + "\nclosed", "connection lost; connection lost"},
		{"nothing", "pause 6s\nclosed", "connection lost; connection lost"},
		{"half a reply", "~ 200 res\npause 6s\nclosed", "connection lost; connection lost"},
		{"the end", "close", "connection lost; connection lost"},
		{"half a reply and the end", "~ 200 result=0\nclose", "connection lost; connection lost"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h heardBy
			story(t, Options{}, answering(&h), "route", "> ANSWER\n"+c.reply)
			h.want(t, strings.Split(c.want, "; ")...)
		})
	}
}

func TestMissingApplications(t *testing.T) {
	var h heardBy
	speaking := templates
	speaking.Speech = "Flite"
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		_, err := ch.Dial(ctx, channeltest.Extensions("101"))
		h.add("dial", told(err))
		h.add("voicemail", told(ch.Voicemail(ctx, "101")))
		h.add("speech", told(ch.Play(ctx, ringside.Prompt{Text: `We are closed, "call" again | soon (maybe`})))
		h.add("sound", told(ch.Play(ctx, ringside.Prompt{Sound: "no-such"})))
	}}
	story(t, Options{Dial: speaking}, b, "route", `
		> EXEC Dial "PJSIP/101,20,"
		< 200 result=-2
		> EXEC VoiceMail "101@default,u"
		< 200 result=-2
		> EXEC Flite "We are closed  'call' again   soon  maybe"
		< 200 result=-2
		> STREAM FILE "no-such" ""
		< 200 result=-1 endpos=0
		> NOOP
		< 200 result=0
		closed`)
	h.want(t, "dial refused", "voicemail refused", "speech no speech", "sound refused")
}

func TestVoicemail(t *testing.T) {
	for status, want := range map[string]string{"SUCCESS": "ok", "USEREXIT": "ok", "FAILED": "refused"} {
		var h heardBy
		b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
			h.add(told(ch.Voicemail(ctx, "101")))
			h.add(told(ch.Voicemail(ctx, "101@other")))
			h.add(told(ch.Play(ctx, ringside.Prompt{Text: "nobody can say this"})))
		}}
		story(t, Options{}, b, "route", `
			> EXEC VoiceMail "101@default,u"
			< 200 result=0
			> GET FULL VARIABLE "${VMSTATUS}"
			< 200 result=1 (`+status+`)
			closed`)
		h.want(t, want, "refused", "no speech")
	}
}

// A caller who leaves a message and hangs up has been served; one who leaves before has not.
func TestHangupInVoicemail(t *testing.T) {
	for status, want := range map[string]string{"SUCCESS": "ok", "FAILED": "caller gone"} {
		var h heardBy
		story(t, Options{}, &board{serve: func(ctx context.Context, ch ringside.Channel) {
			h.add(told(ch.Voicemail(ctx, "101")))
		}}, "route", `
			> EXEC VoiceMail "101@default,u"
			~ HANGUP\n200 result=-1\n
			> GET FULL VARIABLE "${VMSTATUS}"
			< 200 result=1 (`+status+`)
			closed`)
		h.want(t, want)
	}
}

func TestReplySplitAtEveryByteAndCoalesced(t *testing.T) {
	reply := "HANGUP\n100 result=0 Trying...\n520-Invalid\nusage\n520 End of proper usage.\n200 result=1 (v)\n"
	for cutAt := 1; cutAt < len(reply); cutAt++ {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer func() { _ = ours.Close(); _ = theirs.Close() }()
			w := newWire()
			w.begin(ours)
			gone := 0
			w.onHangup = func() { gone++ }
			said := make(chan struct{})
			go func() {
				defer close(said)
				_, _ = io.WriteString(theirs, reply[:cutAt])
				time.Sleep(time.Second)
				_, _ = io.WriteString(theirs, reply[cutAt:])
			}()
			defer func() { <-said }()
			for _, want := range []string{"520 result=-1 (usage)", "200 result=1 (v)"} {
				if got, err := w.reply(); err != nil || string(got) != want {
					t.Fatalf("cut at %d: %q, %v, and not %q", cutAt, got, err, want)
				}
			}
			if gone != 1 {
				t.Errorf("cut at %d: %d hang-ups", cutAt, gone)
			}
		})
	}
}

// T6, T7: the connection may end anywhere, and the server goes on.
func TestConnectionEndsAtEveryPoint(t *testing.T) {
	b := &board{serve: func(ctx context.Context, ch ringside.Channel) {
		_ = ch.Answer(ctx)
		_, _ = ch.Dial(ctx, channeltest.Extensions("101"))
		_ = ch.Wait(ctx, "")
		_ = ch.Hangup(ctx, ringside.CauseNormal)
	}}
	conversation := []string{
		environment22("route"), "200 result=0\n", "200 result=0\n", "200 result=1 (ANSWER|5|16|)\n", "200 result=0\n", "HANGUP\n",
	}
	total := len(strings.Join(conversation, ""))
	for end := 0; end < total; end += 7 {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, Options{}, b)
			a := s.dial()
			left := end
			for i, text := range conversation {
				if i > 0 && i < 5 {
					a.hear()
				}
				a.say(text[:min(left, len(text))])
				if left -= len(text); left <= 0 {
					break
				}
			}
			_ = a.conn.Close()
			s.stop()
		})
	}
}
