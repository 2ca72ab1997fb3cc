// Package bench measures what a caller gets from the whole daemon: the real binary, with a large
// directory and many contacts, is asked by a client that behaves as Asterisk does, beside a floor,
// a responder that parses nothing and says the same bytes. Both sides take turns in one run, so
// that a figure is a ratio; the tables show medians. It runs with RINGSIDE_BENCH=1 only.
package bench
