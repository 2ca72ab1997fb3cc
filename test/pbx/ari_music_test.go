package pbx_test

import (
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// silenced requires that music on hold ends as often as it began, while calls go on.
func (s *stage) silenced() {
	s.t.Helper()
	began, ended := 0, 0
	if err := pbx.Until(patience/3, "", func() (bool, error) {
		log := pbx.Tail(s.Log(), s.log, 1_000_000)
		began, ended = strings.Count(log, "Started music on hold"), strings.Count(log, "Stopped music on hold")
		return began > 0 && began == ended, nil
	}); err != nil {
		s.t.Errorf("music on hold began %d times and ended %d times", began, ended)
	}
}

// Music goes on over a conversation until somebody ends it.
func TestMusicEndsWhenSomebodyAnswers(t *testing.T) {
	for _, x := range []struct {
		name string
		lose func(*stage)
		as   string
	}{
		{"a member becomes free", func(s *stage) { s.hangsUp("PJSIP/101-") }, "talked"},
		{"ringside is killed", func(s *stage) { s.must(s.daemon.Process.Kill()); s.restart() }, ""},
		{"ringside is asked to stop", func(s *stage) { s.must(s.daemon.Terminate()) }, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				s.phone("101", pbx.Manner{})
				s.phone(pbx.Fallback, pbx.Manner{}) // it does not ring: Asterisk has no tone to play in the music's place
				s.ringside(toGroup([]string{"101"}, `members: ["101"], queue_timeout: 60, max_queue_size: 5`))
				s.talking(pbx.CallSpec{Echo: true})
				s.bridged(2)
				waits := s.dials(pbx.CallSpec{To: called, Echo: true})
				s.inQueue(waits)
				s.eventually("music is played", func() (bool, error) {
					return strings.Contains(pbx.Tail(s.Log(), s.log, 1_000_000), "Started music on hold"), nil
				})
				s.onDisk()
				x.lose(s)
				if x.as != "" {
					s.bridged(2)
				} else {
					s.bridged(4)
				}
				s.silenced()
			})
		})
	}
}
