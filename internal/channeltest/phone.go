package channeltest

import (
	"sync"
	"time"
)

// Phone is an extension with habits. The zero value never answers.
type Phone struct {
	// Answers is after how long it answers; zero is never.
	Answers time.Duration
	// Talk is how long it talks before it hangs up; zero is until the caller does.
	Talk time.Duration
	// Busy and Away refuse every call at once.
	Busy, Away bool

	mu       sync.Mutex
	calls    int
	rung     int
	together int
	stopped  int
}

// Rung is how often it was rung, Together how many calls it had at one time at most, Stopped how
// often it stopped ringing because another phone answered or the caller left.
func (p *Phone) Rung() int { return p.read(&p.rung) }

// Together is how many calls it had at one time at most.
func (p *Phone) Together() int { return p.read(&p.together) }

// Stopped is how often it stopped ringing because another phone answered or the caller left.
func (p *Phone) Stopped() int { return p.read(&p.stopped) }

func (p *Phone) read(n *int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *n
}

func (p *Phone) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rung++
	p.calls++
	p.together = max(p.together, p.calls)
}

func (p *Phone) leave(stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls--
	if stopped {
		p.stopped++
	}
}

// PBX is a set of phones.
type PBX struct {
	Phones map[string]*Phone
	// Answered is told who answers, as the dialplan's report does; nil for a dialplan without one.
	Answered func(callID, number string)
}
