package channeltest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// Heard is what the caller heard, without music, in order: "answered", "sound beep", "position 3",
// "text …", "message for 101".
func (l *Line) Heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return places(l.heard)
}

// places puts the sounds in which a PBX tells a place in a queue in one word.
func places(heard []string) []string {
	var out []string
	for i := 0; i < len(heard); i++ {
		if heard[i] == "sound queue-youarenext" {
			out = append(out, "position 1")
			continue
		}
		if i+1 < len(heard) && heard[i] == "sound ivr/ivr-you_are_number" {
			if place, ok := strings.CutPrefix(heard[i+1], "number "); ok {
				out = append(out, "position "+place)
				i++
				continue
			}
		}
		if i+2 < len(heard) && heard[i] == "sound queue-thereare" && heard[i+2] == "sound queue-callswaiting" {
			if n, err := strconv.Atoi(strings.TrimPrefix(heard[i+1], "number ")); err == nil {
				out = append(out, "position "+strconv.Itoa(n+1))
				i += 2
				continue
			}
		}
		out = append(out, heard[i])
	}
	return out
}

// Hearing is the class of music that the caller hears now; empty is none.
func (l *Line) Hearing() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.music
}

// Seen is what the phones saw, in order: "101 rings", "101 stops", "101 talks", "101 hangs up",
// "101 is let go".
func (l *Line) Seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]string, len(l.phones))
	for i, e := range l.phones {
		out[i] = e.what
	}
	return out
}

// When is the moment of the first thing of that name that a phone saw; the zero time if none did.
func (l *Line) When(what string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.phones {
		if e.what == what {
			return e.at
		}
	}
	return time.Time{}
}

// Variable is a channel variable's value; empty if ringside has not set it.
func (l *Line) Variable(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vars[name]
}

// Variables are the names of the channel variables that ringside has set.
func (l *Line) Variables() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.vars {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Shown is the name that called phones show for the caller; empty for the caller's own.
func (l *Line) Shown() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown
}

// Ended is how the call ended for ringside: "left", "hung up CAUSE" or "dialplan"; empty if it did not.
func (l *Line) Ended() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Said is how much was said on the wire.
func (l *Line) Said() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.wire)
}

// result is RINGSIDE_RESULT, the proof that the call was served.
func (l *Line) result() ringside.Result { return ringside.Result(l.Variable("RINGSIDE_RESULT")) }
