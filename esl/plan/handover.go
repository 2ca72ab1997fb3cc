package plan

// afterward is the extension that decides what becomes of a call when ringside has let it go.
const afterward = "ringside-after"

// HandOver writes the context that hands calls to ringside, with what becomes of them behind it.
func (d *Dialplan) HandOver() ([]byte, error) {
	address, err := socketAddress(d.Listen)
	if err != nil {
		return nil, err
	}
	s := newSheet(d.Context)
	s.note("FreeSWITCH's dialplan for ringside. Send calls here from the contexts of your trunks and phones: " +
		"the application transfer does it.")
	s.note("What becomes of a call that ringside has let go, or could not take. The caller hears it only if they are still there.")
	s.begin("extension", attr("name", afterward))
	s.regex([]string{"destination_number"}, []string{whole(afterward)})
	s.end()
	s.note("Served to its end, or somebody has talked with the caller, or they have left a message: nobody else may be rung. " +
		"last_bridge_to and voicemail_message_len are the proof of what outlived ringside; they were emptied before the call was handed over.")
	s.begin("condition", attr("regex", "any"), attr("break", "on-true"))
	s.empty("regex", attr("field", "${RINGSIDE_RESULT}"), attr("expression", whole("done")))
	s.empty("regex", attr("field", "${last_bridge_to}"), attr("expression", `\A[0-9A-Za-z]`))
	s.empty("regex", attr("field", "${voicemail_message_len}"), attr("expression", `\A[0-9]`))
	s.action("hangup", "NORMAL_CLEARING")
	s.end()
	s.begin("condition") // what both of the others need
	s.note("The talk's end is the call's end, and so is a bridge that fails: its cause is the caller's.")
	s.action("set", "hangup_after_bridge=true")
	s.action("set", "continue_on_fail=false")
	s.action("set", "call_timeout=60")
	s.end()
	s.note("There was no decision in time: the configured default is rung.")
	s.begin("condition", attr("regex", "all"), attr("break", "on-true"))
	s.empty("regex", attr("field", "${RINGSIDE_RESULT}"), attr("expression", whole("default")))
	s.empty("regex", attr("field", "${RINGSIDE_DIAL}"), attr("expression", `\A[0-9A-Za-z_]+/[0-9A-Za-z_.+@/:,|-]+\z`))
	s.action("bridge", "${RINGSIDE_DIAL}")
	s.end()
	s.note("Released, or ringside is away, or was killed in the middle of the call: your own fallback.")
	s.begin("condition")
	s.action("bridge", d.Fallback)
	s.end()
	s.end()

	s.begin("extension", attr("name", "ringside"))
	s.note("Callers choose what stands in a number. One with other characters than these is not taken.")
	s.regex([]string{"destination_number"}, []string{`\A[0-9A-Za-z_.+*#-]{1,64}\z`})
	s.note("What an earlier visit left on the channel must not decide this one.")
	for _, v := range []string{"RINGSIDE_RESULT", "RINGSIDE_DIAL", "last_bridge_to", "voicemail_message_len"} {
		s.action("unset", v)
	}
	s.note("ringside rings, bridges, queues, plays, forwards. It sets RINGSIDE_RESULT last. FreeSWITCH goes on below when the " +
		"connection ends, however it ends; at once if nobody listens. An application that is under way plays out first.")
	s.action("socket", address+" async full")
	s.note("Carried out by the variables that the call has then, not by those that it had when it came.")
	s.action("execute_extension", afterward+" XML "+d.Context)
	s.end()
	s.end()
	return s.finish()
}
