package main

import (
	"net"
	"strings"
	"testing"
)

func TestCommandsOfThePBXWithoutOne(t *testing.T) {
	r := startDaemon(t, "")
	for _, args := range [][]string{
		{"originate", "101", "102"},
		{"channels"},
		{"hangup", "PJSIP/101-1"},
		{"transfer", "PJSIP/101-1", "102"},
		{"health"},
		{"queue", "stats"},
		{"queue", "add", "101", "support"},
		{"park", "PJSIP/101-1"},
		{"spy", "103", "PJSIP/101-1"},
		{"dtmf", "PJSIP/101-1", "1"},
	} {
		_, errOut, code := r.cli(args...)
		if code != 1 || !strings.Contains(errOut, "no PBX is configured: set ami.address") {
			t.Errorf("%v: %d %s", args, code, errOut)
		}
	}
	for _, args := range [][]string{{"ami", "test"}, {"ami", "listen"}} {
		_, errOut, code := r.cli(args...)
		if code != exitUsage || !strings.Contains(errOut, "ami.address is not set") {
			t.Errorf("%v: %d %s", args, code, errOut)
		}
	}
}

func TestCommandsOfAPBXThatIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	r := startDaemon(t, "ami: {address: '"+address+"', secret: canary-of-ami}\n")
	r.poll("the attempt has failed", func() bool {
		out, _, _ := r.cli("status")
		return strings.Contains(out, "can't be asked since")
	})
	for _, args := range [][]string{{"channels"}, {"hangup", "PJSIP/101-1"}, {"ami", "test"}, {"ami", "listen"}} {
		_, errOut, code := r.cli(args...)
		if code != 1 || !strings.Contains(errOut, "the PBX can't be reached at "+address+": connect: connection refused") {
			t.Errorf("%v: %d %s", args, code, errOut)
		}
	}
	out, errOut, code := r.cli("health")
	if code != exitProblems || !strings.Contains(out, "critical") || !strings.Contains(errOut, "Asterisk can't be asked") {
		t.Errorf("health: %d\n%s\n%s", code, out, errOut)
	}
	for _, tc := range []struct {
		field string
		args  []string
	}{
		{"channel: ", []string{"hangup", "PJSIP/101 x"}},
		{"channel: ", []string{"transfer", "a\r\nAction: Command", "102"}},
		{"digits: ", []string{"dtmf", "PJSIP/101-1", "12x"}},
		{"mode: ", []string{"spy", "103", "PJSIP/101-1", "--mode", "shout"}},
		{"number: ", []string{"queue", "add", "101&102", "support"}},
		{"name: ", []string{"record", "PJSIP/101-1", "--name", "../x"}},
		{"direction: ", []string{"mute", "PJSIP/101-1", "--direction", "up"}},
		{"cause: ", []string{"hangup", "PJSIP/101-1", "--cause", "999"}},
	} {
		_, errOut, code := r.cli(tc.args...)
		if code != exitUsage || !strings.Contains(errOut, "ringside: "+tc.field) {
			t.Errorf("%q: %d %s", tc.args, code, errOut)
		}
	}
	if strings.Contains(r.log.String(), "canary-of-ami") {
		t.Error("the secret is in the log")
	}
}

func TestTargetsOfTheCommandLine(t *testing.T) {
	for text, want := range map[string]string{
		"101": "extension", "123456": "extension", "reception": "extension",
		"+79161234567": "external", "89161234567": "external", "1234567": "external", "*72": "extension",
	} {
		if got := target(text); string(got.Kind) != want || got.Number != text {
			t.Errorf("%s is taken for %v", text, got)
		}
	}
}

func TestPrintedDialplanHasThePlacesOfTheConfiguration(t *testing.T) {
	file := writeFile(t, "ringside.yaml", "dial: {extension: 'SIP/${number}', external: 'SIP/trunk/${number}', options: tT}\n"+
		"ami: {context: x-control, extension: 'in-${number}', external: 'out${number}'}\n")
	out, _, code := runCLI(t, "dialplan", "asterisk", "--config", file)
	if code != 0 {
		t.Fatal(code)
	}
	for _, line := range []string{
		"[x-control]", "exten => _i[n][-].,1,", "Dial(SIP/${EXTEN:3},60,tT)", "exten => _out.,1,", "Dial(SIP/trunk/${EXTEN:3},120,tT)",
		"exten => _ci[n][-].,1,", "Dial(SIP/${EXTEN:4},60,F(x-control^join^1)g)", "Bridge(${RINGSIDE_HELD})",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("there is no %s", line)
		}
	}
	own := writeFile(t, "ringside.yaml", "ami: {context: from-internal, extension: '${number}', external: '9${number}'}\n")
	if out, _, _ := runCLI(t, "dialplan", "asterisk", "--config", own); strings.Contains(out, "from-internal") {
		t.Error("a site's own context is printed")
	}
}

func TestLinesTellWhoSaysSo(t *testing.T) {
	r := startDaemon(t, "")
	if out, _, code := r.cli("lines"); code != 0 || out != "The directory has no extensions.\n" {
		t.Errorf("%d %s", code, out)
	}
	file := writeFile(t, "directory.yaml", "version: '1'\nnumbers:\n  - {id: 1, number: '101', display_name: Anna}\n")
	if _, errOut, code := r.cli("directory", "load", file); code != 0 {
		t.Fatal(errOut)
	}
	if out, _, code := r.cli("lines"); code != 0 || !strings.Contains(out, "101        Anna                     free   the PBX has said nothing") {
		t.Errorf("%d %s", code, out)
	}
}

func TestSecretFilesHoldOneLine(t *testing.T) {
	for text, want := range map[string]string{"": "is empty", " \n": "is empty", "a\nb\n": "more than one line"} {
		secret := writeFile(t, "secret", text)
		config := writeFile(t, "ringside.yaml", "ami: {address: '127.0.0.1:1', secret_file: '"+secret+"'}\n")
		if _, errOut, code := runCLI(t, "ami", "test", "--config", config); code != exitUsage || !strings.Contains(errOut, want) {
			t.Errorf("%q: %d %s", text, code, errOut)
		}
	}
}
