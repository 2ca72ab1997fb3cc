package pbx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Message is one SIP message as an agent's log has it.
type Message struct {
	At   time.Time // to the microsecond
	Sent bool
	// First is the start line, such as "INVITE sip:…" or "SIP/2.0 180 Ringing".
	First string
	// Text is the whole message.
	Text string
}

// Messages are a conversation, in order.
type Messages []Message

// readMessages reads SIPp's -trace_msg log; a log that is not there yet has no messages.
func readMessages(path string) (Messages, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the messages: %w", err)
	}
	return ParseMessages(string(raw)), nil
}

const messageRule = "-----------------------------------------------"

// ParseMessages takes a log apart: a rule and the local time, then "UDP message sent (397 bytes):", an
// empty line and the message. A message that is still being written is left out.
func ParseMessages(log string) Messages {
	var all Messages
	for _, part := range strings.Split(log, messageRule+" ")[1:] {
		when, rest, ok := strings.Cut(part, "\n")
		if !ok {
			continue
		}
		what, text, ok := strings.Cut(rest, "\n\n")
		if !ok || !strings.Contains(what, " message ") {
			continue
		}
		m := Message{Sent: strings.Contains(what, " sent "), Text: strings.TrimLeft(text, "\r\n")}
		var err error
		if m.At, err = time.ParseInLocation("2006-01-02 15:04:05.000000", when, time.Local); err != nil {
			continue
		}
		m.First, _, _ = strings.Cut(m.Text, "\r\n")
		all = append(all, m)
	}
	return all
}

// Header gives the first header of a name, with its folded lines as they are.
func (m Message) Header(name string) string {
	head, _, _ := strings.Cut(m.Text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	for i, l := range lines {
		k, v, ok := strings.Cut(l, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(k), name) {
			continue
		}
		for _, next := range lines[i+1:] {
			if next == "" || next[0] != ' ' && next[0] != '\t' {
				break
			}
			v += "\r\n" + next
		}
		return strings.TrimSpace(v)
	}
	return ""
}

// Is reports whether the message is the request of a method, or the response of a code to it:
// "INVITE", "200 INVITE", "487 INVITE", "CANCEL".
func (m Message) Is(what string) bool {
	code, method, response := strings.Cut(what, " ")
	if !response {
		return strings.HasPrefix(m.First, what+" ")
	}
	return strings.HasPrefix(m.First, "SIP/2.0 "+code+" ") && strings.HasSuffix(m.Header("CSeq"), " "+method)
}

// Key is what tells a message from its retransmissions.
func (m Message) key() string {
	return fmt.Sprint(m.Sent, m.First, m.Header("Call-ID"), m.Header("CSeq"), m.Header("Via"))
}

// Sent are the messages of a kind that went out, without retransmissions.
func (ms Messages) Sent(what string) Messages { return ms.pick(true, what) }

// Received are the messages of a kind that came in, without retransmissions.
func (ms Messages) Received(what string) Messages { return ms.pick(false, what) }

// OfCalls leaves out what belongs to no INVITE of this conversation: another phone had this address
// before.
func (ms Messages) OfCalls() Messages {
	known := map[string]bool{}
	for _, m := range ms {
		if m.Is("INVITE") {
			known[m.Header("Call-ID")] = true
		}
	}
	var some Messages
	for _, m := range ms {
		if known[m.Header("Call-ID")] {
			some = append(some, m)
		}
	}
	return some
}

func (ms Messages) pick(sent bool, what string) Messages {
	var some Messages
	seen := map[string]bool{}
	for _, m := range ms {
		if m.Sent == sent && m.Is(what) && !seen[m.key()] {
			seen[m.key()] = true
			some = append(some, m)
		}
	}
	return some
}

// String is a line per message.
func (ms Messages) String() string {
	var b strings.Builder
	for _, m := range ms {
		arrow := "<"
		if m.Sent {
			arrow = ">"
		}
		fmt.Fprintf(&b, "  %s %s %.100s (%s)\n", m.At.Format("15:04:05.000000"), arrow, m.First, m.Header("CSeq"))
	}
	return b.String()
}
