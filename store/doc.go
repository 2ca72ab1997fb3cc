// Package store keeps what must outlive the process in one bbolt file: the last good directory, the
// calls that have begun, the finished calls, the outbox of those that the CRM has yet to receive,
// the turns and last talks that ring groups go by, and named cursors of others.
//
// It owns the file: it locks it, checks every page of it before bbolt maps it, migrates it after a
// backup, and compacts it. One goroutine writes; it puts everything that waits into one
// transaction. Begin, Update and Finish never wait for the disk. Append returns nil only when the
// record is on it.
//
// What it guarantees: a finished call, its outbox entry, its turns and its talks are written
// together or not at all; a call that was begun and not finished when the process died is a
// finished, interrupted one after the next Open; a write that failed half-way is not applied twice.
//
// When the disk fails, records wait in memory, up to a bound, and are written when it works again;
// State says since when and what was lost. Routing never waits for any of it.
package store
