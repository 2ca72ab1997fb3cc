package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	crmsync "github.com/ringside-pbx/ringside/sync"
)

func TestTheLinkIsToldInWords(t *testing.T) {
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	ok := crmsync.StreamStatus{Name: "directory", LastSuccess: ago(2 * time.Second)}
	edits := crmsync.StreamStatus{Name: "edits", Trouble: crmsync.Busy, Since: ago(90 * time.Minute), Failures: 1, Reason: "an update"}
	for name, c := range map[string]struct {
		s    crmsync.Status
		want []string
		not  string
	}{
		"nothing waits": {crmsync.Status{State: crmsync.Up, URL: "https://crm/"}, []string{"The CRM link is up: https://crm/\n", "Last success: never\n", "Nothing waits to be delivered.\n"}, "Waiting"},
		"a part fails": {
			crmsync.Status{State: crmsync.Failing, Since: edits.Since, Reason: "an update", LastSuccess: ok.LastSuccess, Edits: 1, Streams: []crmsync.StreamStatus{ok, edits}},
			[]string{"Part of the CRM link (edits) fails since ", "(1 h 30 min ago): an update. Calls go on.\n", "Waiting: 1 edit made here\n", "(2 s ago)\n", ", 1 attempt, next soon: an update\n"},
			"Nothing waits",
		},
		"all fails": {
			crmsync.Status{
				State: crmsync.Failing, Since: ago(3 * time.Second), Reason: "no connection", LastSuccess: ago(time.Minute), Streams: []crmsync.StreamStatus{edits},
				Backlog: ringside.Backlog{Calls: 1, CDRs: 2, Bytes: 2048, Oldest: ago(time.Minute)},
			},
			[]string{"The CRM link fails since ", "Waiting: 1 call (2.0 KiB), CDRs of 2 calls; the oldest call from "},
			"Part of",
		},
		"refused": {
			crmsync.Status{State: crmsync.Locked, Since: ago(time.Second), Reason: "the CRM refuses the credentials (401 Unauthorized)", Backlog: ringside.Backlog{Rejected: 1}},
			[]string{
				"The CRM link fails since ", "(1 s ago): the CRM refuses the credentials (401 Unauthorized).\nNothing is sent until the credentials are good again",
				"Nothing waits to be delivered.\nRejected by the CRM: 1 record (ringside sync rejected list)\n",
			},
			"0 calls",
		},
		"standalone": {crmsync.Status{State: crmsync.Standalone}, []string{"There is no CRM"}, "Waiting"},
	} {
		var b bytes.Buffer
		printSync(&program{out: &b}, &c.s)
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &b)
			}
		}
		if strings.Contains(b.String(), c.not) {
			t.Errorf("%s: %q in\n%s", name, c.not, &b)
		}
	}
}
