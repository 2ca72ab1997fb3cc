package pbx_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/test/pbx"
)

// Many calls with every outcome at the same time leave nothing behind, and a record each.
func TestManyCallsAtOnce(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		as := s.manyCalls(func(<-chan struct{}) {})
		if n := as["7001 talked"]; n != each {
			t.Errorf("%d calls to the carrier were talked on, want %d", n, each)
		}
	})
}

func TestManyCallsWhileTheLinkComesAndGoes(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.proxied()
		s.manyCalls(func(over <-chan struct{}) {
			for {
				select {
				case <-over:
					return
				case <-time.After(1500 * time.Millisecond):
				}
				s.cut()
				s.mend()
			}
		})
	})
}

func TestManyCallsWhileRingsideIsKilled(t *testing.T) {
	throughARI(t, func(t *testing.T, s *stage) {
		s.manyCalls(func(over <-chan struct{}) {
			for {
				select {
				case <-over:
					return
				case <-time.After(2500 * time.Millisecond):
				}
				s.must(s.daemon.Kill())
				s.restart()
			}
		})
	})
}

// rate are the calls per second of each kind, each how many there are.
const rate, each = 5, 50

// manyCalls makes calls of four kinds while something happens to ringside, requires that nothing is left of
// them, and gives what came of those that ringside has heard of, by the called number and the disposition.
func (s *stage) manyCalls(meanwhile func(over <-chan struct{})) map[string]int {
	t := s.t
	t.Helper()
	s.phone("carrier", pbx.Answers(soon))
	s.phone("102", pbx.Refuses(486))
	s.phone("103", pbx.Rings())
	s.phone("104", pbx.Answers(soon))
	s.phone(pbx.Fallback, pbx.Answers(soon))
	s.ringsideWith(pbx.DaemonOptions{LogLevel: "info", Directory: directory([]string{"101", "102", "103", "104"}, `
groups:
  - {id: 3, name: Nobody, members: ["103"], ring_timeout: 1, queue_timeout: 60, max_queue_size: 100}
  - {id: 4, name: Busy, members: ["104"], ring_timeout: 3, queue_timeout: 1, max_queue_size: 5, overflow: {action: hangup}}
rules:
  - {id: 5, name: Out, called_number_pattern: "7001", action: forward_external, target_external: "+74951234567"}
  - {id: 6, name: Refused, called_number_pattern: "7002", action: route_to_number, target_number: "102"}
  - {id: 7, name: Queue, called_number_pattern: "7003", action: route_to_group, target_group: 3}
  - {id: 8, name: One, called_number_pattern: "7004", action: route_to_group, target_group: 4}
`)})
	var all, trouble sync.WaitGroup
	errs, over := make(chan error, 4), make(chan struct{})
	for name, spec := range map[string]pbx.CallSpec{
		"answered": {Number: "+790010[call_number]", To: "7001", Talk: 500 * time.Millisecond},
		"refused":  {Number: "+790020[call_number]", To: "7002", Talk: 500 * time.Millisecond},
		"left":     {Number: "+790030[call_number]", To: "7003", CancelAfter: 700 * time.Millisecond, Talk: 700 * time.Millisecond},
		"queued":   {Number: "+790040[call_number]", To: "7004", Talk: 100 * time.Millisecond},
	} {
		all.Go(func() { errs <- s.Calls(s.dir, name, spec, rate, each) })
	}
	trouble.Go(func() { meanwhile(over) })
	all.Wait()
	close(over)
	trouble.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	s.quiet()
	var calls []ringside.Call
	s.eventually("all calls have ended in the records, too", func() (bool, error) {
		out, err := s.daemon.Run("calls", "list", "--json", "--limit", "1000")
		if err == nil {
			err = json.Unmarshal(out, &calls)
		}
		for _, r := range calls {
			if r.Live() {
				return false, err
			}
		}
		return true, err
	})
	records, as := map[string]int{}, map[string]int{}
	for _, r := range calls {
		records[r.Caller]++
		as[r.Called+" "+string(r.Disposition)]++
	}
	t.Logf("%v", as)
	if len(calls) != len(records) {
		t.Errorf("%d records of %d callers, want one each", len(calls), len(records))
	}
	if s.link == nil && len(calls) != 4*each && as["7001 interrupted"] == 0 {
		t.Errorf("%d records, want %d", len(calls), 4*each)
	}
	return as
}
