package ari

import (
	"testing"

	"github.com/ringside-pbx/ringside/internal/channeltest"
	"github.com/ringside-pbx/ringside/test/stories"
)

func TestStories(t *testing.T) { stories.Run(t, channeltest.Door{Open: openDoor}) }
