package esl

import (
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside/internal/channeltest"
)

func TestChannelConforms(t *testing.T) {
	for name, mode := range map[string]struct{ full, async bool }{
		"async full": {true, true}, "full": {true, false}, "async": {false, true}, "neither": {},
	} {
		t.Run(name, func(t *testing.T) {
			interrupts := mode.full && mode.async
			channeltest.Conform(t, channeltest.Door{
				PBX: "freeswitch", Open: openDoor(mode.full, mode.async), Speaks: true, PlayInterrupts: interrupts, SpeechInterrupts: interrupts,
				MusicPauses: !interrupts,
			})
		})
	}
}

// openDoor is a server, and a FreeSWITCH that connects to it for every line.
func openDoor(full, async bool) func(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
	return func(t *testing.T, serve channeltest.Serve, lines ...*channeltest.Line) (closed func()) {
		opt := ServerOptions{Deadline: time.Hour}
		if lines[0].Speaks {
			opt.Site.Speech = "flite|slt"
		}
		d := newDoorway(t, opt, &board{serve: serve})
		var calls sync.WaitGroup
		for _, l := range lines {
			f := newDialplanSwitch(l, d.call(), full, async)
			calls.Go(f.run)
		}
		return func() {
			d.Stop(t.Context(), nil)
			calls.Wait()
		}
	}
}
