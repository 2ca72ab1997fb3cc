package esl

import (
	"strings"

	"github.com/ringside-pbx/ringside"
)

// checkVariables refuses variables with which FreeSWITCH runs something (commands of its console, `system`
// among them, applications, scripts) or which decide how ringside's own request is carried out. Which others
// may be set is the guard's business. Case does not matter to FreeSWITCH.
func checkVariables(field string, vars ...ringside.Variable) error {
	for _, v := range vars {
		name := strings.ToLower(v.Name)
		for _, beginning := range steering() {
			if strings.HasPrefix(name, beginning) {
				return &ringside.InvalidError{Field: field, Reason: v.Name + " makes FreeSWITCH run something, or changes how this request is carried out: it is never set"}
			}
		}
	}
	return nil
}

// steering are the beginnings of such names: api_on_answer, api_hangup_hook, execute_on_media,
// exec_after_bridge_app, bridge_pre_execute_aleg_app, record_post_process_exec_api, group_confirm_key,
// transfer_after_bridge, inline_destination and valet_parking_orbit_exten, which can be dialplans of their
// own, and all with which a channel is made.
func steering() []string {
	return []string{
		"api_", "exec", "bridge_", "record_", "group_confirm", "session_in_", "socket_", "digit_action", "bind_",
		"transfer_", "force_transfer_", "inline_destination", "valet_", "park_", "max_forwards", "hangup_after_",
		"origination_", "originate_", "effective_", "leg_", "ignore_early_media", "eavesdrop_", "export_vars", "sip_", "attxfer_", "signal_bond",
	}
}
