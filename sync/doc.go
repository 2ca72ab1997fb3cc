// Package sync is the link with the CRM (docs/openapi/crm.yaml): it brings the directory, contacts
// and annotations from there, and delivers call records, CDRs, live events and edits to it.
//
// It owns the state of the link and nothing else: records, cursors and edits are the store's. What it
// guarantees: a record leaves its outbox only when the CRM has answered for that very record; a
// directory is offered as a whole or not at all; a page of contacts and its cursor are kept together.
// A record may arrive twice, with the same key, and the CRM keeps one effect of it.
//
// Nothing here is on the in-call path. When the CRM is away, slow, hostile or refuses the
// credentials, everything waits in the store, and Status says since when and why.
//
// The package is imported as crmsync.
package sync
