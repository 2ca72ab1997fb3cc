package esl

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

const twoChannels = `{"row_count":2,"rows":[{"uuid":"` + chanB + `","direction":"outbound","created":"2026-11-23 01:35:21","created_epoch":"1795397722","name":"sofia/internal/102@192.0.2.9:5060","state":"CS_EXCHANGE_MEDIA","cid_name":"Анна","cid_num":"101","ip_addr":"192.0.2.9","dest":"102","application":"","application_data":"","dialplan":"XML","context":"default","read_codec":"PCMA","callstate":"RINGING","callee_name":"Outbound Call","callee_num":"102","call_uuid":"` + chanA + `"},` +
	`{"uuid":"` + chanA + `","direction":"inbound","created_epoch":"1795397721","name":"sofia/internal/101@192.0.2.2","cid_name":"Анна","cid_num":"101","dest":"102","application":"bridge","application_data":"user/102","context":"default","callstate":"ACTIVE","callee_num":"","call_uuid":""}]}`

func TestChannels(t *testing.T) {
	f := newFakeSwitch(t)
	f.says("show", twoChannels)
	p := f.controlled()
	all, err := p.Channels(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	a := ringside.ChannelInfo{
		Name: chanA, ID: chanA, CallID: chanA, Endpoint: "sofia/internal/101", State: ringside.ChannelUp, Caller: "101", CallerName: "Анна", Connected: "102",
		Context: "default", Extension: "102", Application: "bridge", Data: "user/102", Since: time.Unix(1795397721, 0),
	}
	b := ringside.ChannelInfo{
		Name: chanB, ID: chanB, CallID: chanA, Endpoint: "sofia/internal/102", State: ringside.ChannelRinging, Caller: "102", CallerName: "Outbound Call",
		Connected: "101", ConnectedName: "Анна", Context: "default", Extension: "102", Since: time.Unix(1795397722, 0),
	}
	if all[0] != a || all[1] != b {
		t.Errorf("%+v", all)
	}
}

// A channel that was just placed is told of although FreeSWITCH's table has it not yet.
func TestChannelThatWasJustPlaced(t *testing.T) {
	f := newFakeSwitch(t)
	f.says("show", `{"row_count": 0}`+"\n")
	f.says("uuid_dump", "Channel-Name: sofia/internal/101%40192.0.2.2\nChannel-Call-State: ACTIVE\nCall-Direction: outbound\nCaller-Caller-ID-Number: 102\nCaller-Callee-ID-Number: 101\nvariable_signal_bond: x\n")
	p := f.controlled()
	made, err := p.Originate(t.Context(), ringside.OriginateRequest{From: extension("101"), To: extension("102")})
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Channels(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].Caller != "101" || all[0].Endpoint != "sofia/internal/101" || all[0].Bridge != made.ID {
		t.Errorf("%+v, %v", all, err)
	}
	f.says("uuid_dump", "-ERR No such channel!\n")
	if all, err := p.Channels(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// One channel is told of as a recorded event of it says.
func TestChannelOfARecording(t *testing.T) {
	frames, _ := framesOf(spoken(tape(t, "i09_myevents_uuid"), "CLI"), 1<<20)
	f := newFakeSwitch(t)
	p := f.controlled()
	for _, fr := range frames {
		if e := fr.event(); e.name() == "CHANNEL_HANGUP" {
			f.says("uuid_dump", string(e.fields)+"\n\n")
		}
	}
	const id = "77777777-1111-2222-3333-555555555555"
	c, err := p.Channel(t.Context(), id)
	if err != nil || c.Endpoint != "loopback/9000-a" || c.State != ringside.ChannelUp || c.Extension != "9000" || c.Since.UnixMicro() != 1795397738248230 {
		t.Errorf("%+v, %v", c, err)
	}
	f.says("uuid_dump", "-ERR No such channel!\n")
	if _, err := p.Channel(t.Context(), id); !errors.Is(err, ringside.ErrNoChannel) {
		t.Error(err)
	}
}

func TestListsThatAreNone(t *testing.T) {
	for _, printed := range []string{"-ERR SQL disabled, no data available!\n", "", "null x", `{"rows":[{"uuid":5}]}`, `{"rows":5}`} {
		if _, err := readChannels(printed); !errors.Is(err, ringside.ErrRefused) {
			t.Errorf("%q: %v", printed, err)
		}
	}
}

func FuzzShowChannels(f *testing.F) {
	for _, s := range []string{twoChannels, `{"row_count": 0}`, "-ERR SQL disabled, no data available!\n", `{"rows":[{}]}`, `{"rows":[null]}`, "[]", "\xff", `{"rows":[{"uuid":"\ud800"}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, printed string) {
		all, err := readChannels(printed)
		if err != nil && !errors.Is(err, ringside.ErrRefused) && !errors.Is(err, ringside.ErrNoChannel) && !errors.Is(err, ringside.ErrNotPermitted) {
			t.Error(err)
		}
		for _, c := range all {
			if c.Name == "" || c.State == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzDump(f *testing.F) {
	for _, s := range []string{"Channel-Name: a%40b\n", "Caller-Channel-Created-Time: 99999999999999999999\n", "Unique-ID", ":", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, printed string) {
		if c := dumped("x", fields(printed)); c.Name != "x" || strings.ContainsRune(c.Endpoint, '@') {
			t.Errorf("%+v", c)
		}
	})
}
