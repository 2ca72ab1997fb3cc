package bench

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// freeswitch asks a server as FreeSWITCH's application socket does: a new connection for every call, 8 KB
// about the call in reply to connect, a reply to each command, until the server leaves.
type freeswitch struct{ addr string }

// channelData is what FreeSWITCH says of a call that came over SIP, with what such calls grow by.
func channelData(n int) string {
	var b strings.Builder
	id := fmt.Sprintf("53f6b7cc-3890-489d-b83a-%012x", n)
	fmt.Fprintf(&b, "Event-Name: CHANNEL_DATA\nUnique-ID: %s\nChannel-Call-UUID: %s\nChannel-Name: sofia/external/%s%%40192.0.2.7\n", id, id, caller(n))
	fmt.Fprintf(&b, "Caller-Caller-ID-Name: somebody\nCaller-Caller-ID-Number: %s\nCaller-Destination-Number: %s\nCaller-Context: public\n", caller(n), called(n))
	b.WriteString("variable_sofia_profile_name: external\nvariable_sip_gateway: trunk\nvariable_socket_path: decide%3Fhold%3D0\n")
	for i := 0; b.Len() < 8000; i++ {
		fmt.Fprintf(&b, "variable_sip_h_X-Header-%d: %%D0%%9F%%D1%%80%%D0%%BE%%D0%%B2%%D0%%B5%%D1%%80%%D0%%BA%%D0%%B0%%20%d\n", i, i)
	}
	b.WriteString("Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n")
	return b.String()
}

func (f *freeswitch) call([]byte) (answer, error) {
	n := placed.Add(1)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(n/250%4), byte(2+n%250))}, Timeout: 10 * time.Second}
	data := channelData(int(n))
	begin := time.Now()
	conn, err := d.Dial("tcp", f.addr)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 2048)
	var got answer
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return got, fmt.Errorf("a call was not given back: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		reply := "Content-Type: command/reply\nReply-Text: +OK\n\n"
		switch verb, _, _ := strings.Cut(line, " "); verb {
		case "":
			continue
		case "connect":
			reply = data
		case "api":
			got.last = append(got.last[:0], line...)
			reply = "Content-Type: api/response\nContent-Length: 4\n\n+OK\n"
		case "exit":
			got.took = time.Since(begin)
			_, _ = conn.Write([]byte("Content-Type: command/reply\nReply-Text: +OK bye\n\nContent-Type: text/disconnect-notice\nContent-Length: 0\n\n"))
			return got, nil
		}
		got.commands++
		if _, err := conn.Write([]byte(reply)); err != nil {
			return got, err
		}
	}
}

const asESLFloor = "RINGSIDE_BENCH_ESL_FLOOR"

// eslFloor is the least that any server for FreeSWITCH in Go has to do: accept, ask, read up to the blank line,
// write its commands, read the replies, close. It parses nothing.
func eslFloor(encoded string) int {
	said, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(l.Addr())
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_, _ = conn.Write([]byte("connect\r\n\r\n"))
			buf := make([]byte, 16<<10)
			for n := 0; !bytes.HasSuffix(buf[:n], []byte("\n\n")); {
				more, err := conn.Read(buf[n:])
				if err != nil {
					return
				}
				n += more
			}
			_, _ = conn.Write(said)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		}()
	}
}

// P6: decisions for FreeSWITCH per second, each with 8 KB about the call.
func TestBenchFreeSWITCH(t *testing.T) {
	gate(t)
	d := newDaemon(t)
	d.start()
	d.loadContacts()
	got, err := (&freeswitch{d.esl}).call(nil)
	if err != nil || !strings.Contains(string(got.last), "RINGSIDE_ACTION=forward") || !strings.Contains(string(got.last), "RINGSIDE_RESULT=decided") {
		t.Fatalf("ringside does not decide: %s, %v", got.last, err)
	}
	out, pid := startProcess(t, asESLFloor, base64.StdEncoding.EncodeToString([]byte(string(got.last)+"\r\n\r\nexit\r\n\r\n")))
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	span := time.Duration(setting("RINGSIDE_BENCH_MS", 1500)) * time.Millisecond
	rounds := setting("RINGSIDE_BENCH_ROUNDS", 5)
	fmt.Printf("\nFreeSWITCH decisions, 8 KB about each call, %d rules, %d contacts, trace on; medians of %d rounds\n", rules, contacts, rounds)
	fmt.Printf("%-14s %9s %9s %7s | %-28s %7s | %s\n", "", "floor/s", "ringside/s", "ratio", "CPU µs/call floor, ringside, client", "ratio", "p99 floor, ringside")
	for _, atOnce := range []int{16, 128} {
		sides := []side{{&freeswitch{strings.TrimSpace(addr)}, pid, nil}, {&freeswitch{d.esl}, d.cmd.Process.Pid, nil}}
		for round := range rounds + 1 {
			for i := range sides {
				sides[i].measure(t, atOnce, span, round > 0)
			}
		}
		floor, ours := &sides[0], &sides[1]
		fmt.Printf("%-14s %9.0f %9.0f %7.2f | %12.0f %12.0f %9.0f %7.2f | %.2f ms, %.2f ms\n", fmt.Sprintf("%d at once", atOnce),
			floor.median(rate), ours.median(rate), ratio(ours, floor, rate), floor.median(server), ours.median(server), ours.median(client),
			ratio(floor, ours, both), floor.median(late), ours.median(late))
	}
}
