package calls

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// parties puts what has become of a leg's phones in words.
func parties(l ringside.Leg) string {
	var all []string
	for _, p := range l.Parties {
		all = append(all, p.Number+" "+p.State)
	}
	return strings.Join(all, ", ")
}

func TestLivePictureTellsWhatBecomesOfEachPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), phones("101", "102", "103"))
		defer s.close()
		s.pbx.Answered = nil // nobody but the channel itself tells of the answer
		s.pbx.Phones["101"].Busy = true
		s.pbx.Phones["102"].Answers = 5 * time.Second
		s.pbx.Phones["103"].Answers = 0
		ch := s.channel("a", "500")
		ch.Tells = true
		s.serve(ch)
		time.Sleep(time.Second)
		if got, want := parties(s.board.Live()[0].Legs[0]), "101 busy, 102 ringing, 103 ringing"; got != want {
			t.Errorf("while it rings: %q, want %q", got, want)
		}
		time.Sleep(5 * time.Second)
		live := s.board.Live()[0]
		if got, want := parties(live.Legs[0]), "101 busy, 102 answered, 103 ringing"; got != want || live.Status != ringside.StatusAnswered || live.RoutedTo != "102" {
			t.Errorf("while they talk: %q, %s, to %s; want %q, answered, to 102", got, live.Status, live.RoutedTo, want)
		}
		if a := s.board.Lines(); a[2].Busy || !a[1].Busy {
			t.Errorf("102 talks, and 103 is free again: %+v", a[:3])
		}
		s.serving.Wait()
		if got := parties(s.record(1).Legs[0]); !strings.Contains(got, "102 answered") {
			t.Errorf("in the record: %q", got)
		}
	})
}

func TestTalksAreRecordedForExtensionsThatAskForIt(t *testing.T) {
	account := func(record bool) *ringside.Account {
		return &ringside.Account{CallRecordingEnabled: record, CanReceiveExternalCalls: true, MaxConcurrentCalls: 2, Active: true}
	}
	for _, tc := range []struct {
		name, from string
		answers    string
		want       string
	}{
		{"the one who answers asks for it", "trunk", "101", "101.wav"},
		{"the one who answers does not", "trunk", "102", ""},
		{"an extension without an account", "trunk", "103", ""},
		{"the caller asks for it", "101", "102", "102.wav"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				doc := sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })
				doc.Numbers = []ringside.Extension{
					{ID: 31, Number: "101", Active: true, Account: account(true)},
					{ID: 32, Number: "102", Active: true, Account: account(false)},
					{ID: 33, Number: "103", Active: true},
				}
				s := newSite(t, compiled(t, doc), map[string]*channeltest.Phone{tc.answers: {Answers: time.Second, Talk: time.Minute}})
				defer s.close()
				ch := s.channel("a", "500")
				ch.Tells, ch.Start.Endpoint = true, tc.from
				s.serve(ch)
				s.serving.Wait()
				if got := s.record(1).Recording; got != tc.want {
					t.Errorf("recording %q, want %q", got, tc.want)
				}
			})
		})
	}
}

func TestCallersHearTheirPlaceAgainAndAgain(t *testing.T) {
	group := func(g *ringside.RingGroup) {
		g.Members, g.AnnouncePosition, g.QueueTimeout = g.Members[:1], true, 600
	}
	t.Run("each minute, between the music", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101")
			p["101"].Talk = 150 * time.Second
			s := newSite(t, office(t, sales(group)), p)
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			ch, _ := s.call("b", "500")
			s.serving.Wait()
			if got, want := heard(ch), "answer; play 1; wait; play 1; wait; play 1; wait; dial 101; hangup 16"; got != want {
				t.Errorf("the caller heard %q, want %q", got, want)
			}
		})
	})
	t.Run("and not once more when a member is free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101")
			p["101"].Talk = 10 * time.Second
			s := newSite(t, office(t, sales(group)), p)
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			ch := s.channel("b", "500")
			ch.PromptTakes = time.Minute
			s.serve(ch)
			s.serving.Wait()
			if got := s.record(2); got.QueueWait > 10 {
				t.Errorf("the announcement of a minute held the caller up: %d s in the queue", got.QueueWait)
			}
			if got, want := heard(ch), "answer; play 1; dial 101; hangup 16"; got != want {
				t.Errorf("the caller heard %q, want %q", got, want)
			}
		})
	})
}
