package freeswitch

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

const directory = `
version: "1"
time_zone: Europe/Moscow
numbers:
  - {id: 1, number: "101", active: true, account: {active: true, max_concurrent_calls: 1, can_receive_external_calls: true, call_recording_enabled: true}}
  - {id: 2, number: "102", active: true}
  - {id: 3, number: "103", active: true}
  - {id: 4, number: "104", active: true}
groups:
  - {id: 1, name: Turns, distribution_strategy: priority, ring_timeout: 3, active: true, members: [{number: "103"}, {number: "104"}, {number: "101"}]}
  - {id: 2, name: All, distribution_strategy: all_ring, ring_timeout: 10, active: true, members: [{number: "103"}, {number: "102"}, {number: "104"}]}
  - {id: 3, name: Queue, distribution_strategy: priority, ring_timeout: 10, queue_timeout: 60, max_queue_size: 5, active: true, members: [{number: "102"}]}
  - {id: 4, name: Never, distribution_strategy: priority, ring_timeout: 8, queue_timeout: 90, max_queue_size: 5, active: true, members: [{number: "103"}]}
rules:
  - {id: 1, name: turns, called_number_pattern: "^500$", action: route_to_group, target_group: 1, active: true}
  - {id: 2, name: all, called_number_pattern: "^501$", action: route_to_group, target_group: 2, active: true}
  - {id: 3, name: queue, called_number_pattern: "^50[26]$", action: route_to_group, target_group: 3, active: true}
  - {id: 4, name: outside, called_number_pattern: "^503$", action: forward_external, target_external: "+74951234567", active: true}
  - {id: 5, name: closed, called_number_pattern: "^504$", action: play_announcement, announcement_text: custom/closed, active: true}
  - {id: 6, name: refused, called_number_pattern: "^505$", action: hangup, active: true}
  - {id: 7, name: never, called_number_pattern: "^508$", action: route_to_group, target_group: 4, active: true}
  - {id: 8, name: one, called_number_pattern: "^(sync-)?509$", action: route_to_number, target_number: "101", active: true}
`

// site is a FreeSWITCH and a ringside beside it.
type site struct {
	*testing.T
	fs *Switch
	d  *pbx.Daemon
}

func newSite(t *testing.T) *site {
	t.Helper()
	program, bin := os.Getenv("RINGSIDE_FREESWITCH"), os.Getenv("RINGSIDE_BIN")
	if program == "" || bin == "" {
		t.Skip("no FreeSWITCH to try: make freeswitch RINGSIDE_FREESWITCH=/usr/bin/freeswitch")
	}
	dir := t.TempDir()
	var ports [3]int
	for i := range ports {
		var err error
		if ports[i], err = FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{T: t, fs: &Switch{Dir: filepath.Join(dir, "fs"), EventSocket: ports[0], Socket: ports[1], program: program}}
	home := filepath.Join(dir, "ringside")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	s.d, err = pbx.StartDaemon(bin, home, pbx.DaemonOptions{AGI: ports[2], Directory: directory, Config: fmt.Sprintf(
		"esl: {listen: '127.0.0.1:%d', address: '127.0.0.1:%d', password: %s, recordings: '%s/recordings', "+
			"dial: {extension: 'user/${number}@127.0.0.1', external: 'loopback/carrier-${number}/test'}}\n",
		s.fs.Socket, s.fs.EventSocket, password, s.fs.Dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.d.Kill() })
	printed := s.run("dialplan", "freeswitch", "--fallback", "user/199@127.0.0.1")
	begin, end := strings.Index(printed, "<context"), strings.Index(printed, "</context>")
	s.fs.HandOver = printed[begin : end+len("</context>")]
	if err := s.fs.Start(); err != nil {
		t.Fatalf("%v\n%s", err, s.fs.Log())
	}
	t.Cleanup(func() {
		if err := s.fs.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(s.d.Log())
			t.Logf("ringside:\n%s", log)
		}
	})
	s.until(20*time.Second, "ringside is connected", func() bool { return strings.Contains(s.run("status"), "connected for") })
	return s
}

func (s *site) run(args ...string) string {
	s.Helper()
	out, err := s.d.Run(args...)
	if err != nil {
		s.Fatal(err)
	}
	return string(out)
}

func (s *site) until(limit time.Duration, what string, holds func() bool) {
	s.Helper()
	if err := pbx.Until(limit, what, func() (bool, error) { time.Sleep(100 * time.Millisecond); return holds(), nil }); err != nil {
		s.Fatal(err)
	}
}

// call places a call that its caller ends after some seconds. from is the caller's number.
func (s *site) call(from, called, context string, seconds int) {
	s.Helper()
	console(s.T, s.fs, fmt.Sprintf("bgapi originate {origination_caller_id_number=%s,origination_caller_id_name='Иван Петров'}loopback/%s/%s caller-%d XML test",
		from, called, context, 1000*seconds))
}

// record waits for the record of a caller's call.
func (s *site) record(from string, limit time.Duration) ringside.Call {
	s.Helper()
	var found ringside.Call
	s.until(limit, "the record of the call from "+from, func() bool {
		all, err := s.d.Calls()
		if err != nil {
			s.Fatal(err)
		}
		for _, c := range all {
			if c.Caller == from && !c.End.IsZero() {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// told is a record in words.
func told(c ringside.Call) string {
	text := fmt.Sprintf("%s/%s to %s", c.Status, c.Disposition, c.RoutedTo)
	for _, l := range c.Legs {
		text += fmt.Sprintf("; %s %s: %s", l.Kind, strings.Join(l.Targets, ","), l.Result)
		if l.Answered != "" {
			text += " by " + l.Answered
		}
	}
	return text
}

// The same outcomes as on Asterisk, in each case over a FreeSWITCH that rings, bridges and plays.
func TestCallsAreRouted(t *testing.T) {
	s := newSite(t)
	cases := []struct {
		called, context, want string
		seconds, talk         int
	}{
		{"500", "ringside", "answered/talked to 101; dial 103: no_answer; dial 104: busy; dial 101: answered by 101", 30, 4},
		{"501", "ringside", "answered/talked to 102; dial 103,102,104: answered by 102", 30, 4},
		{"503", "ringside", "answered/talked to +74951234567; forward +74951234567: answered by +74951234567", 30, 2},
		{"504", "ringside", "no_answer/announced to ; announcement : done", 30, 0},
		{"505", "ringside", "failed/hung_up to ", 30, 0},
		{"508", "ringside", "abandoned/abandoned to ; dial 103: cancelled", 4, 0},
		{"sync-509", "test", "answered/talked to 101; dial 101: answered by 101", 30, 4},
	}
	for i, c := range cases {
		t.Run(c.called, func(t *testing.T) {
			s := &site{T: t, fs: s.fs, d: s.d}
			from := fmt.Sprintf("+7900123450%d", i)
			s.call(from, c.called, c.context, c.seconds)
			r := s.record(from, 40*time.Second)
			if got := told(r); got != c.want {
				t.Errorf("the call came to\n%s\nwant\n%s\n%s", got, c.want, s.run("calls", "show", r.ID))
			}
			if r.CallerName != "Иван Петров" || r.PBX != "freeswitch" {
				t.Errorf("the record is of %q on %q", r.CallerName, r.PBX)
			}
			if c.talk > 0 && (r.Duration < c.talk-1 || r.Duration > c.talk+1) {
				t.Errorf("they talked for %d s, want %d", r.Duration, c.talk)
			}
			if s.fs.Executed(c.called, "bridge(user/199@127.0.0.1)") {
				t.Error("the fallback was rung")
			}
		})
	}
	if files, _ := filepath.Glob(filepath.Join(s.fs.Dir, "recordings", "*-101-*.wav")); len(files) != 1 { // in sync mode, nothing can be recorded
		t.Errorf("the recordings are %q", files)
	}
}

// Who waits hears music, and is connected when the member is free.
func TestQueue(t *testing.T) {
	s := newSite(t)
	s.call("+79001234501", "502", "ringside", 60)
	time.Sleep(time.Second)
	s.call("+79001234502", "506", "ringside", 60)
	r := s.record("+79001234502", 30*time.Second)
	if got, want := told(r), "answered/talked to 102; queue : served; dial 102: answered by 102"; got != want {
		t.Errorf("the call came to %s, want %s", got, want)
	}
	if !s.fs.Executed("506", "playback(local_stream://default)") {
		t.Error("the caller heard no music")
	}
}

// T12: ringside is killed. Who waits is in the dialplan's fallback when the piece of music is over; who talks
// goes on talking, and then nobody else is rung.
func TestRingsideIsKilled(t *testing.T) {
	s := newSite(t)
	s.call("+79001234501", "508", "ringside", 60)
	s.call("+79001234502", "509", "ringside", 60)
	time.Sleep(time.Second)
	s.call("+79001234503", "508", "ringside", 60)
	s.until(10*time.Second, "one talks and one waits", func() bool {
		status := s.run("calls", "list", "--live")
		return strings.Contains(status, "answered now") && strings.Count(s.fs.Log(), "playback(local_stream://default)") > 0
	})
	if err := s.d.Kill(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s.until(30*time.Second, "the fallback is rung for both who were not talking", func() bool {
		return strings.Count(s.fs.Log(), "508-b bridge(user/199@127.0.0.1)") == 2
	})
	t.Logf("the fallback was rung %s after ringside had died", time.Since(begin).Round(time.Second))
	if s.fs.Executed("509", "bridge(user/199@127.0.0.1)") || !s.fs.Executed("509", "hangup(NORMAL_CLEARING)") {
		t.Error("somebody else was rung after the talk")
	}
}

// Nobody listens: the fallback, at once.
func TestRingsideIsAway(t *testing.T) {
	s := newSite(t)
	if err := s.d.Kill(); err != nil {
		t.Fatal(err)
	}
	s.call("+79001234501", "500", "ringside", 20)
	s.until(2*time.Second, "the fallback is rung", func() bool { return s.fs.Executed("500", "bridge(user/199@127.0.0.1)") })
}

// Acting on calls that ringside did not route.
func TestCallControl(t *testing.T) {
	s := newSite(t)
	channels := func() (all []ringside.ChannelInfo) {
		if err := json.Unmarshal([]byte(s.run("channels", "--json")), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if out := s.run("originate", "101", "102"); !strings.Contains(out, "101 has answered") {
		t.Errorf("originate: %s", out)
	}
	s.until(10*time.Second, "102 is called", func() bool { return strings.Contains(s.fs.Log(), "loopback/phone-102-b answer()") })
	s.until(20*time.Second, "the call has ended", func() bool { return len(channels()) == 0 })
	console(t, s.fs, "bgapi originate loopback/caller-30000/test &park()")
	s.until(10*time.Second, "somebody is parked", func() bool { return len(channels()) == 2 })
	first := channels()[0].Name
	s.run("dtmf", first, "12#")
	s.run("mute", first)
	s.run("record", first, "--name", "kept")
	time.Sleep(time.Second)
	s.run("record", first, "--stop")
	if info, err := os.Stat(filepath.Join(s.fs.Dir, "recordings", "kept.wav")); err != nil || info.Size() < 1000 {
		t.Errorf("the recording is %v, %v", info, err)
	}
	s.run("hangup", first)
	s.until(10*time.Second, "the calls have ended", func() bool { return len(channels()) == 0 })
	if _, err := s.d.Run("hangup", first); err == nil || !strings.Contains(err.Error(), "no such channel") {
		t.Errorf("a channel that is not there any more: %v", err)
	}
	if health := s.run("health"); !strings.Contains(health, "everything is in order") {
		t.Error(health)
	}
}
