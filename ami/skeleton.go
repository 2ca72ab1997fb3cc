package ami

import (
	"time"

	"github.com/ringside-pbx/ringside"
)

func (t *tales) quality(_ time.Time, _, _ time.Duration) ringside.CallQuality {
	return ringside.CallQuality{Status: ringside.ConditionUnknown}
}
