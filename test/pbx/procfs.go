package pbx

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the CPU times in /proc/PID/stat: USER_HZ, which Linux fixes at 100.
const tick = 10 * time.Millisecond

// cpuOf reads the user and system time of a process from /proc.
func cpuOf(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	// The name is in parentheses and may hold anything.
	_, rest, _ := strings.Cut(string(raw), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("read the CPU time of %d: %q", pid, raw)
	}
	user, err1 := strconv.Atoi(f[11])
	sys, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("read the CPU time of %d: %q", pid, raw)
	}
	return time.Duration(user+sys) * tick, nil
}

// bound reports whether somebody has bound the address: a UDP socket, or a listening TCP socket.
// It asks the kernel's tables, because to connect would be a call for some of the programs.
func bound(network string, at netip.AddrPort) (bool, error) {
	f, err := os.Open("/proc/net/" + network)
	if err != nil {
		return false, fmt.Errorf("look for %s %v: %w", network, at, err)
	}
	defer f.Close()
	const listening, unconnected = "0A", "07"
	ip := at.Addr().As4()
	one := fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), at.Port())
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		col := strings.Fields(lines.Text())
		if len(col) > 3 && col[1] == one && (col[3] == listening || col[3] == unconnected) {
			return true, nil
		}
	}
	return false, lines.Err()
}

// Listening reports whether somebody listens on a TCP port of 127.0.0.1.
func Listening(port int) (bool, error) {
	return bound("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)))
}
