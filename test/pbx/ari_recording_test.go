package pbx_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// recordings is a directory with an extension whose talks are recorded and one whose talks are not.
const recordings = `version: "1"
time_zone: UTC
default_country: RU
numbers:
  - {id: 1, number: "101", account: {can_receive_external_calls: true, call_recording_enabled: true}}
  - {id: 2, number: "102", account: {can_receive_external_calls: true, call_recording_enabled: false}}
`

func TestRecording(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.phone("101", pbx.Answers(soon))
		s.phone("102", pbx.Answers(soon))
		s.ringside(recordings)
		c := s.dials(pbx.CallSpec{To: "101", Talk: 2 * time.Second, Echo: true})
		s.ends(c, 200)
		r := s.tells(c, told{status: "answered", as: "talked", to: "101"})
		if r.Recording == "" {
			t.Fatal("ringside's record names no recording")
		}
		st, err := os.Stat(filepath.Join(s.Dir, "spool/recording", r.Recording))
		s.must(err)
		const second = 16_000 // bytes of sound
		if st.Size() < second {
			t.Errorf("the recording of a talk of 2 s has %d bytes", st.Size())
		}

		c = s.dials(pbx.CallSpec{To: "102", Talk: short, Echo: true})
		s.ends(c, 200)
		if r := s.tells(c, told{status: "answered", as: "talked", to: "102"}); r.Recording != "" {
			t.Errorf("a talk was recorded that must not be: %s", r.Recording)
		}
		s.quiet()
	})
}

func TestRecordingCannotBeWritten(t *testing.T) {
	for _, x := range []struct {
		name  string
		spoil func(folder string) error
	}{
		{"there is no folder", func(string) error { return nil }},
		{"there is a file in its place", func(folder string) error { return os.WriteFile(folder, nil, 0o600) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			throughARI(t, func(t *testing.T, s *stage) {
				folder := filepath.Join(s.Dir, "spool/recording")
				s.must(os.Rename(folder, folder+".away"))
				defer func() {
					_ = os.RemoveAll(folder)
					s.must(os.Rename(folder+".away", folder))
				}()
				s.must(x.spoil(folder))
				p := s.phone("101", pbx.Answers(soon))
				s.ringside(recordings)
				c := s.dials(pbx.CallSpec{To: "101", Talk: 2500 * time.Millisecond, Echo: true})
				s.ends(c, 200)
				s.saw(p, 1, 0, 1)
				r := s.tells(c, told{status: "answered", as: "talked", to: "101", legs: "dial 101 answered"})
				if r.Recording != "" {
					t.Errorf("ringside's record names a recording that is not there: %s", r.Recording)
				}
				if d := r.End.Sub(r.Answer); d < 2*time.Second {
					t.Errorf("they talked for %v", d)
				}
				s.quiet()
			})
		})
	}
}
