package esl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

const (
	chanA = "11111111-0000-4000-8000-00000000000a"
	chanB = "22222222-0000-4000-8000-00000000000b"
)

func extension(n string) ringside.Target {
	return ringside.Target{Kind: ringside.ToExtension, Number: n}
}

func outside(n string) ringside.Target {
	return ringside.Target{Kind: ringside.ToExternal, Number: n}
}

// commandsOf are the commands without their verb and the job's id; ids that were made up are "NEW".
func commandsOf(wire []string) (commands []string) {
	for _, c := range wire {
		c, _, _ = strings.Cut(strings.TrimPrefix(c, "bgapi "), "|Job-UUID: ")
		if _, rest, ok := strings.Cut(c, "origination_uuid='"); ok {
			c = strings.Replace(c, rest[:36], "NEW", 1)
		}
		commands = append(commands, c)
	}
	return commands
}

// Each request is the command that FreeSWITCH's source asks for.
func TestRequestsOnTheWire(t *testing.T) {
	const dialed = "originate {origination_uuid='NEW',originate_timeout='30',ignore_early_media='true',origination_caller_id_number="
	for _, tc := range []struct {
		name string
		do   func(context.Context, *PBX) error
		want []string
	}{
		{"hangup", func(ctx context.Context, p *PBX) error {
			return p.Hangup(ctx, ringside.HangupRequest{Channel: chanA})
		}, []string{"uuid_kill " + chanA + " NORMAL_CLEARING"}},
		{"hangup as busy", func(ctx context.Context, p *PBX) error {
			return p.Hangup(ctx, ringside.HangupRequest{Channel: chanA, Cause: ringside.CauseBusy})
		}, []string{"uuid_kill " + chanA + " USER_BUSY"}},
		{"a call", func(ctx context.Context, p *PBX) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{From: extension("101"), To: extension("102"), CallerName: "O'Neil, Анна"})
			return err
		}, []string{dialed + `'102',origination_caller_id_name='O’Neil\, Анна',effective_caller_id_number='101',effective_caller_id_name='101',` +
			`hangup_after_bridge='true',transfer_ringback='%(1000\,4000\,425)'}user/101 &bridge(user/102)`}},
		{"a call outside", func(ctx context.Context, p *PBX) error {
			_, err := p.Originate(ctx, ringside.OriginateRequest{
				From: extension("101"), To: outside("+79001234567"), Presents: "+74950000000", CallerID: "+79001234567", Ring: 30 * time.Second,
				Variables: []ringside.Variable{{Name: "CRM_ID", Value: "7"}}, Async: true,
			})
			return err
		}, []string{dialed + `'+79001234567',origination_caller_id_name='+79001234567',effective_caller_id_number='+74950000000',effective_caller_id_name='+74950000000',` +
			`hangup_after_bridge='true',CRM_ID='7',transfer_ringback='%(1000\,4000\,425)'}user/101 &bridge(sofia/gateway/trunk/+79001234567)`}},
		{"listening", func(ctx context.Context, p *PBX) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Listener: extension("101"), Channel: chanA, Mode: ringside.SpyListen})
			return err
		}, []string{"uuid_exists " + chanA, dialed + `'101',origination_caller_id_name='Spy',eavesdrop_enable_dtmf='false'}user/101 &eavesdrop(` + chanA + ")"}},
		{"whispering", func(ctx context.Context, p *PBX) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Listener: extension("101"), Channel: chanA, Mode: ringside.SpyWhisper})
			return err
		}, []string{"uuid_exists " + chanA, dialed + `'101',origination_caller_id_name='Spy',eavesdrop_enable_dtmf='false',eavesdrop_whisper_bleg='true'}user/101 &eavesdrop(` + chanA + ")"}},
		{"barging", func(ctx context.Context, p *PBX) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Listener: extension("101"), Channel: chanA, Mode: ringside.SpyBarge})
			return err
		}, []string{"uuid_exists " + chanA, dialed +
			`'101',origination_caller_id_name='Spy',eavesdrop_enable_dtmf='false',eavesdrop_whisper_bleg='true',eavesdrop_whisper_aleg='true'}user/101 &eavesdrop(` + chanA + ")"}},
		{"a transfer", func(ctx context.Context, p *PBX) error {
			return p.Transfer(ctx, ringside.TransferRequest{Channel: chanA, To: extension("102")})
		}, []string{"uuid_transfer " + chanA + " 'bridge:user/102' inline"}},
		{"an attended transfer", func(ctx context.Context, p *PBX) error {
			return p.Transfer(ctx, ringside.TransferRequest{Channel: chanA, To: outside("+79001234567"), Attended: true})
		}, []string{"uuid_getvar " + chanA + " signal_bond", "uuid_broadcast " + chanA + " att_xfer::sofia/gateway/trunk/+79001234567"}},
		{"a bridge", func(ctx context.Context, p *PBX) error {
			return p.Bridge(ctx, ringside.BridgeRequest{Channel: chanA, With: chanB})
		}, []string{"uuid_bridge " + chanA + " " + chanB}},
		{"keys", func(ctx context.Context, p *PBX) error {
			return p.SendDTMF(ctx, ringside.DTMFRequest{Channel: chanA, Digits: "12a*#", Length: 250 * time.Millisecond})
		}, []string{"uuid_send_dtmf " + chanA + " 12A*#@250"}},
		{"silence", func(ctx context.Context, p *PBX) error {
			return p.Mute(ctx, ringside.MuteRequest{Channel: chanA})
		}, []string{"uuid_audio " + chanA + " start read mute 1"}},
		{"all of it ends", func(ctx context.Context, p *PBX) error {
			return p.Mute(ctx, ringside.MuteRequest{Channel: chanA, Direction: "all", Off: true})
		}, []string{"uuid_audio " + chanA + " start read mute 0", "uuid_audio " + chanA + " start write mute 0"}},
		{"a recording", func(ctx context.Context, p *PBX) error {
			r, err := p.Record(ctx, ringside.RecordRequest{Channel: chanA, Name: "a-1", Format: "gsm"})
			if r.File != "a-1.gsm" || r.ID != "a-1.gsm" {
				t.Errorf("%+v", r)
			}
			return errors.Join(err, p.StopRecord(ctx, r), p.StopRecord(ctx, ringside.Recording{Channel: chanA}))
		}, []string{
			"uuid_record " + chanA + " start /var/lib/freeswitch/recordings/a-1.gsm", "uuid_record " + chanA + " stop /var/lib/freeswitch/recordings/a-1.gsm",
			"uuid_record " + chanA + " stop all",
		}},
		{"a variable", func(ctx context.Context, p *PBX) error {
			return p.SetVariable(ctx, chanA, ringside.Variable{Name: "CRM_NOTE", Value: `a;b='c' ${system(id)}`})
		}, []string{"uuid_setvar_multi " + chanA + ` CRM_NOTE=a\;b=\'c\' {system(id)}`}},
		{"parking", func(ctx context.Context, p *PBX) error {
			parked, err := p.Park(ctx, ringside.ParkRequest{Channel: chanA, Timeout: 90 * time.Second, Announce: chanB})
			if parked != (ringside.Parked{Lot: "valet_parking_lot", Space: "6001"}) {
				t.Errorf("%+v", parked)
			}
			return err
		}, []string{
			"module_exists mod_valet_parking", "uuid_getvar " + chanA + " signal_bond", "uuid_getvar " + chanB + " dialed_user",
			"uuid_setvar_multi " + chanA + " valet_lot_extension=;valet_announce_slot=false;valet_parking_timeout=90;valet_parking_orbit_exten=bridge:user/102;valet_parking_orbit_dialplan=inline",
			"uuid_transfer " + chanA + " 'valet_park:valet_parking_lot auto in 6001 6099' inline", "uuid_getvar " + chanA + " valet_lot_extension",
			"uuid_broadcast " + chanB + " phrase::valet_announce_ext,valet_parking_lot:6001 aleg",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeSwitch(t)
			p := f.controlled()
			f.says("uuid_exists", "true")
			f.says("module_exists", "true")
			f.on("uuid_getvar", func(args string) string {
				_, name, _ := strings.Cut(args, " ")
				return map[string]string{"signal_bond": chanB, "dialed_user": "102", "valet_lot_extension": "6001"}[name]
			})
			if err := tc.do(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if got := commandsOf(f.wire()); !slices.Equal(got, tc.want) {
				t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// How calling somebody went is told as FreeSWITCH's cause says.
func TestOriginated(t *testing.T) {
	for printed, want := range map[string]ringside.DialStatus{
		"+OK 7d1b\n": ringside.DialAnswered, "-ERR USER_BUSY\n": ringside.DialBusy, "-ERR NO_ANSWER\n": ringside.DialNoAnswer,
		"-ERR USER_NOT_REGISTERED\n": ringside.DialUnavailable, "-ERR ORIGINATOR_CANCEL\n": ringside.DialCancelled,
	} {
		f := newFakeSwitch(t)
		f.says("originate", printed)
		p := f.controlled()
		made, err := p.Originate(t.Context(), ringside.OriginateRequest{From: extension("101"), To: extension("102")})
		if err != nil || made.Status != want || !IsChannel(made.ID) || (made.Channel != "") != (want == ringside.DialAnswered) {
			t.Errorf("%q: %+v, %v", printed, made, err)
		}
		if p.Live(made.ID) != (want == ringside.DialAnswered) {
			t.Errorf("%q: live %t", printed, p.Live(made.ID))
		}
		f.send(plainEvent("Event-Name: CHANNEL_HANGUP_COMPLETE\nUnique-ID: "+made.ID+"\n", ""))
		if _, err := p.do(t.Context(), "status"); err != nil { // which comes after it
			t.Fatal(err)
		}
		if p.Live(made.ID) {
			t.Errorf("%q: it lives on", printed)
		}
	}
}

// A call whose outcome nobody tells is given up in time, with the id of what may have been placed.
func TestOriginateWithoutOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSwitch(t)
		f.silent["originate"] = true
		p := f.controlled()
		began := time.Now()
		made, err := p.Originate(t.Context(), ringside.OriginateRequest{From: extension("101"), To: extension("102"), Ring: 20 * time.Second})
		if !errors.Is(err, context.DeadlineExceeded) || made.ID == "" || time.Since(began) != 20*time.Second+outcomeGrace || !p.Live(made.ID) {
			t.Errorf("%+v after %s: %v", made, time.Since(began), err)
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(*fakeSwitch)
		do   func(context.Context, *PBX) error
		want error
	}{
		{
			"no channel", func(f *fakeSwitch) { f.says("uuid_kill", "-ERR No such channel!\n") },
			func(ctx context.Context, p *PBX) error {
				return p.Hangup(ctx, ringside.HangupRequest{Channel: chanA})
			}, ringside.ErrNoChannel,
		},
		{"spying on nobody", func(f *fakeSwitch) { f.says("uuid_exists", "false") }, func(ctx context.Context, p *PBX) error {
			_, err := p.Spy(ctx, ringside.SpyRequest{Channel: chanA, Listener: extension("101"), Mode: ringside.SpyListen})
			return err
		}, ringside.ErrNoChannel},
		{
			"a bridge with nobody", func(f *fakeSwitch) { f.says("uuid_bridge", "-ERR Invalid uuid\n"); f.says("uuid_exists", "false") },
			func(ctx context.Context, p *PBX) error {
				return p.Bridge(ctx, ringside.BridgeRequest{Channel: chanA, With: chanB})
			}, ringside.ErrNoChannel,
		},
		{
			"a bridge of two that ring", func(f *fakeSwitch) { f.says("uuid_bridge", "-ERR Invalid uuid\n"); f.says("uuid_exists", "true") },
			func(ctx context.Context, p *PBX) error {
				return p.Bridge(ctx, ringside.BridgeRequest{Channel: chanA, With: chanB})
			}, ringside.ErrRefused,
		},
		{
			"an attended transfer by one who is alone", func(f *fakeSwitch) { f.says("uuid_getvar", "_undef_") },
			func(ctx context.Context, p *PBX) error {
				return p.Transfer(ctx, ringside.TransferRequest{Channel: chanA, To: extension("102"), Attended: true})
			}, ringside.ErrRefused,
		},
		{"parking without the module", func(f *fakeSwitch) { f.says("module_exists", "false") }, func(ctx context.Context, p *PBX) error {
			_, err := p.Park(ctx, ringside.ParkRequest{Channel: chanA})
			return err
		}, ringside.ErrRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeSwitch(t)
			p := f.controlled()
			tc.set(f)
			if err := tc.do(t.Context(), p); !errors.Is(err, tc.want) {
				t.Error(err)
			}
		})
	}
}

// Without a trunk nobody outside is dialled.
func TestNoTrunk(t *testing.T) {
	f := newFakeSwitch(t)
	p := f.controlled()
	p.opt.Places.External = ""
	_, err := p.Originate(t.Context(), ringside.OriginateRequest{From: extension("101"), To: outside("+79001234567")})
	if !errors.Is(err, ringside.ErrRefused) || len(f.wire()) > 0 {
		t.Error(err)
	}
}

func TestVariables(t *testing.T) {
	f := newFakeSwitch(t)
	p := f.controlled()
	for printed, want := range map[string]string{"обед": "обед", "_undef_": "", "-ERR is a value": "-ERR is a value", "a\nb": "a\nb", "": ""} {
		f.says("uuid_getvar", printed)
		if v, err := p.Variable(t.Context(), chanA, "X"); err != nil || v != want {
			t.Errorf("%q: %q, %v", printed, v, err)
		}
	}
	f.says("uuid_getvar", "-ERR No such channel!\n")
	if _, err := p.Variable(t.Context(), chanA, "X"); !errors.Is(err, ringside.ErrNoChannel) {
		t.Error(err)
	}
}

// What runs something in FreeSWITCH, or takes over the request, is never set.
func TestVariablesThatRunSomething(t *testing.T) {
	for _, name := range []string{
		"api_on_answer", "API_HANGUP_HOOK", "execute_on_media_2", "exec_after_bridge_app", "bridge_pre_execute_aleg_app", "record_post_process_exec_api",
		"group_confirm_key", "transfer_after_bridge", "origination_uuid", "Effective_Caller_ID_Number", "inline_destination", "sip_h_X", "park_timeout",
	} {
		f := newFakeSwitch(t)
		p := f.controlled()
		v := ringside.Variable{Name: name, Value: "x"}
		var invalid *ringside.InvalidError
		if err := p.SetVariable(t.Context(), chanA, v); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Originate(t.Context(), ringside.OriginateRequest{From: extension("101"), To: extension("102"), Variables: []ringside.Variable{v}}); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if sent := f.wire(); len(sent) > 0 {
			t.Errorf("%s: sent %q", name, sent)
		}
	}
}
