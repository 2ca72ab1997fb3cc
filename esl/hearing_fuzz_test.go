package esl

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzReadTable: whatever mod_callcenter prints, rows have exactly the columns of the first line, values are
// printable and of a sane length, and whoever may write into the free column moves no other one.
func FuzzReadTable(f *testing.F) {
	for _, part := range []string{"name|strategy", "name|instance_id", "queue|agent", "queue|instance_id"} {
		f.Add(recordedBody(f, "s08_callcenter_events", part)+"\n", "cid_name")
	}
	f.Add("a|b|c\n1|x|y|z|3\n+OK\n", "b")
	f.Add("a|b\n1\n|\n\n-ERR x\n", "")
	f.Fuzz(func(t *testing.T, printed, free string) {
		var names []string
		for _, row := range readTable(printed, free) {
			if names == nil {
				for name := range row {
					names = append(names, name)
				}
			}
			if len(row) != len(names) {
				t.Fatalf("%d columns, then %d", len(names), len(row))
			}
			for name, v := range row {
				if len(v) > maxKept || !utf8.ValidString(v) && utf8.ValidString(printed) || strings.ContainsAny(v, "\r\n\x00") {
					t.Errorf("%s is %q", name, v)
				}
				if name != free && strings.Contains(v, "|") {
					t.Errorf("%s holds what separates: %q", name, v)
				}
			}
		}
	})
}

// A value in the free column comes back as it was, and its neighbours stay.
func FuzzTableFreeColumn(f *testing.F) {
	f.Add("Клиент|Один", "7495")
	f.Add("||", "")
	f.Fuzz(func(t *testing.T, name, number string) {
		if strings.ContainsAny(name+number, "\r\n|"+"\x00") && strings.ContainsAny(name, "\r\n\x00") || strings.ContainsAny(number, "|\r\n\x00") {
			t.Skip()
		}
		rows := readTable("uuid|cid_number|cid_name|state\nu1|"+number+"|"+name+"|Waiting\n+OK\n", "cid_name")
		if len(rows) != 1 || rows[0]["uuid"] != "u1" || rows[0]["state"] != "Waiting" || rows[0]["cid_name"] != cell(name) || rows[0]["cid_number"] != cell(number) {
			t.Errorf("%q", rows)
		}
	})
}

// FuzzListings: what FreeSWITCH prints of channels, registrations, itself and its gateways never panics, and
// what is taken of it is sane.
func FuzzListings(f *testing.F) {
	f.Add(channelList(rowA, rowB, rowC))
	f.Add(`{"row_count": 0}`)
	f.Add(`{"rows":[{"uuid":"../x"},{"uuid":1}]}`)
	f.Add(recordedBody(f, "s10_sofia_register_events", "reg_user,realm"))
	f.Add(`{"row_count":1,"rows":[{"reg_user":"102","token":"1"}]}`)
	f.Add(recordedBody(f, "i05_bgapi", "UP 0 years"))
	f.Add(sofiaStatusText)
	f.Add("-ERR SQL disabled, no data available!")
	f.Fuzz(func(t *testing.T, printed string) {
		if rows, err := listedChannels(printed); err == nil {
			for _, l := range rows {
				if !channelID(l.ID) || !channelID(l.call()) || l.since().IsZero() {
					t.Errorf("%+v", l)
				}
			}
		}
		_, _ = listedRegistrations(printed)
		for _, row := range tableRegistrations(printed) {
			if row.User == "" || strings.ContainsAny(row.User+row.Token, ",\n") {
				t.Errorf("%+v", row)
			}
		}
		if s := readStatus(printed); s.Up < 0 || s.Sessions < 0 || s.Max < 0 || len(s.Version) > maxKept {
			t.Errorf("%+v", s)
		}
		for _, g := range readGateways(printed) {
			if g.Name == "" || len(g.Name) > maxKept {
				t.Errorf("%+v", g)
			}
		}
	})
}

// FuzzHearing: whatever is told in whatever order, nothing panics, every call is told once and sanely, and once
// no channel exists any more nobody is busy and no call is kept. Two bytes are an event: which, and about which
// channels.
func FuzzHearing(f *testing.F) {
	f.Add([]byte{0, 0x00, 0, 0x41, 2, 0x41, 3, 0x04, 6, 0x44, 6, 0x00})
	f.Add([]byte{0, 0x00, 0, 0x44, 2, 0x44, 3, 0x04, 7, 0x44, 11, 0x00, 0, 0x11, 12, 0x01, 3, 0x01, 13, 0x00, 6, 0x11, 6, 0x00})
	f.Add([]byte{0, 0x00, 8, 0x00, 0, 0x55, 9, 0x05, 3, 0x05, 6, 0x55, 10, 0x00, 6, 0x00, 4, 0x00, 5, 0x00})
	f.Add([]byte{14, 0x01, 15, 0x00, 16, 0x00, 17, 0x04, 6, 0x01, 6, 0x00, 0, 0x00, 18, 0x22, 19, 0x22, 20, 0x22})
	f.Fuzz(func(t *testing.T, told []byte) {
		lines := &heard{}
		h := newHearing(hearingOptions{known: three().known, lines: lines})
		s := &story{tales: h.tales, begun: map[string]float64{}, up: map[string]float64{}}
		for i := 0; i+1 < min(len(told), 400); i += 2 {
			h.digest(fuzzed(s, i, told[i], told[i+1]))
		}
		for _, f := range []follower{h.presence, h.tales} {
			f.look()
			for _, id := range f.missing() {
				f.gone(id, time.Now())
			}
		}
		for number, last := range lines.last {
			if len(last.Calls) > 0 || last.State.Engaged() {
				t.Errorf("%s is busy for ever: %+v", number, last)
			}
		}
		ids := map[string]bool{}
		for _, w := range h.tales.records() {
			if ids[w.CallID] || w.End.Before(w.Start) || len(w.Legs) > maxLegs {
				t.Errorf("%+v", w)
			}
			ids[w.CallID] = true
		}
		s.leavesNothing(t)
	})
}

// fuzzed is an event of two bytes: channels 0 to 3 call, 4 to 7 are called by the one with the other number.
func fuzzed(s *story, i int, what, who byte) event {
	id, other := "C"+string('0'+who>>4&7), "C"+string('0'+who&7)
	l := inbound(id, "7900")
	if who>>4&7 > 3 {
		l = toPhone(id, other, "10"+string('0'+who>>4&7))
	}
	at := stamp(float64(i))
	pairs := []string{"Event-Date-Timestamp", at, "Event-Sequence", strconv.Itoa(i + 1 - int(who>>7)*8)}
	says := func(name string, more ...string) event { return l.tells(name, append(pairs, more...)...) }
	causes := []string{"NORMAL_CLEARING", "BLIND_TRANSFER", "ATTENDED_TRANSFER", "NO_ANSWER"}
	member := []string{"CC-Queue", "q", "CC-Member-UUID", "m" + id, "CC-Member-Session-UUID", id, "CC-Agent-UUID", other, "CC-Agent", "101@x"}
	switch what % 21 {
	case 0, 1:
		return says("CHANNEL_CREATE")
	case 2:
		return says("CHANNEL_ANSWER", "Caller-Channel-Answered-Time", at)
	case 3:
		return says("CHANNEL_BRIDGE", "Bridge-A-Unique-ID", id, "Bridge-B-Unique-ID", other)
	case 4:
		return says("CHANNEL_HOLD")
	case 5:
		return says("CHANNEL_HANGUP")
	case 6, 7:
		return says("CHANNEL_HANGUP_COMPLETE", "Hangup-Cause", causes[what/21%4], "variable_transfer_history", "1795399210:u:bl_xfer:102/default/XML")
	case 8:
		return says(callcenterInfo, append(member, "CC-Action", "member-queue-start")...)
	case 9:
		return says(callcenterInfo, append(member, "CC-Action", "bridge-agent-start")...)
	case 10:
		return says(callcenterInfo, append(member, "CC-Action", "member-queue-end", "CC-Cause", "Cancel")...)
	case 11, 12, 13:
		return says(valetInfo, "Valet-Extension", "5901", "Action", []string{"hold", "bridge", "exit"}[what%21-11], "Bridge-To-UUID", other)
	case 14:
		return says("CHANNEL_UUID", "Old-Unique-ID", other)
	case 15:
		return says("CHANNEL_EXECUTE_COMPLETE", "Application", "bridge", "Application-Data", "user/101|user/102")
	case 16:
		return says("CHANNEL_EXECUTE_COMPLETE", "Application", "voicemail", "Application-Data", "default x 101")
	case 17:
		return says("CHANNEL_BRIDGE", "Bridge-A-Unique-ID", id, "Bridge-B-Unique-ID", "H"+other, "Other-Leg-Unique-ID", "H"+other,
			"Other-Type", "originatee", "Other-Leg-Direction", "outbound")
	case 18:
		return register("101", id, other)
	case 19:
		return told(sofiaUnregister, "from-user", "101", "call-id", id)
	}
	return says("RECORD_START", "Record-File-Path", "/x")
}
