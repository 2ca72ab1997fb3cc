package crmtest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRulesAreReadAndWrittenAlike(t *testing.T) {
	rules, err := ParseRules("calls: html; clear; calls: 500 30%; config: latency 2s\n*: hang 10%;; calls/ids:429 retry-after=3; cdrs: 503 retry-after=date:4 0.5%; ")
	want := "[calls: 500 30% config: latency 2s *: hang 10% calls/ids: 429 retry-after=3 cdrs: 503 retry-after=date:4 0.5%]"
	if got := fmt.Sprint(rules); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	if rules[1].Latency != 2*time.Second || rules[0].Chance != 0.3 || rules[4].RetryAfter != 4 || !rules[4].AsDate {
		t.Errorf("%+v", rules)
	}
	for _, kind := range kinds()[1:] {
		if rules, err := ParseRules("*: " + kind); err != nil || len(rules) != 1 || string(rules[0].Kind) != kind || rules[0].Chance != 1 {
			t.Errorf("%s: %v, %v", kind, rules, err)
		}
	}
}

func TestErrorsOfRulesNameTheWord(t *testing.T) {
	for text, want := range map[string]string{
		"500":                       `"500": a rule is a path, a colon`,
		"call: 500":                 `the path "call" is none of *, config,`,
		"calls:":                    `"calls:" does not say what goes wrong`,
		"calls: 500; cdrs: hangs":   `"hangs" is no misbehaviour`,
		"calls: 99":                 `the status "99" is not from 200 to 599`,
		"calls: 500 130%":           `the chance "130%" is not from 0% to 100%`,
		"calls: 500 NaN%":           `the chance "NaN%"`,
		"calls: 500 often":          `the word "often" means nothing behind status`,
		"calls: hang retry-after=3": `the word "retry-after=3" means nothing behind hang`,
		"calls: 429 retry-after=x":  `"retry-after=x": whole seconds are needed`,
		"config: latency":           `"config: latency": latency needs a duration`,
		"config: latency long":      `the latency "long" is no duration`,
	} {
		if _, err := ParseRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("calls: 500 30%; config: latency 2s; *: hang 10%; calls: 429 retry-after=date:3; clear")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := ParseRules(text)
		if err != nil {
			return
		}
		for _, r := range rules {
			again, err := ParseRules(r.String())
			if err != nil || len(again) != 1 || again[0].String() != r.String() {
				t.Errorf("%s is read as %v, %v", r, again, err)
			}
		}
	})
}
