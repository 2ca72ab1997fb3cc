package ami

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watched runs the comparisons with queues q0, q1, … of one member each, and calls the test with them.
func watched(t *testing.T, n int, every time.Duration, test func(t *testing.T, f *fakeManager, q *queues, models map[string]*model)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeManager(t)
		models := map[string]*model{}
		for i := range n {
			models[fmt.Sprintf("q%d", i)] = someQueue(fmt.Sprintf("q%d", i), 1)
		}
		f.queues(models)
		q := quiet()
		s := f.session(sink(q))
		if err := q.resync(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); q.run(ctx, every, func() *Session { return s }) }()
		f.forgetRequests()
		test(t, f, q, models)
		cancel()
		<-done
		s.Close()
		f.hangUp()
	})
}

func TestEachQueueIsComparedOnceInAWhile(t *testing.T) {
	watched(t, 500, 10*time.Minute, func(t *testing.T, f *fakeManager, q *queues, _ map[string]*model) {
		for range 10 {
			time.Sleep(12 * time.Second)
			synctest.Wait()
			got := f.requests()
			f.forgetRequests()
			if len(got) < 9 || len(got) > 11 {
				t.Fatalf("%d comparisons in 12 s, want 10", len(got))
			}
		}
		time.Sleep(8 * time.Minute)
		synctest.Wait()
		if f := q.figures; f.Checks < 990 || f.Checks > 1010 || f.Drift != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestDriftIsFoundAndCounted(t *testing.T) {
	watched(t, 3, time.Minute, func(t *testing.T, f *fakeManager, q *queues, models map[string]*model) {
		time.Sleep(time.Minute)
		f.mu.Lock()
		models["q1"].members[0].status = 2 // of which no event tells
		f.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if k, _ := q.one("q1"); q.figures.Drift != 1 || k.Members[0].State != "in_use" {
			t.Errorf("figures %+v, queue %+v", q.figures, k)
		}
	})
}

func TestAQueueThatDoesNotFitIsComparedSoonButNotOften(t *testing.T) {
	watched(t, 100, time.Hour, func(t *testing.T, f *fakeManager, q *queues, _ map[string]*model) {
		time.Sleep(time.Minute)
		f.forgetRequests()
		for range 300 { // a minute of events about somebody who is not there
			f.send("Event: QueueCallerLeave\nQueue: q7\nUniqueid: gone\nPosition: 1\nCount: 0")
			time.Sleep(200 * time.Millisecond)
		}
		synctest.Wait()
		n := strings.Count(strings.Join(f.requests(), "\n"), "Queue=q7")
		if n < 8 || n > 13 {
			t.Errorf("compared %d times in a minute", n)
		}
	})
}

func TestACountThatDoesNotFitIsNoticed(t *testing.T) {
	watched(t, 2, time.Hour, func(t *testing.T, f *fakeManager, q *queues, models map[string]*model) {
		time.Sleep(time.Minute)
		f.mu.Lock()
		m := models["q0"]
		m.callers = []string{"1.1", "1.2"}
		f.mu.Unlock()
		f.send(m.callerEvent("Join", "1.2", 2, "Count: 2")) // that of 1.1 was missed
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if k, _ := q.one("q0"); len(k.Callers) != 2 || k.Callers[1].ID != "1.2" {
			t.Errorf("callers %+v", k.Callers)
		}
	})
}

func TestQueuesThatAppearAreFound(t *testing.T) {
	for name, event := range map[string]string{
		"by a reload":     "Event: Reload\nPrivilege: system,all\nModule: app_queue\nStatus: 0",
		"by an event":     "Event: QueueMemberStatus\nQueue: new\nInterface: PJSIP/101\nStatus: 1",
		"after ten hours": "Event: VarSet\nVariable: x",
	} {
		t.Run(name, func(t *testing.T) {
			watched(t, 2, 10*time.Hour, func(t *testing.T, f *fakeManager, q *queues, models map[string]*model) {
				time.Sleep(time.Minute)
				f.mu.Lock()
				models["new"] = someQueue("new", 4)
				f.mu.Unlock()
				f.send(event)
				wait := 3 * time.Second
				if strings.Contains(event, "VarSet") {
					wait = 10 * time.Hour
				}
				time.Sleep(wait)
				synctest.Wait()
				if k, ok := q.one("new"); !ok || k.Stale || len(k.Members) != 4 {
					t.Errorf("queue %+v", k)
				}
			})
		})
	}
}

func TestStrangersAreAskedForSlowly(t *testing.T) {
	watched(t, 1, time.Hour, func(t *testing.T, f *fakeManager, q *queues, _ map[string]*model) {
		time.Sleep(time.Minute)
		f.forgetRequests()
		for i := range 1000 {
			f.send(fmt.Sprintf("Event: QueueMemberStatus\nQueue: forged%d\nInterface: PJSIP/101\nStatus: 1", i))
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := len(f.requests()); n > 22 || n < 18 {
			t.Errorf("%d requests in 20 s", n)
		}
		if all := q.snapshot(); len(all) != 1 {
			t.Errorf("%d queues", len(all))
		}
	})
}

// A7: a caller's number may hold a whole event. It is not taken; what it was cut out of is missing, so that
// all queues are looked at.
func TestAfterAForgedEventAllQueuesAreCompared(t *testing.T) {
	watched(t, 2, time.Hour, func(t *testing.T, f *fakeManager, q *queues, _ map[string]*model) {
		time.Sleep(time.Minute)
		f.forgetRequests()
		f.write("Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDNum: 100\r\n\r\n" +
			"Event: QueueMemberRemoved\r\nQueue: q1\r\nInterface: PJSIP/101\r\n\r\n" +
			"Y: z\r\nCallerIDName: Anna\r\nUniqueid: 1.1\r\n\r\n")
		synctest.Wait()
		if k, _ := q.one("q1"); len(k.Members) != 1 {
			t.Fatalf("queue %+v", k)
		}
		q.forged(time.Now())
		q.forged(time.Now())
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if n := len(f.requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWithoutAConnectionNothingIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		q := quiet()
		q.add(newQueue("support"))
		go q.run(ctx, time.Minute, func() *Session { return nil })
		time.Sleep(time.Hour)
		synctest.Wait()
		if k, _ := q.one("support"); !k.Stale || q.figures.Checks != 0 {
			t.Errorf("queue %+v, figures %+v", k, q.figures)
		}
	})
}
