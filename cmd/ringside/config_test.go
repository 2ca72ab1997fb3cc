package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/configs"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigurationErrorsNameTheKeyAndTheLine(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "nod: a\n", []string{`line 1: there is no key "nod"`}},
		{"unknown nested key", "agi:\n  listen: 127.0.0.1:1\n  deadlin: 5ms\n", []string{`line 3: agi: there is no key "deadlin"`, "deadline"}},
		{"key twice", "node: a\nnode: b\n", []string{"line 2", "node"}},
		{"no time span", "agi: {deadline: soon}\n", []string{"line 1", `"soon" is no time span`}},
		{"wrong type", "agi: {max_connections: many}\n", []string{"line 1", "cannot unmarshal"}},
		{"a list where a key is needed", "agi: [1]\n", []string{"agi: needs keys below it"}},
		{"syntax", "agi: [\n", []string{"line "}},
		{"unset variable", "agi:\n  token: ${RINGSIDE_NO_SUCH}\n", []string{"line 2: agi.token", "RINGSIDE_NO_SUCH is not set"}},
		{
			"everything at once", "node: 'a b'\nagi: {listen: nonsense, default: '1;2', deadline: 1h, max_connections: 0, allow: [x]}\nlog: {level: loud, format: xml}\ndial: {extension: SIP, options: 'M(x)'}\n",
			[]string{"node:", "agi.listen:", "agi.default:", "agi.deadline:", "agi.max_connections:", "agi.allow[0]:", "log.level:", "log.format:", "dial.extension:", "dial.options:"},
		},
		{"open to the world without an allow-list", "agi: {listen: '0.0.0.0:4573'}\n", []string{"agi.allow: is needed"}},
		{"template that could be injected into", "dial: {extension: 'PJSIP/${number}&SIP/1'}\n", []string{"dial.extension", `'&'`}},
		{"a port that there can't be", "agi: {listen: '127.0.0.1:70000'}\n", []string{"agi.listen", "70000", "65535"}},
		{"wrong type and wrong value", "agi: {max_connections: many}\nlog: {level: loud}\nnod: a\n", []string{"line 1", "cannot unmarshal", "log.level:", `no key "nod"`}},
		{"two tokens", "agi: {token: a, token_file: b}\n", []string{"agi.token"}},
		{"no URL of a CRM", "crm: {url: crm.example.com}\n", []string{"crm.url: is no URL"}},
		{"a password in the URL", "crm: {url: 'https://u:sesame@crm.example.com/'}\n", []string{"crm.url: has a user name or password"}},
		{"a query in the URL", "crm: {url: 'https://crm.example.com/?token=sesame'}\n", []string{"crm.url: has a query"}},
		{"an ARI without its scheme", "ari: {url: 'sesame:open@127.0.0.1:8088/ari', password: x}\n", []string{"ari.url: it is no URL"}},
		{"an ARI with a password in the URL", "ari: {url: 'http://u:sesame@127.0.0.1:8088/ari', password: x}\n", []string{"ari.url: user and password belong"}},
		{"names of an ARI", "ari: {url: 'http://127.0.0.1:8088/ari', password: x, username: '', app: 'a b'}\n", []string{"ari.username: it is missing", "ari.app: \"a b\" is no name"}},
		{"a CRM in the clear", "crm: {url: 'http://crm.example.com/'}\n", []string{"crm.url: is http"}},
		{"a CRM in the clear beyond the allowed network", "crm: {url: 'http://10.1.0.1/', allow: [10.2.0.0/16]}\n", []string{"crm.url: is http"}},
		{
			"everything at once for the CRM", "crm: {token: 'sesame open', token_file: f, signing_secret: sesame, signing_secret_file: f, allow: [x], pin: sesame, ca_file: c, cert_file: c, timeout: 1ms, wait: 2m, poll: 0s}\n",
			[]string{
				"crm.token: is no token", "crm.token: and crm.token_file", "crm.signing_secret: and", "crm.allow[0]:", "crm.pin: and crm.ca_file",
				"crm.cert_file: and crm.key_file", "crm.timeout: 1ms", "crm.wait: 2m0s", "crm.poll: 0s",
			},
		},
		{
			"what the CRM pushes", "http: {listen: '0.0.0.0:4580', token: sesame, signing_secret: sesame, key_file: k}\n",
			[]string{"http.cert_file: is needed", "http.token: is shorter than 16", "http.signing_secret: is shorter", "http.cert_file: and http.key_file"},
		},
		{
			"everything at once for what is dialled", "outbound: {allow: ['+7', '7', '+', '+0', '+7 900', '+7'], deny: ['8-10', '+7'], variables: ['*', '__X', CRM_*], person: {per_minute: 0, concurrent: -1}, total: {per_hour: 10001, per_day: 1}}\n",
			[]string{
				`outbound.allow[1]: "7" is no beginning`, "outbound.allow[2]:", "outbound.allow[3]:", "outbound.allow[4]:", "outbound.deny[0]:",
				"outbound.deny[1]: +7 is in outbound.allow too", "outbound.variables[0]:", "outbound.variables[1]:",
				"outbound.person.per_minute: 0 is not between 1 and 10000", "outbound.person.concurrent: -1", "outbound.total.per_hour: 10001",
				`outbound.total: there is no key "per_day"`,
			},
		},
		{
			"everything at once for FreeSWITCH", "esl: {listen: '0.0.0.0:8084', allow: [x], max_connections: 0, dial: {extension: 'user/1', external: 'a&${number}', voicemail: 'default ${number}'}, speech: flite, language: 'e n', ringback: '{x}', music: 'a b', recordings: '../x', address: '8021', user: 'a:b', timeout: 1ms, keepalive: 1h}\n",
			[]string{
				"esl.allow[0]:", "esl.max_connections: 0", "esl.dial.extension:", "esl.dial.external:", "esl.dial.voicemail:", `esl.speech: "flite" is no engine and voice`,
				"esl.language:", "esl.ringback:", "esl.music:", "esl.recordings:", `esl.address: "8021" is no address`, "esl.user:", "esl.password: is missing",
				"esl.timeout: 1ms", "esl.keepalive: 1h0m0s",
			},
		},
		{"FreeSWITCH's dialplan from everywhere", "esl: {listen: '0.0.0.0:8084'}\n", []string{"esl.allow: is needed"}},
		{"a recording on the way out of its folder", "esl: {recordings: '/var/lib/../../etc'}\n", []string{"esl.recordings:"}},
		{"the password that everybody knows", "esl: {address: '10.0.0.5:8021', password: ClueCon}\n", []string{"esl.password: is the one that everybody knows, and 10.0.0.5:8021 is not this machine"}},
		{"two passwords for FreeSWITCH", "esl: {password: a, password_file: b}\n", []string{"esl.password: and esl.password_file exclude"}},
		{
			"everything at once for the manager interface", "ami: {address: '10.0.0.1:5038', username: '', plain: true, ca_file: a, pin: sesame, events: 'call,gossip', timeout: 1ms, keepalive: 1h, reconcile: 1s, context: 'a b', extension: 'e', external: '${number}&x', limits: {online: 0, degraded: 101, ping: 0s, window: 1s, long_wait: 0s, clock: 0s, short: -1s}}\n",
			[]string{
				"ami.tls: is needed: 10.0.0.1 is not this machine", "ami.username: is missing", "ami.secret: is missing", "ami.tls: must be on", "ami.pin: and ami.ca_file",
				`ami.events: "gossip" is no class`, "ami.timeout: 1ms", "ami.keepalive: 1h0m0s", "ami.reconcile: 1s", `ami.context: "a b"`, "ami.extension:", "ami.external:",
				"ami.limits.online: 0", "ami.limits.degraded: 101", "ami.limits.ping: 0s", "ami.limits.window: 1s", "ami.limits.long_wait: 0s", "ami.limits.clock: 0s", "ami.limits.short: -1s",
			},
		},
		{"an address without a port", "ami: {address: localhost, secret: x}\n", []string{`ami.address: "localhost" is no address`}},
		{"two secrets", "ami: {secret: sesame, secret_file: f}\n", []string{"ami.secret: and ami.secret_file"}},
		{"nonsense to listen on", "http: {listen: nonsense}\n", []string{"http.listen:", "127.0.0.1:4580"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := writeFile(t, "ringside.yaml", c.text)
			_, err := LoadConfig(file)
			if err == nil {
				t.Fatal("the configuration was accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error tells a secret:\n%v", err)
			}
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, file) {
					t.Errorf("a line of the error does not name the file: %s", line)
				}
			}
		})
	}
}

func TestExampleConfigurationHasEveryKeyAtItsDefault(t *testing.T) {
	c, err := LoadConfig(writeFile(t, "ringside.yaml", configs.Example))
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	if err := want.Validate(); err != nil {
		t.Fatal(err)
	}
	want.AGI.Allow, want.CRM.Allow, want.ESL.Allow = []string{}, []string{}, []string{}
	want.Outbound.Allow, want.Outbound.Deny, want.dialplan().Allow = []string{}, []string{}, []string{}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(ringside.Secret{})); diff != "" {
		t.Errorf("the example differs from the defaults (-default +example):\n%s", diff)
	}
	var keys func(reflect.Type, string)
	keys = func(typ reflect.Type, path string) {
		for i := range typ.NumField() {
			name, f := typ.Field(i).Tag.Get("yaml"), typ.Field(i).Type
			if f.Kind() == reflect.Struct && f != reflect.TypeFor[Duration]() && f != reflect.TypeFor[ringside.Secret]() {
				keys(f, name+".")
				continue
			}
			if !strings.Contains(configs.Example, name+":") && name != "token_file" {
				t.Errorf("the example does not explain %s%s", path, name)
			}
		}
	}
	keys(reflect.TypeFor[Config](), "")
}

func TestEnvironmentAndFilesInTheConfiguration(t *testing.T) {
	t.Setenv("RINGSIDE_TEST_PORT", "4999")
	file := writeFile(t, "ringside.yaml", "agi: {listen: '127.0.0.1:${RINGSIDE_TEST_PORT}', token_file: token}\nstore: {path: s/r.db, retention: 30d}\n")
	folder := filepath.Dir(file)
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.AGI.Listen != "127.0.0.1:4999" || c.Store.Path != filepath.Join(folder, "s/r.db") || c.Store.Retention.Duration != 30*24*time.Hour {
		t.Errorf("got %+v", c)
	}
	token, err := c.token()
	if err != nil || token.Reveal() != "s3cret" {
		t.Errorf("token %q, %v", token.Reveal(), err)
	}
	if token.String() != "<secret>" {
		t.Errorf("the token prints as %s", token)
	}
}
