package ami

import "time"

// Limits are the thresholds of the health report; zero values are the defaults.
type Limits struct {
	// LongWait is the wait in a queue from which it is an alert; 0 is 2 min.
	LongWait time.Duration
	// Online and Degraded are the shares of endpoints, in percent, from which they are healthy and merely
	// degraded; 0 is 90 and 50.
	Online, Degraded int
	// Window is how far back call quality looks, Short the talk below which a call counts as short; 0 is
	// 1 h and 10 s.
	Window, Short time.Duration
	// Ping is the round trip from which the connection is degraded; 0 is 1 s.
	Ping time.Duration
	// Clock is how far the clocks may be apart; 0 is 5 s.
	Clock time.Duration
}
