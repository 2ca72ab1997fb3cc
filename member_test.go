package ringside

import (
	"encoding/json"
	"testing"
)

func TestPresenceIsAWord(t *testing.T) {
	for p, word := range map[Presence]string{
		PresenceUnknown: `"unknown"`, PresenceReachable: `"reachable"`, PresenceUnreachable: `"unreachable"`,
	} {
		data, err := json.Marshal(p)
		var back Presence
		if err != nil || string(data) != word || json.Unmarshal(data, &back) != nil || back != p {
			t.Errorf("%d becomes %s (%v), and that %d", p, data, err, back)
		}
	}
	var p Presence
	if err := json.Unmarshal([]byte(`"asleep"`), &p); err == nil {
		t.Errorf("asleep is %s", p)
	}
}
