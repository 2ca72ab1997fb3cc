package crmtest

import (
	"strings"
	"testing"
)

func TestADeviceIsNoDataFile(t *testing.T) {
	for _, path := range []string{"/dev/full", "/dev/zero", t.TempDir()} {
		if c, err := New(Options{Data: path}); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
			if c != nil {
				_ = c.Close()
			}
		}
	}
}
