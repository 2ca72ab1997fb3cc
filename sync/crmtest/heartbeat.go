package crmtest

import (
	"encoding/json"
	"net/http"
	"time"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// Heartbeats are those of one node.
type Heartbeats struct {
	// Last is the newest one, Count how many have come.
	Last     crmsync.Heartbeat `json:"last"`
	Count    int               `json:"count"`
	Received time.Time         `json:"received"`
}

func (c *CRM) postHeartbeat(w http.ResponseWriter, _ *http.Request, body []byte) {
	var b crmsync.Heartbeat
	if err := json.Unmarshal(body, &b); err != nil || b.Node == "" {
		refuse(w, http.StatusUnprocessableEntity, "the body is no heartbeat with a node")
		return
	}
	c.mu.Lock()
	c.beats[b.Node] = Heartbeats{Last: b, Count: c.beats[b.Node].Count + 1, Received: c.opt.Now()}
	c.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
