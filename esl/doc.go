// Package esl speaks FreeSWITCH's event socket. FreeSWITCH connects to it and lets it drive calls (the
// dialplan's application socket), and it connects to FreeSWITCH to control calls, to learn who is busy and
// what became of calls. The commands' form is percipia/eslgo's; the connections are its own. FreeSWITCH's
// dialplan is written by the package plan below it.
//
// Guarantees: commands and events are handled in the order of the wire; a reader never stops reading, since
// a client that does holds up all of FreeSWITCH; a reply that comes late is nobody else's; headers and
// bodies are bounded; no text that a caller, a CRM or FreeSWITCH chose can end a command, a header, a
// variable or a dial string. Within the deadline of a decision a call is answered, or released with the
// configured default. On any trouble of its own the package closes the connection, and FreeSWITCH goes on
// with the next action of its dialplan: it never hangs up a call because of itself.
//
// Source: mod_event_socket of FreeSWITCH 1.10.12 and 1.11.2, and conversations recorded from 1.10.12, in
// testdata/recorded.
package esl
