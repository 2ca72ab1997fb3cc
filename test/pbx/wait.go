package pbx

import (
	"fmt"
	"time"
)

// Until asks again and again until ok says yes; it fails with what was waited for, and with ok's
// last error, when the time is over.
func Until(limit time.Duration, what string, ok func() (bool, error)) error {
	end := time.Now().Add(limit)
	for {
		yes, err := ok()
		if yes {
			return nil
		}
		if time.Now().After(end) {
			if err != nil {
				return fmt.Errorf("%s: not within %v: %w", what, limit, err)
			}
			return fmt.Errorf("%s: not within %v", what, limit)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
