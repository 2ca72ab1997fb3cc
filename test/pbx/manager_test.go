package pbx_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"
)

// TestRigManager needs no ringside: it shows that the manager interface lets the rig's users in, plain and with TLS.
func TestRigManager(t *testing.T) {
	story(t, func(t *testing.T, s *stage) {
		cert, err := os.ReadFile(s.CertFile())
		s.must(err)
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(cert) {
			t.Fatal("the certificate can't be read")
		}
		for _, user := range []string{"ringside", "weak", "all"} {
			plain, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.AMI))
			s.must(err)
			s.letsIn(plain, user)
			secure, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.AMITLS), &tls.Config{RootCAs: roots})
			s.must(err)
			s.letsIn(secure, user)
		}
	})
}

// letsIn requires that a user of the manager interface can log in, and closes the connection.
func (s *stage) letsIn(c net.Conn, user string) {
	s.t.Helper()
	defer c.Close()
	s.must(c.SetDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(c, "Action: Login\r\nUsername: "+user+"\r\nSecret: secret\r\n\r\n")
	s.must(err)
	r := textproto.NewReader(bufio.NewReader(c))
	banner, err := r.ReadLine()
	s.must(err)
	if !strings.HasPrefix(banner, "Asterisk Call Manager/") {
		s.t.Errorf("banner %q", banner)
	}
	answer, err := r.ReadMIMEHeader()
	s.must(err)
	if answer.Get("Message") != "Authentication accepted" {
		s.t.Errorf("%s is not let in: %v", user, answer)
	}
}
