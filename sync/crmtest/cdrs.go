package crmtest

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

// cdrs are those of one delivery key.
type cdrs struct {
	count  int
	record []byte
}

func (c *CRM) postCDRs(w http.ResponseWriter, _ *http.Request, body []byte) {
	c.takeBatch(w, body, "cdrs", c.takeCDRs)
}

// takeCDRs judges one item, and keeps it. Mutex held.
func (c *CRM) takeCDRs(node string, it batchItem) crmsync.Result {
	n, code, reason := readCDRs(it)
	if code != "" {
		return malformed(it.key, code, reason)
	}
	if _, known := c.cdrs[it.key]; known {
		return crmsync.Result{Key: it.key, Status: crmsync.Duplicate}
	}
	c.cdrs[it.key] = n
	c.journal.put(&entry{Kind: entryCDRs, Key: it.key, Node: node, Record: n.record})
	return crmsync.Result{Key: it.key, Status: crmsync.Accepted}
}

// readCDRs makes sure that all records are of the key's call.
func readCDRs(it batchItem) (n cdrs, code, reason string) {
	if it.record == nil {
		return n, "missing-record", "there are no CDRs"
	}
	list := eachItem(it.record, func(one []byte) {
		id, revision, sequence := "", "", ""
		eachField(one, func(key string, value []byte) {
			switch key {
			case "session_id":
				id = text(value)
			case "revision":
				revision = string(value)
			case "sequence":
				sequence = string(value)
			}
		})
		n.count++
		number, err := strconv.Atoi(revision)
		switch {
		case id == "" || err != nil:
			code, reason = "bad-record", "session_id or revision is missing or malformed"
		case it.key != ringside.DeliveryKey(id, number):
			code, reason = "bad-key", "the key is not session_id/revision of every CDR"
		case sequence != strconv.Itoa(n.count):
			code, reason = "bad-record", "sequence must count the CDRs from 1"
		}
	})
	if !list {
		return n, "bad-record", "cdrs is no list"
	}
	n.record = bytes.Clone(it.record)
	return n, code, reason
}
