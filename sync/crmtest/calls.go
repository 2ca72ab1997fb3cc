package crmtest

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// calls is what is kept of calls.
type calls struct {
	byID map[string]*call
	keys map[string]tally
	// order is every call by its beginning; nil when calls have come since.
	order []*call
}

// call is a call in its newest revision.
type call struct {
	id       string
	node     string
	revision int
	start    time.Time
	record   []byte
}

// tally counts what became of a delivery key.
type tally struct{ arrived, effects int }

func newCalls() calls { return calls{byID: map[string]*call{}, keys: map[string]tally{}} }

func (c *CRM) postCalls(w http.ResponseWriter, _ *http.Request, body []byte) {
	c.takeBatch(w, body, "call", c.takeCall)
}

// takeCall judges one item, and keeps it. Mutex held.
func (c *CRM) takeCall(node string, it batchItem) crmsync.Result {
	n, code, reason := readCall(it)
	if n != nil && c.reject != nil {
		if saidCode, said, refused := c.reject(n.id); refused {
			n, code, reason = nil, saidCode, said
		}
	}
	if n == nil {
		c.calls.arrive(it.key)
		c.journal.put(&entry{Kind: entryAgain, Key: it.key})
		return malformed(it.key, code, reason)
	}
	n.node = node
	if !c.calls.put(it.key, n) {
		c.journal.put(&entry{Kind: entryAgain, Key: it.key})
		return crmsync.Result{Key: it.key, Status: crmsync.Duplicate}
	}
	c.journal.put(&entry{Kind: entryCall, Key: it.key, Node: node, Record: n.record})
	return crmsync.Result{Key: it.key, Status: crmsync.Accepted}
}

// readCall reads of a record what the CRM goes by; nil with the reason for one that is none.
func readCall(it batchItem) (n *call, code, reason string) {
	n = &call{}
	revision, start := "", ""
	object := eachField(it.record, func(key string, value []byte) {
		switch key {
		case "session_id":
			n.id = text(value)
		case "revision":
			revision = string(value)
		case "start_time":
			start = text(value)
		}
	})
	var errRevision, errStart error
	n.revision, errRevision = strconv.Atoi(revision)
	n.start, errStart = time.Parse(time.RFC3339Nano, start)
	switch {
	case it.record == nil:
		return nil, "missing-record", "there is no record"
	case !object:
		return nil, "bad-record", "the record is no object"
	case n.id == "" || len(n.id) > ringside.MaxCallID:
		return nil, "bad-record", "session_id is missing, or longer than 100 bytes"
	case errRevision != nil || n.revision < 1:
		return nil, "bad-record", "revision must be a whole number from 1"
	case errStart != nil:
		return nil, "bad-record", "start_time must be a time (RFC 3339)"
	case it.key != ringside.DeliveryKey(n.id, n.revision):
		return nil, "bad-key", "the key is not session_id/revision of the record"
	}
	n.record = bytes.Clone(it.record) // the batch goes
	return n, "", ""
}

// arrive counts a key that had no effect.
func (l *calls) arrive(key string) {
	t := l.keys[key]
	t.arrived++
	l.keys[key] = t
}

// put keeps a call; false if the key was there before, or a newer revision is.
func (l *calls) put(key string, n *call) bool {
	t := l.keys[key]
	t.arrived++
	old := l.byID[n.id]
	fresh := t.effects == 0 && (old == nil || old.revision < n.revision)
	if fresh {
		t.effects++
		l.byID[n.id] = n
		l.order = nil
	}
	l.keys[key] = t
	return fresh
}
