package esl

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// As mod_sofia writes it (mod_sofia.c, cmd_status).
const sofiaStatusText = "                     Name\t   Type\t                                       Data\tState\n" +
	"=================================================================================================\n" +
	"                 external\tprofile\t            sip:mod_sofia@192.0.2.2:5080\tRUNNING (0)\n" +
	"            external::one\tgateway\t                   sip:7495@sip.example\tREGED\n" +
	"            external::two\tgateway\t                   sip:7495@sip.example\tFAIL_WAIT (retry: 25s)\n" +
	"          external::three\tgateway\t                   sip:7495@sip.example\tNOREG\n" +
	"                  default\t  alias\t                               external\tALIASED\n" +
	"=================================================================================================\n" +
	"1 profile 1 alias\n"

func TestReadStatus(t *testing.T) {
	got := readStatus(recordedBody(t, "i05_bgapi", "UP 0 years"))
	want := switchStatus{
		Up: 6*time.Minute + 29*time.Second + 85*time.Millisecond + 554*time.Microsecond, Version: "1.10.12-release git a88d069 2024-08-02 21:02:27Z 64bit",
		Ready: true, Max: 5000, Rate: 2000, Idle: 75.53,
	}
	if got != want {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	gateways := []gateway{{"external::one", "REGED"}, {"external::two", "FAIL_WAIT (retry: 25s)"}, {"external::three", "NOREG"}}
	if got := readGateways(sofiaStatusText); !reflect.DeepEqual(got, gateways) {
		t.Errorf("%+v, want %+v", got, gateways)
	}
}

func TestHealth(t *testing.T) {
	status := recordedBody(t, "i05_bgapi", "UP 0 years")
	connected := ringside.ConnectionHealth{Status: ringside.ConditionHealthy, Connected: true}
	for name, c := range map[string]struct {
		answers    map[string]string
		connection ringside.ConnectionHealth
		prepare    func(*hearing)
		want       ringside.Condition
		system     ringside.Condition
		endpoints  string
	}{
		"everything in order": {
			map[string]string{"status": status, "sofia status": strings.ReplaceAll(sofiaStatusText, "FAIL_WAIT", "REGED")},
			connected,
			func(h *hearing) { h.digest(register("101", "1", "a")) },
			ringside.ConditionHealthy, ringside.ConditionHealthy, "4 3 [] 1 healthy",
		},
		"half of the trunks and a phone are away": {
			map[string]string{"status": status, "sofia status": sofiaStatusText},
			connected,
			func(h *hearing) {
				h.digest(register("101", "1", "a"))
				h.digest(told(sofiaExpire, "user", "101", "call-id", "1"))
			},
			ringside.ConditionUnhealthy, ringside.ConditionHealthy, "4 1 [101 external::two] 1 unhealthy",
		},
		"too many sessions": {
			map[string]string{"status": strings.Replace(status, "0 session(s) - peak", "4500 session(s) - peak", 1), "sofia status": ""},
			connected, nil,
			ringside.ConditionDegraded, ringside.ConditionDegraded, "0 0 [] 0 unknown",
		},
		"shutting down": {
			map[string]string{"status": strings.Replace(status, "is ready", "is not ready", 1), "sofia status": ""},
			connected, nil,
			ringside.ConditionUnhealthy, ringside.ConditionUnhealthy, "0 0 [] 0 unknown",
		},
		"no answer": {nil, connected, nil, ringside.ConditionUnhealthy, ringside.ConditionUnhealthy, "0 0 [] 0 unknown"},
		"no connection": {
			nil,
			ringside.ConnectionHealth{Status: ringside.ConditionCritical, Error: "gone"},
			nil,
			ringside.ConditionCritical, ringside.ConditionUnknown, "0 0 [] 0 unknown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHearing(hearingOptions{known: three().known})
			if c.prepare != nil {
				c.prepare(h)
			}
			r := h.health(t.Context(), (&console{answers: c.answers}).run, c.connection)
			e := r.Endpoints
			endpoints := fmt.Sprintf("%d %d %v %d %s", e.Total, e.Online, e.Offline, e.Unmonitored, e.Status)
			if r.Status != c.want || r.System.Status != c.system || endpoints != c.endpoints || r.Queues.Alerts == nil {
				t.Errorf("%s: %s, system %s, endpoints %s", r.Status, r.Message, r.System.Status, endpoints)
			}
		})
	}
}

func TestHealthQuality(t *testing.T) {
	h := newHearing(hearingOptions{})
	now := time.Now()
	h.tales.outcomes.Add(&ringside.Witnessed{Status: ringside.StatusAnswered, Answer: now.Add(-time.Minute), End: now})
	h.tales.outcomes.Add(&ringside.Witnessed{Status: ringside.StatusFailed, End: now})
	q := h.health(t.Context(), nil, ringside.ConnectionHealth{}).Quality
	want := ringside.CallQuality{Status: ringside.ConditionDegraded, Grade: "fair", Window: 3600, Total: 2, Completed: 1, Failed: 1, Average: 60}
	if q != want {
		t.Errorf("%+v, want %+v", q, want)
	}
}

func TestHearingEvents(t *testing.T) {
	got := newHearing(hearingOptions{}).events()
	want := strings.Fields(`CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_UUID CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE
		CHANNEL_BRIDGE CHANNEL_EXECUTE_COMPLETE RECORD_START RECORD_STOP MODULE_LOAD MODULE_UNLOAD
		CUSTOM sofia::register sofia::unregister sofia::expire callcenter::info valet_parking::info`)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := eventsCommand(got...); err != nil {
		t.Error(err)
	}
}

// A login asks for everything, looks a second time, compares now and then and when there are doubts, and ends
// with the connection; then nothing is known.
func TestHearingFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := &heard{}
		h := newHearing(hearingOptions{known: three().known, lines: lines, log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		c := callcenterConsole(t)
		c.answers["show channels as json"] = channelList(rowB)
		c.answers["uuid_getvar B dialed_user"] = "101"
		c.answers["show registrations as json"] = `{"row_count":1,"rows":[{"reg_user":"102","token":"1"}]}`
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.up(ctx, c.run) }()
		synctest.Wait()
		if got, want := lines.take(), []string{"102 idle", "101 ringing A"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if len(h.queues.snapshot()) != 1 {
			t.Error("there is no queue")
		}
		asked := func() (n int) {
			c.mu.Lock()
			defer c.mu.Unlock()
			n = len(c.asked)
			c.asked = nil
			return n
		}
		asked()
		c.set("show channels as json", `{"row_count": 0}`)
		c.set("uuid_exists B", "false")
		time.Sleep(secondLook)
		synctest.Wait()
		if got, want := lines.take(), []string{"101 unknown"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		// presence and tales ask once for the same channel.
		if n := asked(); n != 2 {
			t.Errorf("%d questions for the second look", n)
		}
		for range 100 { // an agent whom nobody knows
			h.digest(told(callcenterInfo, "CC-Action", "agent-status-change", "CC-Agent", "9@x", "CC-Agent-Status", "Available"))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := asked(); n < 4 || n > 8 {
			t.Errorf("%d questions because of doubts", n)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := asked(); n != 6 {
			t.Errorf("%d questions for a comparison", n)
		}
		end()
		<-ended
		h.down()
		if got, want := lines.take(), []string{"silence"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if !h.queues.snapshot()[0].Stale {
			t.Error("the queue is not stale")
		}
	})
}

// The daemon's followers are these.
func TestHearingIsATracker(t *testing.T) {
	lines := &heard{}
	var follower tracker = newHearing(hearingOptions{lines: lines})
	follower.digest(register("101", "1", "a"))
	follower.down()
	if got, want := lines.take(), []string{"101 idle", "silence"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What is over is handed over by run, which ends with its context.
func TestHearingHandsOver(t *testing.T) {
	var told []string
	h := newHearing(hearingOptions{witness: func(_ context.Context, w ringside.Witnessed) { told = append(told, w.CallID) }})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.run(ctx) }()
	for _, e := range recordedEvents(t, "i06_events_plain", "FS->CLI", h.events()...) {
		h.digest(e)
	}
	stop()
	<-done
	if want := []string{"d341d6bc-1fc1-4b44-ab09-120d0af3278e"}; !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
}
