package esl

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// switchStatus is what the command `status` prints.
type switchStatus struct {
	Up      time.Duration
	Version string
	Ready   bool
	// Sessions are those in progress, of at most Max; Idle is the share of the processor, in percent, that is
	// free, and LeastIdle below which calls are refused.
	Sessions, Max   int
	PerSecond, Rate int
	LeastIdle, Idle float64
}

// readStatus reads what `status` prints; what it does not find is zero.
func readStatus(printed string) (s switchStatus) {
	for text := range strings.Lines(printed) {
		text = strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(text, "UP "):
			s.Up = upTime(text)
		case strings.HasPrefix(text, "FreeSWITCH (Version "):
			version, state, _ := strings.Cut(strings.TrimPrefix(text, "FreeSWITCH (Version "), ")")
			s.Version, s.Ready = kept(version), strings.TrimSpace(state) == "is ready"
		case strings.Contains(text, "session(s) - peak"):
			s.Sessions = leading(text)
		case strings.Contains(text, "session(s) per Sec"):
			s.PerSecond = leading(text)
			_, rest, _ := strings.Cut(text, "out of max ")
			s.Rate = leading(rest)
		case strings.HasSuffix(text, "session(s) max"):
			s.Max = leading(text)
		case strings.HasPrefix(text, "min idle cpu "):
			least, idle, _ := strings.Cut(strings.TrimPrefix(text, "min idle cpu "), "/")
			s.LeastIdle, _ = strconv.ParseFloat(least, 64)
			s.Idle, _ = strconv.ParseFloat(idle, 64)
		}
	}
	return s
}

// leading is the number with which a line begins.
func leading(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	return count(text[:end])
}

// upTime reads 0 years, 0 days, 0 hours, 6 minutes, 29 seconds.
func upTime(text string) (up time.Duration) {
	units := map[string]time.Duration{
		"year": 365 * 24 * time.Hour, "day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute, "second": time.Second,
		"millisecond": time.Millisecond, "microsecond": time.Microsecond,
	}
	for _, m := range regexp.MustCompile(`(\d{1,6}) ([a-z]+?)s?\b`).FindAllStringSubmatch(text, -1) {
		unit := units[m[2]]
		n := time.Duration(count(m[1]))
		if unit > 24*time.Hour {
			n = min(n, 100)
		}
		up += n * unit
	}
	return up
}

// gateway is a trunk in the list that `sofia status` prints.
type gateway struct{ Name, State string }

// readGateways reads what `sofia status` prints: names, kinds, data and states of profiles, aliases and
// gateways, separated by tabs. A profile that does not run is not in it.
func readGateways(printed string) (gateways []gateway) {
	for text := range strings.Lines(printed) {
		cells := strings.Split(strings.TrimRight(text, "\r\n"), "\t")
		if len(cells) < 4 || strings.TrimSpace(cells[1]) != "gateway" || len(gateways) >= maxRows {
			continue
		}
		g := gateway{kept(strings.TrimSpace(cells[0])), kept(strings.TrimSpace(cells[len(cells)-1]))}
		if g.Name != "" {
			gateways = append(gateways, g)
		}
	}
	return gateways
}

// presence is whether calls can go through a gateway. Of one that does not register nobody knows.
func (g gateway) presence() ringside.Presence {
	state, _, _ := strings.Cut(g.State, " ")
	switch state {
	case "REGED":
		return ringside.PresenceReachable
	case "NOREG":
		return ringside.PresenceUnknown
	}
	return ringside.PresenceUnreachable
}
