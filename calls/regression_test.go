package calls

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// leaver leaves in the moment in which the decision is announced.
type leaver struct {
	*channeltest.Channel
	panics bool
}

func (l *leaver) Tell(context.Context, string, *ringside.Decision) error {
	if l.panics {
		panic("broken")
	}
	return ringside.ErrCallerGone
}

func testGhost(t *testing.T, panics bool) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), map[string]*channeltest.Phone{
			"101": {Answers: time.Second, Talk: 20 * time.Second}, "102": {Answers: time.Second, Talk: 20 * time.Second},
			"103": {Answers: time.Second, Talk: 20 * time.Second},
		})
		for range 3 {
			s.call("1", "500")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		ch := &leaver{Channel: &channeltest.Channel{PBX: s.pbx, Start: ringside.Offer{CallID: "ghost", Called: "500", At: time.Now()}}, panics: panics}
		s.serving.Go(func() { s.board.ServeCall(t.Context(), ch) })
		time.Sleep(time.Minute)
		s.close()
	})
}

// A caller who is gone before they come to stand in the queue leaves no ghost there.
func TestCallerWhoIsGoneBeforeTheQueueLeavesNoGhost(t *testing.T) {
	t.Run("by hanging up", func(t *testing.T) { testGhost(t, false) })
	t.Run("by a panic", func(t *testing.T) { testGhost(t, true) })
}

// One place in the queue, three free members, everybody through the queue: the second caller is
// turned away though nobody waits and two members are free.
func TestCallersWhoAreBeingRungForDoNotFillTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := sales(func(g *ringside.RingGroup) { g.MaxQueueSize = 1 })
		doc.Rules[0].Action = ringside.RouteToQueue
		s := newSite(t, office(t, doc), map[string]*channeltest.Phone{
			"101": {Answers: 10 * time.Second, Talk: 20 * time.Second}, "102": {Answers: time.Second, Talk: 20 * time.Second},
			"103": {Answers: time.Second, Talk: 20 * time.Second},
		})
		s.call("1", "500")
		time.Sleep(time.Second)
		s.call("2", "500")
		time.Sleep(3 * time.Minute)
		s.close()
		if r := s.record(2); r.Status != ringside.StatusAnswered {
			t.Errorf("second caller: %s %s %+v", r.Status, r.Disposition, r.Trace)
		}
	})
}

// A tracked decision on a call that ringside itself is serving (a phone that forwards into the dialplan: same LINKEDID).
func TestDecisionOnACallThatIsServedHoldsNobodyForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(nil)), map[string]*channeltest.Phone{
			"101": {Answers: 10 * time.Second, Talk: 20 * time.Second},
		})
		s.call("1", "500")
		time.Sleep(time.Second)
		o := ringside.Offer{CallID: "1", Channel: "Local/x", Endpoint: "x", Called: "500", At: time.Now()}
		s.board.Decide(o, ringside.Handover{Tracked: true})
		time.Sleep(5 * time.Second)
		s.board.Finish(o, ringside.Facts{Status: ringside.DialNoAnswer})
		time.Sleep(time.Minute)
		s.board.Finish(o, ringside.Facts{Status: ringside.DialNoAnswer})
		time.Sleep(9 * time.Hour)
		s.close()
	})
}

// The end of a tracked call is reported while it is decided on again.
func TestEndReportedWhileItIsDecidedAgainLeaksNothing(t *testing.T) {
	dir := office(t, sales(nil))
	leaked := 0
	for range 2000 {
		s := newSite(t, dir, nil)
		o := ringside.Offer{CallID: "1", Endpoint: "trunk", Called: "500", At: time.Now()}
		s.board.Decide(o, ringside.Handover{Tracked: true})
		var wg sync.WaitGroup
		start := make(chan struct{})
		wg.Go(func() { <-start; s.board.Decide(o, ringside.Handover{Tracked: true}) })
		wg.Go(func() { <-start; s.board.Finish(o, ringside.Facts{Status: ringside.DialNoAnswer}) })
		close(start)
		wg.Wait()
		s.board.Finish(o, ringside.Facts{Status: ringside.DialNoAnswer})
		s.board.mu.Lock()
		if len(s.board.live) == 0 {
			for _, l := range s.board.lines {
				leaked += l.ringing + l.talking
			}
		}
		s.board.mu.Unlock()
		s.board.Close()
	}
	if leaked > 0 {
		t.Errorf("%d reservations of no call", leaked)
	}
}

// slow lets an attempt end three seconds late.
type slow struct {
	*channeltest.Channel
	n int
}

func (l *slow) Dial(ctx context.Context, req ringside.DialRequest) (ringside.DialResult, error) {
	l.n++
	if l.n == 1 {
		time.Sleep(req.Ring + 3*time.Second)
		return ringside.DialResult{Status: ringside.DialNoAnswer}, nil
	}
	return l.Channel.Dial(ctx, req)
}

func TestLateNoAnswerKeepsThePlaceInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := sales(func(g *ringside.RingGroup) { g.QueueTimeout = 300 })
		doc.Rules[0].Action = ringside.RouteToQueue
		s := newSite(t, office(t, doc), map[string]*channeltest.Phone{
			"101": {Answers: time.Second, Talk: 20 * time.Second}, "102": {Answers: time.Second, Talk: 20 * time.Second},
			"103": {Answers: time.Second, Talk: 20 * time.Second},
		})
		ch := &slow{Channel: &channeltest.Channel{PBX: s.pbx, Start: ringside.Offer{CallID: "1", Called: "500", At: time.Now()}}}
		s.serving.Go(func() { s.board.ServeCall(t.Context(), ch) })
		time.Sleep(10 * time.Minute)
		s.close()
		r := s.record(1)
		if r.Disposition != ringside.EndTalked {
			t.Errorf("%s %s", r.Status, r.Disposition)
		}
	})
}

// Nobody answered, although the attempt lasted longer than its ring time.
func TestLateNoAnswerIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, ringside.Directory{}), map[string]*channeltest.Phone{})
		ch := &slow{Channel: &channeltest.Channel{PBX: s.pbx, Start: ringside.Offer{CallID: "1", Endpoint: "102", Called: "101", At: time.Now()}}}
		s.serving.Go(func() { s.board.ServeCall(t.Context(), ch) })
		time.Sleep(10 * time.Minute)
		s.close()
		r := s.record(1)
		if r.Status == ringside.StatusAnswered {
			t.Errorf("nobody answered: %s %s answer %s", r.Status, r.Disposition, r.Answer)
		}
	})
}

// A queue's callers time out while other events look for somebody to serve (for the race detector).
func TestQueueTimesOutWhileOthersLookAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, office(t, sales(func(g *ringside.RingGroup) { g.QueueTimeout = 1; g.MaxQueueSize = 100 })), nil)
		for id := range 3 {
			s.board.Decide(s.offer(1000+id, "500"), tracked)
		}
		for range 20 {
			s.call("1", "500")
		}
		var looking sync.WaitGroup
		looking.Go(func() {
			for range 2000 {
				s.board.mu.Lock()
				s.board.dispatch(time.Now())
				s.board.mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
		looking.Wait()
		s.serving.Wait()
		for id := range 3 {
			s.board.Finish(s.offer(1000+id, "500"), ringside.Facts{})
		}
		s.close()
	})
}
