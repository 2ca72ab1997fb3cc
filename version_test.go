package ringside

import (
	"testing"
	"time"
)

func TestTheVersionAfterAVersion(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for v, want := range map[string]string{
		"42": "43", "99999999999999999999": "100000000000000000000", "": "2026-11-24T10:00:00Z", "42+1": "2026-11-24T10:00:00Z", "draft": "2026-11-24T10:00:00Z",
	} {
		if got := NextVersion(v, now); got != want {
			t.Errorf("after %q comes %q, want %q", v, got, want)
		}
	}
}
