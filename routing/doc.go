// Package routing decides where a call goes. It owns the compiled form of a directory and the
// decision on one query; it has no clock, no randomness, no state and does no I/O: the time, one
// random number and the state of the extensions are arguments.
//
// Compile quarantines what is faulty in a directory (a bad rule becomes a ringside.Problem) and
// compiles the rest: it never fails as a whole. One function, Compiled.Decide, serves the live
// call, the dry run and the explanation; the same query on the same view gives the same decision.
//
// The cost of a decision does not grow with the number of rules: rules are indexed by the literal
// beginnings of their patterns, and unless a trace is asked for, a decision allocates nothing, but
// for the list of those who are rung when some members of an all_ring group are not free.
//
// Check finds what is sound but probably not meant, such as rules that get no call.
package routing
