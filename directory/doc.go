// Package directory owns which directory is in effect, and how that changes: whole documents from the
// CRM, a file or the command line, edits made on site, confirmations and rollbacks. Everybody else
// asks the Keeper.
//
// It guarantees that the last good directory serves. A document that is none changes nothing. One
// that looks like an accident (ringside.Losses) is held until somebody confirms it, whoever sent it.
// Every change is a numbered edition that says who changed what and that can be gone back to. An edit
// works at once; with a CRM it lies on top of the CRM's document, whatever that becomes, until the CRM
// contains it or refuses it.
//
// On failure: a disk that fails does not keep a directory from taking effect. The Keeper says so in
// its State and writes what is missing with the next change. Passwords are kept as they came and are
// in nothing that the Keeper tells: editions, problems, listed edits, errors and logs.
package directory
