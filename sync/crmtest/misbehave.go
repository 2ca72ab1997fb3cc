package crmtest

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// misbehave serves a request as the rules want it.
func (c *CRM) misbehave(w http.ResponseWriter, r *http.Request, well http.Handler) {
	path := strings.TrimPrefix(r.URL.Path, c.base)
	var broken *Rule
	for _, rule := range c.Misbehaviour() {
		if rule.Path != "*" && rule.Path != path || !rule.concerns(r.Method, path) || rand.Float64() >= rule.Chance {
			continue
		}
		switch {
		case rule.Kind == Latency:
			if !c.pause(r, rule.Latency) {
				return
			}
		case rule.Kind == WrongDate:
			w.Header().Set("Date", c.opt.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		case broken == nil:
			broken = &rule
		}
	}
	if broken == nil {
		well.ServeHTTP(w, r)
		return
	}
	c.breakDown(broken, w, r, well)
}

// concerns reports whether the kind means anything for a request.
func (r *Rule) concerns(method, path string) bool {
	switch r.Kind {
	case EmptyDirectory, DuplicateIDs, OlderVersion, BadZone:
		return method == http.MethodGet && path == crmsync.PathConfig
	case MissingResults, StrangerResults:
		return method == http.MethodPost && (path == crmsync.PathCalls || path == crmsync.PathCDRs || path == crmsync.PathChanges)
	case TakeAndDrop:
		return method == http.MethodPost
	}
	return true
}

func (c *CRM) breakDown(rule *Rule, w http.ResponseWriter, r *http.Request, well http.Handler) {
	switch rule.Kind {
	case EmptyDirectory, DuplicateIDs, OlderVersion, BadZone:
		wrongDirectory(rule.Kind, w, r, well)
		return
	case MissingResults, StrangerResults:
		wrongResults(rule.Kind, w, r, well)
		return
	case WrongTypes:
		wrongTypes(w, r, well)
		return
	case Truncated:
		truncated(w, r, well)
		return
	case Trickle:
		c.trickle(w, r, well)
		return
	case TakeAndDrop:
		well.ServeHTTP(newRecorder(), r)
		drop(w, false)
		return
	}
	// Whoever does not read a body does not notice that the sender has gone.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
	switch rule.Kind {
	case Hang:
		c.pause(r, 0)
		drop(w, false)
	case Reset:
		drop(w, true)
	case HTML:
		page(w)
	case GzipBomb:
		bomb(w)
	case Endless:
		c.endless(w, r)
	case Redirect:
		w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		refuse(w, http.StatusFound, "this is somewhere else now")
	default:
		c.status(rule, w)
	}
}

// status answers with a status, as the CRM itself would.
func (c *CRM) status(rule *Rule, w http.ResponseWriter) {
	if n := rule.RetryAfter; n >= 0 {
		after := strconv.Itoa(n)
		if rule.AsDate {
			after = c.opt.Now().Add(time.Duration(n) * time.Second).UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", after)
	}
	switch rule.Status {
	case http.StatusNoContent, http.StatusNotModified: // those have no body
		w.WriteHeader(rule.Status)
	default:
		refuse(w, rule.Status, "this CRM misbehaves: "+http.StatusText(rule.Status))
	}
}

// pause waits for d, or without end if it is 0; false when the request or the CRM has ended.
func (c *CRM) pause(r *http.Request, d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return true
	case <-r.Context().Done():
	case <-c.closing:
	}
	return false
}
