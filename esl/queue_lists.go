package esl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
)

// queueLists are what mod_callcenter prints of all it has.
type queueLists struct {
	queues, agents, tiers []map[string]string
	callers               map[string][]map[string]string // by queue
}

// ask compares the queues with mod_callcenter. Where it is not loaded there are none.
func (q *queues) ask(ctx context.Context, run api) error {
	q.mu.Lock()
	q.touched = map[string]struct{}{}
	q.mu.Unlock()
	lists, err := askQueues(ctx, run)
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.touched = nil }()
	switch {
	case errors.Is(err, ringside.ErrRefused):
		q.forget()
		return nil
	case err != nil:
		return fmt.Errorf("asking for queues: %w", err)
	}
	q.take(lists, time.Now())
	return nil
}

func askQueues(ctx context.Context, run api) (lists queueLists, err error) {
	for _, list := range []struct {
		of, free string
		rows     *[]map[string]string
	}{
		{"queue", "moh_sound", &lists.queues}, {"agent", "contact", &lists.agents}, {"tier", "", &lists.tiers},
	} {
		printed, err := run(ctx, "callcenter_config", list.of, "list")
		if err != nil {
			return lists, err
		}
		*list.rows = readTable(printed, list.free)
	}
	lists.callers = map[string][]map[string]string{}
	for _, row := range lists.queues[:min(len(lists.queues), maxQueues)] {
		if !queueWord(row["name"]) {
			continue
		}
		printed, err := run(ctx, "callcenter_config", "queue", "list", "members", row["name"])
		if err != nil {
			return lists, err
		}
		lists.callers[row["name"]] = readTable(printed, "cid_name")
	}
	return lists, nil
}

// take puts lists in the place of what is known, but for what events have told of meanwhile. Mutex held.
func (q *queues) take(lists queueLists, now time.Time) {
	q.checked, q.stale = now, false
	all := map[string]*queue{}
	for _, row := range lists.queues {
		k := &queue{
			name: row["name"], strategy: row["strategy"],
			completed: count(row["calls_answered"]), abandoned: count(row["calls_abandoned"]),
		}
		if k.name == "" || len(all) >= maxQueues {
			continue
		}
		if old := q.all[k.name]; old != nil {
			k.changed = old.changed
			if q.isTouched("queue", k.name) {
				k.completed, k.abandoned = max(k.completed, old.completed), max(k.abandoned, old.abandoned)
			}
		}
		all[k.name] = k
	}
	q.all = all
	q.takeAgents(lists.agents)
	q.tiers = nil
	for _, row := range lists.tiers {
		if t := (tier{row["queue"], row["agent"], count(row["level"]), count(row["position"])}); all[t.queue] != nil && t.agent != "" {
			q.tiers = append(q.tiers, t)
		}
	}
	q.takeCallers(lists.callers)
}

func (q *queues) takeAgents(rows []map[string]string) {
	agents := map[string]*agent{}
	for name, a := range q.agents {
		if q.isTouched("agent", name) {
			agents[name] = a
		}
	}
	for _, row := range rows {
		a := &agent{
			name: row["name"], contact: row["contact"], status: row["status"], state: row["state"], since: epoch(row["last_status_change"]),
			taken: count(row["calls_answered"]), lastCall: epoch(row["last_bridge_end"]), wrapUp: count(row["wrap_up_time"]),
		}
		if known := agents[a.name]; known != nil {
			known.contact, known.wrapUp = a.contact, a.wrapUp
			continue
		}
		if a.name != "" && len(agents) < maxAgents {
			agents[a.name] = a
		}
	}
	q.agents = agents
}

func (q *queues) takeCallers(lists map[string][]map[string]string) {
	callers := map[string]*caller{}
	for id, c := range q.callers {
		if q.isTouched("caller", id) {
			callers[id] = c
		}
	}
	for name, rows := range lists {
		for _, row := range rows {
			id := row["uuid"]
			if id == "" || row["state"] != "Waiting" && row["state"] != "Trying" || q.isTouched("caller", id) || len(callers) >= maxWaiting {
				continue
			}
			c := &caller{id: id, queue: name, number: row["cid_number"], name: row["cid_name"], since: epoch(row["joined_epoch"])}
			if channelID(row["session_uuid"]) {
				c.session = row["session_uuid"]
			}
			c.rank = c.since.Add(-time.Duration(count(row["base_score"])+count(row["skill_score"])) * time.Second)
			if old := q.callers[id]; old != nil {
				c.channel = old.channel
				if old.since.Sub(c.since).Abs() < 2*time.Second {
					c.since = old.since // a list knows whole seconds only
				}
			}
			callers[id] = c
		}
	}
	q.callers = callers
}
