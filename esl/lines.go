package esl

import (
	"sync"

	"github.com/ringside-pbx/ringside"
)

// listener takes what is known of extensions' devices, as Lines does. It is also called on the goroutine that
// reads events, so it may not wait for anything; no lock of this package is held meanwhile.
type listener interface {
	Report(reports ...ringside.LineReport)
	Answered(callID, number string)
	Silence()
}

// mouth tells a listener things in the order in which they were said, without a lock being held: whoever says
// something while somebody else is telling leaves it to them.
type mouth struct {
	lines listener

	mu      sync.Mutex
	said    []func(listener)
	telling bool
}

// say notes what is to be told. It may be called with locks held, tell may not.
func (m *mouth) say(what func(listener)) {
	if m.lines == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, what)
}

// tell tells what was said.
func (m *mouth) tell() {
	m.mu.Lock()
	if m.telling {
		m.mu.Unlock()
		return
	}
	m.telling = true
	for len(m.said) > 0 {
		said := m.said
		m.said = nil
		m.mu.Unlock()
		for _, what := range said {
			what(m.lines)
		}
		m.mu.Lock()
	}
	m.telling = false
	m.mu.Unlock()
}
