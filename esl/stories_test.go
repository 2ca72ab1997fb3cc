package esl

import (
	"testing"

	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/test/stories"
)

func TestStories(t *testing.T) {
	t.Run("async full", func(t *testing.T) { stories.Run(t, channeltest.Door{Open: openDoor(true, true)}) })
	t.Run("neither", func(t *testing.T) { stories.Run(t, channeltest.Door{Open: openDoor(false, false), MusicPauses: true}) })
}
