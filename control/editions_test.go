package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// keeper notes what is asked of it.
type keeper struct {
	Daemon
	asked any
	err   error
}

func (k *keeper) LoadDirectory(_ context.Context, l DirectoryLoad) (DirectoryOutcome, error) {
	k.asked = l
	return DirectoryOutcome{Result: "held", Edition: ringside.Edition{Number: 7}}, k.err
}

func (k *keeper) EditDirectory(_ context.Context, e DirectoryEdit) (DirectoryOutcome, error) {
	k.asked = e
	return DirectoryOutcome{Result: "applied"}, k.err
}

func (k *keeper) DecideEdition(_ context.Context, d EditionDecision) (DirectoryOutcome, error) {
	k.asked = d
	return DirectoryOutcome{Result: "applied"}, k.err
}

func (k *keeper) Editions(_ context.Context, limit int) ([]ringside.Edition, error) {
	k.asked = limit
	return []ringside.Edition{{Number: 2}, {Number: 1}}, k.err
}

func (k *keeper) Edition(_ context.Context, n uint64) (EditionDocument, error) {
	k.asked = n
	return EditionDocument{Edition: ringside.Edition{Number: n}, Document: &ringside.Directory{Version: "7"}}, k.err
}

func (k *keeper) ForgetEdits(context.Context) (int, error) { return 3, nil }

func (k *keeper) Edits(context.Context) ([]ringside.Edit, error) {
	return []ringside.Edit{{ID: "a"}}, k.err
}

func TestWhatIsAskedOfTheKeeperIsWhatArrives(t *testing.T) {
	k := &keeper{}
	c, _, _ := listen(t, k)
	ctx := t.Context()
	arrived := func(want any) {
		t.Helper()
		if !reflect.DeepEqual(k.asked, want) {
			t.Errorf("arrived %+v, want %+v", k.asked, want)
		}
	}
	load := DirectoryLoad{Source: "/a b/c&d.yaml", Author: "anna", Confirmed: true, Document: []byte(`{"version":"1"}`)}
	if o, err := c.LoadDirectory(ctx, load); err != nil || o.Result != "held" || o.Edition.Number != 7 {
		t.Errorf("load: %+v, %v", o, err)
	}
	arrived(load)
	edit := DirectoryEdit{Edit: ringside.Edit{Kind: "rule", Entity: 5, Op: ringside.EditUpdate, Fields: []byte(`{"name":"x"}`)}, Confirmed: true}
	if o, err := c.EditDirectory(ctx, edit); err != nil || o.Result != "applied" {
		t.Errorf("edit: %+v, %v", o, err)
	}
	arrived(edit)
	decision := EditionDecision{Number: 5, Verdict: RollBack, Author: "anna"}
	if _, err := c.DecideEdition(ctx, decision); err != nil {
		t.Error(err)
	}
	arrived(decision)
	if all, err := c.Editions(ctx, 9); err != nil || len(all) != 2 {
		t.Errorf("editions: %+v, %v", all, err)
	}
	arrived(9)
	if e, err := c.Edition(ctx, 4); err != nil || e.Edition.Number != 4 || e.Document.Version != "7" {
		t.Errorf("edition: %+v, %v", e, err)
	}
	arrived(uint64(4))
	if all, err := c.Edits(ctx); err != nil || len(all) != 1 {
		t.Errorf("edits: %+v, %v", all, err)
	}
	if n, err := c.ForgetEdits(ctx); err != nil || n != 3 {
		t.Errorf("forget: %d, %v", n, err)
	}
	k.err = ErrNotFound
	if _, err := c.Edition(ctx, 4); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such edition: %v", err)
	}
}

func TestBadRequestsToTheKeeperAreAnsweredWithTheReason(t *testing.T) {
	c, _, _ := listen(t, &keeper{})
	for _, tc := range []struct{ method, path, body, want string }{
		{"PATCH", "/directory", "{", "reading the request"},
		{"GET", "/directory/editions", "", "limit"},
		{"GET", "/directory/editions/first", "", "number"},
		{"POST", "/directory/editions", "{}", "verdict is none of confirm, discard, rollback"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://ringside"+tc.path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), tc.want) {
				t.Errorf("%s %s", res.Status, body)
			}
		})
	}
}
