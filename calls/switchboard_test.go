package calls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal keeps what the switchboard records.
type journal struct {
	mu       sync.Mutex
	begun    []ringside.Call
	finished []ringside.Call
	turns    []ringside.Turn
	talks    []ringside.Talk
}

func (j *journal) Begin(c ringside.Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begun = append(j.begun, c)
}

func (j *journal) Update(ringside.Call) {}

func (j *journal) Finish(c ringside.Call, turns []ringside.Turn, talks []ringside.Talk) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.finished = append(j.finished, c)
	j.turns = append(j.turns, turns...)
	j.talks = append(j.talks, talks...)
}

func (j *journal) calls() []ringside.Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]ringside.Call{}, j.finished...)
}

// site is a switchboard beside a PBX of channeltest.
type site struct {
	t       *testing.T
	board   *Switchboard
	pbx     *channeltest.PBX
	journal *journal
	serving sync.WaitGroup
	count   int
}

// office is a directory with 101 to 110 and the given groups and rules.
func office(t *testing.T, doc ringside.Directory) *routing.Compiled {
	t.Helper()
	for i := range 10 {
		doc.Numbers = append(doc.Numbers, ringside.Extension{ID: int64(i + 1), Number: strconv.Itoa(101 + i), Active: true})
	}
	return compiled(t, doc)
}

func compiled(t *testing.T, doc ringside.Directory) *routing.Compiled {
	t.Helper()
	doc.Version = "1"
	dir, problems := routing.Compile(doc)
	for _, p := range problems {
		t.Fatalf("the directory has a problem: %s", p)
	}
	return dir
}

func sales(edit func(g *ringside.RingGroup)) ringside.Directory {
	g := ringside.RingGroup{
		ID: 1, Name: "Sales", Strategy: ringside.ByPriority, RingTimeout: 20, QueueTimeout: 60, MaxQueueSize: 5, Active: true,
		Members: []ringside.Member{{Number: "101"}, {Number: "102"}, {Number: "103"}},
	}
	if edit != nil {
		edit(&g)
	}
	return ringside.Directory{Groups: []ringside.RingGroup{g}, Rules: []ringside.Rule{{
		ID: 7, Name: "To sales", CalledNumberPattern: "^500$", Active: true,
		Destination: ringside.Destination{Action: ringside.RouteToGroup, TargetGroup: ringside.GroupRef{ID: 1}},
	}}}
}

func newSite(t *testing.T, dir *routing.Compiled, phones map[string]*channeltest.Phone) *site {
	s := &site{t: t, journal: &journal{}, pbx: &channeltest.PBX{Phones: phones}}
	s.board = New(Options{Node: "test", Log: slog.New(slog.DiscardHandler), Recorder: s.journal})
	s.pbx.Answered = s.board.Answered
	if dir != nil {
		s.board.SetDirectory(dir)
	}
	return s
}

// close waits for every call and checks that nothing is left: no call, no reservation, no waiter.
func (s *site) close() {
	s.serving.Wait()
	s.board.Close()
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	for number, l := range s.board.lines {
		if l.ringing != 0 || l.talking != 0 {
			s.t.Errorf("%s is left with %d ringing and %d talking", number, l.ringing, l.talking)
		}
		for id, o := range l.own {
			if o.n != 0 {
				s.t.Errorf("%s is left with call %s %d times", number, id, o.n)
			}
		}
	}
	for id, q := range s.board.queues {
		if len(q.waiters) > 0 {
			s.t.Errorf("group %d is left with %d waiters", id, len(q.waiters))
		}
	}
	if len(s.board.live) > 0 {
		s.t.Errorf("%d calls are left in the live table", len(s.board.live))
	}
	if len(s.board.pending) > 0 {
		s.t.Errorf("%d calls are left without a record", len(s.board.pending))
	}
}

// call places a call; leave hangs up.
func (s *site) call(from, to string) (ch *channeltest.Channel, leave func()) {
	ch = s.channel(from, to)
	return ch, s.serve(ch)
}

// channel is a caller's, who has not been served yet.
func (s *site) channel(from, to string) *channeltest.Channel {
	s.count++
	return &channeltest.Channel{PBX: s.pbx, PromptTakes: time.Second, Start: ringside.Offer{
		PBX: "test", CallID: strconv.Itoa(s.count), Channel: "PJSIP/trunk-1", Endpoint: "trunk",
		Caller: from, Called: to, At: time.Now(),
	}}
}

func (s *site) serve(ch *channeltest.Channel) (leave func()) {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	s.serving.Go(func() {
		defer cancel(nil)
		s.board.ServeCall(ctx, ch)
	})
	return func() { cancel(ringside.ErrCallerGone) }
}

// record is the call's record; the call must have ended.
func (s *site) record(id int) ringside.Call {
	s.t.Helper()
	for _, c := range s.journal.calls() {
		if c.ID == "test-"+strconv.Itoa(id) {
			return c
		}
	}
	s.t.Fatalf("call %d has no record", id)
	return ringside.Call{}
}

// heard is what a channel was told, in one line.
func heard(ch *channeltest.Channel) string { return strings.Join(ch.Log(), "; ") }

func phones(numbers ...string) map[string]*channeltest.Phone {
	m := map[string]*channeltest.Phone{}
	for _, n := range numbers {
		m[n] = &channeltest.Phone{Answers: 2 * time.Second, Talk: 30 * time.Second}
	}
	return m
}

func TestCallIsTakenByTheNextMember(t *testing.T) {
	cases := []struct {
		name  string
		first *channeltest.Phone
		leg   string
	}{
		{"when the first does not answer", &channeltest.Phone{}, "no_answer"},
		{"when the first is busy", &channeltest.Phone{Busy: true}, "busy"},
		{"when the first is away", &channeltest.Phone{Away: true}, "unavailable"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := phones("102", "103")
				p["101"] = c.first
				s := newSite(t, office(t, sales(nil)), p)
				defer s.close()
				ch, _ := s.call("+79001234567", "500")
				s.serving.Wait()
				if got, want := heard(ch), "dial 101; dial 102; hangup 16"; got != want {
					t.Errorf("the PBX was told %q, want %q", got, want)
				}
				r := s.record(1)
				if r.Status != ringside.StatusAnswered || r.RoutedTo != "102" || r.Duration != 30 || r.Disposition != ringside.EndTalked {
					t.Errorf("recorded %+v", r)
				}
				if len(r.Legs) != 2 || r.Legs[0].Result != c.leg || r.Legs[1].Answered != "102" {
					t.Errorf("legs %+v", r.Legs)
				}
				if r.Rule == nil || r.Rule.ID != 7 || r.Group == nil || r.Group.Name != "Sales" || len(r.Trace) == 0 {
					t.Errorf("the record does not say why: rule %v, group %v, %d steps", r.Rule, r.Group, len(r.Trace))
				}
			})
		})
	}
}

func TestAllRingFreesTheOthersWhenOneAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := phones("101", "102", "103")
		p["102"].Answers = time.Second
		s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.AllRing })), p)
		defer s.close()
		ch, _ := s.call("", "500")
		time.Sleep(10 * time.Second) // 102 talks
		second, _ := s.call("", "500")
		s.serving.Wait()
		if got, want := heard(ch), "dial 101&102&103; hangup 16"; got != want {
			t.Errorf("the first call: %q, want %q", got, want)
		}
		if got, want := heard(second), "dial 101&103; hangup 16"; got != want {
			t.Errorf("while 102 talks, a second call: %q, want %q", got, want)
		}
		if p["101"].Stopped() != 1 || p["103"].Stopped() != 2 {
			t.Errorf("101 stopped ringing %d times, 103 %d; want 1 and 2", p["101"].Stopped(), p["103"].Stopped())
		}
		if r := s.record(1); r.RoutedTo != "102" {
			t.Errorf("the first call went to %q", r.RoutedTo)
		}
	})
}

func TestWithoutReportsAnAnswerIsInferredFromTheRingTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := phones("101")
		p["101"].Talk = 5 * time.Minute
		s := newSite(t, office(t, sales(nil)), p)
		s.pbx.Answered = nil
		defer s.close()
		s.call("", "500")
		time.Sleep(time.Minute)
		live := s.board.Live()
		if len(live) != 1 || live[0].Status != ringside.StatusAnswered || live[0].RoutedTo != "101" {
			t.Errorf("a minute into the talk: %+v", live)
		}
		s.serving.Wait()
		if r := s.record(1); r.Duration != 300 {
			t.Errorf("recorded %d s of talk, want 300", r.Duration)
		}
	})
}

func TestQueue(t *testing.T) {
	two := func(g *ringside.RingGroup) { g.Members = g.Members[:2] }
	t.Run("a caller waits with music until a member is freed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101", "102")
			p["102"].Talk = time.Minute
			s := newSite(t, office(t, sales(two)), p)
			defer s.close()
			s.call("a", "500")
			synctest.Wait()
			s.call("b", "500")
			time.Sleep(5 * time.Second)
			waiting, _ := s.call("c", "500")
			time.Sleep(time.Second)
			if w := s.board.Waiting(); len(w) != 1 || w[0].Position != 1 || w[0].Estimate != 90 || w[0].Status != "waiting" {
				t.Errorf("waiting: %+v; want one at position 1 with half of the usual 180 s", w)
			}
			s.serving.Wait()
			if got, want := heard(waiting), "answer; wait; dial 101; hangup 16"; got != want {
				t.Errorf("the waiting call: %q, want %q", got, want)
			}
			if r := s.record(3); r.QueueWait != 29 || r.Status != ringside.StatusAnswered || r.Duration != 30 {
				t.Errorf("recorded wait %d s, status %s, talk %d s; want 29 (32 - 5 + 2 to the answer), answered, 30", r.QueueWait, r.Status, r.Duration)
			}
		})
	})
	t.Run("callers are served in the order in which they came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Members = g.Members[:1]; g.QueueTimeout = 600 })), phones("101"))
			defer s.close()
			for i := range 5 {
				s.call(strconv.Itoa(i), "500")
				time.Sleep(time.Second)
			}
			s.serving.Wait()
			var order []string
			for _, r := range s.journal.calls() {
				order = append(order, r.Caller)
			}
			if got := strings.Join(order, ""); got != "01234" {
				t.Errorf("served in the order %s", got)
			}
		})
	})
	t.Run("one more than the queue holds overflows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) {
				g.Members, g.MaxQueueSize = g.Members[:1], 1
				g.Overflow = &ringside.Destination{Action: ringside.RouteToVoicemail, TargetNumber: "110"}
			})), phones("101"))
			defer s.close()
			s.call("a", "500")
			s.call("b", "500")
			time.Sleep(time.Second)
			full, _ := s.call("c", "500")
			s.serving.Wait()
			if got, want := heard(full), "voicemail 110; hangup 16"; got != want {
				t.Errorf("the third caller: %q, want %q", got, want)
			}
			if r := s.record(3); r.Disposition != ringside.EndVoicemail || r.Status != ringside.StatusNoAnswer {
				t.Errorf("recorded %s, %s", r.Status, r.Disposition)
			}
		})
	})
	t.Run("who has waited long enough overflows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := phones("101")
			p["101"].Talk = time.Hour
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Members = g.Members[:1] })), p)
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			late, _ := s.call("b", "500")
			s.serving.Wait()
			if got, want := heard(late), "answer; wait; hangup 19"; got != want {
				t.Errorf("the second caller: %q, want %q", got, want)
			}
			if r := s.record(2); r.QueueWait != 60 || r.Status != ringside.StatusNoAnswer {
				t.Errorf("recorded wait %d s, status %s", r.QueueWait, r.Status)
			}
		})
	})
	t.Run("a caller may leave while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.Members = g.Members[:1] })), phones("101"))
			defer s.close()
			s.call("a", "500")
			time.Sleep(5 * time.Second)
			_, leave := s.call("b", "500")
			time.Sleep(10 * time.Second)
			leave()
			s.serving.Wait()
			if r := s.record(2); r.Status != ringside.StatusAbandoned || r.QueueWait != 10 || r.Legs[0].Result != "left" {
				t.Errorf("recorded %+v", r)
			}
		})
	})
	t.Run("a member who lets the call ring out rests, and the caller stays first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := map[string]*channeltest.Phone{"101": {}}
			s := newSite(t, office(t, sales(func(g *ringside.RingGroup) {
				g.Members, g.QueueTimeout, g.RingTimeout = g.Members[:1], 100, 10
			})), p)
			defer s.close()
			ch, _ := s.call("a", "500")
			s.serving.Wait()
			// Rung once before the queue, then every 15 s: 10 s of ringing, 5 s of rest.
			if got := p["101"].Rung(); got != 8 {
				t.Errorf("101 was rung %d times in 100 s of queue: %s", got, heard(ch))
			}
		})
	})
	t.Run("route_to_queue waits at once, and is connected at once if somebody is free", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			doc := sales(two)
			doc.Rules[0].Action = ringside.RouteToQueue
			s := newSite(t, office(t, doc), phones("101", "102"))
			defer s.close()
			ch, _ := s.call("a", "500")
			s.serving.Wait()
			if got, want := heard(ch), "dial 101; hangup 16"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if r := s.record(1); r.Legs[0].Kind != "queue" || r.Legs[0].Result != "served" {
				t.Errorf("legs %+v", r.Legs)
			}
		})
	})
	t.Run("a group whose members are all away lets nobody wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, office(t, sales(nil)), nil)
			defer s.close()
			ch, _ := s.call("a", "500")
			s.serving.Wait()
			if got, want := heard(ch), "dial 101; dial 102; dial 103; hangup 20"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if r := s.record(1); r.Disposition != ringside.EndUnavailable {
				t.Errorf("recorded %s", r.Disposition)
			}
		})
	})
}

func TestThousandCallersOnTenMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers []string
		for i := range 10 {
			numbers = append(numbers, strconv.Itoa(101+i))
		}
		p := phones(numbers...)
		p["104"].Answers = 0 // never answers
		p["105"].Busy = true // says busy although ringside does not know
		doc := sales(func(g *ringside.RingGroup) {
			g.Strategy, g.Members, g.MaxQueueSize, g.QueueTimeout, g.RingTimeout = ringside.RoundRobin, nil, 2000, 100000, 5
			for _, n := range numbers {
				g.Members = append(g.Members, ringside.Member{Number: n})
			}
		})
		doc.Rules[0].Action = ringside.RouteToQueue
		s := newSite(t, office(t, doc), p)
		defer s.close()
		for i := range 1000 {
			_, leave := s.call(fmt.Sprintf("%04d", i), "500")
			if i%10 == 3 {
				time.AfterFunc(time.Duration(i)*time.Second, leave)
			}
			if i%50 == 0 {
				time.Sleep(time.Second)
			} else {
				synctest.Wait() // one after the other, so that the order of arrival is known
			}
		}
		s.serving.Wait()
		for n, phone := range p {
			if phone.Together() > 1 {
				t.Errorf("%s had %d calls at once", n, phone.Together())
			}
		}
		all := s.journal.calls()
		if len(all) != 1000 {
			t.Fatalf("%d records of 1000 calls", len(all))
		}
		assertServedInOrder(t, all)
	})
}

// assertServedInOrder checks that nobody was first rung for before somebody who was waiting earlier.
func assertServedInOrder(t *testing.T, all []ringside.Call) {
	t.Helper()
	first := make(map[string]time.Time, len(all))
	gone := map[string]time.Time{}
	for _, r := range all {
		for _, leg := range r.Legs {
			if leg.Kind == ringside.LegDial {
				first[r.Caller] = leg.Start
				break
			}
		}
		gone[r.Caller] = r.End
	}
	for i := range len(all) {
		for _, j := range []int{i + 1, i + 2, i + 17, i + 200} {
			a, b := fmt.Sprintf("%04d", i), fmt.Sprintf("%04d", j)
			at, ok := first[b]
			if !ok || gone[a].Before(at) {
				continue
			}
			if served, ok := first[a]; !ok || served.After(at) {
				t.Errorf("%s was served at %s, before %s, who had waited longer", b, at.Format(time.TimeOnly), a)
			}
		}
	}
}

func TestCallerLeavesWhileItRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := map[string]*channeltest.Phone{"101": {}}
		s := newSite(t, office(t, sales(nil)), p)
		defer s.close()
		_, leave := s.call("a", "500")
		time.Sleep(3 * time.Second)
		leave()
		s.serving.Wait()
		r := s.record(1)
		if r.Status != ringside.StatusAbandoned || r.Disposition != ringside.EndAbandoned || r.Duration != 3 {
			t.Errorf("recorded %s, %s, %d s", r.Status, r.Disposition, r.Duration)
		}
		if p["101"].Stopped() != 1 {
			t.Error("101 still rings")
		}
	})
}

func TestCallerWhoHangsUpAfterTalkingWasAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := phones("101")
		p["101"].Talk = 0
		s := newSite(t, office(t, sales(nil)), p)
		defer s.close()
		_, leave := s.call("a", "500")
		time.Sleep(12 * time.Second)
		leave()
		s.serving.Wait()
		if r := s.record(1); r.Status != ringside.StatusAnswered || r.Disposition != ringside.EndTalked || r.Duration != 10 {
			t.Errorf("recorded %s, %s, %d s", r.Status, r.Disposition, r.Duration)
		}
	})
}

func TestPanicInAFrontEndStillYieldsARecord(t *testing.T) {
	for _, method := range []string{"tell", "dial", "hangup", "release"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := office(t, sales(nil))
				if method == "release" {
					dir = nil
				}
				s := newSite(t, dir, phones("101"))
				defer s.close()
				ch := &channeltest.Channel{PBX: s.pbx, Panic: method, Start: ringside.Offer{CallID: "1", Called: "500", At: time.Now()}}
				s.serve(ch)
				s.serving.Wait()
				if r := s.record(1); r.Disposition != ringside.EndFailed || r.Live() {
					t.Errorf("recorded %+v", r)
				}
				if method != "release" && !strings.HasSuffix(heard(ch), "release released") {
					t.Errorf("the call was not given back: %s", heard(ch))
				}
			})
		})
	}
}

func TestWithoutADirectoryCallsAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil, nil)
		defer s.close()
		ch, _ := s.call("a", "500")
		s.serving.Wait()
		if got := heard(ch); got != "release released" {
			t.Errorf("the PBX was told %q", got)
		}
		if r := s.record(1); r.Disposition != ringside.EndReleased {
			t.Errorf("recorded %s", r.Disposition)
		}
	})
}

func TestLostConnectionAndShutdownAreToldApart(t *testing.T) {
	cases := []struct {
		cause error
		want  ringside.Disposition
	}{
		{ringside.ErrConnectionLost, ringside.EndLost},
		{ErrStopping, ringside.EndInterrupted},
		{errors.New("out of paper"), ringside.EndFailed},
	}
	for _, c := range cases {
		t.Run(string(c.want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, office(t, sales(nil)), map[string]*channeltest.Phone{"101": {}})
				defer s.close()
				ctx, cancel := context.WithCancelCause(t.Context())
				ch := &channeltest.Channel{PBX: s.pbx, Start: ringside.Offer{CallID: "1", Called: "500", At: time.Now()}}
				s.serving.Go(func() { s.board.ServeCall(ctx, ch) })
				time.Sleep(time.Second)
				cancel(c.cause)
				s.serving.Wait()
				if r := s.record(1); r.Disposition != c.want || r.Status != ringside.StatusFailed {
					t.Errorf("recorded %s, %s", r.Status, r.Disposition)
				}
			})
		})
	}
}

func TestCallKeepsItsVersionOfTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := phones("102", "109")
		p["101"] = &channeltest.Phone{}
		s := newSite(t, office(t, sales(nil)), p)
		defer s.close()
		old, _ := s.call("a", "500")
		time.Sleep(time.Second)
		doc := sales(func(g *ringside.RingGroup) { g.Members = []ringside.Member{{Number: "109"}} })
		s.board.SetDirectory(office(t, doc))
		fresh, _ := s.call("b", "500")
		s.serving.Wait()
		if got, want := heard(old), "dial 101; dial 102; hangup 16"; got != want {
			t.Errorf("the call that had begun: %q, want %q", got, want)
		}
		if got, want := heard(fresh), "dial 109; hangup 16"; got != want {
			t.Errorf("the next call: %q, want %q", got, want)
		}
	})
}

func TestRoundRobinGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := office(t, sales(func(g *ringside.RingGroup) { g.Strategy = ringside.RoundRobin }))
		var turns []ringside.Turn
		var to []string
		for range 7 {
			s := newSite(t, nil, phones("101", "102", "103"))
			s.board = New(Options{Node: "test", Log: slog.New(slog.DiscardHandler), Recorder: s.journal, Turns: turns})
			s.board.SetDirectory(dir)
			s.call("a", "500")
			s.serving.Wait()
			to = append(to, s.record(1).RoutedTo)
			turns = append(turns, s.journal.turns...)
			s.close()
		}
		if got, want := strings.Join(to, " "), "101 102 103 101 102 103 101"; got != want {
			t.Errorf("over seven restarts: %s, want %s", got, want)
		}
	})
}

func TestStatusOnlyMovesForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := phones("101")
		s := newSite(t, office(t, sales(nil)), p)
		defer s.close()
		s.call("a", "500")
		time.Sleep(5 * time.Second)
		s.board.Answered("test-1", "103") // nobody rang 103
		s.board.Answered("test-1", "101") // twice
		s.board.Answered("test-9", "101") // no such call
		s.serving.Wait()
		s.board.Answered("test-1", "101") // too late
		if r := s.record(1); r.Status != ringside.StatusAnswered || r.RoutedTo != "101" || r.Duration != 30 {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestPanicWhileServingAQueueLeavesTheSwitchboardWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		s := newSite(t, nil, phones("101"))
		s.board = New(Options{Node: "test", Log: slog.New(slog.DiscardHandler), Recorder: s.journal, Random: func() uint64 {
			if broken.Load() {
				panic("no more numbers")
			}
			return 1
		}})
		s.pbx.Answered = s.board.Answered
		s.board.SetDirectory(office(t, sales(func(g *ringside.RingGroup) { g.Members = g.Members[:1]; g.QueueTimeout = 100 })))
		defer s.close()
		s.call("a", "500")
		time.Sleep(5 * time.Second)
		_, leave := s.call("b", "500") // waits
		time.Sleep(time.Second)
		broken.Store(true)
		time.Sleep(60 * time.Second) // the first call ends, and b can't be served
		broken.Store(false)
		if n := len(s.board.Waiting()); n != 1 {
			t.Errorf("%d callers wait", n)
		}
		leave()
		s.serving.Wait()
		if got := len(s.journal.calls()); got != 2 {
			t.Errorf("%d records", got)
		}
	})
}
