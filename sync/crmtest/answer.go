package crmtest

import (
	"encoding/json"
	"net/http"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

func refuse(w http.ResponseWriter, status int, why string) {
	answer(w, status, crmsync.ErrorBody{Error: why})
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// settled answers once everything that the answer stands for is in the data file.
func (c *CRM) settled(w http.ResponseWriter, v any) {
	if err := c.journal.flush(); err != nil {
		refuse(w, http.StatusServiceUnavailable, "what was sent could not be written down: "+err.Error())
		return
	}
	if v == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, v)
}
