package crmtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	crmsync "github.com/ringside-pbx/ringside/sync"
)

// ParseRules reads rules such as
//
//	calls: 500 30%; config: latency 2s; *: hang 10%; calls: 429 retry-after=3; clear
//
// A rule is a path, a colon, and a kind or a status; rules are separated by semicolons or lines.
// retry-after=3 is sent in seconds, retry-after=date:3 as the date in three seconds. "clear" forgets
// what stands before it. Errors name the word that is wrong.
func ParseRules(text string) ([]Rule, error) {
	var rules []Rule
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		part = strings.TrimSpace(part)
		switch part {
		case "":
			continue
		case "clear":
			rules = nil
			continue
		}
		rule, err := parseRule(part)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseRule(text string) (Rule, error) {
	path, rest, found := strings.Cut(text, ":")
	path = strings.TrimSpace(path)
	switch {
	case !found:
		return Rule{}, fmt.Errorf("%q: a rule is a path, a colon and what goes wrong, such as calls: 500 30%%", text)
	case !slices.Contains(paths(), path):
		return Rule{}, fmt.Errorf("the path %q is none of %s", path, strings.Join(paths(), ", "))
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return Rule{}, fmt.Errorf("%q does not say what goes wrong", text)
	}
	r := Rule{Path: path, Chance: 1, RetryAfter: -1}
	if err := r.kind(words[0]); err != nil {
		return Rule{}, err
	}
	for _, word := range words[1:] {
		if err := r.word(word); err != nil {
			return Rule{}, err
		}
	}
	if r.Kind == Latency && r.Latency == 0 {
		return Rule{}, fmt.Errorf("%q: latency needs a duration, such as 2s", text)
	}
	return r, nil
}

func (r *Rule) kind(word string) error {
	if status, err := strconv.Atoi(word); err == nil {
		if status < 200 || status > 599 {
			return fmt.Errorf("the status %q is not from 200 to 599", word)
		}
		r.Kind, r.Status = Status, status
		return nil
	}
	if !slices.Contains(kinds(), word) {
		return fmt.Errorf("%q is no misbehaviour: use a status, or one of %s", word, strings.Join(kinds(), ", "))
	}
	r.Kind = Kind(word)
	return nil
}

// word reads what stands behind the kind.
func (r *Rule) word(word string) error {
	if percent, ok := strings.CutSuffix(word, "%"); ok {
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil || math.IsNaN(n) || n < 0 || n > 100 {
			return fmt.Errorf("the chance %q is not from 0%% to 100%%", word)
		}
		r.Chance = n / 100
		return nil
	}
	if after, ok := strings.CutPrefix(word, "retry-after="); ok && r.Kind == Status {
		seconds, date := strings.CutPrefix(after, "date:")
		n, err := strconv.Atoi(seconds)
		if err != nil || n < 0 || n > 1<<31-1 {
			return fmt.Errorf("%q: whole seconds are needed, such as retry-after=3 or retry-after=date:3", word)
		}
		r.RetryAfter, r.AsDate = n, date
		return nil
	}
	if r.Kind == Latency {
		d, err := time.ParseDuration(word)
		if err != nil || d <= 0 {
			return fmt.Errorf("the latency %q is no duration such as 2s", word)
		}
		r.Latency = d
		return nil
	}
	return fmt.Errorf("the word %q means nothing behind %s", word, r.Kind)
}

func paths() []string {
	return []string{
		"*", crmsync.PathConfig, crmsync.PathChanges, crmsync.PathContacts, crmsync.PathAnnotations, crmsync.PathCalls,
		crmsync.PathCallIDs, crmsync.PathCDRs, crmsync.PathEvents, crmsync.PathHeartbeat,
	}
}

func kinds() []string {
	var words []string
	for _, k := range []Kind{
		Latency, WrongDate, Hang, Reset, Truncated, HTML, GzipBomb, Endless, Trickle, WrongTypes, Redirect, TakeAndDrop,
		EmptyDirectory, DuplicateIDs, OlderVersion, BadZone, MissingResults, StrangerResults,
	} {
		words = append(words, string(k))
	}
	return words
}
