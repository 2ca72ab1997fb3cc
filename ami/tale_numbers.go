package ami

import (
	"strings"

	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// bare is a channel's endpoint without its technology, as in an Offer.
func bare(channel string) string {
	_, endpoint, ok := strings.Cut(dialplan.Device(channel), "/")
	if !ok {
		return ""
	}
	return endpoint
}

// localNumber is the extension that a Local channel leads to: 101 of Local/101@queue-00000001;1.
func localNumber(channel string) string {
	exten, _, _ := strings.Cut(strings.TrimPrefix(channel, "Local/"), "@")
	return exten
}

// dialStrings are the devices that an application Dial calls.
func dialStrings(data string) []string {
	data, _, _ = strings.Cut(data, ",")
	return strings.Split(data, "&")
}

// dialledNumber is the number in a dial string: 79001112233@trunk, trunk/79001112233, PJSIP/101,
// trunk/sip:79001112233@host.
func dialledNumber(s string) string {
	if local(s) {
		return localNumber(s)
	}
	if before, host, ok := strings.Cut(s, "@"); ok && !strings.Contains(host, "@") {
		s = before
	}
	s = s[strings.LastIndexByte(s, '/')+1:]
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		s = strings.TrimPrefix(s, scheme)
	}
	return s
}
