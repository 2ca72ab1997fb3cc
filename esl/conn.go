package esl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringside-pbx/ringside"
)

// replyWithin bounds every reply but those to what lasts as long as somebody pleases.
const replyWithin = 5 * time.Second

// conn is one connection to FreeSWITCH of either kind. One goroutine reads all the time; replies come in the
// order of the commands, so each goes to the command that asked for it, and to nobody if that has given up
// meanwhile.
type conn struct {
	net net.Conn
	in  *framer
	// hear is told of events and notices in their order, on the goroutine that reads: it must not wait.
	hear func(frame)

	writing sync.Mutex // the order of commands on the wire is that of asked

	mu    sync.Mutex
	asked []*question
	err   error // why the connection has ended
	ended chan struct{}
}

// question is a command that a reply is awaited for.
type question struct{ reply chan frame }

func newConn(c net.Conn, in *framer, hear func(frame)) *conn {
	return &conn{net: c, in: in, hear: hear, ended: make(chan struct{})}
}

// read reads to the end of the connection.
func (c *conn) read() {
	for {
		f, err := c.in.next()
		if err != nil {
			c.end(err)
			return
		}
		switch f.kind() {
		case typeReply, typeAPI:
			if q := c.first(); q != nil {
				q.reply <- f
			}
		default:
			c.hear(f)
		}
	}
}

// first takes the oldest command that has no reply yet.
func (c *conn) first() *question {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) == 0 {
		return nil
	}
	q := c.asked[0]
	c.asked = c.asked[1:]
	return q
}

// end notes the end of the connection, and closes it.
func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if err == nil {
		err = net.ErrClosed
	}
	c.err = err
	_ = c.net.Close()
	close(c.ended)
}

// lost is why the connection has ended, as ringside.ErrConnectionLost; nil while it stands.
func (c *conn) lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ringside.ErrConnectionLost, c.err)
}

// send sends commands in one write. Their replies are then awaited with await, in this order.
func (c *conn) send(commands ...wireCommand) ([]*question, error) {
	var text strings.Builder
	qs := make([]*question, len(commands))
	for i, cmd := range commands {
		text.WriteString(string(cmd))
		qs[i] = &question{reply: make(chan frame, 1)}
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, c.lost()
	}
	c.asked = append(c.asked, qs...)
	c.mu.Unlock()
	// A command is far smaller than the send buffer of a peer that reads, so this bounds one that does not.
	_ = c.net.SetWriteDeadline(time.Now().Add(replyWithin))
	if _, err := c.net.Write([]byte(text.String())); err != nil {
		c.end(err)
		return nil, c.lost()
	}
	return qs, nil
}

// await waits for a reply, at most for within; 0 waits as long as ctx does.
func (c *conn) await(ctx context.Context, q *question, within time.Duration) (frame, error) {
	var late <-chan time.Time
	if within > 0 {
		t := time.NewTimer(within)
		defer t.Stop()
		late = t.C
	}
	select {
	case f := <-q.reply:
		return f, nil
	case <-ctx.Done():
		return frame{}, context.Cause(ctx)
	case <-late:
		return frame{}, errNoReply
	case <-c.ended:
	}
	select { // the last reply may have come with the end
	case f := <-q.reply:
		return f, nil
	default:
		return frame{}, c.lost()
	}
}

// errNoReply: FreeSWITCH has taken a command and does not answer.
var errNoReply = errors.New("FreeSWITCH does not answer")

// ask sends one command and waits for its reply.
func (c *conn) ask(ctx context.Context, cmd wireCommand) (frame, error) {
	qs, err := c.send(cmd)
	if err != nil {
		return frame{}, err
	}
	f, err := c.await(ctx, qs[0], replyWithin)
	if err != nil {
		return frame{}, err
	}
	return f, f.refused()
}

// outcome is what a command was answered: the text of a reply, or the body of what an api command printed.
func (f frame) outcome() string {
	if f.kind() == typeAPI {
		return strings.TrimRight(strings.ToValidUTF8(string(f.body), ""), "\n")
	}
	return f.head.plain("Reply-Text")
}

// refused gives ringside.ErrRefused, with FreeSWITCH's words, for an outcome that begins with -ERR or -USAGE.
func (f frame) refused() error { return refusal(f.outcome()) }

func refusal(outcome string) error {
	if !strings.HasPrefix(outcome, "-ERR") && !strings.HasPrefix(outcome, "-USAGE") {
		return nil
	}
	return fmt.Errorf("%w: %.200q", ringside.ErrRefused, strings.TrimSpace(outcome))
}
