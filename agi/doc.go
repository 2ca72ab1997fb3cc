// Package agi serves FastAGI: the Asterisk dialplan asks it over TCP where a call goes. It owns the
// listener, the environment parser, the line transport and ringside.Channel over one AGI session;
// the commands and replies over that transport are CyCoreSystems/agi's.
//
// Guarantees: one write per command, and never a second command before the first is answered; no
// text that a caller, a CRM or Asterisk chose can end a command or a dial string; every answer has
// a deadline; no peer can block another. Within the deadline of a decision the connection is
// answered, or released with the configured default. On any trouble of its own the package closes
// the connection and Asterisk goes on with its dialplan: it never hangs up a call because of
// itself. A dialplan tells the difference by RINGSIDE_RESULT, which is set last.
//
// The protocol: https://docs.asterisk.org/ (AGI commands), res/res_agi.c.
package agi
