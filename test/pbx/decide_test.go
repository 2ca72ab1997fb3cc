package pbx_test

import (
	"testing"

	"github.com/ringside-pbx/ringside/test/pbx"
)

// ringside only decides; the dialplan dials what RINGSIDE_DIAL says, and its hangup handler reports
// what came of it.

func TestDecide(t *testing.T) {
	for _, x := range []struct {
		name        string
		phone       pbx.Manner
		call        pbx.CallSpec
		code        int
		invites     [3]int
		disposition string
		told        told
	}{
		{"answered", pbx.Answers(soon), pbx.CallSpec{Talk: short}, 200, [3]int{1, 0, 1}, "ANSWERED", told{status: "answered", as: "talked", to: "101"}},
		{"busy", pbx.Refuses(486), pbx.CallSpec{}, 486, [3]int{1, 0, 0}, "BUSY", told{status: "busy", as: "busy", to: "101"}},
		{"not answered", pbx.Rings(), pbx.CallSpec{}, 0, [3]int{1, 1, 0}, "NO ANSWER", told{status: "no_answer", as: "no_answer", to: "101"}},
		{"caller hangs up", pbx.Rings(), pbx.CallSpec{CancelAfter: short}, 487, [3]int{1, 1, 0}, "NO ANSWER", told{status: "abandoned", as: "abandoned", to: "101"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				p, fallback := s.phone("101", x.phone), s.phone(pbx.Fallback, pbx.Answers(soon))
				s.ringside(toGroup([]string{"101"}, `members: ["101"], ring_timeout: 1`))
				call := x.call
				call.At, call.To = pbx.FromDecide, called
				c := s.dials(call)
				if code := s.over(c); x.code != 0 && code != x.code || code < 200 {
					t.Errorf("the caller saw %d, want %d", code, x.code)
				}
				s.saw(p, x.invites[0], x.invites[1], x.invites[2])
				s.saw(fallback, 0, 0, 0)
				s.row(c, "101", x.disposition)
				s.tells(c, x.told)
			})
		})
	}
}

func TestDecideTakesTurns(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		phones := []*pbx.Phone{s.phone("101", pbx.Answers(0)), s.phone("102", pbx.Answers(0)), s.phone("103", pbx.Answers(0))}
		s.ringside(toGroup([]string{"101", "102", "103"}, `members: ["101", "102", "103"], distribution_strategy: round_robin`))
		for range 6 {
			c := s.dials(pbx.CallSpec{At: pbx.FromDecide, To: called, Talk: soon})
			s.ends(c, 200)
			s.record(c)
		}
		for _, p := range phones {
			s.saw(p, 2, 0, 2)
		}
	})
}

func TestDecideFallsBack(t *testing.T) {
	for _, x := range []struct{ name, directory string }{
		{"no directory", ""},
		{"nothing fits", directory([]string{"102"}, "")},
	} {
		t.Run(x.name, func(t *testing.T) {
			story(t, func(t *testing.T, s *stage) {
				fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
				s.ringside(x.directory)
				c := s.dials(pbx.CallSpec{At: pbx.FromDecide, To: called, Talk: short})
				s.ends(c, 200)
				s.saw(fallback, 1, 0, 1)
				s.row(c, pbx.Fallback, "ANSWERED")
				s.record(c)
			})
		})
	}
	t.Run("ringside is away", func(t *testing.T) {
		story(t, func(t *testing.T, s *stage) {
			fallback := s.phone(pbx.Fallback, pbx.Answers(soon))
			d := s.ringside(directory([]string{"102"}, ""))
			s.must(d.Process.Kill())
			c := s.dials(pbx.CallSpec{At: pbx.FromDecide, To: called, Talk: short})
			s.ends(c, 200)
			s.saw(fallback, 1, 0, 1)
		})
	})
}
