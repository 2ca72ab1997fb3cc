// Package ari drives calls through Asterisk's REST interface: the dialplan hands a call over with
// Stasis(ringside), and ringside rings, bridges, plays and queues until the call has ended or goes back to
// the dialplan. It owns the WebSocket on which events come, the REST requests, and ringside.Channel over
// one call; it also places calls of its own.
//
// Guarantees: events are digested in the order in which Asterisk sent them, on the goroutine that reads,
// which waits for nobody; each call has a goroutine of its own, so that a slow one holds up no other. Every
// request has a deadline. Nothing that somebody else chose can become a path or a second parameter: ids
// are checked, parameters are JSON. The password goes into one header and nowhere else. Calls outlive a
// lost WebSocket: what became of them meanwhile is asked for when it is back.
//
// On trouble of its own the package gives callers back to the dialplan, never hangs them up; after a restart
// those who wait in Stasis for nobody are given back, too, and those who talk go on talking. While there
// is no connection, Stasis() fails at once and the dialplan goes on (STASISSTATUS).
//
// Sources: the ARI documentation, res/res_stasis.c and res/ari/ of Asterisk 16 and 22, and recordings of
// both in testdata/recorded. Events and their decoding are CyCoreSystems/ari's.
package ari
