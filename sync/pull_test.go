package sync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// library is a CRM's GET config with long polls.
type library struct {
	mu      sync.Mutex
	version int
	changed chan struct{}
	etags   bool
	polls   bool
}

func newLibrary() *library {
	return &library{version: 1, changed: make(chan struct{}), etags: true, polls: true}
}

func (b *library) publish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	version, changed := b.version, b.changed
	b.mu.Unlock()
	tag := func() string { return fmt.Sprintf("%q", fmt.Sprint(version)) }
	if b.etags && r.Header.Get("If-None-Match") == tag() {
		wait, _ := time.ParseDuration(r.URL.Query().Get("wait") + "s")
		if !b.polls {
			wait = 0
		}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		b.mu.Lock()
		version = b.version
		b.mu.Unlock()
		if r.Header.Get("If-None-Match") == tag() {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if b.etags {
		w.Header().Set("ETag", tag())
	}
	answerJSON(w, 200, map[string]string{"version": fmt.Sprint(version)})
}

func configOnly(b http.Handler) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/config":     b.ServeHTTP,
		"POST /v1/heartbeat": func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, struct{}{}) },
	}
}

func TestADirectoryIsOfferedWithinASecondOfItsChange(t *testing.T) {
	for _, tc := range []struct {
		name        string
		etags, poll bool
		within      time.Duration
	}{
		{"long polls", true, true, time.Second}, {"ETags only", true, false, 3 * time.Second}, {"neither", false, false, 3 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newLibrary()
				b.etags, b.polls = tc.etags, tc.poll
				s := newSite(t, configOnly(b))
				s.start()
				pass(10*time.Minute + 7*time.Second)
				if n := s.dir.count(); n != 1 {
					t.Fatalf("it was offered %d times", n)
				}
				b.publish()
				pass(tc.within)
				if n := s.dir.count(); n != 2 || !strings.Contains(string(s.dir.offers[1].Data), `"2"`) {
					t.Errorf("it was offered %d times", n)
				}
				if n := s.hit("GET /v1/config"); n > 400 {
					t.Errorf("the CRM was asked %d times", n)
				}
			})
		})
	}
}

func TestADirectoryThatIsRefusedIsNotAskedForAgain(t *testing.T) {
	for name, answer := range map[string]error{
		"older":       fmt.Errorf("version 1: %w", ErrOlder),
		"undecodable": ringside.DecodeErrors{{Path: "rules[0]", Text: "is wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newLibrary()
				s := newSite(t, configOnly(b))
				s.dir.answer = answer
				s.start()
				pass(time.Hour)
				if n := s.dir.count(); n != 1 {
					t.Errorf("it was offered %d times", n)
				}
				b.publish()
				synctest.Wait()
				if n := s.dir.count(); n != 2 {
					t.Errorf("after the next version it was offered %d times", n)
				}
			})
		})
	}
}

func TestAfterARestartOnlyANewDirectoryIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLibrary()
		s := newSite(t, configOnly(b))
		s.dir.base = ringside.Snapshot{Version: "1", ETag: `"1"`}
		s.start()
		pass(time.Minute)
		if n := s.dir.count(); n != 0 {
			t.Errorf("what was there was offered %d times", n)
		}
	})
}

func TestADirectoryThatIsAnotherOneAtEveryLookMakesNoStorm(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter, n int)
	}{
		{"its ETag changes", func(w http.ResponseWriter, n int) {
			w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(n)))
			answerJSON(w, 200, map[string]string{"version": "1"})
		}},
		{"it has the time in it", func(w http.ResponseWriter, n int) { answerJSON(w, 200, map[string]int{"version": n}) }},
		{"slowly", func(w http.ResponseWriter, n int) {
			time.Sleep(3 * time.Second)
			answerJSON(w, 200, map[string]int{"version": n})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				s := newSite(t, map[string]http.HandlerFunc{"GET /v1/config": func(w http.ResponseWriter, _ *http.Request) {
					n++
					time.Sleep(50 * time.Millisecond)
					tc.answer(w, n)
				}})
				s.start()
				pass(time.Hour)
				if n := s.dir.count(); n < 50 || n > 140 {
					t.Errorf("within an hour, %d directories were taken", n)
				}
			})
		})
	}
}

func TestTroublesThatTakeTurnsAreSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var mended atomic.Bool
		s := newSite(t, map[string]http.HandlerFunc{"GET /v1/config": sameConfig, "POST /v1/heartbeat": func(w http.ResponseWriter, _ *http.Request) {
			switch n++; {
			case mended.Load():
				answerJSON(w, 200, struct{}{})
			case n%3 == 0:
				answerJSON(w, 503, ErrorBody{Error: "an update"})
			case n%3 == 1:
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write([]byte("<h1>Soon</h1>"))
			default:
				answerJSON(w, 404, ErrorBody{Error: "no such thing"})
			}
		}})
		s.start()
		pass(24 * time.Hour)
		if warned, better := s.log.count("level=WARN"), s.log.count("works again"); warned != 3 || better != 0 {
			t.Errorf("it is logged %d times that it fails and %d times that it works:\n%s", warned, better, s.log)
		}
		mended.Store(true)
		pass(time.Hour)
		if n := s.log.count("works again"); n != 1 {
			t.Errorf("its end is logged %d times:\n%s", n, s.log)
		}
	})
}

func TestARefreshIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silence := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		s := newSite(t, map[string]http.HandlerFunc{"GET /v1/config": silence, "POST /v1/heartbeat": silence})
		s.start()
		for range 20 {
			pass(11 * time.Second)
			if err := s.link.Refresh(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if st := s.status(); st.State != Failing || !st.LastSuccess.IsZero() {
			t.Errorf("a CRM that says nothing is %s, last success %s", st.State, st.LastSuccess)
		}
		if n := s.log.count("works again"); n > 0 {
			t.Errorf("it is said to work:\n%s", s.log)
		}
	})
}

func TestARefreshDoesNotWaitForTheLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newLibrary()
		s := newSite(t, configOnly(b))
		s.start()
		pass(10 * time.Second)
		before := s.hit("GET /v1/config")
		if err := s.link.Refresh(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.hit("GET /v1/config") == before {
			t.Error("nobody was asked")
		}
		pass(time.Minute)
		if n := s.hit("GET /v1/config"); n > before+5 {
			t.Errorf("the CRM was asked %d times within a minute", n-before)
		}
	})
}

func TestRefusedCredentialsStopEverythingUntilTheyAreGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := newLibrary(), newTaker()
		var good atomic.Bool
		guard := func(h http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if !good.Load() {
					answerJSON(w, 401, ErrorBody{Error: "token expired"})
					return
				}
				h.ServeHTTP(w, r)
			}
		}
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": guard(b), "POST /v1/calls": guard(k),
			"POST /v1/heartbeat": guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, struct{}{}) })),
		})
		s.store.add(numbered("office", 10)...)
		s.start()
		pass(24 * time.Hour)
		if n := s.hit("POST /v1/calls"); n > 2 {
			t.Errorf("records were sent %d times with credentials that are refused", n)
		}
		if n := s.hit("POST /v1/heartbeat"); n < 100 || n > 600 {
			t.Errorf("a day's probes are %d", n)
		}
		st := s.status()
		if st.State != Locked || !strings.Contains(st.Reason, "401") || !strings.Contains(st.Reason, "token expired") {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
		if n := s.log.count("level=WARN"); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, s.log)
		}
		good.Store(true)
		pass(lastProbing + time.Second)
		if keys, _ := k.taken(); keys != 10 {
			t.Errorf("%d records arrived after the credentials were good again", keys)
		}
		good.Store(false)
		pass(10 * time.Minute)
		good.Store(true)
		if err := s.link.Refresh(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if st := s.status(); st.State != Up {
			t.Errorf("after somebody asked, the status says %s: %s", st.State, st.Reason)
		}
	})
}

func TestCredentialsThatAreGoodForAPartOnlyDoNotMakeAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		k.whole = func(w http.ResponseWriter, _ *http.Request, _ CallBatch) bool {
			answerJSON(w, 403, ErrorBody{Error: "may not write calls"})
			return true
		}
		s := newSite(t, onlyCalls(k))
		s.store.add("office-1")
		s.start()
		pass(24 * time.Hour)
		if n := s.hit("POST /v1/calls"); n < 100 || n > 600 {
			t.Errorf("in a day it was tried %d times", n)
		}
		if st := s.status(); !strings.Contains(st.Reason, "may not write calls") {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
		if n := s.log.count("level=WARN"); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, s.log)
		}
	})
}

func TestARefusedTokenFileSaysHowOldItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crm.token")
	if err := os.WriteFile(file, []byte("opaque"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-10 * time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	refuse := func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 401, ErrorBody{Error: "expired"}) }
	s := newSite(t, map[string]http.HandlerFunc{"/": refuse}, func(o *Options) {
		o.Credentials = NewCredentials(ringside.Secret{}, file, ringside.Secret{})
	})
	s.start()
	for s.status().State != Locked {
		time.Sleep(time.Millisecond) // no bubble: the file is real
	}
	if w := s.status().Warnings; len(w) != 1 || !strings.Contains(w[0], "nobody has renewed "+file+" for 10 h") {
		t.Errorf("the warnings are %q", w)
	}
}

func TestContactsGoOnWhereTheyStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		page := func(w http.ResponseWriter, r *http.Request) {
			since := r.URL.Query().Get("since")
			switch {
			case since == "":
				answerJSON(w, 200, ContactPage{Contacts: contactsOf("a", "b"), Cursor: "1", More: true})
			case since == "1" && !mended.Load():
				w.WriteHeader(http.StatusInternalServerError)
			case since == "1":
				answerJSON(w, 200, ContactPage{Contacts: append(contactsOf("c"), ringside.ContactChange{ID: "a", Deleted: true}), Cursor: "2"})
			default:
				answerJSON(w, 200, ContactPage{Cursor: since})
			}
		}
		s := newSite(t, map[string]http.HandlerFunc{"GET /v1/config": sameConfig, "GET /v1/contacts": page},
			func(o *Options) { o.Contacts = true; o.Normalize = func(p string) string { return "+" + p } })
		s.start()
		pass(time.Minute)
		if got := fmt.Sprint(s.store.ids()); got != "[a b]" {
			t.Fatalf("there are %s", got)
		}
		if got := s.store.contacts["b"].Phones[0]; got != "+7b" {
			t.Errorf("the number is kept as %s", got)
		}
		mended.Store(true)
		pass(2 * time.Minute)
		if got := fmt.Sprint(s.store.ids()); got != "[b c]" {
			t.Errorf("there are %s", got)
		}
	})
}

func contactsOf(ids ...string) (list []ringside.ContactChange) {
	for _, id := range ids {
		list = append(list, ringside.ContactChange{ID: id, Phones: []string{"7" + id}, Name: id})
	}
	return list
}

func TestContactsAreReadFromTheBeginningWhenTheCursorIsGoneOrTheCountryChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone, moved atomic.Bool
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"GET /v1/contacts": func(w http.ResponseWriter, r *http.Request) {
				since := r.URL.Query().Get("since")
				if gone.Load() && since == "end" {
					answerJSON(w, 410, ErrorBody{Error: "unknown cursor"})
					return
				}
				if since == "" {
					answerJSON(w, 200, ContactPage{Contacts: contactsOf("a"), Cursor: "end"})
					return
				}
				answerJSON(w, 200, ContactPage{Cursor: since})
			},
		}, func(o *Options) {
			o.Contacts = true
			o.Country = func() string {
				if moved.Load() {
					return "UZ"
				}
				return "RU"
			}
		})
		// From an earlier time.
		s.store.contacts["old"], s.store.gens["old"] = ringside.ContactChange{ID: "old"}, 1
		s.store.cursors[contactsCursor], _ = json.Marshal(place{Cursor: "end", Generation: 1, Country: "RU"})
		s.start()
		pass(5 * time.Minute)
		if got := fmt.Sprint(s.store.ids()); got != "[old]" {
			t.Fatalf("there are %s", got)
		}
		gone.Store(true)
		pass(90 * time.Second)
		gone.Store(false)
		pass(2 * time.Minute)
		if got := fmt.Sprint(s.store.ids()); got != "[a]" {
			t.Errorf("after a lost cursor there are %s", got)
		}
		before := s.store.gens["a"]
		moved.Store(true)
		pass(2 * time.Minute)
		if s.store.gens["a"] != before+1 {
			t.Error("another country's numbers were not read again")
		}
	})
}

func TestPagesWithoutAnEndMakeNoStorm(t *testing.T) {
	for _, tc := range []struct {
		name string
		next func(w http.ResponseWriter, since string, n int)
		most int // requests within an hour
	}{
		{"a cursor that is gone at once", func(w http.ResponseWriter, since string, _ int) {
			if since != "" {
				answerJSON(w, 410, ErrorBody{Error: "unknown cursor"})
				return
			}
			answerJSON(w, 200, ContactPage{Contacts: contactsOf("a"), Cursor: "1", More: true})
		}, 150},
		{"always another page", func(w http.ResponseWriter, _ string, n int) {
			answerJSON(w, 200, ContactPage{Contacts: contactsOf("a"), Cursor: fmt.Sprint(n), More: true})
		}, endless + 3600},
		{"a cursor that does not fit into an address", func(w http.ResponseWriter, _ string, _ int) {
			answerJSON(w, 200, ContactPage{Cursor: strings.Repeat("c", 1<<20)})
		}, 150},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				s := newSite(t, map[string]http.HandlerFunc{"GET /v1/config": sameConfig, "GET /v1/contacts": func(w http.ResponseWriter, r *http.Request) {
					n++
					time.Sleep(10 * time.Millisecond)
					if since := r.URL.Query().Get("since"); len(since) < 100 {
						tc.next(w, since, n)
						return
					}
					answerJSON(w, 414, ErrorBody{Error: "too long"})
				}}, func(o *Options) { o.Contacts = true })
				s.start()
				pass(time.Hour)
				if n > tc.most {
					t.Errorf("the CRM was asked %d times", n)
				}
				if at := s.store.cursors[contactsCursor]; len(at) > 1000 {
					t.Errorf("a cursor of %d bytes is kept", len(at))
				}
			})
		})
	}
}

func TestAnnotationsComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"GET /v1/annotations": func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("since") == "" {
					answerJSON(w, 200, AnnotationPage{Annotations: []ringside.Annotation{
						{CallID: "office-1", Note: "called back"}, {CallID: ""}, {CallID: strings.Repeat("x", 200)},
					}, Cursor: "1"})
					return
				}
				answerJSON(w, 200, AnnotationPage{Cursor: "1"})
			},
		}, func(o *Options) { o.Annotations = true })
		s.start()
		pass(5 * time.Minute)
		if len(s.store.notes) != 1 || s.store.notes[0].Note != "called back" {
			t.Errorf("there are %+v", s.store.notes)
		}
	})
}

func TestEditsAreSentInTheirOrderAndSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var bodies []ChangeBatch
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"POST /v1/config/changes": func(w http.ResponseWriter, r *http.Request) {
				var b ChangeBatch
				if err := readBatch(r, &b); err != nil {
					t.Error(err)
				}
				mu.Lock()
				bodies = append(bodies, b)
				first := len(bodies) == 1
				mu.Unlock()
				if first {
					answerJSON(w, 503, ErrorBody{Error: "soon"})
					return
				}
				answerJSON(w, 200, ChangeResults{Results: []ringside.EditVerdict{
					{ID: "1", Status: "accepted", Version: "43"},
					{ID: "2", Status: "conflict", Reason: "changed\nmeanwhile", Theirs: json.RawMessage(`{"id":5}`)},
					{ID: "3", Status: "retry"},
				}})
			},
		})
		s.dir.pending = []ringside.Edit{
			{ID: "1", Kind: "rule", Entity: 5, Op: ringside.EditUpdate, Fields: json.RawMessage(`{"priority":1}`), Base: "42", Author: "anna", State: ringside.EditPending},
			{ID: "2", Kind: "rule", Entity: 5, Op: ringside.EditDelete, Base: "42"},
			{ID: "3", Kind: "group", Op: ringside.EditDelete, Base: "42"},
		}
		sent := func() []ChangeBatch {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(bodies)
		}
		s.start()
		pass(10 * time.Second)
		synctest.Wait()
		if bodies := sent(); len(bodies) < 2 || bodies[1].Changes[0].ID != "1" || bodies[1].Changes[0].State != "" || bodies[1].Changes[0].Base != "42" {
			t.Fatalf("sent: %+v", bodies)
		}
		s.dir.mu.Lock()
		if len(s.dir.verdicts) != 2 || s.dir.verdicts[1].Reason != "changed meanwhile" || len(s.dir.pending) != 1 {
			t.Errorf("settled: %+v, pending %d", s.dir.verdicts, len(s.dir.pending))
		}
		s.dir.mu.Unlock()
		n := len(sent())
		pass(10 * time.Minute)
		synctest.Wait()
		if more := len(sent()) - n; more < 9 || more > 11 {
			t.Errorf("an edit that is wanted later was sent %d times in ten minutes", more)
		}
	})
}

func TestManyEditsGoOneRequestAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"POST /v1/config/changes": func(w http.ResponseWriter, r *http.Request) {
				var b ChangeBatch
				if err := readBatch(r, &b); err != nil {
					t.Error(err)
				}
				res := ChangeResults{}
				for _, c := range b.Changes {
					res.Results = append(res.Results, ringside.EditVerdict{ID: c.ID, Status: "accepted", Version: "43"})
				}
				answerJSON(w, 200, res)
			},
		})
		for i := range 2*maxChanges + 20 {
			s.dir.pending = append(s.dir.pending, ringside.Edit{ID: fmt.Sprintf("%03d", i)})
		}
		s.start()
		pass(time.Second)
		if n := len(s.dir.pending); n != 0 {
			t.Errorf("%d edits are still pending", n)
		}
		if n := s.hit("POST /v1/config/changes"); n != 3 {
			t.Errorf("it took %d requests", n)
		}
	})
}

func TestALargeEditReachesACRMWithoutGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"POST /v1/config/changes": func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Content-Encoding") != "" {
					answerJSON(w, 415, ErrorBody{Error: "no gzip here"})
					return
				}
				answerJSON(w, 200, ChangeResults{Results: []ringside.EditVerdict{{ID: "1", Status: "accepted"}}})
			},
		})
		s.dir.pending = []ringside.Edit{{ID: "1", Author: strings.Repeat("a", worthGzip)}}
		s.start()
		pass(time.Second)
		if n := len(s.dir.pending); n != 0 {
			t.Errorf("%d edits are still pending", n)
		}
	})
}

func TestEventsAreToldOnceAndOnlyFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Event
		var away atomic.Bool
		s := newSite(t, map[string]http.HandlerFunc{
			"GET /v1/config": sameConfig,
			"POST /v1/events": func(w http.ResponseWriter, r *http.Request) {
				if away.Load() {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				var b EventBatch
				if err := readBatch(r, &b); err != nil {
					t.Error(err)
				}
				got = append(got, b.Events...)
				w.WriteHeader(http.StatusNoContent)
			},
		}, func(o *Options) { o.Events = true })
		s.start()
		call := ringside.Call{ID: "office-1", Caller: "+7900", Status: ringside.StatusRinging, Start: time.Now()}
		pass := func(d time.Duration) { pass(d); synctest.Wait() }
		tell := func(c ringside.Call) { s.calls.changes <- c; pass(time.Second) }
		tell(call)
		tell(call) // nothing new
		call.Legs = []ringside.Leg{{Kind: "dial", Targets: []string{"101"}}}
		tell(call)
		call.Status, call.RoutedTo = ringside.StatusAnswered, "101"
		tell(call)
		tell(call)
		call.End = time.Now()
		tell(call)
		var kinds []string
		for _, e := range got {
			kinds = append(kinds, e.Kind+strings.Join(e.Targets, ""))
		}
		if text := strings.Join(kinds, " "); text != "ringing ringing101 answered101 ended101" {
			t.Errorf("told: %s", text)
		}
		away.Store(true)
		tell(ringside.Call{ID: "office-2", Status: ringside.StatusRinging})
		pass(5 * time.Minute)
		away.Store(false)
		tell(ringside.Call{ID: "office-3", Status: ringside.StatusRinging})
		pass(5 * time.Minute)
		if last := got[len(got)-1]; last.CallID != "office-3" || len(got) != 5 {
			t.Errorf("told after the CRM was away: %+v", got[4:])
		}
		if st := s.status(); st.State == Failing && strings.Contains(st.Reason, "502") {
			t.Errorf("events of long ago still count as trouble: %s", st.Reason)
		}
	})
}

func TestEventsThatTheCRMDoesNotServeAreSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		routes := onlyCalls(newTaker())
		s := newSite(t, routes, func(o *Options) { o.Events = true })
		s.start()
		for i := range 50 {
			s.calls.changes <- ringside.Call{ID: fmt.Sprint("office-", i), Status: ringside.StatusRinging}
			pass(20 * time.Minute)
		}
		if n := s.log.count("level="); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, s.log)
		}
		if st := s.status(); st.State != Failing || !strings.Contains(st.Reason, "404") {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
	})
}

func TestStandaloneAsksNobody(t *testing.T) {
	s := newSite(t, nil, func(o *Options) { o.URL = nil })
	s.start()
	if st := s.status(); st.State != Standalone || len(st.Streams) != 0 {
		t.Errorf("the status is %+v", st)
	}
	if err := s.link.Refresh(); err == nil {
		t.Error("a refresh of nothing succeeds")
	}
}

func TestReconcileQueuesWhatTheCRMLacks(t *testing.T) {
	s := newSite(t, map[string]http.HandlerFunc{"GET /v1/calls/ids": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("node") != "office" || r.URL.Query().Get("from") != "2026-11-23T21:00:00Z" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		if r.URL.Query().Get("cursor") == "" {
			answerJSON(w, 200, CallIDPage{Calls: []ringside.CallRef{{ID: "same", Revision: 2}, {ID: "old", Revision: 1}}, Cursor: "2", More: true})
			return
		}
		answerJSON(w, 200, CallIDPage{Calls: []ringside.CallRef{{ID: "stranger", Revision: 1}}, Cursor: "3"})
	}})
	s.store.refs = []ringside.CallRef{
		{ID: "same", Revision: 2},
		{ID: "old", Revision: 2},
		{ID: "missing", Revision: 1},
		{ID: "waiting", Revision: 1, Waiting: true},
		{ID: "rejected", Revision: 1, Rejected: true},
	}
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	r, err := s.link.Reconcile(t.Context(), day, day.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(s.store.requeued) != "[old missing]" || r.Ours != 5 || r.Theirs != 3 || r.Missing != 1 || r.Outdated != 1 ||
		r.Waiting != 1 || r.Rejected != 1 || r.Requeued != 2 || r.Unknown != 1 || r.UnknownIDs[0] != "stranger" {
		t.Errorf("%v %+v", s.store.requeued, r)
	}
}

func TestReconcileEndsWhateverTheCRMAnswers(t *testing.T) {
	call := func(id string) []ringside.CallRef { return []ringside.CallRef{{ID: id, Revision: 1}} }
	for name, answer := range map[string]func(n int) CallIDPage{
		"cursors in a circle": func(n int) CallIDPage { return CallIDPage{Calls: call("a"), Cursor: fmt.Sprint(n % 2), More: true} },
		"empty pages":         func(n int) CallIDPage { return CallIDPage{Cursor: fmt.Sprint(n), More: true} },
		"no cursor":           func(n int) CallIDPage { return CallIDPage{Calls: call(fmt.Sprint(n)), Cursor: "1"[n%2:], More: true} },
		"a cursor like a book": func(n int) CallIDPage {
			return CallIDPage{Calls: call(fmt.Sprint(n)), Cursor: strings.Repeat("c", 1<<20), More: true}
		},
		"an id that is none of ours": func(int) CallIDPage { return CallIDPage{Calls: call(strings.Repeat("x", 1000))} },
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := newSite(t, map[string]http.HandlerFunc{"GET /v1/calls/ids": func(w http.ResponseWriter, _ *http.Request) {
				if n++; n > 100 {
					answerJSON(w, 500, ErrorBody{Error: "enough"})
					return
				}
				answerJSON(w, 200, answer(n))
			}})
			_, err := s.link.Reconcile(t.Context(), time.Now().Add(-time.Hour), time.Now())
			if n > 60 || troubleOf(t, err) != Nonsense {
				t.Errorf("after %d requests: %v", n, err)
			}
		})
	}
}
