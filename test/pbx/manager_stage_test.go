package pbx_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// managed starts a ringside that is connected with the story's Asterisk over its manager interface.
// more are further lines of its configuration.
func (s *stage) managed(directory string, more ...string) *pbx.Daemon {
	s.t.Helper()
	return s.managedAs("ringside", directory, more...)
}

// managedAs is managed with another user of the manager interface.
func (s *stage) managedAs(user, directory string, more ...string) *pbx.Daemon {
	s.t.Helper()
	d := s.ringsideWith(pbx.DaemonOptions{
		Directory: directory,
		Config: fmt.Sprintf("ami: {address: '127.0.0.1:%d', username: %s, secret: secret, timeout: 5s, events: 'system,call,agent,cdr,user'}\n", s.AMI, user) +
			strings.Join(more, ""),
	})
	s.eventually("ringside is connected with Asterisk", func() (bool, error) {
		h, err := s.health()
		return h.Connection.Connected, err
	})
	return d
}

// outside lets ringside call the outer world.
const outside = "outbound: {allow: ['+7']}\n"

// say runs one of ringside's commands that must succeed, and gives what it printed.
func (s *stage) say(args ...string) string {
	s.t.Helper()
	out, err := s.daemon.Run(args...)
	s.must(err)
	return string(out)
}

// refuses runs one of ringside's commands that must fail, and requires what it says.
func (s *stage) refuses(why string, args ...string) {
	s.t.Helper()
	out, err := s.daemon.Run(args...)
	if err == nil || !strings.Contains(err.Error(), why) {
		s.t.Errorf("%q gave %v, want an error about %q\n%s", args, err, why, out)
	}
}

// asks runs a command that prints JSON.
func asks[T any](s *stage, args ...string) (v T, err error) {
	out, err := s.daemon.Run(append(args, "--json")...)
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	return v, err
}

func (s *stage) health() (ringside.PBXHealth, error) {
	return asks[ringside.PBXHealth](s, "health")
}

// channels are those that ringside sees, which must be those that Asterisk has.
func (s *stage) channels() []ringside.ChannelInfo {
	s.t.Helper()
	all, err := asks[[]ringside.ChannelInfo](s, "channels")
	s.must(err)
	out, err := s.CLI("core show channels concise")
	s.must(err)
	for _, ch := range all {
		if !strings.Contains(out, ch.Name+"!") {
			s.t.Errorf("ringside sees %s, which Asterisk has not:\n%s", ch.Name, out)
		}
	}
	return all
}

// channel waits until an endpoint has one channel that is as it should be.
func (s *stage) channel(endpoint string, state ringside.ChannelState) ringside.ChannelInfo {
	s.t.Helper()
	var found ringside.ChannelInfo
	s.eventually(fmt.Sprintf("%s has a channel that is %s", endpoint, state), func() (bool, error) {
		all, err := asks[[]ringside.ChannelInfo](s, "channels")
		i := slices.IndexFunc(all, func(c ringside.ChannelInfo) bool { return c.Endpoint == "PJSIP/"+endpoint && c.State == state })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0, err
	})
	return found
}

// together waits until the channels of two endpoints talk to one another.
func (s *stage) together(one, other string) {
	s.t.Helper()
	s.eventually(one+" and "+other+" talk to one another", func() (bool, error) {
		all, err := asks[[]ringside.ChannelInfo](s, "channels")
		bridges := map[string][]string{}
		for _, c := range all {
			if c.Bridge != "" {
				bridges[c.Bridge] = append(bridges[c.Bridge], strings.TrimPrefix(c.Endpoint, "PJSIP/"))
			}
		}
		for _, in := range bridges {
			if len(in) == 2 && slices.Contains(in, one) && slices.Contains(in, other) {
				return true, err
			}
		}
		return false, err
	})
}

// talk connects a caller from the plain trunk with a phone, without ringside.
func (s *stage) talk(number string) *pbx.Caller {
	s.t.Helper()
	c := s.dials(pbx.CallSpec{At: pbx.FromPlain, To: "10" + number})
	s.answered(c)
	s.together("plain", number)
	return c
}

// recordingHasSound reports whether a file in Asterisk's folder for recordings has more than a header.
func (s *stage) recordingHasSound(name string) (bool, error) {
	st, err := os.Stat(filepath.Join(s.Dir, "spool/monitor", name))
	if os.IsNotExist(err) {
		return false, nil
	}
	const header = 44 // of a wav file
	return err == nil && st.Size() > header, err
}
