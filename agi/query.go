package agi

import (
	"net/url"
	"strings"
)

// query is a request's query as it was sent. It is read when it is asked, which spares a decision
// the table that net/url would make of it.
type query string

// Get gives the first value of a key; what can't be read is left out, as net/url's ParseQuery
// leaves it out.
func (q query) Get(key string) string {
	for part := range strings.SplitSeq(string(q), "&") {
		name, value, _ := strings.Cut(part, "=")
		if strings.Contains(part, ";") {
			continue
		}
		if name != key {
			if !strings.ContainsAny(name, "%+") {
				continue
			}
			if name, err := url.QueryUnescape(name); err != nil || name != key {
				continue
			}
		}
		if value, err := url.QueryUnescape(value); err == nil {
			return value
		}
	}
	return ""
}
