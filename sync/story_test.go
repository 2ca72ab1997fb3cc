package sync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/directory"
	"github.com/ringside-pbx/ringside/docs/openapi/contract"
	"github.com/ringside-pbx/ringside/internal/trust"
	"github.com/ringside-pbx/ringside/store"
	crmsync "github.com/ringside-pbx/ringside/sync"
	"github.com/ringside-pbx/ringside/sync/crmtest"
)

// The story is told with everything real but the calls: the store, the keeper of the directory, the
// link, connections, and the reference CRM.

const storyDirectory = `{"version":"7","time_zone":"UTC","numbers":[{"id":1,"number":"101","password":"s3cret"}],
	"rules":[{"id":5,"name":"All","action":"hangup"},{"id":6,"name":"Rest","action":"hangup"}]}`

type storyDirectories struct{ *directory.Keeper }

func (d storyDirectories) OfferDirectory(ctx context.Context, doc crmsync.Document) (crmsync.Offered, error) {
	o, err := d.Offer(ctx, directory.Document{Data: doc.Data, Source: doc.Source, Author: doc.Author, ETag: doc.ETag})
	return crmsync.Offered{State: string(o.Result)}, err
}

func (d storyDirectories) DirectoryETag() string    { return d.State().ETag }
func (d storyDirectories) DirectoryVersion() string { return d.State().Version }

func (d storyDirectories) PendingEdits(ctx context.Context) ([]ringside.Edit, error) {
	return d.Pending(ctx), nil
}

func (d storyDirectories) SettleEdits(ctx context.Context, verdicts []ringside.EditVerdict) error {
	return d.Settle(ctx, verdicts)
}

type noCalls struct{}

func (noCalls) Watch(ctx context.Context) <-chan ringside.Call {
	none := make(chan ringside.Call)
	context.AfterFunc(ctx, func() { close(none) })
	return none
}

func (noCalls) Counts() (live, waiting int) { return 0, 0 }
func (noCalls) LastOffer() time.Time        { return time.Time{} }

// story is a site and its CRM.
type story struct {
	*testing.T
	crm    *crmtest.CRM
	store  *store.Store
	keeper *directory.Keeper
	link   *crmsync.Link
	calls  int
}

func newStory(t *testing.T) *story {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	token, secret := ringside.NewSecret("token"), ringside.NewSecret("secret")
	crm, err := crmtest.New(crmtest.Options{
		BasePath: "/ringside/v1/", Directory: []byte(storyDirectory), Data: filepath.Join(t.TempDir(), "crm"), Token: token, SigningSecret: secret, PageSize: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(held(t, crm))
	server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelDebug)
	server.Start()
	base, err := url.Parse(server.URL + "/ringside/v1/")
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "site.db"), Node: "office", CDRs: true})
	if err != nil {
		t.Fatal(err)
	}
	keeper := directory.New(directory.Options{Store: st, WithCRM: true, Log: quiet})
	way, err := crmsync.NewTransport(base, trust.TLS{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, crm: crm, store: st, keeper: keeper}
	s.link = crmsync.New(crmsync.Options{
		Node: "office", Version: "test", URL: base, Credentials: crmsync.NewCredentials(token, "", secret), Transport: way,
		Store: st, Directory: storyDirectories{keeper}, Calls: noCalls{}, Config: true, Contacts: true, Annotations: true, CDRs: true,
		Timeout: 2 * time.Second, Wait: 30 * time.Second, Poll: 100 * time.Millisecond,
	})
	s.link.Start()
	t.Cleanup(func() {
		_ = s.link.Stop(context.Background())
		way.CloseIdleConnections()
		if err := crm.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// held holds both sides to the contract as long as the CRM behaves: what the link asks, and what the
// reference CRM answers.
func held(t *testing.T, crm *crmtest.CRM) http.Handler {
	t.Helper()
	c, err := contract.New("/ringside/v1/")
	if err != nil {
		t.Fatal(err)
	}
	checked := c.Check(crm, func(err error) { t.Errorf("against the contract: %v", err) })
	// To check an exchange takes long, and a poll is like the one before.
	const enough = 5
	var mu sync.Mutex
	seen := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path]++
		known := seen[r.URL.Path] > enough
		mu.Unlock()
		if known || len(crm.Misbehaviour()) > 0 {
			crm.ServeHTTP(w, r)
			return
		}
		checked.ServeHTTP(w, r)
	})
}

// until waits for something; hurry lets the link try again sooner than it would.
func (s *story) until(what string, within time.Duration, hurry bool, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
		if hurry {
			_ = s.link.Refresh()
		}
	}
	status, err := s.link.Status(context.Background())
	text, _ := json.Marshal(status)
	s.Fatalf("never: %s; %s, %v", what, text, err)
}

func (s *story) misbehave(text string) {
	s.Helper()
	rules, err := crmtest.ParseRules(text)
	if err != nil {
		s.Fatal(err)
	}
	s.crm.Misbehave(rules...)
}

// record finishes n calls and gives their delivery keys.
func (s *story) record(n int) []string {
	s.Helper()
	keys := make([]string, n)
	for i := range keys {
		s.calls++
		begin := time.Now().Add(-time.Minute)
		c := ringside.Call{
			ID: fmt.Sprintf("office-%04d", s.calls), Schema: ringside.CallSchema, Revision: 1, Node: "office", Caller: "+79001234567", Called: "100",
			Direction: ringside.Inbound, Status: ringside.StatusAnswered, Start: begin, End: begin.Add(30 * time.Second),
			Legs: []ringside.Leg{{Kind: "dial", Targets: []string{"101"}, Start: begin}},
		}
		if err := s.store.Append(s.Context(), c, nil, nil); err != nil {
			s.Fatal(err)
		}
		stored, _, err := s.store.Call(s.Context(), c.ID)
		if err != nil {
			s.Fatal(err)
		}
		keys[i] = ringside.DeliveryKey(c.ID, stored.Revision)
	}
	return keys
}

// delivered reports whether the outboxes are empty.
func (s *story) delivered() bool {
	b, err := s.store.Backlog(context.Background())
	return err == nil && b.Calls == 0 && b.CDRs == 0
}

// once makes sure that each record, and its CDRs, had one effect; it gives how often they arrived.
func (s *story) once(keys []string) (arrivals int) {
	s.Helper()
	cdrs := s.crm.CDRs()
	for _, key := range keys {
		arrivals += s.crm.Arrivals(key)
		if s.crm.Effects(key) != 1 || cdrs[key] != 1 {
			s.Errorf("%s had %d effects and has %d CDRs", key, s.crm.Effects(key), cdrs[key])
		}
	}
	if b, err := s.store.Backlog(context.Background()); err != nil || b.Rejected != 0 {
		s.Errorf("%d records are rejected, %v", b.Rejected, err)
	}
	return arrivals
}

func TestTheDirectoryAndContactsArrive(t *testing.T) {
	s := newStory(t)
	s.until("the first directory", 5*time.Second, false, func() bool { return s.keeper.State().Version == "7" })
	time.Sleep(100 * time.Millisecond) // the long poll is under way
	if err := s.crm.SetDirectory([]byte(strings.Replace(storyDirectory, "All", "Every", 1))); err != nil {
		t.Fatal(err)
	}
	s.until("the change, at once", time.Second, false, func() bool { return s.keeper.State().Version == "8" })

	for i := range 7 {
		err := s.crm.PutContact(ringside.ContactChange{ID: fmt.Sprint(i), Phones: []string{fmt.Sprintf("+4930%d", i)}, Name: "Anna"})
		if err != nil {
			t.Fatal(err)
		}
	}
	contacts := func(n int) func() bool {
		return func() bool {
			have, err := s.store.Contacts(context.Background())
			return err == nil && have == n
		}
	}
	s.until("all contacts", 5*time.Second, false, contacts(7))
	if err := s.crm.DeleteContact("3"); err != nil {
		t.Fatal(err)
	}
	s.until("the end of one", 5*time.Second, false, contacts(6))
	if err := s.crm.ForgetCursors(); err != nil {
		t.Fatal(err)
	}
	if err := s.crm.PutContact(ringside.ContactChange{ID: "9", Phones: []string{"+49309"}}); err != nil {
		t.Fatal(err)
	}
	s.until("the contacts from the beginning", 5*time.Second, false, contacts(7))

	keys := s.record(1)
	s.until("the record", 5*time.Second, false, s.delivered)
	id, _, _ := strings.Cut(keys[0], "/")
	if err := s.crm.Annotate(ringside.Annotation{CallID: id, Note: "ring back"}); err != nil {
		t.Fatal(err)
	}
	s.until("the annotation", 5*time.Second, false, func() bool {
		a, ok, err := s.store.Annotation(context.Background(), id)
		return err == nil && ok && a.Note == "ring back"
	})
	r, err := s.link.Reconcile(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil || r.Ours != 1 || r.Theirs != 1 || r.Requeued != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRecordsHaveOneEffectWhateverGoesWrong(t *testing.T) {
	s := newStory(t)
	for _, rules := range []string{
		"clear",
		"calls: 500 30%; cdrs: 500 30%",
		"calls: take-and-drop 60%; cdrs: take-and-drop 60%",
		"calls: truncated 60%; cdrs: truncated 60%",
		"calls: html 60%; cdrs: html 60%",
		"calls: reset 60%; cdrs: reset 60%",
		"calls: wrong-types 60%; cdrs: wrong-types 60%",
		"calls: stranger-results; cdrs: stranger-results",
		"calls: gzip-bomb 30%; cdrs: endless 30%",
		"*: 429 retry-after=0 50%",
	} {
		s.misbehave(rules)
		began := time.Now()
		keys := s.record(25)
		s.until("everything arrives in spite of "+rules, 20*time.Second, true, s.delivered)
		t.Logf("%s: %d records have arrived %d times, within %s", rules, len(keys), s.once(keys), time.Since(began))
	}
}

func TestRecordsThatTheAnswerLeavesOutAreSentAgain(t *testing.T) {
	s := newStory(t)
	s.misbehave("calls: missing-results; cdrs: missing-results")
	keys := s.record(10)
	s.until("the first half", 10*time.Second, true, func() bool {
		b, err := s.store.Backlog(context.Background())
		return err == nil && b.Calls < 10 && len(s.crm.Calls()) == 10
	})
	s.misbehave("clear")
	s.until("the rest", 20*time.Second, true, s.delivered)
	if n := s.once(keys); n <= len(keys) {
		t.Errorf("%d records have arrived %d times", len(keys), n)
	}
}

func TestWhatTheCRMTookBeforeTheConnectionDroppedIsADuplicate(t *testing.T) {
	s := newStory(t)
	s.misbehave("calls: take-and-drop")
	keys := s.record(5)
	s.until("all are there", 10*time.Second, true, func() bool { return len(s.crm.Calls()) == 5 })
	if s.delivered() {
		t.Error("the outbox is empty without an answer")
	}
	s.misbehave("clear")
	s.until("the outbox is empty", 10*time.Second, true, s.delivered)
	if n := s.once(keys); n <= len(keys) {
		t.Errorf("%d records have arrived %d times", len(keys), n)
	}
}

func TestEditsAreAcceptedOrInConflict(t *testing.T) {
	s := newStory(t)
	edit := func(rule int64, name string) {
		t.Helper()
		_, err := s.keeper.Edit(t.Context(), ringside.Edit{
			Kind: "rule", Op: ringside.EditUpdate, Entity: rule, Fields: json.RawMessage(`{"name":"` + name + `"}`), Author: "Anna",
		}, true)
		if err != nil {
			t.Fatal(err)
		}
	}
	verdict := func(n int) string {
		if list := s.crm.Edits(); len(list) == n {
			return list[n-1].Verdict.Status
		}
		return ""
	}
	s.until("the first directory", 5*time.Second, false, func() bool { return s.keeper.State().Version == "7" })
	edit(5, "Ours")
	s.until("the edit is accepted", 5*time.Second, false, func() bool { return verdict(1) == "accepted" && s.keeper.State().Version == "8" })
	s.until("it is the CRM's now", 5*time.Second, true, func() bool {
		list, err := s.keeper.Edits(context.Background())
		return err == nil && len(list) == 0
	})

	// While the edit is on its way, somebody changes the same rule in the CRM.
	s.misbehave("config/changes: 503")
	edit(6, "Ours")
	if err := s.crm.SetDirectory([]byte(strings.Replace(string(s.crm.Directory()), "Rest", "Theirs", 1))); err != nil {
		t.Fatal(err)
	}
	s.misbehave("clear")
	s.until("the edit is in conflict", 10*time.Second, true, func() bool { return verdict(2) == "conflict" })
	s.until("it is told with both sides", 5*time.Second, false, func() bool {
		list, err := s.keeper.Edits(context.Background())
		return err == nil && len(list) == 1 && list[0].State == ringside.EditRejected &&
			strings.Contains(string(list[0].Ours), "Ours") && strings.Contains(string(list[0].Theirs), "Theirs")
	})
}

func TestAPageThatIsNoCRMIsNamed(t *testing.T) {
	s := newStory(t)
	s.misbehave("*: html")
	s.until("the link says who answers", 5*time.Second, true, func() bool {
		status, err := s.link.Status(context.Background())
		text, _ := json.Marshal(status)
		return err == nil && strings.Contains(string(text), "answers in its place")
	})
}
