// Package ami speaks the Asterisk Manager Interface: it controls calls, watches queues, tells which
// extensions are busy, what became of calls, and how the PBX is doing.
//
// It owns the connection, which comes back by itself with everything that is known brought up to date,
// and the live picture of channels and queues. Events are digested in the order in which Asterisk sent
// them, on the goroutine that reads, which waits for nobody: who listens too slowly misses events and is
// told how many. Actions are answered by their ActionID, within their context's deadline; nothing that
// carries CR, LF or NUL is ever sent (threats: A5). What a caller chose can't become a header of its own
// here: only CR LF ends a line, and events about channels that are not known change nothing (A7).
//
// While Asterisk is away, requests fail at once with ringside.ErrPBXAway, what is known of queues is
// marked as stale, and nothing is claimed about extensions. No call waits for this package.
//
// Source: the manager interface of Asterisk 16 and 22 (main/manager.c, apps/app_queue.c,
// res/parking/parking_manager.c) and recordings of both in testdata/recorded.
package ami
