package ami

import "github.com/ringside-pbx/ringside/internal/condition"

// Limits are the thresholds of the health report; zero values are the defaults.
type Limits = condition.Limits
