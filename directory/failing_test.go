package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ringside-pbx/ringside"
)

func TestAFailingDiskKeepsNothingFromTakingEffect(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102"), Applied)
	s.disk.fail(true)
	if o := s.crm(document("2", "101", "102", "103"), Applied); !strings.Contains(o.Unsaved, "no space left") {
		t.Errorf("the outcome: %+v", o)
	}
	if o := s.edit(update("number", 11, `{"display_name":"Anna"}`)); o.Unsaved == "" {
		t.Errorf("the outcome: %+v", o)
	}
	s.in("2+1: Anna N102 N103")
	s.crm(document("3", "101"), Held)
	if st := s.State(); st.Unsaved == "" || st.Held == nil || st.Pending != 1 {
		t.Errorf("the state: %+v", st)
	}
	if !strings.Contains(s.log.String(), "could not be saved") {
		t.Error("the log says nothing")
	}
	s.disk.fail(false)
	s.settle(ringside.EditVerdict{ID: s.Pending(t.Context())[0].ID, Status: "retry"}) // whatever comes next
	if st := s.State(); st.Unsaved != "" || st.Edition == 0 || st.Held.Number == 0 {
		t.Errorf("the state: %+v", st)
	}
	s.restart()
	s.in("2+1: Anna N102 N103")
	s.listed("number 11 pending")
	if st := s.State(); st.Held == nil || st.CRMVersion != "2" {
		t.Errorf("the state: %+v", st)
	}
}

func TestWhatCanNotBeReadAtTheStartIsTold(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101"), Applied)
	s.disk.fail(true)
	k := New(s.opt)
	if ok, err := k.Restore(t.Context()); ok || !errors.Is(err, errDisk) {
		t.Errorf("got %v, %v", ok, err)
	}
	s.disk.fail(false)
	s.disk.docs[1] = []byte("{")
	if ok, err := k.Restore(t.Context()); ok || len(ringside.DecodeErrorsOf(err)) == 0 || k.State().Failure == "" {
		t.Errorf("got %v, %v", ok, err)
	}
	if ok, err := New(newSite(t, Options{}).opt).Restore(t.Context()); ok || err != nil {
		t.Errorf("an empty disk: %v, %v", ok, err)
	}
}

// holed is a disk some of whose contents can't be read.
type holed struct {
	*disk
	current, base, edits bool
}

func (d holed) Current(ctx context.Context) (ringside.Edition, []byte, bool, error) {
	if d.current {
		return ringside.Edition{}, nil, false, errDisk
	}
	return d.disk.Current(ctx)
}

func (d holed) Base(ctx context.Context) (ringside.Snapshot, bool, error) {
	if d.base {
		return ringside.Snapshot{}, false, errDisk
	}
	return d.disk.Base(ctx)
}

func (d holed) Edits(ctx context.Context) ([]ringside.Edit, error) {
	if d.edits {
		return nil, errDisk
	}
	return d.disk.Edits(ctx)
}

func TestWhatCanBeReadAtTheStartGoesOn(t *testing.T) {
	for _, hole := range []holed{
		{base: true}, {edits: true}, {current: true}, {base: true, edits: true}, {base: true, current: true}, {base: true, edits: true, current: true},
	} {
		t.Run(fmt.Sprintf("%+v", hole), func(t *testing.T) {
			s := withCRM(t)
			s.crm(document("1", "101", "102"), Applied)
			s.edit(update("number", 11, `{"display_name":"Anna"}`))
			hole.disk = s.disk
			s.opt.Store = hole
			s.Keeper = New(s.opt)
			if _, err := s.Restore(t.Context()); !errors.Is(err, errDisk) {
				t.Errorf("what can't be read is not told: %v", err)
			}
			for _, e := range s.Pending(t.Context()) {
				s.settle(ringside.EditVerdict{ID: e.ID, Status: "conflict"})
			}
			if _, err := s.Edit(t.Context(), update("number", 12, `{"display_name":"Ivan"}`), false); err != nil && !errors.Is(err, ErrNone) {
				t.Error(err)
			}
			if _, err := s.Rollback(t.Context(), 1, "anna"); err != nil {
				t.Error(err)
			}
			s.crm(document("2", "101", "102", "103"), Applied)
			if got := s.last.Document(); len(got.Numbers) != 3 {
				t.Errorf("in effect is %+v", got)
			}
		})
	}
}

// stuck is a disk that answers only when its context ends, and tells when it is asked.
type stuck struct {
	*disk
	asked chan struct{}
	free  chan struct{}
}

func (d *stuck) SaveEdition(ctx context.Context, w ringside.EditionWrite) (ringside.Edition, error) {
	close(d.asked)
	<-d.free
	return d.disk.SaveEdition(ctx, w)
}

func TestTheStateNeverWaitsForTheDisk(t *testing.T) {
	d := &stuck{newDisk(), make(chan struct{}), make(chan struct{})}
	k := New(Options{Store: d})
	done := make(chan error, 1)
	go func() {
		_, err := k.Offer(t.Context(), Document{Data: []byte(document("1", "101")), Source: "x"})
		done <- err
	}()
	<-d.asked
	if st := k.State(); !st.Loaded || st.Version != "1" {
		t.Errorf("what is in effect is not told: %+v", st)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Confirm(ctx, 0, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone waits: %v", err)
	}
	close(d.free)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102"), Applied)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				_, _ = s.Edit(t.Context(), update("number", 11, fmt.Sprintf(`{"display_name":"%d-%d"}`, i, j)), false)
				_ = s.State()
				_, _ = s.Edits(t.Context())
				_, _, _ = s.Edition(t.Context(), 0)
			}
		})
	}
	wg.Wait()
	if st := s.State(); st.Pending != 40 || st.Version != "1+40" {
		t.Errorf("the state: %+v", st)
	}
}

func TestSecretsAreInNothingThatIsTold(t *testing.T) {
	s := withCRM(t)
	s.crm(document("1", "101", "102"), Applied)
	s.crm(strings.ReplaceAll(document("2", "101", "102"), canary, canary+"2"), Applied)
	told := []any{s.State(), s.edit(update("number", 11, `{"password":"`+canary+`3"}`))}
	_, err := s.Edit(t.Context(), update("number", 11, `{"password":{"a":"`+canary+`"}}`), false)
	told = append(told, err)
	_, err = s.Edit(t.Context(), update("number", 11, `{"password":"`+canary+`\n"}`), false)
	told = append(told, err)
	e, d, err := s.Edition(t.Context(), 1)
	told = append(told, e, d, err)
	s.listed("number 11 pending")
	all, _ := s.History(t.Context(), 9)
	told = append(told, all)
	for _, x := range told {
		if text := fmt.Sprintf("%+v", x); strings.Contains(text, canary) {
			t.Errorf("a password is told: %s", text)
		}
	}
	if changes := strings.Join(all[0].Changes, "; "); !strings.Contains(changes, "number 11 \"101\": password changed") {
		t.Errorf("the change is not told: %s", changes)
	}
}
