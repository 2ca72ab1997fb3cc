package crmtest

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rule is one way to misbehave.
type Rule struct {
	// Path is the part of the contract, such as "calls"; "*" is all of it.
	Path string
	Kind Kind
	// Chance is how probable it is, from 0 to 1.
	Chance float64
	// Latency is how long an answer takes more, for the kind Latency.
	Latency time.Duration
	// Status and RetryAfter are for the kind Status. RetryAfter is sent in seconds or, with AsDate,
	// as the date that it makes; below zero it is not sent.
	Status     int
	RetryAfter int
	AsDate     bool
}

// Kind is what goes wrong.
type Kind string

// The kinds of misbehaviour.
const (
	Latency         Kind = "latency"          // the answer takes longer
	WrongDate       Kind = "wrong-date"       // the Date header is an hour ahead
	Status          Kind = "status"           // a status with an error in JSON
	Hang            Kind = "hang"             // no answer at all
	Reset           Kind = "reset"            // the connection is reset
	Truncated       Kind = "truncated"        // half of the answer
	HTML            Kind = "html"             // a page in place of the answer, with 200
	GzipBomb        Kind = "gzip-bomb"        // a small body that decompresses to a gigabyte
	Endless         Kind = "endless"          // an answer without an end
	Trickle         Kind = "trickle"          // the answer, one byte after the other
	WrongTypes      Kind = "wrong-types"      // every value of the answer has another type
	Redirect        Kind = "redirect"         // 302 to a path that is none of the contract's
	TakeAndDrop     Kind = "take-and-drop"    // what was sent is kept, and the connection dropped
	EmptyDirectory  Kind = "empty-directory"  // GET config: nothing in it
	DuplicateIDs    Kind = "duplicate-ids"    // GET config: the first of each list stands there twice
	OlderVersion    Kind = "older-version"    // GET config: version 0
	BadZone         Kind = "bad-zone"         // GET config: a time zone that does not exist
	MissingResults  Kind = "missing-results"  // batches: half of the results are not told
	StrangerResults Kind = "stranger-results" // batches: refusals of keys that nobody sent, too
)

// String gives the rule as ParseRules reads it.
func (r Rule) String() string {
	words := []string{r.Path + ":", string(r.Kind)}
	switch r.Kind {
	case Status:
		words[1] = strconv.Itoa(r.Status)
		if r.RetryAfter >= 0 {
			form := ""
			if r.AsDate {
				form = "date:"
			}
			words = append(words, "retry-after="+form+strconv.Itoa(r.RetryAfter))
		}
	case Latency:
		words = append(words, r.Latency.String())
	}
	if r.Chance < 1 {
		words = append(words, strconv.FormatFloat(100*r.Chance, 'f', -1, 64)+"%")
	}
	return strings.Join(words, " ")
}

// ruleBook holds the rules in force.
type ruleBook struct {
	mu    sync.Mutex
	rules []Rule
}

// Misbehave puts rules in force in place of those before; without any, everything is well again. Of
// the rules that fit a request, the first whose chance comes is carried out, but for latency and
// wrong-date, which come on top.
func (c *CRM) Misbehave(rules ...Rule) {
	c.rules.mu.Lock()
	defer c.rules.mu.Unlock()
	c.rules.rules = append([]Rule(nil), rules...)
}

// Misbehaviour gives the rules in force.
func (c *CRM) Misbehaviour() []Rule {
	c.rules.mu.Lock()
	defer c.rules.mu.Unlock()
	return append([]Rule(nil), c.rules.rules...)
}
