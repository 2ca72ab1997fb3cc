// Package bench measures, on a real Asterisk, what it costs a call to ask ringside: INVITE to 200 at
// the caller, Asterisk's processor time per call, and how many calls per second go through. Beside
// ringside, in the same run and interleaved with it, are the dialplan alone, the smallest FastAGI
// server and CURL(). A figure counts as a ratio; absolute times are the machine's.
//
// It runs as a test: RINGSIDE_BENCH=1 go test -v -run TestBench ./test/pbx/bench
package bench
