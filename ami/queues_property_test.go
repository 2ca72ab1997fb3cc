package ami

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

// bare is a queue without what only says when it was seen.
func bareQueue(t *testing.T, q *queues, name string) ringside.PBXQueue {
	t.Helper()
	k, ok := q.one(name)
	if !ok {
		t.Fatalf("there is no queue %s", name)
	}
	k.Checked, k.Changed = time.Time{}, time.Time{}
	for i := range k.Callers {
		k.Callers[i].Since = time.Time{}
	}
	return k
}

func quiet() *queues { return newQueues(func(device string) string { return "n:" + device }) }

// Whatever happens: what events make of a queue is what Asterisk would list.
func TestQueueEventsGiveWhatAListWould(t *testing.T) {
	now := time.Unix(1795548773, 0)
	for seed := range uint64(60) {
		m := &model{name: "support", level: 20, r: rand.New(rand.NewPCG(seed, 1))}
		q := quiet()
		learn(q, m, now)
		for step := range 300 {
			text := m.step()
			play(q, text, now)
			if step%10 != 0 {
				continue
			}
			fresh := quiet()
			learn(fresh, m, now)
			if got, want := bareQueue(t, q, m.name), bareQueue(t, fresh, m.name); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, step %d:\n%s\ngot  %+v\nwant %+v", seed, step, text, got, want)
			}
		}
		if f := q.figures; f.Doubts > 0 {
			t.Fatalf("seed %d: %d events did not fit", seed, f.Doubts)
		}
		checkTotals(t, q)
	}
}

// Events that a list has overtaken leave the same members and callers once they have come.
func TestQueueEventsMayComeAgain(t *testing.T) {
	now := time.Unix(1795548773, 0)
	for seed := range uint64(60) {
		m := &model{name: "support", level: 20, r: rand.New(rand.NewPCG(seed, 2))}
		q := quiet()
		var late []string
		for range 100 {
			late = append(late, m.step())
		}
		learn(q, m, now)
		for _, text := range late[60:] {
			play(q, text, now)
		}
		fresh := quiet()
		learn(fresh, m, now)
		got, want := bareQueue(t, q, m.name), bareQueue(t, fresh, m.name)
		if !reflect.DeepEqual(got.Members, want.Members) {
			t.Fatalf("seed %d:\ngot  %+v\nwant %+v", seed, got.Members, want.Members)
		}
		ids := map[string]bool{}
		for _, c := range want.Callers {
			ids[c.ID] = true
		}
		for _, c := range got.Callers {
			if !ids[c.ID] {
				t.Fatalf("seed %d: %s does not wait", seed, c.ID)
			}
		}
		if len(got.Callers) != len(want.Callers) {
			t.Fatalf("seed %d: %d callers, want %d", seed, len(got.Callers), len(want.Callers))
		}
		checkTotals(t, q)
	}
}

func checkTotals(t testing.TB, q *queues) {
	t.Helper()
	members, callers, doubted := 0, 0, 0
	for _, k := range q.order {
		members += len(k.members)
		callers += len(k.callers)
		if !k.again.IsZero() {
			doubted++
		}
		if q.all[k.about.Name] != k {
			t.Fatalf("%s is not where it is looked for", k.about.Name)
		}
	}
	if members != q.members || callers != q.callers || len(q.order) != len(q.all) || doubted != q.plan.doubted {
		t.Fatalf("counted %d members, %d callers, %d queues, %d doubts; there are %d, %d, %d, %d", q.members, q.callers,
			len(q.order), q.plan.doubted, members, callers, len(q.all), doubted)
	}
}

func FuzzQueueEvents(f *testing.F) {
	m := &model{name: "support", level: 20, r: rand.New(rand.NewPCG(1, 3))}
	for range 40 {
		if text := m.step(); text != "" {
			f.Add(wire(text, ""))
		}
	}
	for _, item := range m.listOf() {
		f.Add(wire(item, ""))
	}
	f.Add("Event: QueueCallerJoin\r\nQueue: support\r\nUniqueid: 1\r\nPosition: -5\r\nCount: 99999999999\r\n\r\n")
	f.Add("Y: z\r\n\r\nEvent: Reload\r\nModule: app_queue\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		q := quiet()
		now := time.Unix(1795548773, 0)
		for i := range 3 {
			learn(q, m, now)
			digestAll(q, text, now)
			d := &queueDraft{}
			q.item(d, ParseMessage(text), now)
			q.item(d, ParseMessage(text), now)
			now = now.Add(time.Duration(i) * time.Second)
			_, _ = q.turn(now, time.Minute)
			_ = q.pause(now, time.Minute)
		}
		checkTotals(t, q)
		for _, k := range q.snapshot() {
			for i, c := range k.Callers {
				if c.Position != i+1 || len(c.ID) > maxText || len(c.Number) > maxText {
					t.Fatalf("caller %+v", c)
				}
			}
		}
		if len(q.strange) > maxStrange {
			t.Fatalf("%d strangers", len(q.strange))
		}
	})
}
