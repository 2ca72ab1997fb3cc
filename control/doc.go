// Package control is the daemon's local control socket: a unix socket (mode 0600) over which the
// command-line program asks and tells the running daemon. It owns the protocol, HTTP with JSON
// bodies, and nothing else: what is asked is answered by a Daemon.
//
// A request that can't be read is answered with 400 and the reason, an error of the daemon with
// 422 or 500 and its text. The socket serves the same user only; it is no API for others.
package control
