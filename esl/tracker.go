package esl

import "context"

// api runs one command of FreeSWITCH's console in the background and gives what it printed.
type api func(ctx context.Context, name string, args ...string) (string, error)

// tracker follows what FreeSWITCH tells. digest is called on the goroutine that reads, in the order of the wire, and waits for nobody.
// up is called on its own goroutine after each login, before which nothing is known; its ctx ends with the connection. down is called when the connection has ended.
type tracker interface {
	events() []string // names for `event plain`, CUSTOM subclasses last behind "CUSTOM"
	digest(e event)
	up(ctx context.Context, run api)
	down()
}
