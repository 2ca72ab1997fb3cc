package peers

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestAllowed(t *testing.T) {
	listed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	for addr, want := range map[string][2]bool{
		"10.1.2.3": {true, false}, "::ffff:10.1.2.3": {true, false}, "10.2.0.1": {false, false}, "2001:db8::5": {true, false},
		"127.0.0.1": {false, true}, "127.8.8.8": {false, true}, "::1": {false, true}, "::ffff:127.0.0.1": {false, true}, "0.0.0.0": {false, false},
	} {
		tcp := &net.TCPAddr{IP: net.ParseIP(addr), Port: 1}
		if got := [2]bool{Allowed(tcp, listed), Allowed(tcp, Loopback())}; got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if Allowed(&net.UnixAddr{Name: "x"}, listed) {
		t.Error("a peer without an address is allowed")
	}
}

// Those who have not spoken make room, the oldest first and not at once; those who have keep their place.
func TestSilentPeersMakeRoom(t *testing.T) {
	now := time.Now()
	p := New(2)
	conn := func() net.Conn {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
		return ours
	}
	first, _ := p.Add(conn(), now)
	second, _ := p.Add(conn(), now.Add(time.Millisecond))
	if _, ok := p.Add(conn(), now.Add(Patience/2)); ok {
		t.Error("a peer made room at once")
	}
	p.Heard(first)
	later := now.Add(2 * Patience)
	if _, ok := p.Add(conn(), later); !ok || !p.WasEvicted(second) || p.WasEvicted(first) {
		t.Error("the silent peer has not made room")
	}
	if _, ok := p.Add(conn(), later); ok {
		t.Error("there is room for a third")
	}
	p.Remove(second)
	p.Remove(first)
	if open, silent := p.Count(); open != 1 || silent != 1 {
		t.Errorf("%d peers are left, %d of them silent", open, silent)
	}
}
