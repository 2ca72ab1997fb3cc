package pbx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// strong is a secret that a site could have.
const strong = "c0ffee5eed-of-a-story"

// doctorUser has what the doctor recommends; the rig's own users have secrets that everybody knows.
const doctorUser = `
[doctor](ringside)
secret = ` + strong + `
displayconnects = no
write = call,agent,originate,reporting
`

// withDoctorUser gives the manager interface a user for the story.
func (s *stage) withDoctorUser() {
	s.t.Helper()
	file := filepath.Join(s.Dir, "etc/manager.conf")
	old, err := os.ReadFile(file)
	s.must(err)
	s.must(os.WriteFile(file, append(old[:len(old):len(old)], doctorUser...), 0o600))
	_, err = s.CLI("manager reload")
	s.must(err)
	s.t.Cleanup(func() {
		_ = os.WriteFile(file, old, 0o600)
		_, _ = s.CLI("manager reload")
	})
}

// examined starts a ringside with a manager user and lets the doctor examine it.
func (s *stage) examined(user, secret string) (out string, sound bool) {
	s.t.Helper()
	s.ringsideWith(pbx.DaemonOptions{
		Directory: phones(),
		Config:    fmt.Sprintf("ami: {address: '127.0.0.1:%d', username: %s, secret: %s}\n", s.AMI, user, secret),
	})
	s.eventually("ringside is connected with Asterisk", func() (bool, error) {
		h, err := s.health()
		return h.Connection.Connected, err
	})
	return s.doctor(secret)
}

func (s *stage) doctor(secret string) (out string, sound bool) {
	s.t.Helper()
	raw, err := s.daemon.Run("doctor", "--etc", filepath.Join(s.Dir, "etc"))
	out = string(raw)
	if err != nil && !strings.Contains(err.Error(), "exit status 5") {
		s.t.Fatal(err)
	}
	if secret == strong && strings.Contains(out, secret) {
		s.t.Error("the secret is printed")
	}
	return out, err == nil
}

func (s *stage) says(out string, wanted ...string) {
	s.t.Helper()
	for _, want := range wanted {
		if !strings.Contains(out, want) {
			s.t.Errorf("it does not say %q", want)
		}
	}
	s.t.Logf("the doctor says:\n%s", out)
}

func TestDoctor(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.withDoctorUser()
		out, sound := s.examined("doctor", strong)
		if !sound {
			t.Error("it finds problems")
		}
		s.says(out, "it listens on this machine only", "answers a test as a dialplan would ask it", "logged in to", "it is told that Asterisk has booted",
			"the user may do what ringside does", "the user may write neither system, command nor config", "ringside-route asks ringside", "ringside-decide asks ringside",
			"RINGSIDE_FALLBACK rings PJSIP/199, which can be reached", "ringside-control has all that calls are sent to", "calls come from ",
			"Asterisk's clock and ours are less than 5 s apart", "one time zone", "0 problems")
	})
}

func TestDoctorOfAWeakUser(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		out, sound := s.examined("weak", "secret")
		if sound {
			t.Error("it finds no problem")
		}
		s.says(out, "the secret of [weak] is one that everybody knows", "secret = NEW-SECRET", "read = system,call,agent,cdr,user",
			"the user may not write call", "the user may not write reporting", "write = call,agent,originate,reporting",
			"manager.conf [weak]:", "not checked  dialplan       the dialplan: the user may not write reporting")
	})
}

func TestDoctorOfAUserWhoMayDoAll(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		out, sound := s.examined("all", "secret")
		if sound {
			t.Error("it finds no problem")
		}
		s.says(out, "the user may write command", "the user may write config", "the user may write system",
			"write = system,call,agent,originate,reporting,user", "write = call,agent,originate,reporting,user")
		if strings.Contains(out, "is not loaded") {
			t.Errorf("modules are missing:\n%s", out)
		}
	})
}

func TestDoctorOfADialplanWithoutFallback(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.withDoctorUser()
		if _, sound := s.examined("doctor", strong); !sound {
			t.Error("it finds problems")
		}
		text, err := s.Dialplan()
		s.must(err)
		s.t.Cleanup(func() { _ = s.UseDialplan(text) })
		s.must(s.UseDialplan(strings.ReplaceAll(text, "Dial(${RINGSIDE_FALLBACK},60)", "NoOp()")))
		out, sound := s.doctor(strong)
		if sound {
			t.Error("it finds no problem")
		}
		s.says(out, "ringside-route has no line for callers whom ringside does not serve", " same => n(fallback),Dial(${RINGSIDE_FALLBACK},60)")

		s.must(s.UseDialplan(fallbackLine.ReplaceAllString(text, "RINGSIDE_FALLBACK = PJSIP/"+pbx.Unregistered)))
		out, _ = s.doctor(strong)
		s.says(out, "RINGSIDE_FALLBACK rings nobody: PJSIP/190 can't be reached")

		s.must(s.UseDialplan(fallbackLine.ReplaceAllString(text, "RINGSIDE_FALLBACK = PJSIP/999")))
		out, _ = s.doctor(strong)
		s.says(out, "RINGSIDE_FALLBACK rings nobody: PJSIP/999 does not exist")

		s.must(s.UseDialplan("[nothing]\nexten => s,1,NoOp()\n"))
		out, _ = s.doctor(strong)
		s.says(out, "the dialplan asks ringside nowhere", "[ringside-route]", "the context ringside-control is missing")
	})
}

func TestDoctorWithoutARingsideOrAnAsterisk(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		s.withDoctorUser()
		s.examined("doctor", strong)
		s.must(s.daemon.Kill())
		out, sound := s.doctor(strong)
		if !sound {
			t.Error("it finds problems")
		}
		s.says(out, "no daemon runs", "nobody listens on", "systemctl enable --now ringside", "ringside-route asks ringside")
		s.must(s.Stop())
		out, sound = s.doctor(strong)
		s.must(s.Start())
		if sound {
			t.Error("it finds no problem")
		}
		s.says(out, "Asterisk does not run", "bindaddr = 127.0.0.1")
	})
}

// A dialplan that hands calls over through ARI is as good as the other.
func TestDoctorLooksAtARI(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.withDoctorUser()
		out, _ := s.examined("doctor", strong)
		for _, want := range []string{
			"ringside-route hands calls to the application ringside", "can be driven through ARI", "RINGSIDE_FALLBACK rings",
			"the password of ARI's user [ringside] is",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("the doctor does not say %q:\n%s", want, out)
			}
		}
		if test := s.say("ari", "test"); !strings.Contains(test, "Everything is there.") {
			t.Errorf("ari test says:\n%s", test)
		}
	})
}
