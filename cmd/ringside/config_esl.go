package main

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/esl"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// ESLConfig is FreeSWITCH: the server to which its dialplan hands calls over, and the connection over which
// ringside acts on its calls.
type ESLConfig struct {
	Listen         string          `yaml:"listen"`
	Allow          []string        `yaml:"allow"`
	MaxConnections int             `yaml:"max_connections"`
	Dial           ESLDialConfig   `yaml:"dial"`
	Speech         string          `yaml:"speech"`
	Language       string          `yaml:"language"`
	Ringback       string          `yaml:"ringback"`
	Music          string          `yaml:"music"`
	Recordings     string          `yaml:"recordings"`
	Address        string          `yaml:"address"`
	User           string          `yaml:"user"`
	Password       ringside.Secret `yaml:"password"`
	PasswordFile   string          `yaml:"password_file"`
	Insecure       bool            `yaml:"insecure"`
	Timeout        Duration        `yaml:"timeout"`
	Keepalive      Duration        `yaml:"keepalive"`
	Records        bool            `yaml:"records"`
	Dialplan       DialplanConfig  `yaml:"dialplan"`
}

// ESLDialConfig says how targets are dialled by FreeSWITCH.
type ESLDialConfig struct {
	Extension string `yaml:"extension"`
	External  string `yaml:"external"`
	Voicemail string `yaml:"voicemail"`
}

// off is what turns the server off, as nothing does.
const off = "off"

func defaultESL() ESLConfig {
	return ESLConfig{
		Listen: "127.0.0.1:8084", MaxConnections: 2000,
		Dial:     ESLDialConfig{Extension: "user/" + placeholder, Voicemail: "default ${domain} " + placeholder},
		Language: "en", Ringback: "%(1000,4000,425)", Music: "local_stream://default", Recordings: esl.DefaultRecordings,
		Timeout: Duration{10 * time.Second}, Keepalive: Duration{15 * time.Second}, Records: true, Dialplan: defaultDialplan(),
	}
}

// serves reports whether FreeSWITCH's dialplan may hand calls over.
func (c *ESLConfig) serves() bool { return c.Listen != "" && c.Listen != off }

func (c *ESLConfig) problems(bad complaint) {
	exclusive(bad, "esl.password", c.Password, c.PasswordFile)
	inBounds(bad, []bounds{
		{"esl.timeout", c.Timeout, time.Second, time.Minute},
		{"esl.keepalive", c.Keepalive, time.Second, 10 * time.Minute},
	})
	badPrefixes(bad, "esl.allow", c.Allow)
	if c.MaxConnections < 1 || c.MaxConnections > 100_000 {
		bad("esl.max_connections", "%d is not between 1 and 100000", c.MaxConnections)
	}
	if c.serves() {
		if why := badListen(c.Listen, "127.0.0.1:8084"); why != "" {
			bad("esl.listen", "%s, or off", why)
		} else if !onLoopback(c.Listen) && len(c.Allow) == 0 {
			bad("esl.allow", "is needed when esl.listen (%s) is not on loopback: FreeSWITCH's application socket has no login", c.Listen)
		}
	}
	for _, err := range c.places().Validate() {
		field, why, _ := strings.Cut(err.Error(), ": ")
		bad("esl."+field, "%s", why)
	}
	c.wordProblems(bad)
	if c.Address != "" {
		c.addressProblems(bad)
	}
}

// wordProblems looks at what becomes an argument of FreeSWITCH's applications.
func (c *ESLConfig) wordProblems(bad complaint) {
	plain := strings.NewReplacer(placeholder, "", "${domain}", "").Replace(c.Dial.Voicemail)
	if strings.Count(c.Dial.Voicemail, placeholder) != 1 || strings.Count(c.Dial.Voicemail, "${domain}") > 1 || len(strings.Fields(c.Dial.Voicemail)) != 3 ||
		!dialplan.Word(strings.ReplaceAll(plain, " ", "")+"x", dialplan.MaxTemplate) {
		bad("esl.dial.voicemail", "%q is not the profile, the domain and %s", c.Dial.Voicemail, placeholder)
	}
	if engine, voice, ok := strings.Cut(c.Speech, "|"); c.Speech != "" && (!ok || !dialplan.Word(engine, 40) || !dialplan.Word(voice, 40)) {
		bad("esl.speech", "%q is no engine and voice, such as flite|kal", c.Speech)
	}
	if !dialplan.Word(c.Language, 20) {
		bad("esl.language", "%q is no language, such as en", c.Language)
	}
	if !musicName.MatchString(c.Music) {
		bad("esl.music", "%q is no music, such as local_stream://default", c.Music)
	}
}

// musicName is a file or a stream of music.
var musicName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./:-]{0,199}$`)

// addressProblems looks at how the event socket is reached.
func (c *ESLConfig) addressProblems(bad complaint) {
	host, _, err := net.SplitHostPort(c.Address)
	switch {
	case err != nil:
		bad("esl.address", "%q is no address: write it as %s", c.Address, esl.DefaultAddress)
	case host == "":
		bad("esl.address", "%q names no host", c.Address)
	}
	if strings.ContainsAny(c.User, ": \r\n\x00") || c.User != "" && !strings.Contains(c.User, "@") {
		bad("esl.user", "%q is no user of the directory, such as ringside@example.com", c.User)
	}
	if c.Password.IsZero() && c.PasswordFile == "" {
		bad("esl.password", "is missing: it is the one of event_socket.conf.xml, or the esl-password of esl.user")
	}
	if why := c.known(c.Password); why != "" {
		bad("esl.password", "%s", why)
	}
}

// known says why a password that everybody knows is not taken; empty if it may be used.
func (c *ESLConfig) known(password ringside.Secret) string {
	if password.Reveal() != esl.DefaultPassword || onLoopback(c.Address) || c.Insecure {
		return ""
	}
	return fmt.Sprintf("is the one that everybody knows, and %s is not this machine: who reaches that port may run programs there (esl.insecure takes that risk)", c.Address)
}

// login says where and as whom to log in.
func (c *ESLConfig) login() (esl.Login, error) {
	l := esl.Login{Address: c.Address, User: c.User, Timeout: c.Timeout.Duration}
	var err error
	if l.Password, err = secretOf("esl.password_file", c.Password, c.PasswordFile); err != nil {
		return l, err
	}
	if why := c.known(l.Password); why != "" {
		return l, fmt.Errorf("esl.password_file: %s", why)
	}
	return l, nil
}

// places say how FreeSWITCH reaches numbers.
func (c *ESLConfig) places() esl.Places {
	return esl.Places{Extension: c.Dial.Extension, External: c.Dial.External, Ringback: c.Ringback, Recordings: c.Recordings}
}

// server says how calls are served that FreeSWITCH's dialplan hands over, without what the daemon adds.
func (c *ESLConfig) server() esl.ServerOptions {
	return esl.ServerOptions{
		Listen: c.Listen, Allow: prefixes(c.Allow), MaxConnections: c.MaxConnections,
		Site: esl.Site{
			Dial: dialplan.Dial{Extension: c.Dial.Extension, External: c.Dial.External}, Voicemail: c.Dial.Voicemail,
			Music: c.Music, Ringback: c.Ringback, Speech: c.Speech, Language: c.Language, Recordings: c.Recordings,
		},
	}
}
