package routing

import (
	"strconv"

	"github.com/ringside-pbx/ringside"
)

// dest looks up a destination's target. The problem, if there is one, lacks the owner's name.
func (c *compiler) dest(src *ringside.Destination) (dest, *ringside.Problem) {
	d := dest{src: src}
	fault := func(code, field, text, hint string) (dest, *ringside.Problem) {
		return d, &ringside.Problem{Severity: ringside.Faulty, Code: code, Field: field, Text: text, Hint: hint}
	}
	switch src.Action {
	case ringside.RouteToNumber, ringside.RouteToVoicemail:
		if src.TargetNumber == "" {
			return fault("missing-target", "target_number", "the action "+string(src.Action)+" has no target_number", "")
		}
		if d.ext = c.extensions[src.TargetNumber]; d.ext == nil {
			return fault("unknown-target", "target_number", "there is no extension "+quote(src.TargetNumber), "")
		}
	case ringside.RouteToGroup, ringside.RouteToQueue:
		if src.TargetGroup.IsZero() {
			return fault("missing-target", "target_group", "the action "+string(src.Action)+" has no target_group", "")
		}
	case ringside.ForwardExternal:
		if src.TargetExternal == "" {
			return fault("missing-target", "target_external", "the action forward_external has no target_external", "")
		}
		if d.phone = external(src.TargetExternal); d.phone == "" {
			return fault("bad-number", "target_external", quote(src.TargetExternal)+" is no telephone number",
				"digits, with or without a leading +")
		}
	case ringside.PlayAnnouncement:
		if src.AnnouncementText == "" {
			return fault("missing-target", "announcement_text", "the action play_announcement has no announcement_text",
				"a sound's name, or a text to be spoken")
		}
	case ringside.HangUp, ringside.RouteToOwner:
	case "":
		return fault("unknown-action", "action", "there is no action", "")
	default:
		return fault("unknown-action", "action", "there is no action "+quote(string(src.Action)),
			"one of route_to_number, route_to_group, route_to_queue, route_to_voicemail, play_announcement, hangup, forward_external, route_to_owner")
	}
	if ref := src.TargetGroup; !ref.IsZero() && usesGroup(src.Action) {
		if d.group = c.group(ref); d.group == nil {
			name := quote(ref.Name)
			if ref.Name == "" {
				name = strconv.FormatInt(ref.ID, 10)
			}
			return fault("unknown-target", "target_group", "there is no group "+name, "")
		}
	}
	return d, nil
}

func usesGroup(a ringside.Action) bool {
	return a == ringside.RouteToGroup || a == ringside.RouteToQueue || a == ringside.RouteToOwner
}

func (c *compiler) group(ref ringside.GroupRef) *group {
	if ref.ID != 0 {
		return c.groups[ref.ID]
	}
	return c.groupNames[ref.Name]
}

// external reads a telephone number to be forwarded to: digits with an optional leading plus sign;
// spaces, brackets and hyphens, as people write them, are left out. Empty if it is none.
func external(s string) string {
	digits := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '+' && len(digits) == 0:
			digits = append(digits, c)
		case c == ' ' || c == '(' || c == ')' || c == '-':
		default:
			return ""
		}
	}
	if len(digits) < 2 || len(digits) > 20 {
		return ""
	}
	return string(digits)
}

func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strconv.Quote(s)
}

func index1(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
