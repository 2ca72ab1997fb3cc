package esl

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

const sofiaStatus = "                     Name\t   Type\t                                      Data\tState\n" +
	"=================================================================================================\n" +
	"            external-ipv6\tprofile\t            sip:mod_sofia@[::1]:5080\tDOWN (0)\n" +
	"               192.0.2.2\t  alias\t                                internal\tALIASED\n" +
	"                 internal\tprofile\t        sip:mod_sofia@192.0.2.2:5060\tRUNNING (2)\n" +
	"                 internal\tprofile\t        sip:mod_sofia@192.0.2.2:5061\tRUNNING (0) (TLS)\n" +
	"=================================================================================================\n2 profiles 1 alias\n"

// texts are the findings, with "!" before problems and "?" before advice.
func texts(rep Report) string {
	var b strings.Builder
	for _, f := range rep.Findings {
		mark := ""
		switch {
		case f.Problem:
			mark = "! "
		case f.Advice:
			mark = "? "
		}
		b.WriteString(mark + f.What + ": " + f.Text + "\n")
	}
	return b.String()
}

func TestProbe(t *testing.T) {
	f := newFakeSwitch(t)
	f.on("module_exists", func(name string) string {
		return map[bool]string{true: "true", false: "false"}[name == "mod_callcenter"]
	})
	f.says("sofia", sofiaStatus)
	f.says("show", twoChannels)
	rep, err := Probe(t.Context(), f.login())
	if err != nil || rep.Version != "1.10.12" || rep.Problems() != 1 {
		t.Errorf("%d problems, %v", rep.Problems(), err)
	}
	for _, want := range []string{
		"connection: 127.0.0.1:8021 asks for a password\nlogin: the password of event_socket.conf.xml is right", "rights: every command is permitted", "events: the life of calls can be heard",
		"? modules: mod_valet_parking is not loaded", "\nmodules: mod_callcenter is loaded", "! sofia: the SIP profile external-ipv6 does not run", "\nsofia: SIP profiles run: internal\n",
		"channels: the channels can be listed",
	} {
		if !strings.Contains(texts(rep), want) {
			t.Errorf("%q is missing in\n%s", want, texts(rep))
		}
	}
}

// A user's missing and dangerous rights are told, with the line that gives what is needed.
func TestProbeOfAUser(t *testing.T) {
	f := newFakeSwitch(t)
	f.says("show", "-ERR SQL disabled, no data available!\n")
	for _, c := range []string{"module_exists", "sofia"} {
		f.denied[c] = true
	}
	f.denied["CHANNEL_CREATE"] = true
	l := f.login()
	l.User = "1000@x"
	rep, err := Probe(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"! rights: the user may not use originate, version,", "? rights: the user may not use status, sofia, callcenter_config", "? rights: the user may use system", "? events: the user may not hear CHANNEL_CREATE",
		"? channels: the channels can't be listed", "login: logged in as 1000@x",
	} {
		if !strings.Contains(texts(rep), want) {
			t.Errorf("%q is missing in\n%s", want, texts(rep))
		}
	}
}

func TestProbeOfNobody(t *testing.T) {
	for _, tc := range []struct {
		say  func(net.Conn)
		want string
		file string
	}{
		{playing(asSent(of(tape(t, "i02_auth_wrong"), "CLI1")), 100), "connection: 127.0.0.1:8021 asks for a password\n! login: the password is wrong\n", fileSocket},
		{playing(tape(t, "s09_acl_rejection"), 100), "! connection: FreeSWITCH does not let this machine's address in (apply-inbound-acl)\n", fileSocket},
		{func(c net.Conn) { _ = c.Close() }, "! connection: the connection ended before it said anything: the connection to the PBX was lost: EOF\n", ""},
	} {
		ours, theirs := net.Pipe()
		go tc.say(theirs)
		rep, err := Probe(t.Context(), Login{Password: ringside.NewSecret("wrong"), open: opened(ours)})
		if last := rep.Findings[len(rep.Findings)-1]; err != nil || texts(rep) != tc.want || last.File != tc.file {
			t.Errorf("%s%v", texts(rep), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Probe(ctx, Login{}); err == nil {
		t.Error("no error though its ctx has ended")
	}
}
