package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ringside-pbx/ringside"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		os.Exit(child(path))
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// call is a finished call of two seconds' talk that began n seconds after noon.
func call(n int) ringside.Call {
	c := begun(n)
	c.Status, c.Disposition = ringside.StatusAnswered, ringside.EndTalked
	c.Answer = c.Start.Add(3 * time.Second)
	c.Legs = []ringside.Leg{{
		Kind: "dial", Targets: []string{"101"}, Start: c.Start, Answer: c.Answer,
		End: c.Start.Add(5 * time.Second), Answered: "101", Result: "answered", Cause: ringside.CauseNormal,
	}}
	c.Finish(c.Start.Add(5 * time.Second))
	return c
}

// begun is the same call while it rings.
func begun(n int) ringside.Call {
	return ringside.Call{
		ID: fmt.Sprintf("pbx1-%d.%d", noon.Unix()+int64(n), n), Schema: ringside.CallSchema, Node: "pbx1",
		PBX: "asterisk", Channel: "PJSIP/trunk-00000003", Caller: "+79001234567", Called: "200",
		CallerName: "Иван <Ivan> & Co", Direction: ringside.Inbound, Status: ringside.StatusRinging,
		Rule: &ringside.Ref{ID: 7, Name: "office hours"}, Group: &ringside.Ref{ID: 3, Name: "sales"},
		Start: noon.Add(time.Duration(n) * time.Second), Version: "41",
	}
}

// stored is what the store gives back for a call that it has not seen before.
func stored(c ringside.Call) ringside.Call {
	c.Revision = max(1, c.Revision)
	return c
}

func TestACallFromItsBeginningToTheOutbox(t *testing.T) {
	s := start(t, Options{})
	s.Begin(begun(1))
	answered := begun(1)
	answered.Status = ringside.StatusAnswered
	s.Update(answered)
	flush(t, s)
	equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 1)
	if _, ok, _ := s.Call(t.Context(), begun(1).ID); ok {
		t.Error("a call that has not ended is among the finished ones")
	}

	turns := []ringside.Turn{{Group: 3, Number: "101", Count: 8}, {Group: 3, Number: "102", Count: 9}}
	talks := []Talk{{Number: "101", End: call(1).End}}
	s.Finish(call(1), turns, talks)
	flush(t, s)
	for range 2 {
		equal(t, "call", get(t, s, call(1).ID), stored(call(1)))
		equal(t, "turns", must(s.Turns(t.Context()))(t), turns)
		equal(t, "talks", must(s.Talks(t.Context()))(t), talks)
		equal(t, "outbox", waiting(t, s, 0, 0), []ringside.Parcel{parcelOf(t, 1, stored(call(1)))})
		equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 0)
		if s.state.Interrupted != 0 {
			t.Error("a finished call was taken for an interrupted one")
		}
		s = reopen(t, s)
	}
}

func TestWhatIsStoredOutlivesTheProcess(t *testing.T) {
	s := start(t, Options{})
	if _, _, ok, err := s.Current(t.Context()); ok || err != nil {
		t.Errorf("directory of a new store: %v, %v", ok, err)
	}
	document := []byte("{ \"version\": \"41\" }\n")
	for _, err := range []error{
		saveDirectory(s, ringside.Edition{}, []byte("{}")),
		saveDirectory(s, ringside.Edition{Version: "41", Source: "crm", Time: noon}, document),
		s.SetCursor(t.Context(), "pull", []byte("etag")),
		s.SetCursor(t.Context(), "gone", []byte("x")),
		s.SetCursor(t.Context(), "gone", nil),
		s.Append(t.Context(), call(1), []ringside.Turn{{Group: -2, Number: "7", Count: 1}}, nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	got, data, ok, err := s.Current(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	equal(t, "directory", []any{got.Number, got.Version, got.Source, got.Time, got.Size, string(data)},
		[]any{uint64(2), "41", "crm", noon, len(document), string(document)})
	equal(t, "cursor", string(must(s.Cursor(t.Context(), "pull"))(t)), "etag")
	equal(t, "removed cursor", must(s.Cursor(t.Context(), "gone"))(t), []byte(nil))
	equal(t, "turns", must(s.Turns(t.Context()))(t), []ringside.Turn{{Group: -2, Number: "7", Count: 1}})
	equal(t, "call", get(t, s, call(1).ID), stored(call(1)))
	equal(t, "counts", s.State().Calls, 1)
}

func TestUnfinishedCallsAreInterruptedAtTheNextOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ringside.db")
	s := start(t, Options{Path: path, Now: func() time.Time { return noon.Add(time.Minute) }})
	s.Begin(begun(1))
	talking := begun(2)
	s.Begin(talking)
	talking.Status, talking.Answer = ringside.StatusAnswered, noon.Add(12*time.Second)
	s.Update(talking)
	flush(t, s)
	// The file is left as a process that dies leaves it.
	s = reopen(t, s)
	equal(t, "interrupted", s.State().Interrupted, 2)
	ringing, talked := get(t, s, begun(1).ID), get(t, s, talking.ID)
	equal(t, "dispositions", []ringside.Disposition{ringing.Disposition, talked.Disposition},
		[]ringside.Disposition{ringside.EndInterrupted, ringside.EndInterrupted})
	equal(t, "status of the one that rang", ringing.Status, ringside.StatusFailed)
	equal(t, "status of the one that talked", talked.Status, ringside.StatusAnswered)
	equal(t, "end: the last sign of life", ringing.End, noon.Add(time.Minute))
	equal(t, "duration of the talk", talked.Duration, 48)
	equal(t, "outbox", len(waiting(t, s, 0, 0)), 2)
	equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 0)
	s = reopen(t, s)
	equal(t, "interrupted again", s.State().Interrupted, 0)
}

func TestACallThatIsAskedAboutAgainIsTheSameCall(t *testing.T) {
	s := start(t, Options{})
	first := call(1)
	if err := s.Append(t.Context(), first, nil, nil); err != nil {
		t.Fatal(err)
	}
	again := begun(1)
	again.Start = noon.Add(20 * time.Second)
	s.Begin(again)
	flush(t, s) // a beginning after an end is no left-over: the check at the end agrees
	if r := must(s.Check(t.Context()))(t); !r.OK() || r.Begun != 1 {
		t.Errorf("check: %+v", r)
	}
	again.Status = ringside.StatusNoAnswer
	again.Legs = []ringside.Leg{{Kind: "dial", Targets: []string{"102"}, Start: again.Start, Result: "no_answer"}}
	again.Finish(noon.Add(31 * time.Second))
	s.Finish(again, nil, nil)
	flush(t, s)

	want := stored(again).Continue(stored(first))
	equal(t, "call", get(t, s, first.ID), want)
	equal(t, "revision", want.Revision, 2)
	equal(t, "outbox: the newest revision alone", waiting(t, s, 0, 0), []ringside.Parcel{parcelOf(t, 2, want)})
	equal(t, "counts", must(s.Calls(t.Context(), Query{}))(t), []ringside.Call{want})

	// Sending the first revision while the second arrives does not lose the second.
	if err := sent(s, 1); err != nil {
		t.Fatal(err)
	}
	equal(t, "outbox", len(waiting(t, s, 0, 0)), 1)
	if err := sent(s, 2); err != nil {
		t.Fatal(err)
	}
	s.Finish(again, nil, nil)
	flush(t, s)
	equal(t, "outbox after a third part", waiting(t, s, 0, 0)[0].Revision, 3)
}

func TestAnInterruptedSecondPartContinuesTheFirst(t *testing.T) {
	s := start(t, Options{})
	if err := s.Append(t.Context(), call(1), nil, nil); err != nil {
		t.Fatal(err)
	}
	s.Begin(begun(1))
	flush(t, s)
	s = reopen(t, s)
	c := get(t, s, call(1).ID)
	equal(t, "revision", c.Revision, 2)
	equal(t, "status", c.Status, ringside.StatusAnswered)
	equal(t, "legs", len(c.Legs), 1)
}

func TestUpdatesAfterTheEndChangeNothing(t *testing.T) {
	s := start(t, Options{})
	s.Begin(begun(1))
	s.Finish(call(1), nil, nil)
	s.Update(begun(1))
	flush(t, s)
	s.Update(begun(1))
	flush(t, s)
	equal(t, "begun", must(s.Check(t.Context()))(t).Begun, 0)
}

func TestTheRecordIsTakenAsItIsNow(t *testing.T) {
	s := start(t, Options{})
	c := call(1)
	want := stored(call(1))
	s.Finish(c, nil, nil)
	c.Legs[0].Answered, c.Rule.Name = "666", "changed"
	flush(t, s)
	equal(t, "call", get(t, s, c.ID), want)
}

func TestTurnsAndTalksOnlyGrow(t *testing.T) {
	s := start(t, Options{})
	turn := func(n uint64) []ringside.Turn { return []ringside.Turn{{Group: 1, Number: "101", Count: n}} }
	talk := func(n int) []Talk { return []Talk{{Number: "101", End: noon.Add(time.Duration(n) * time.Second)}} }
	s.Finish(call(1), turn(5), talk(5))
	s.Finish(call(2), turn(4), talk(4))
	s.Finish(call(3), []ringside.Turn{{Group: 1}}, []Talk{{}, {Number: strings.Repeat("1", 65)}})
	flush(t, s)
	equal(t, "turns", must(s.Turns(t.Context()))(t), turn(5))
	equal(t, "talks", must(s.Talks(t.Context()))(t), talk(5))
}

func TestCallsByTime(t *testing.T) {
	s := start(t, Options{})
	const n = 1300 // more than one read transaction copies
	for i := range n {
		s.Finish(call(i), nil, nil)
	}
	flush(t, s)
	at := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Second) }
	for _, tc := range []struct {
		name  string
		query Query
		first int
		last  int
		count int
	}{
		{"the oldest hundred", Query{}, 0, 99, 100},
		{"the newest hundred", Query{Newest: true}, n - 1, n - 100, 100},
		{"all", Query{Limit: n + 1}, 0, n - 1, n},
		{"all, newest first", Query{Limit: n + 1, Newest: true}, n - 1, 0, n},
		{"since", Query{Since: at(1250), Limit: n}, 1250, n - 1, 50},
		{"until", Query{Until: at(3)}, 0, 2, 3},
		{"between", Query{Since: at(2), Until: at(5)}, 2, 4, 3},
		{"between, newest first", Query{Since: at(2), Until: at(5), Newest: true, Limit: 2}, 4, 3, 2},
		{"nothing", Query{Since: at(n)}, 0, 0, 0},
		{"before the epoch", Query{Until: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)}, 0, 0, 0},
		{"after the end of time", Query{Since: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 0, 0, 0},
	} {
		got := must(s.Calls(t.Context(), tc.query))(t)
		if len(got) != tc.count {
			t.Errorf("%s: %d calls, want %d", tc.name, len(got), tc.count)
		} else if tc.count > 0 && (got[0].ID != call(tc.first).ID || got[tc.count-1].ID != call(tc.last).ID) {
			t.Errorf("%s: from %s to %s", tc.name, got[0].ID, got[tc.count-1].ID)
		}
	}
	entries := waiting(t, s, 700, n)
	equal(t, "outbox after 700", []any{len(entries), entries[0].Seq}, []any{n - 700, uint64(701)})
	equal(t, "outbox with a limit", len(waiting(t, s, 0, 7)), 7)
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	s := start(t, Options{})
	long, never := call(1), call(2)
	long.ID = strings.Repeat("x", ringside.MaxCallID+1)
	never.Start = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []ringside.Call{{}, long, never} {
		if err := s.Append(t.Context(), c, nil, nil); !errors.Is(err, ErrInvalid) {
			t.Errorf("append: %v", err)
		}
		s.Begin(c)
		s.Finish(c, nil, nil)
	}
	equal(t, "dropped", s.State().Dropped, uint64(6))
	for _, name := range []string{"", strings.Repeat("x", 256)} {
		if err := s.SetCursor(t.Context(), name, []byte("x")); !errors.Is(err, ErrInvalid) {
			t.Errorf("set cursor: %v", err)
		}
	}
	if _, err := Open(t.Context(), Options{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("open without a path: %v", err)
	}
}

func TestAnEndedContextReadsAndWritesNothing(t *testing.T) {
	s := start(t, Options{})
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, _, errCall := s.Call(ctx, "x")
	_, errCalls := s.Calls(ctx, Query{})
	_, _, _, errCurrent := s.Current(ctx)
	_, _, _, errEdition := s.Edition(ctx, 1)
	_, errEditions := s.Editions(ctx, 1)
	_, _, errBase := s.Base(ctx)
	_, errEdits := s.Edits(ctx)
	_, errSave := s.SaveEdition(ctx, ringside.EditionWrite{Document: []byte("{}")})
	_, errRejected := s.Rejected(ctx, "", 1)
	_, errRetry := s.RetryRejected(ctx)
	_, errDrop := s.DropRejected(ctx, "x")
	_, errBacklog := s.Backlog(ctx)
	_, _, errRefs := s.CallRefs(ctx, noon, noon, "", 1)
	_, errRequeue := s.Requeue(ctx, "x")
	_, errSweep := s.SweepContacts(ctx, 1)
	_, errContacts := s.Contacts(ctx)
	_, errAnnotate := s.ApplyAnnotations(ctx, nil, "x", nil)
	_, _, errAnnotation := s.Annotation(ctx, "x")
	_, errTurns := s.Turns(ctx)
	_, errTalks := s.Talks(ctx)
	_, errOutbox := s.Outbox(ctx, ringside.CallParcel, 0, 1, 0)
	_, errCursor := s.Cursor(ctx, "x")
	for i, err := range []error{
		errCall, errCalls, errTurns, errTalks, errOutbox, errCursor, errCurrent, errEdition, errEditions, errBase,
		errEdits, errSave, errRejected, errRetry, errDrop, errBacklog, errRefs, errRequeue, errSweep, errContacts,
		errAnnotate, errAnnotation, s.Append(ctx, call(1), nil, nil), s.SetCursor(ctx, "x", nil),
		s.Settle(ctx, ringside.CallParcel, nil), s.ApplyContacts(ctx, nil, 1, "x", nil), s.Backup(ctx, filepath.Join(t.TempDir(), "copy")),
	} {
		if !errors.Is(err, why) {
			t.Errorf("%d: %v", i, err)
		}
	}
	equal(t, "pending", s.State().Pending, 0)
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := start(t, Options{})
	stop(t, s)
	_, errCalls := s.Calls(t.Context(), Query{})
	_, errCheck := s.Check(t.Context())
	errBackup := s.Backup(t.Context(), filepath.Join(t.TempDir(), "copy"))
	for i, err := range []error{errCalls, errCheck, errBackup, s.Append(t.Context(), call(1), nil, nil), sent(s, 1)} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: %v", i, err)
		}
	}
	s.Begin(begun(2))
	s.Finish(call(2), nil, nil)
	equal(t, "dropped", s.State().Dropped, uint64(2))
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	s := start(t, Options{})
	for i := range 5000 {
		s.Finish(call(i), nil, nil)
	}
	equal(t, "calls", reopen(t, s).State().Calls, 5000)
}

func TestTheOutboxTellsThatItHasGrown(t *testing.T) {
	s := start(t, Options{})
	s.Begin(begun(1))
	flush(t, s)
	select {
	case <-s.Grown(ringside.CallParcel):
		t.Error("a beginning is not to be sent")
	default:
	}
	s.Finish(call(1), nil, nil)
	<-s.Grown(ringside.CallParcel)
	equal(t, "outbox", len(waiting(t, s, 0, 0)), 1)
}
