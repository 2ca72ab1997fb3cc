// Package store keeps what must outlive the process in one bbolt file: the editions of the directory
// and the site's edits, the calls that have begun, the finished calls and what the CRM knows about
// them, the outboxes of what the CRM has yet to receive and what it refuses, the turns and last talks
// that ring groups go by, contacts, and named cursors of others.
//
// It owns the file: it locks it, checks every page of it before bbolt maps it, migrates it after a
// backup, and compacts it. One goroutine writes; it puts everything that waits into one
// transaction. Begin, Update and Finish never wait for the disk. Whatever else writes returns nil only
// when all of it is on the disk.
//
// What it guarantees: a finished call, its outbox entry, its turns and its talks are written
// together or not at all, and so are a page of the CRM's and the cursor behind it, the CRM's words on
// a batch of parcels, an edition and the edits in it; a call is in one place of its way to the CRM, in
// its newest revision; a call that was begun and not finished when the process died is a finished,
// interrupted one after the next Open; a write that failed half-way is not applied twice.
//
// When the disk fails, records wait in memory, up to a bound, and are written when it works again;
// State says since when and what was lost. Routing never waits for any of it.
package store
