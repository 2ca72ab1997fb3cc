package pbx_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// listened are the names of the events that `ringside ami listen --json` has printed.
func (s *stage) listened(file string) map[string]bool {
	s.t.Helper()
	raw, err := os.ReadFile(file)
	s.must(err)
	seen := map[string]bool{}
	for line := range bytes.Lines(raw) {
		var event map[string]any
		if json.Unmarshal(line, &event) == nil {
			name, _ := event["Event"].(string)
			seen[name] = true
		}
	}
	return seen
}

// Each event of the CRM's list, under the name that Asterisk really sends.
func TestEventsThatAreListenedTo(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.phone("102", pbx.Answers(soon))
		s.managed(phones())
		file := filepath.Join(s.dir, "events")
		listening, err := s.daemon.Background(file, "ami", "listen", "--json")
		s.must(err)
		t.Cleanup(func() { _ = listening.Kill() })
		s.eventually("somebody listens", func() (bool, error) {
			s.say("queue", "add", "103", "sales")
			s.say("queue", "remove", "103", "sales")
			return s.listened(file)["QueueMemberAdded"], nil
		})

		// A call with a variable, an event of the dialplan's own and a recording; transferred, parked, ended.
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "25101"})
		s.together("plain", "101")
		s.say("transfer", s.channel("plain", ringside.ChannelUp).Name, "102")
		s.together("plain", "102")
		s.say("park", s.channel("plain", ringside.ChannelUp).Name)
		s.say("hangup", s.channel("plain", ringside.ChannelUp).Name)

		// Two callers for a queue, of whom one gives up; and a conference.
		s.say("queue", "pause", "101", "support", "--reason", "lunch")
		c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22support"})
		s.member("support", "102", "talking", func(m ringside.PBXQueueMember) bool { return m.InCall })
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "22support"})
		s.eventually("somebody waits", func() (bool, error) {
			q, err := s.queue("support")
			return len(q.Callers) == 1, err
		})
		s.say("hangup", s.waiting("support"))
		s.say("hangup", s.channel("102", ringside.ChannelUp).Name)
		s.over(c)
		s.say("queue", "unpause", "101")
		s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "2355"})
		s.eventually("somebody is in the conference", func() (bool, error) { return s.listened(file)["ConfbridgeJoin"], nil })
		s.say("hangup", s.channel("plain", ringside.ChannelUp).Name)

		want := []string{
			"Newchannel", "Newstate", "DialBegin", "DialEnd", "BridgeEnter", "BridgeLeave", "Hangup", "BlindTransfer",
			"QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "QueueMemberStatus", "QueueMemberPause",
			"AgentCalled", "AgentConnect", "AgentComplete", "VarSet", "UserEvent", "ParkedCall", "ParkedCallGiveUp",
			"ConfbridgeJoin", "ConfbridgeLeave", "DeviceStateChange", "Cdr", "CEL", "MixMonitorStart",
		}
		missing := func() []string {
			seen := s.listened(file)
			return slices.DeleteFunc(slices.Clone(want), func(name string) bool { return seen[name] })
		}
		if err := pbx.Until(patience, "", func() (bool, error) { return len(missing()) == 0, nil }); err != nil {
			t.Errorf("not seen: %v; seen: %v", missing(), slices.Sorted(maps.Keys(s.listened(file))))
		}
	})
}
