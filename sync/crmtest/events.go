package crmtest

import (
	"encoding/json"
	"net/http"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// maxEvents is how many events are kept.
const maxEvents = 1000

func (c *CRM) postEvents(w http.ResponseWriter, _ *http.Request, body []byte) {
	var b crmsync.EventBatch
	if err := json.Unmarshal(body, &b); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "the body is no batch of events: "+err.Error())
		return
	}
	c.mu.Lock()
	c.events = append(c.events, b.Events...)
	if more := len(c.events) - maxEvents; more > 0 {
		c.events = append([]crmsync.Event(nil), c.events[more:]...)
	}
	c.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
