package ami

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// How an attempt to call somebody ends, told in the order and the words of Asterisk (recorded: originate.txt).
func TestOriginateOutcomes(t *testing.T) {
	const begins = "Event: Newchannel\nPrivilege: call,all\nChannel: PJSIP/101-1\nChannelState: 0\nUniqueid: ID\nLinkedid: ID\nActionID: \n\n"
	hangup := func(cause string) string {
		return "Event: Hangup\nPrivilege: call,all\nChannel: PJSIP/101-1\nUniqueid: ID\nLinkedid: ID\nCause: " + cause + "\nCause-txt: x\nActionID: \n\n"
	}
	dialEnd := func(status string) string {
		return "Event: DialEnd\nPrivilege: call,all\nDestChannel: PJSIP/101-1\nDestUniqueid: ID\nDestLinkedid: ID\nDialStatus: " + status + "\nActionID: \n\n"
	}
	outcome := func(response, reason string) string {
		return "Event: OriginateResponse\nPrivilege: call,all\nActionID: @\nResponse: " + response + "\nChannel: PJSIP/101-1\nContext: c\nExten: e102\nReason: " + reason +
			"\nUniqueid: ID\nCallerIDNum: 102\nCallerIDName: <unknown>\n\n"
	}
	for _, tc := range []struct {
		name, events string
		want         ringside.DialStatus
		channel      string
	}{
		{"answered", begins + dialEnd("ANSWER") + outcome("Success", "4"), ringside.DialAnswered, "PJSIP/101-1"},
		{"busy, told by the dialling", begins + dialEnd("BUSY") + hangup("17") + outcome("Failure", "0"), ringside.DialBusy, ""},
		{"busy, told by the end only", begins + hangup("17") + outcome("Failure", "0"), ringside.DialBusy, ""},
		{"busy, told after the outcome", begins + outcome("Failure", "0") + hangup("17"), ringside.DialBusy, ""},
		{"rejected", begins + hangup("21") + outcome("Failure", "0"), ringside.DialBusy, ""},
		{"no answer", begins + dialEnd("NOANSWER") + outcome("Failure", "3"), ringside.DialNoAnswer, ""},
		{"congested", begins + outcome("Failure", "8"), ringside.DialCongested, ""},
		{"no route", begins + hangup("3") + outcome("Failure", "0"), ringside.DialUnavailable, ""},
		{"a cause of its own", begins + hangup("127") + outcome("Failure", "0"), ringside.DialFailed, ""},
		{"no channel at all", outcome("Failure", "0"), ringside.DialUnavailable, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, f := controlled(t)
				f.on("Originate", func(m Message) string {
					id := m.Get("ActionID")
					return strings.ReplaceAll(strings.ReplaceAll("Response: Success\nMessage: Originate successfully queued\n\n"+tc.events, "ID\n", m.Get("ChannelId")+"\n"), "@", id)
				})
				target := ringside.Target{Kind: ringside.ToExtension, Number: "101"}
				got, err := p.Originate(t.Context(), ringside.OriginateRequest{From: target, To: target})
				if err != nil || got.Status != tc.want || got.Channel != tc.channel || got.ID == "" {
					t.Errorf("%+v, %v", got, err)
				}
				p.session.Load().Close()
			})
		})
	}
}

func TestAnAttemptThatNobodyHearsOfAgainStillHasItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := controlled(t)
		target := ringside.Target{Kind: ringside.ToExtension, Number: "101"}
		began := time.Now()
		got, err := p.Originate(t.Context(), ringside.OriginateRequest{From: target, To: target, Ring: 20 * time.Second})
		if err == nil || got.ID == "" || time.Since(began) != 20*time.Second+outcomeGrace || len(p.channels.endings) != 0 {
			t.Errorf("after %s: %+v, %v", time.Since(began), got, err)
		}
		p.session.Load().Close()
	})
}

// A person may be rung for longer than an action may take.
func TestRingingMayTakeLongerThanAnAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := controlled(t)
		f.on("Originate", func(m Message) string {
			id := m.Get("ActionID")
			time.AfterFunc(25*time.Second, func() {
				f.write(wire("Event: OriginateResponse\nPrivilege: call,all\nActionID: "+id+"\nResponse: Success\nChannel: PJSIP/101-1\nReason: 4\nUniqueid: 1\nCallerIDNum: 1\nCallerIDName: x", id))
			})
			return "Response: Success"
		})
		target := ringside.Target{Kind: ringside.ToExtension, Number: "101"}
		got, err := p.Originate(t.Context(), ringside.OriginateRequest{From: target, To: target})
		if err != nil || got.Status != ringside.DialAnswered {
			t.Errorf("%+v, %v", got, err)
		}
		p.session.Load().Close()
	})
}

func TestParking(t *testing.T) {
	parked := func(channel, space string) string {
		return "Event: ParkedCall\nPrivilege: call,all\nParkeeChannel: " + channel + "\nParkinglot: default\nParkingSpace: " + space + "\nActionID: \n\n"
	}
	const done = "Response: Success\nMessage: Park successful\n\n"
	for _, tc := range []struct {
		name, answer, space string
		want                error
	}{
		{"the place after the answer", done + parked("PJSIP/t-1", "701"), "701", nil},
		{"the place before the answer", parked("PJSIP/t-1", "701") + done, "701", nil},
		{"another's place first", parked("PJSIP/t-2", "702") + done + parked("PJSIP/t-1", "701"), "701", nil},
		{"no place is told", done + parked("PJSIP/t-2", "702"), "", ringside.ErrRefused},
		{"it is not there", "Response: Error\nMessage: Channel does not exist: PJSIP/t-1", "", ringside.ErrNoChannel},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, f := controlled(t)
				f.on("Park", func(Message) string { return tc.answer })
				got, err := p.Park(t.Context(), ringside.ParkRequest{Channel: "PJSIP/t-1"})
				if !errors.Is(err, tc.want) || got.Space != tc.space {
					t.Errorf("%+v, %v", got, err)
				}
				synctest.Wait()
				if p.watchers.some.Load() {
					t.Error("somebody still listens")
				}
				p.session.Load().Close()
			})
		})
	}
}

func TestRecordingsAreStopped(t *testing.T) {
	p, f := controlled(t)
	n := 2
	f.on("StopMixMonitor", func(Message) string {
		if n--; n < 0 {
			return "Response: Error\nMessage: Could not stop monitoring channel"
		}
		return "Response: Success"
	})
	if err := p.StopRecord(t.Context(), ringside.Recording{Channel: "PJSIP/t-1"}); err != nil || n != -1 {
		t.Errorf("%v, %d left", err, n)
	}
	if err := p.StopRecord(t.Context(), ringside.Recording{Channel: "PJSIP/t-1"}); !errors.Is(err, ringside.ErrRefused) {
		t.Errorf("of none: %v", err)
	}
}
