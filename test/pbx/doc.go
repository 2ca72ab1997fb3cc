// Package pbx drives a real Asterisk for tests: instances with their own folders and ports, SIPp
// phones and callers on loopback addresses of their own, ringside as a black box beside them, and
// readers of what each of them says about a call (SIP messages, CDR rows, ringside's records).
//
// Everything runs on 127.0.0.0/8. Whatever it starts dies with the test process, also when that is
// killed. install.sh puts the programs in place; a function that doesn't find them says so. Errors
// say what was being done; nothing in here decides whether a test passes.
package pbx
