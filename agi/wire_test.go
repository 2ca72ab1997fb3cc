package agi

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// recorder is a connection that gives what is to be read, some bytes at a time, and keeps what is
// written.
type recorder struct {
	net.Conn
	input   []byte
	piece   int
	written bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	if len(r.input) == 0 {
		return 0, io.EOF
	}
	n := len(r.input)
	if r.piece > 0 {
		n = min(n, r.piece)
	}
	n = copy(p, r.input[:n])
	r.input = r.input[n:]
	return n, nil
}

func (r *recorder) Write(p []byte) (int, error)      { return r.written.Write(p) }
func (r *recorder) SetDeadline(time.Time) error      { return nil }
func (r *recorder) SetReadDeadline(time.Time) error  { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

func TestWriteSendsNothingButOneCommand(t *testing.T) {
	for _, p := range []string{
		"", "ANSWER", "ANSWER\nHANGUP\n", "\n\n", "ANSWER\r\n", "EXEC NoOp \x00\n", strings.Repeat("x", maxCommand) + "\n",
	} {
		conn := &recorder{}
		w := newWire()
		w.begin(conn)
		if _, err := w.Write([]byte(p)); !errors.Is(err, errBadCommand) || conn.written.Len() > 0 {
			t.Errorf("%.20q: %v, %d bytes were sent", p, err, conn.written.Len())
		}
		if w.broken != nil {
			t.Errorf("%.20q: the connection is given up", p)
		}
	}
}

// A wire that has served one connection knows nothing of it at the next.
func TestWireForgetsItsLastConnection(t *testing.T) {
	w := newWire()
	for _, rest := range []string{"HANGUP\n200 result=1 (old)\n", "200 res", "520-Invalid\n", "200 result=1 (" + strings.Repeat("x", 9000)} {
		w.begin(&recorder{input: []byte("200 result=1 (a)\n" + rest)})
		w.onHangup = func() {}
		_ = w.agi.Command("NOOP")
		_ = w.agi.Command("NOOP")
		w.begin(nil)
		w.begin(&recorder{input: []byte("200 result=1 (new)\n")})
		if res := w.agi.Command("NOOP"); res.Value != "new" || w.broken != nil {
			t.Errorf("after %.20q: %+v, %v", rest, res, w.broken)
		}
	}
}

// Whatever comes, in whatever pieces: a reply is one line that answers one command, or the
// connection is given up; and the pieces make no difference.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"200 result=0\n", "HANGUP\n200 result=-1\n", "200 result=1 (a b \"q\" (c) \\ d)\n", "100 result=0 Trying...\n\n200 result=0\n",
		"510 Invalid or unknown command\n", "511 Command Not Permitted on a dead channel or intercept routine\n",
		"520-Invalid command syntax.  Proper usage follows:\nReturns <literal>0</literal>\n520 End of proper usage.\n", "520-a\n520-b\n520-c",
		"200 result= (timeout)\n200 result=12*\n", "\r\n200 result=0\r\n", "HANGUP", "garbage\n200 result=0\n", "200 result=1 (l1\nl2)\n",
		strings.Repeat("x", 9000) + "\n", "200 result=1 (" + strings.Repeat("x", 3000) + ")\n200 result=0\n", strings.Repeat("HANGUP\n", 50), "\x00\xff\n",
	} {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 0)
	}
	f.Fuzz(func(t *testing.T, input []byte, piece int) {
		replies := func(piece int) (all []string, gone int, err error) {
			w := newWire()
			w.begin(&recorder{input: bytes.Clone(input), piece: piece})
			w.onHangup = func() { gone++ }
			for {
				line, err := w.reply()
				if err != nil {
					return all, gone, err
				}
				if len(line) > maxLine || bytes.ContainsAny(line, "\n") || len(line) < 4 || line[3] != ' ' {
					t.Fatalf("the reply %q", line)
				}
				all = append(all, string(line))
			}
		}
		whole, gone, err := replies(0)
		if !errors.Is(err, ringside.ErrConnectionLost) {
			t.Fatalf("it ends with %v", err)
		}
		pieces, again, _ := replies(1 + max(0, piece%50))
		if strings.Join(whole, "\n") != strings.Join(pieces, "\n") || gone != again {
			t.Errorf("whole %q, %d hang-ups; in pieces %q, %d", whole, gone, pieces, again)
		}
	})
}

func FuzzParseOutcome(f *testing.F) {
	for _, s := range []string{
		"", "ANSWER|95|16|PJSIP%2F101-0000000a", "NOANSWER||19|", "|||", "ANSWER|-5|x|y", "ANSWER|99999999999999999999|1|", "BUSY", "ANSWER|1|2|a|b|c",
		"ANSWER|1|16|PJSIP/anna-smith-00000001", "DONTCALL|||", "CANCEL|0|0|SIP%2f101",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		res, peer := parseOutcome(s)
		if res.Talk < 0 || res.Status == "" {
			t.Errorf("%q: %+v", s, res)
		}
		if res.Status != ringside.DialAnswered && (peer != "" || res.Talk != 0) {
			t.Errorf("%q: nobody answered, and %q talked for %s", s, peer, res.Talk)
		}
	})
}

func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{"", "PJSIP/trunk-00000003", "PJSIP/anna-smith-00000001", "Local/101@ctx-0001;1", "IAX2/x", "-", "/", "/-", "a/b/c-d", "PJSIP/я-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := dialplan.Endpoint(s)
		if !strings.Contains(s, got) || len(got) >= len(s) && s != "" {
			t.Errorf("%q is the endpoint %q", s, got)
		}
	})
}

func TestEndpoint(t *testing.T) {
	for channel, want := range map[string]string{
		"PJSIP/trunk-00000003": "trunk", "PJSIP/anna-smith-0000000a": "anna-smith", "PJSIP/101": "101", "nothing": "",
		"Local/101@ringside-00000001;1": "101@ringside", "": "",
	} {
		if got := dialplan.Endpoint(channel); got != want {
			t.Errorf("%s is %q, want %q", channel, got, want)
		}
	}
}
