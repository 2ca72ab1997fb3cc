package ami

import (
	"fmt"
	"strings"
)

// rightsOf are the classes of which one must be in the manager user's "write" for an action of ringside's,
// the one with the least power first; nil if it needs none. Recorded from Asterisk 16 and 22 (ListCommands).
func rightsOf(action string) []string {
	switch action {
	case "Originate":
		return []string{"originate"}
	case "Hangup", "StopMixMonitor":
		return []string{"call", "system"}
	case "Status":
		return []string{"call", "reporting", "system"}
	case "MixMonitor", "MuteAudio":
		return []string{"system"}
	case "Redirect", "BlindTransfer", "Park", "Bridge", "PlayDTMF", "Setvar":
		return []string{"call"}
	case "Getvar", "DeviceStateList":
		return []string{"call", "reporting"}
	case "CoreStatus", "CoreSettings", "CoreShowChannels":
		return []string{"reporting", "system"}
	case "ShowDialPlan":
		return []string{"reporting", "config"}
	case "QueueAdd", "QueueRemove", "QueuePause", "QueuePenalty":
		return []string{"agent"}
	}
	return nil
}

// lacks says which right is missing for an action, and how to give it.
func lacks(action string) string {
	classes := rightsOf(action)
	if len(classes) == 0 {
		return fmt.Sprintf("the manager user may not use %s", action)
	}
	text := fmt.Sprintf("the manager user lacks `%s`: add it to `write` in manager.conf", classes[0])
	if len(classes) > 1 {
		text += fmt.Sprintf(" (%s would do, too)", strings.Join(classes[1:], " or "))
	}
	return text
}
