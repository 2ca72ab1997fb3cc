// Package ringside holds the nouns of call routing: the directory that rules come from, an offer
// made by a PBX, the decision on it, the call it becomes and the record it leaves.
//
// It imports the standard library only, and nothing in it does I/O: every other package of the
// project speaks in these words and none of them imports a sibling. The one port that several
// technologies implement, Channel, stands here too, with Handler, which serves it.
//
// Words that the CRM stores (actions, strategies, statuses) are kept verbatim on the wire, so that
// its rows fit without translation.
package ringside
