package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager plays the service manager: it hears what the daemon says of itself.
func manager(t *testing.T) (heard func() string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "n")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		_ = os.RemoveAll(folder)
	})
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		b := make([]byte, 100)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("the service manager hears nothing: %v", err)
		}
		return string(b[:n])
	}
}

func TestServiceManagerHearsThatCallsAreServed(t *testing.T) {
	heard := manager(t)
	t.Setenv("WATCHDOG_USEC", "100000")
	r := startDaemon(t, "", "--demo")
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := heard(); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
	r.cancel()
	for {
		if got := heard(); got == "STOPPING=1" {
			return
		} else if got != "WATCHDOG=1" {
			t.Fatalf("heard %s", got)
		}
	}
}

func TestHangupSignalReadsTheDirectoryAgain(t *testing.T) {
	file := writeFile(t, "d.yaml", "version: 1\ntime_zone: UTC\n")
	r := startDaemon(t, "directory: {file: "+file+"}\n")
	const read = "the directory is in effect already"
	before := strings.Count(r.log.String(), read)
	r.poll("the reload", func() bool {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return strings.Count(r.log.String(), read) > before
	})
}

func TestWatchdogIntervalIsHalfOfWhatTheServiceManagerWants(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "x": 0, "-5": 0, "3000000": 1500 * time.Millisecond} {
		t.Setenv("WATCHDOG_USEC", text)
		if got := watchdogInterval(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
