package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

func TestQueuesAreShownWithTheirAge(t *testing.T) {
	now := time.Now()
	all := []ringside.PBXQueue{{
		Name: "support", Completed: 30, Abandoned: 10, ServiceLevel: 20, ServiceLevelPerf: 75, HoldTime: 12, TalkTime: 65, Checked: now.Add(-90 * time.Second),
		Members: []ringside.PBXQueueMember{
			{Name: "Anna", Interface: "PJSIP/101", State: ringside.DeviceIdle, CallsTaken: 1},
			{Name: "PJSIP/102", Interface: "PJSIP/102", State: ringside.DeviceIdle, Paused: true, PausedReason: "обед", PausedSince: now.Add(-5 * time.Minute)},
			{Name: "x\x1b[31m", Interface: "PJSIP/103", State: ringside.DeviceInUse, InCall: true, Penalty: 2},
		},
		Callers: []ringside.PBXQueueCaller{{Position: 1, Number: "+79001234567", Since: now.Add(-75 * time.Second)}},
	}, {Name: "sales", Stale: true, Checked: now.Add(-time.Hour)}}
	var b strings.Builder
	printQueues(&b, all, now)
	for _, want := range []string{
		"support                    1     1:15     1     1       1       3     30  10 (25 %) 75 % 20s  0:12  1:05  1 min 30 s ago",
		"    PJSIP/101 Anna                 idle                     1 call taken, penalty 0",
		"    PJSIP/102                      paused обед for 5 min    0 calls taken, penalty 0",
		"     1. +79001234567               waits for 1 min 15 s",
		"STALE: the PBX can't be asked, this is 1 h old",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no line\n%s\nin\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("a member's name steers the terminal")
	}
}
