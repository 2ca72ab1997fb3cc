package sync

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

// LinkState is the link's state in a word.
type LinkState string

// The states of the link.
const (
	Standalone LinkState = "standalone" // there is no CRM
	Connecting LinkState = "connecting" // nothing has succeeded or failed yet
	Up         LinkState = "up"
	Failing    LinkState = "failing"
	Locked     LinkState = "refused" // the credentials are refused
)

// Status is the link at one moment.
type Status struct {
	State LinkState `json:"state"`
	URL   string    `json:"url,omitempty"`
	// Since is when the trouble began, Reason what it is; both are empty while there is none.
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// LastSuccess is when the CRM last answered as it should.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// Warnings are what will be, or may be, trouble: clocks, tokens, a directory that waits.
	Warnings []string       `json:"warnings,omitempty"`
	Streams  []StreamStatus `json:"streams,omitempty"`

	Backlog ringside.Backlog `json:"backlog"`
	// Edits is how many edits made on site wait for the CRM's word.
	Edits int           `json:"edits"`
	Disk  ringside.Disk `json:"disk"`
	// FullAt is when the disk will be full at the rate at which the backlog has grown; zero if it
	// does not grow or that is more than ten years away.
	FullAt time.Time `json:"disk_full_at,omitzero"`
	// ClockSkew is this clock's lead over the CRM's, in seconds.
	ClockSkew int        `json:"clock_skew_seconds"`
	Token     TokenState `json:"token"`
}

// StreamStatus is one of the link's tasks.
type StreamStatus struct {
	Name        string    `json:"name"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Since       time.Time `json:"failing_since,omitzero"`
	Trouble     Trouble   `json:"trouble,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Next        time.Time `json:"next_attempt,omitzero"`
	Failures    int       `json:"failures,omitempty"`
}

// Status tells how the link is doing.
func (l *Link) Status(ctx context.Context) (Status, error) {
	var s Status
	backlog, err := l.opt.Store.Backlog(ctx)
	if err != nil {
		return s, err
	}
	s.Backlog = backlog
	if s.Disk, err = l.opt.Store.Disk(); err != nil {
		return s, err
	}
	if l.client == nil {
		s.State = Standalone
		return s, nil
	}
	now := l.opt.Now()
	s.URL = l.opt.URL.Redacted()
	s.FullAt = fullAt(backlog, s.Disk, now)
	s.Token = l.opt.Credentials.State()
	l.state.fill(&s)
	switch w := s.Token.warning(now); {
	case w != "":
		s.Warnings = append(s.Warnings, w)
	case s.State == Locked && !s.Token.Changed.IsZero():
		s.Warnings = append(s.Warnings, s.Token.renewal(now))
	}
	if free := s.Disk.Free; free < minFree {
		s.Warnings = append(s.Warnings, "the disk is nearly full: records can't be kept for long")
	}
	return s, nil
}

const (
	// minFree is how little room on the disk is worth a warning, in bytes.
	minFree = 512 << 20
	// perRecord is what the store needs for a record beside its bytes, as a factor: two indexes,
	// pages that are not full.
	perRecord = 1.5
	// horizon is how far a forecast reaches.
	horizon = 10 * 365 * 24 * time.Hour
)

// fullAt says when the disk will be full at the rate at which the backlog has grown.
func fullAt(b ringside.Backlog, d ringside.Disk, now time.Time) time.Time {
	age := now.Sub(b.Oldest)
	if b.Calls == 0 || b.Oldest.IsZero() || age < time.Minute {
		return time.Time{}
	}
	seconds := float64(d.Free) / (float64(b.Bytes) * perRecord) * age.Seconds()
	if seconds > horizon.Seconds() {
		return time.Time{}
	}
	return now.Add(time.Duration(seconds) * time.Second)
}

// fill tells what the streams and clocks say.
func (st *state) fill(s *Status) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.State, s.LastSuccess = Connecting, st.lastSuccess
	if !st.lastSuccess.IsZero() {
		s.State = Up
	}
	for _, one := range st.streams {
		line := StreamStatus{Name: one.name, LastSuccess: one.lastSuccess, Failures: one.failures, Next: one.next}
		if f := one.failure; f != nil {
			line.Since, line.Trouble, line.Reason = one.since, f.Trouble, f.Reason
			if s.State != Failing || one.since.Before(s.Since) {
				s.Since, s.Reason = one.since, f.Reason
			}
			s.State = Failing
		}
		s.Streams = append(s.Streams, line)
	}
	if st.closed {
		s.State = Locked
		for _, one := range st.streams {
			if f := one.failure; f != nil && f.Trouble == Unauthorized {
				s.Since, s.Reason = one.since, f.Reason
				break
			}
		}
	}
	s.ClockSkew = int(st.skew / time.Second)
	if st.skewed {
		s.Warnings = append(s.Warnings, clockText(st.skew))
	}
}
