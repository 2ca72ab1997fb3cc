package guard

import (
	"strings"

	"github.com/ringside-pbx/ringside"
)

// VariablePattern reports whether s names variables that a site may allow: a name, or a name's beginning
// and "*".
func VariablePattern(s string) bool {
	return ringside.VariableName(strings.TrimSuffix(s, "*")) && s[0] != '_'
}

// variable checks that a channel variable may be set. Leading underscores only say who inherits it.
func (g *Guard) variable(v ringside.Variable) error {
	name := strings.TrimLeft(v.Name, "_")
	for _, pattern := range steering() {
		if matches(pattern, strings.ToUpper(name)) {
			return deny("", "variable %s changes where calls go, who pays, or what ringside knows: it is never set", v.Name)
		}
	}
	for _, pattern := range g.opt.Variables {
		if matches(pattern, name) {
			return nil
		}
	}
	return deny("", "variable %s is not among outbound.variables: add it there to allow it", v.Name)
}

func matches(pattern, name string) bool {
	if beginning, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(name, beginning)
	}
	return name == pattern
}

// steering are the variables of Asterisk, its usual front ends, and FreeSWITCH that steer a call. The
// list can't be complete, which is why a site names what may be set; it is here for the site that
// names too much.
func steering() []string {
	return []string{
		"RINGSIDE_*",
		// Where the call goes.
		"DIAL*", "EXTEN", "CONTEXT", "PRIORITY", "MACRO_*", "GOSUB_*", "TRANSFER_*", "BLINDTRANSFER", "ATTENDEDTRANSFER", "GOTO_*",
		"FORWARD_*", "DYNAMIC_*", "FEATUREMAP*", "PARKINGEXTEN", "PARKINGLOT", "PARKINGDYN*", "LIMIT_*", "VM_*", "QUEUE_*", "CHANNEL", "CHANNEL_*",
		// Who pays and who is shown.
		"CALLER*", "CALLINGPRES", "CDR*", "ACCOUNTCODE", "AMAFLAGS", "PEERACCOUNT", "CONNECTEDLINE*", "REDIRECTING*",
		"TRUNK*", "OUTBOUND*", "OUT_*", "OUTNUM", "OUTPREFIX*", "KEEPCID", "FORCE*", "PJSIP*", "SIP*",
		// What is run.
		"AGI*", "EXEC*", "MIXMONITOR*", "MONITOR_*",
		// FreeSWITCH.
		"API_*", "BRIDGE_*", "EFFECTIVE_*", "ORIGINATION_*", "ORIGINATE_*", "ABSOLUTE_CODEC_STRING", "CONTINUE_ON_FAIL", "HANGUP_*",
		"PARK_*", "FAIL_ON_*", "SESSION_*", "BIND_*", "GATEWAY*", "RECOVERY_*",
	}
}
