package ami

import (
	"testing"

	"github.com/ringside-pbx/ringside"
)

func TestEndpointsHealth(t *testing.T) {
	states := func(idle, away, unknown int) map[string]ringside.DeviceState {
		all := map[string]ringside.DeviceState{"Queue:sales": ringside.DeviceUnavailable, "Local/x@y": ringside.DeviceUnavailable}
		for i, n := range []int{idle, away, unknown} {
			for k := range n {
				all["PJSIP/"+string(rune('a'+i))+string(rune('A'+k))] = []ringside.DeviceState{ringside.DeviceIdle, ringside.DeviceUnavailable, ringside.DeviceUnknown}[i]
			}
		}
		return all
	}
	for _, tc := range []struct {
		name                string
		idle, away, unknown int
		want                ringside.Condition
	}{
		{"none", 0, 0, 0, ringside.ConditionUnknown},
		{"none that is watched", 0, 0, 5, ringside.ConditionUnknown},
		{"all", 10, 0, 0, ringside.ConditionHealthy},
		{"nine of ten", 9, 1, 0, ringside.ConditionHealthy},
		{"those that are not watched do not count", 9, 1, 20, ringside.ConditionHealthy},
		{"eight of ten", 8, 2, 0, ringside.ConditionDegraded},
		{"half", 5, 5, 0, ringside.ConditionDegraded},
		{"less than half", 4, 6, 0, ringside.ConditionUnhealthy},
		{"nobody", 0, 3, 0, ringside.ConditionUnhealthy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := endpointsHealth(states(tc.idle, tc.away, tc.unknown), Limits{}.WithDefaults())
			if h.Status != tc.want || h.Total != tc.idle+tc.away+tc.unknown || h.Online != tc.idle || len(h.Offline) != tc.away || h.Unmonitored != tc.unknown {
				t.Errorf("%+v", h)
			}
		})
	}
}

func TestHealthWithoutAConnection(t *testing.T) {
	h := pbxAt("127.0.0.1:1", nil).Health(t.Context())
	if h.Status != ringside.ConditionCritical || h.Connection.Error == "" || h.System.Status != ringside.ConditionUnknown || h.Queues.Alerts == nil {
		t.Errorf("%+v", h)
	}
}
