package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// fakeEventSocket is FreeSWITCH's event socket as far as the commands ask it, on a loopback port.
type fakeEventSocket struct {
	l        net.Listener
	password string
	// console is what commands print, "+OK" without.
	console map[string]string
	// tells is sent behind the first subscription to CHANNEL_ANSWER.
	tells string

	mu    sync.Mutex
	asked []string
	done  sync.WaitGroup
}

const nobodyTalks = `{"row_count": 0}`

func newFakeEventSocket(t *testing.T) *fakeEventSocket {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeEventSocket{l: l, password: "secret-of-freeswitch", console: map[string]string{
		"version": "FreeSWITCH Version 1.10.12-release+git (git a88d069 2024-08-02 21:02:27Z 64bit)\n", "module_exists": "true", "show": nobodyTalks,
		"sofia": "internal\tprofile\tsip:mod_sofia@192.0.2.2:5060\tRUNNING (0)\n", "uuid_exists": "true",
	}}
	f.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.done.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.done.Wait()
	})
	return f
}

func (f *fakeEventSocket) address() string { return f.l.Addr().String() }

// config is that of a ringside beside it, which serves no calls.
func (f *fakeEventSocket) config() string {
	return "esl: {listen: 'off', address: '" + f.address() + "', password: secret-of-freeswitch}\n"
}

func (f *fakeEventSocket) requests() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.asked, "\n")
}

func (f *fakeEventSocket) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprint(conn, "Content-Type: auth/request\n\n")
	in := bufio.NewReader(conn)
	for {
		var lines []string
		for len(lines) == 0 || lines[len(lines)-1] != "" {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
		f.mu.Lock()
		f.asked = append(f.asked, lines[0])
		f.mu.Unlock()
		verb, rest, _ := strings.Cut(lines[0], " ")
		name, _, _ := strings.Cut(rest, " ")
		text, ok := f.console[name]
		if !ok {
			text = "+OK\n"
		}
		switch {
		case verb == "auth" && rest != f.password:
			_, _ = fmt.Fprint(conn, "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")
			return
		case verb == "api":
			_, _ = fmt.Fprintf(conn, "Content-Type: api/response\nContent-Length: %d\n\n%s", len(text), text)
		case verb == "bgapi":
			id := strings.TrimPrefix(lines[1], "Job-UUID: ")
			event := fmt.Sprintf("Event-Name: BACKGROUND_JOB\nJob-UUID: %s\nContent-Length: %d\n\n%s", id, len(text), text)
			_, _ = fmt.Fprintf(conn, "Content-Type: command/reply\nReply-Text: +OK Job-UUID: %s\n\nContent-Length: %d\nContent-Type: text/event-plain\n\n%s", id, len(event), event)
		default:
			_, _ = fmt.Fprint(conn, "Content-Type: command/reply\nReply-Text: +OK\n\n")
			if verb == "event" && strings.Contains(rest, "CHANNEL_ANSWER") && f.tells != "" {
				_, _ = fmt.Fprintf(conn, "Content-Length: %d\nContent-Type: text/event-plain\n\n%s", len(f.tells), f.tells)
				return
			}
		}
	}
}

// cliWith runs a command line with a configuration and no daemon.
func cliWith(t *testing.T, config string, args ...string) (out, errOut string, code int) {
	t.Helper()
	return runCLI(t, append(args, "--config", writeFile(t, "ringside.yaml", config))...)
}

func TestESLTest(t *testing.T) {
	f := newFakeEventSocket(t)
	out, errOut, code := cliWith(t, f.config(), "esl", "test")
	if code != 0 || !strings.Contains(out, "FreeSWITCH 1.10.12 answers in") || !strings.Contains(out, "SIP profiles run: internal") || !strings.Contains(out, "FreeSWITCH can be used.") {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}
	if asked := f.requests(); strings.Contains(asked, "ALL") || !strings.Contains(asked, "event plain BACKGROUND_JOB CHANNEL_CREATE") {
		t.Errorf("asked\n%s", asked)
	}
	out, errOut, code = cliWith(t, strings.Replace(f.config(), "secret-of-freeswitch", "wrong-secret", 1), "esl", "test")
	if code != exitProblems || !strings.Contains(out, "the password is wrong") || !strings.Contains(out, `<param name="password"`) || strings.Contains(out+errOut, "wrong-secret") {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}
	_ = f.l.Close()
	out, errOut, code = cliWith(t, f.config(), "esl", "test")
	if code != exitProblems || !strings.Contains(out, "nobody listens there") || !strings.Contains(out, `<param name="listen-ip" value="127.0.0.1"/>`) {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}
	_, errOut, code = cliWith(t, "node: x\n", "esl", "test")
	if code != exitUsage || !strings.Contains(errOut, "esl.address is not set") {
		t.Errorf("%d %s", code, errOut)
	}
}

func TestESLListen(t *testing.T) {
	f := newFakeEventSocket(t)
	f.tells = "Event-Name: CHANNEL_ANSWER\nUnique-ID: 11111111-0000-4000-8000-00000000000a\nChannel-Name: sofia/internal/101\nCaller-Caller-ID-Number: 1%1B[31m%0A2\nEmpty:\n\n"
	out, errOut, code := cliWith(t, f.config(), "esl", "listen", "channel_answer", "--uuid", "11111111-0000-4000-8000-00000000000a")
	if code != 1 || strings.Count(out, "\n") != 1 || strings.ContainsRune(out, '\x1b') ||
		!strings.Contains(out, `CHANNEL_ANSWER           11111111-0000-4000-8000-00000000000a channel="sofia/internal/101" from=`) {
		t.Errorf("%d\n%q\n%s", code, out, errOut)
	}
	if asked := f.requests(); !strings.HasSuffix(asked, "filter Unique-ID 11111111-0000-4000-8000-00000000000a\nevent plain CHANNEL_ANSWER") {
		t.Errorf("asked\n%s", asked)
	}
	out, _, _ = cliWith(t, f.config(), "esl", "listen", "--json")
	if !strings.Contains(out, `"Caller-Caller-ID-Number":"1\u001b[31m\n2"`) || strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
	_, errOut, code = cliWith(t, f.config(), "esl", "listen", "ALL")
	if code != exitUsage || !strings.Contains(errOut, "event: ALL is everything") {
		t.Errorf("%d %s", code, errOut)
	}
}

// With FreeSWITCH alone, the daemon acts on it.
func TestDaemonWithFreeSWITCH(t *testing.T) {
	f := newFakeEventSocket(t)
	f.console["show"] = `{"row_count":1,"rows":[{"uuid":"11111111-0000-4000-8000-00000000000a","direction":"inbound","name":"sofia/internal/101@x","callstate":"ACTIVE","cid_num":"101","dest":"102"}]}`
	r := startDaemon(t, f.config())
	r.poll("FreeSWITCH is connected", func() bool {
		out, _, _ := r.cli("status")
		return strings.Contains(out, "FreeSWITCH at "+f.address()+": connected for")
	})
	if out, errOut, code := r.cli("channels"); code != 0 || !strings.Contains(out, "11111111-0000-4000-8000-00000000000a") || !strings.Contains(out, "1 channel in 1 call.") {
		t.Errorf("%d\n%s%s", code, out, errOut)
	}
	if out, errOut, code := r.cli("hangup", "11111111-0000-4000-8000-00000000000a"); code != 0 {
		t.Errorf("%d\n%s%s", code, out, errOut)
	}
	if !strings.Contains(f.requests(), "bgapi uuid_kill 11111111-0000-4000-8000-00000000000a NORMAL_CLEARING") {
		t.Errorf("asked\n%s", f.requests())
	}
	if _, errOut, code := r.cli("hangup", "PJSIP/101-1"); code != exitUsage || !strings.Contains(errOut, "is no channel's uuid") {
		t.Errorf("%d %s", code, errOut)
	}
	if out, errOut, code := r.cli("health"); code != 0 || !strings.Contains(out, "FreeSWITCH is connected") {
		t.Errorf("%d\n%s%s", code, out, errOut)
	}
	if _, errOut, code := r.cli("queue", "stats"); code != 1 || !strings.Contains(errOut, "ringside follows the queues of Asterisk only") {
		t.Errorf("%d %s", code, errOut)
	}
	if strings.Contains(r.log.String(), "secret-of-freeswitch") {
		t.Error("the password is in the log")
	}
}

// namedControl is a PBX that tells its name with each request.
type namedControl struct {
	ringside.CallControl
	called string
}

func (n *namedControl) Hangup(_ context.Context, r ringside.HangupRequest) error {
	n.called = r.Channel
	return nil
}

func (n *namedControl) Bridge(_ context.Context, r ringside.BridgeRequest) error {
	n.called = r.Channel
	return nil
}

func (n *namedControl) Channels(context.Context) ([]ringside.ChannelInfo, error) {
	if n.called == "away" {
		return nil, ringside.ErrPBXAway
	}
	return []ringside.ChannelInfo{{Name: n.called}}, nil
}

// A request goes to the PBX whose channel it names.
func TestBothPBXs(t *testing.T) {
	const uuid = "11111111-0000-4000-8000-00000000000a"
	a, f := &namedControl{}, &namedControl{}
	both := bothPBXs{a, f}
	for _, ch := range []string{uuid, "PJSIP/101-1"} {
		if err := both.Hangup(t.Context(), ringside.HangupRequest{Channel: ch}); err != nil {
			t.Fatal(err)
		}
	}
	if a.called != "PJSIP/101-1" || f.called != uuid {
		t.Errorf("Asterisk got %q, FreeSWITCH %q", a.called, f.called)
	}
	if err := both.Bridge(t.Context(), ringside.BridgeRequest{Channel: uuid, With: "PJSIP/101-1"}); err == nil {
		t.Error("channels of two PBXs were bridged")
	}
	if all, err := both.Channels(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	a.called = "away"
	if all, err := both.Channels(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	f.called = "away"
	if _, err := both.Channels(t.Context()); err == nil {
		t.Error("nobody is there, and there is no error")
	}
}

const soundSocket = `<configuration name="event_socket.conf"><settings>
  <param name="listen-ip" value="127.0.0.1"/>
  <param name="listen-port" value="PORT"/>
  <param name="password" value="secret-of-freeswitch"/>
</settings></configuration>`

const soundContext = `<include><context name="default">
  <extension name="sales"><condition field="destination_number" expression="^100$">
    <action application="socket" data="127.0.0.1:8084 async full"/>
    <action application="bridge" data="user/100"/>
  </condition></extension>
</context></include>`

// examinedSwitch is what the doctor says of FreeSWITCH with these files.
func examinedSwitch(t *testing.T, f *fakeEventSocket, files confFiles) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(f.address())
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "PORT", port)
	}
	var out strings.Builder
	config := writeFile(t, "ringside.yaml", "store: {path: "+filepath.Join(t.TempDir(), "ringside.db")+"}\nagi: {listen: '127.0.0.1:1'}\n"+strings.Replace(f.config(), "'off'", "'127.0.0.1:8084'", 1))
	d := &doctor{
		p:   &program{ctx: t.Context(), cli: &cli{Config: config}, out: &out, err: &out},
		etc: "/etc/asterisk", switchEtc: "/etc/freeswitch", conf: files.reader(),
	}
	d.examine(t.Context())
	if err := d.report(&out, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDoctorExaminesFreeSWITCH(t *testing.T) {
	const socket, dialplan = "/etc/freeswitch/autoload_configs/event_socket.conf.xml", "/etc/freeswitch/dialplan/default.xml"
	for _, tc := range []struct {
		name string
		edit func(confFiles)
		// said is what it finds, changed what to change.
		said, changed []string
	}{
		{
			"sound", func(confFiles) {}, []string{
				"the event socket listens on this machine only, with a password of its own", "version: FreeSWITCH 1.10.12", `extension "sales": hands calls over, and goes on without ringside (bridge)`,
			}, nil,
		},
		{
			"as it is installed", func(files confFiles) {
				files[socket] = strings.NewReplacer("127.0.0.1", "::", "secret-of-freeswitch", "ClueCon").Replace(files[socket])
			},
			[]string{"advice", "everybody on this machine may run programs as FreeSWITCH", "listens on ::, and only a list of addresses keeps others out"},
			[]string{`<param name="listen-ip" value="127.0.0.1"/>`, `fs_cli -x "reload mod_event_socket"`},
		},
		{
			"open to the world", func(files confFiles) {
				files[socket] = strings.NewReplacer("127.0.0.1", "0.0.0.0", "secret-of-freeswitch", "ClueCon",
					"</settings>", `<param name="apply-inbound-acl" value="any_v4.auto"/></settings>`).Replace(files[socket])
			},
			[]string{"problem", "everybody who reaches the port may run programs as FreeSWITCH", "lets others in (apply-inbound-acl any_v4.auto)"},
			nil,
		},
		{
			"a call that ends without ringside", func(files confFiles) {
				files[dialplan] = strings.Replace(files[dialplan], `<action application="bridge" data="user/100"/>`, "", 1)
			},
			[]string{`extension "sales": nothing follows the socket line: without ringside the call ends`},
			[]string{"fs_cli -x reloadxml"},
		},
		{
			"a socket that can't be driven", func(files confFiles) {
				files[dialplan] = strings.Replace(files[dialplan], " async full", "", 1)
			},
			[]string{"the socket line lacks async or full"},
			[]string{`<action application="socket" data="127.0.0.1:8084 async full"/>`},
		},
		{
			"a dialplan without ringside", func(files confFiles) { files[dialplan] = "<include/>" },
			[]string{"FreeSWITCH's dialplan hands no call over to ringside"},
			nil,
		},
		{
			"another port", func(files confFiles) {
				files[socket] = strings.Replace(files[socket], "PORT", "8021", 1)
			},
			[]string{"the event socket listens on port 8021, and esl.address says"},
			nil,
		},
		{
			"files of another machine", func(files confFiles) { clear(files) },
			[]string{"name FreeSWITCH's folder with --freeswitch", "version: FreeSWITCH 1.10.12"},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, files := newFakeEventSocket(t), confFiles{socket: soundSocket, dialplan: soundContext}
			tc.edit(files)
			text := examinedSwitch(t, f, files)
			for _, want := range append(tc.said, tc.changed...) {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, "manager.conf") || strings.Contains(text, "secret-of-freeswitch") {
				t.Errorf("it says\n%s", text)
			}
		})
	}
}
