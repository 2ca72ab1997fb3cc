package pbx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Softphone is a phone of an extension that does what SIPp's scenarios can't: it is in several calls at
// once, puts them on hold and transfers them. It answers at once, sends no sound, and hangs up when it is
// told that a transfer has succeeded.
type Softphone struct {
	Number string

	address string
	conn    *net.UDPConn
	server  *net.UDPAddr
	done    chan struct{}

	mu      sync.Mutex
	dialogs map[string]*Dialog
	order   []*Dialog
	seq     int
	log     []string
}

// Dialog is one call of a softphone.
type Dialog struct {
	id, local, remote, target string
	// Answered and Ended say how far it has come.
	Answered, Ended bool
	// Notified is the last status of a transfer.
	Notified string
}

// Softphone starts one in place of the extension's phone.
func (a *Asterisk) Softphone(number string) (*Softphone, error) {
	p := &Softphone{Number: number, dialogs: map[string]*Dialog{}, done: make(chan struct{}), seq: 10}
	for _, e := range extensions() {
		if e.Number == number {
			p.address = e.Address
		}
	}
	var err error
	p.server = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.Port}
	if p.conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(p.address), Port: a.Port}); err != nil {
		return nil, fmt.Errorf("start a softphone: %w", err)
	}
	go p.run()
	return p, nil
}

// Close ends the phone; its calls are left as they are.
func (p *Softphone) Close() error {
	err := p.conn.Close()
	<-p.done
	return err
}

// Log is a line per message.
func (p *Softphone) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// Dialog gives a copy of the phone's n-th call, counted from 0; false if there were not so many.
func (p *Softphone) Dialog(n int) (Dialog, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n >= len(p.order) {
		return Dialog{}, false
	}
	return *p.order[n], true
}

// Call calls an extension.
func (p *Softphone) Call(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	uri := fmt.Sprintf("sip:%s@%s", to, p.server)
	d := &Dialog{
		id: fmt.Sprintf("c%x@%s", rand.Uint64(), p.address), local: fmt.Sprintf("<sip:%s@%s>;tag=f%x", p.Number, p.address, rand.Uint64()),
		remote: "<" + uri + ">", target: uri,
	}
	p.dialogs[d.id] = d
	p.order = append(p.order, d)
	p.request("INVITE", d, "", p.sdp("sendrecv"))
}

// Hold puts the n-th call on hold, or takes it back.
func (p *Softphone) Hold(n int, on bool) {
	p.within(n, func(d *Dialog) {
		p.request("INVITE", d, "", p.sdp(map[bool]string{true: "sendonly", false: "sendrecv"}[on]))
	})
}

// Bye hangs the n-th call up.
func (p *Softphone) Bye(n int) {
	p.within(n, func(d *Dialog) { p.bye(d) })
}

func (p *Softphone) bye(d *Dialog) {
	if !d.Ended {
		d.Ended = true
		p.request("BYE", d, "", "")
	}
}

// Refer transfers the other side of the n-th call to an extension.
func (p *Softphone) Refer(n int, to string) {
	p.within(n, func(d *Dialog) {
		p.request("REFER", d, fmt.Sprintf("Refer-To: <sip:%s@%s>\r\nReferred-By: <sip:%s@%s>\r\n", to, p.server, p.Number, p.address), "")
	})
}

// Join transfers the other side of the n-th call to the other side of another call.
func (p *Softphone) Join(n, with int) {
	p.within(n, func(d *Dialog) {
		o := p.order[with]
		replaces := url.QueryEscape(fmt.Sprintf("%s;to-tag=%s;from-tag=%s", o.id, tag(o.remote), tag(o.local)))
		p.request("REFER", d, fmt.Sprintf("Refer-To: <%s?Replaces=%s>\r\nReferred-By: <sip:%s@%s>\r\n", o.target, replaces, p.Number, p.address), "")
	})
}

func (p *Softphone) within(n int, f func(*Dialog)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < len(p.order) {
		f(p.order[n])
	}
}

func tag(header string) string {
	_, rest, _ := strings.Cut(header, "tag=")
	return strings.TrimRight(strings.FieldsFunc(rest, func(r rune) bool { return r == ';' || r == '>' })[0], " ")
}

func (p *Softphone) sdp(mode string) string {
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=%s\r\n",
		time.Now().UnixMilli(), p.address, p.address, mode)
}

func (p *Softphone) contact() string {
	return fmt.Sprintf("Contact: <sip:%s@%s>\r\n", p.Number, p.conn.LocalAddr())
}

func (p *Softphone) via() string {
	return fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=z9hG4bK%x\r\n", p.conn.LocalAddr(), rand.Uint64())
}

// request sends one within a call. The lock is held.
func (p *Softphone) request(method string, d *Dialog, headers, body string) {
	p.seq++
	if body != "" {
		headers += "Content-Type: application/sdp\r\n"
	}
	p.send(fmt.Sprintf("%s %s SIP/2.0\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sMax-Forwards: 70\r\n%sContent-Length: %d\r\n\r\n%s",
		method, d.target, p.via(), d.local, d.remote, d.id, p.seq, method, p.contact(), headers, len(body), body))
}

func (p *Softphone) send(text string) {
	p.note(">", text)
	_, _ = p.conn.WriteToUDP([]byte(text), p.server)
}

func (p *Softphone) note(arrow, text string) {
	first, _, _ := strings.Cut(text, "\r\n")
	p.log = append(p.log, fmt.Sprintf("  %s %s %.100s (%s)", time.Now().Format("15:04:05.000"), arrow, first, Message{Text: text}.Header("CSeq")))
}

func (p *Softphone) run() {
	defer close(p.done)
	buf := make([]byte, 64<<10)
	for {
		n, _, err := p.conn.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		text := string(buf[:n])
		p.mu.Lock()
		p.note("<", text)
		p.take(text)
		p.mu.Unlock()
	}
}

var contactURI = regexp.MustCompile(`<([^>]+)>`)

// take answers a message. The lock is held.
func (p *Softphone) take(text string) {
	m := Message{Text: text}
	m.First, _, _ = strings.Cut(text, "\r\n")
	d := p.dialogs[m.Header("Call-ID")]
	method, _, _ := strings.Cut(m.First, " ")
	switch {
	case method == "SIP/2.0":
		p.response(m, d)
	case method == "ACK":
	case method == "INVITE" && d == nil:
		d = &Dialog{id: m.Header("Call-ID"), remote: m.Header("From"), Answered: true}
		d.local = fmt.Sprintf("%s;tag=t%x", m.Header("To"), rand.Uint64())
		if c := contactURI.FindStringSubmatch(m.Header("Contact")); c != nil {
			d.target = c[1]
		}
		p.dialogs[d.id] = d
		p.order = append(p.order, d)
		p.answer(m, d, p.sdp("sendrecv"))
	case method == "INVITE":
		p.answer(m, d, p.sdp("sendrecv"))
	case d == nil:
		p.answer(m, &Dialog{local: m.Header("To")}, "")
	default:
		p.answer(m, d, "")
		switch method {
		case "BYE":
			d.Ended = true
		case "NOTIFY":
			_, d.Notified, _ = strings.Cut(text, "\r\n\r\n")
			if strings.HasPrefix(d.Notified, "SIP/2.0 200") {
				p.bye(d)
			}
		}
	}
}

func (p *Softphone) response(m Message, d *Dialog) {
	var code int
	_, _ = fmt.Sscanf(m.First, "SIP/2.0 %d", &code)
	seq, method, _ := strings.Cut(m.Header("CSeq"), " ")
	if d == nil || method != "INVITE" || code < 200 {
		return
	}
	d.remote = m.Header("To")
	if c := contactURI.FindStringSubmatch(m.Header("Contact")); c != nil && code < 300 {
		d.target, d.Answered = c[1], true
	}
	if code >= 300 {
		d.Ended = true
	}
	p.send(fmt.Sprintf("ACK %s SIP/2.0\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		d.target, p.via(), d.local, d.remote, d.id, seq))
}

// answer accepts a request.
func (p *Softphone) answer(m Message, d *Dialog, body string) {
	headers := p.contact()
	if body != "" {
		headers += "Content-Type: application/sdp\r\n"
	}
	to := d.local
	if m.Header("To") != "" && strings.Contains(m.Header("To"), "tag=") {
		to = m.Header("To")
	}
	p.send(fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		m.Header("Via"), m.Header("From"), to, m.Header("Call-ID"), m.Header("CSeq"), headers, len(body), body))
}
