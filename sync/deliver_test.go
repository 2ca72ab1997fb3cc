package sync

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringside-pbx/ringside"
)

// onlyCalls is a CRM that takes calls and has nothing else to say.
func onlyCalls(k *taker) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/config":     sameConfig,
		"POST /v1/calls":     k.ServeHTTP,
		"POST /v1/heartbeat": func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, struct{}{}) },
	}
}

// sameConfig has a directory that never changes.
func sameConfig(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"1"`)
	if r.Header.Get("If-None-Match") != `"1"` {
		answerJSON(w, 200, map[string]string{"version": "1"})
		return
	}
	wait, _ := time.ParseDuration(r.URL.Query().Get("wait") + "s")
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusNotModified)
}

func TestEveryRecordArrivesOnceInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 1234)...)
		s.start()
		pass(time.Second)
		keys, doubled := k.taken()
		if keys != 1234 || doubled != 0 || s.store.waiting(ringside.CallParcel) != 0 {
			t.Errorf("%d arrived, %d doubled, %d wait", keys, doubled, s.store.waiting(ringside.CallParcel))
		}
		if !slices.IsSorted(k.order) {
			t.Error("they arrived out of order")
		}
		if k.requests > 5 {
			t.Errorf("it took %d requests", k.requests)
		}
		// A single call does not wait for a batch to fill.
		s.store.add("office-late")
		synctest.Wait()
		if keys, _ := k.taken(); keys != 1235 {
			t.Error("a single record was not sent at once")
		}
	})
}

func TestARefusedRecordGoesToTheBucketAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		k.decide = func(key string) Result {
			if strings.HasPrefix(key, "office-00007/") {
				return Result{Key: key, Status: Refused, Code: "bad_number", Reason: "caller_id is too long\nfor us"}
			}
			return Result{Key: key, Status: Accepted}
		}
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 20)...)
		s.start()
		pass(time.Second)
		if keys, _ := k.taken(); keys != 19 || len(s.store.rejected) != 1 {
			t.Fatalf("%d arrived, rejected %v", keys, s.store.rejected)
		}
		if r := s.store.rejected[0]; r.Code != "bad_number" || r.Reason != "caller_id is too long for us" || r.At.IsZero() {
			t.Errorf("the bucket says %+v", r)
		}
	})
}

func TestABatchThatIsRefusedWholeIsDivided(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		code   string
	}{{"bad request", 400, "400"}, {"conflict", 409, "409"}, {"unprocessable", 422, "422"}, {"too large", 413, "413"}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTaker()
				k.whole = func(w http.ResponseWriter, _ *http.Request, b CallBatch) bool {
					if !slices.ContainsFunc(b.Items, func(i CallItem) bool { return i.Key == "office-00123/1" }) {
						return false
					}
					answerJSON(w, tc.status, ErrorBody{Error: "not that one"})
					return true
				}
				s := newSite(t, onlyCalls(k))
				s.store.add(numbered("office", 700)...)
				s.start()
				pass(time.Second)
				keys, doubled := k.taken()
				if keys != 699 || doubled != 0 || len(s.store.rejected) != 1 || s.store.waiting(ringside.CallParcel) != 0 {
					t.Fatalf("%d arrived, %d doubled, rejected %v", keys, doubled, s.store.rejected)
				}
				if r := s.store.rejected[0]; r.Code != tc.code || !strings.Contains(r.Reason, "not that one") {
					t.Errorf("the bucket says %+v", r)
				}
			})
		})
	}
}

func TestACRMThatRefusesEverythingDoesNotFillTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		refuses := true
		k.whole = func(w http.ResponseWriter, _ *http.Request, b CallBatch) bool {
			if refuses {
				answerJSON(w, 422, ErrorBody{Error: "schema 1 is not supported"})
			}
			return refuses
		}
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 2000)...)
		s.start()
		pass(6 * time.Hour)
		if n := len(s.store.rejected); n > suspicious {
			t.Errorf("%d records are in the bucket", n)
		}
		if st := s.status(); st.State != Failing || !strings.Contains(st.Reason, "schema 1") {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
		if k.requests > 2000 {
			t.Errorf("it was asked %d times in six hours", k.requests)
		}
		k.mu.Lock()
		refuses = false
		k.mu.Unlock()
		pass(10 * time.Minute)
		if keys, _ := k.taken(); keys != 2000-len(s.store.rejected) || s.store.waiting(ringside.CallParcel) != 0 {
			t.Errorf("%d arrived, %d wait", keys, s.store.waiting(ringside.CallParcel))
		}
	})
}

func TestARecordThatIsWantedLaterComesLaterAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		begun := time.Now()
		k.decide = func(key string) Result {
			if key == "office-00003/1" && time.Since(begun) < time.Hour {
				return Result{Key: key, Status: Retry, Reason: "locked"}
			}
			if key == "office-00004/1" && time.Since(begun) < time.Hour {
				return Result{} // no result at all
			}
			return Result{Key: key, Status: Accepted}
		}
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 10)...)
		s.start()
		pass(time.Minute)
		if keys, _ := k.taken(); keys != 8 {
			t.Fatalf("%d arrived", keys)
		}
		s.store.add("office-new")
		pass(time.Minute)
		if keys, _ := k.taken(); keys != 9 {
			t.Errorf("a new record waits behind an old one")
		}
		pass(time.Hour + 5*time.Minute)
		if keys, doubled := k.taken(); keys != 11 || doubled != 0 {
			t.Errorf("%d arrived, %d doubled", keys, doubled)
		}
		if k.requests > 60 {
			t.Errorf("it was asked %d times", k.requests)
		}
	})
}

func TestResultsThatContradictEachOtherSettleNothing(t *testing.T) {
	items := []item{{key: "a/1", parcel: ringside.Parcel{Seq: 1}}, {key: "b/1", parcel: ringside.Parcel{Seq: 2}}, {key: "c/1", parcel: ringside.Parcel{Seq: 3}}}
	b := &batch{items: items}
	for _, list := range [][]Result{
		{{Key: "a/1", Status: Accepted}, {Key: "a/1", Status: Refused}},
		{{Key: "a/1", Status: Refused}, {Key: "a/1", Status: Duplicate}},
		{{Key: "a/1", Status: Accepted}, {Key: "a/1", Status: Refused}, {Key: "a/1", Status: Refused}},
		{{Key: "a/1", Status: Accepted}, {Key: "a/1", Status: Retry}, {Key: "a/1", Status: Retry}},
	} {
		list = append(list, Result{Key: "b/1", Status: Accepted}, Result{Key: "b/1", Status: Duplicate}, Result{Key: "stranger/1", Status: Refused})
		o := b.read(Results{Results: list}, time.Now())
		if len(o.settled) != 1 || o.settled[0].Seq != 2 || len(o.later) != 2 {
			t.Errorf("%v: %+v", list, o)
		}
	}
}

func TestARecordThatTheCRMTripsOverBlocksNobody(t *testing.T) {
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<h1>Sorry</h1>"))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"its framework's page": page(500),
		"its error":            func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 500, ErrorBody{Error: "KeyError"}) },
		"a page with 200":      page(200),
		"a firewall's page":    page(400),
		"its 403":              page(403),
		"no results":           func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 200, []string{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTaker()
				healed := false
				k.whole = func(w http.ResponseWriter, r *http.Request, b CallBatch) bool {
					trips := slices.ContainsFunc(b.Items, func(i CallItem) bool {
						return strings.HasPrefix(i.Key, "office-00003/") || strings.HasPrefix(i.Key, "office-00456/")
					})
					if trips && !healed {
						answer(w, r)
					}
					return trips && !healed
				}
				s := newSite(t, onlyCalls(k))
				s.store.add(numbered("office", 700)...)
				s.start()
				pass(2 * time.Minute)
				if keys, doubled := k.taken(); keys != 698 || doubled != 0 {
					t.Errorf("%d arrived, %d doubled", keys, doubled)
				}
				pass(24 * time.Hour)
				if n := s.store.waiting(ringside.CallParcel); n != 2 || len(s.store.rejected) != 0 {
					t.Errorf("%d wait, rejected %v", n, s.store.rejected)
				}
				if k.requests > 3000 {
					t.Errorf("it was asked %d times in a day", k.requests)
				}
				s.store.add("office-new")
				pass(2 * time.Minute)
				if keys, _ := k.taken(); keys != 699 {
					t.Error("a new record waits behind those")
				}
				k.mu.Lock()
				healed = true
				k.mu.Unlock()
				pass(6 * time.Minute)
				if keys, _ := k.taken(); keys != 701 {
					t.Errorf("after the CRM was mended, %d arrived", keys)
				}
			})
		})
	}
}

func TestACRMThatTripsOverEverythingIsNotTakenForBadRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		broken := true
		k.whole = func(w http.ResponseWriter, _ *http.Request, _ CallBatch) bool {
			if broken {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return broken
		}
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 2000)...)
		s.start()
		pass(24 * time.Hour)
		if n := s.log.count("level=WARN"); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, s.log)
		}
		k.mu.Lock()
		broken = false
		k.mu.Unlock()
		pass(65 * time.Second)
		keys, doubled := k.taken()
		if keys != 2000 || doubled != 0 || s.store.waiting(ringside.CallParcel) != 0 {
			t.Errorf("%d arrived, %d doubled", keys, doubled)
		}
	})
}

func TestALaterRevisionTakesTheEarliersPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		away := true
		k.whole = func(w http.ResponseWriter, _ *http.Request, _ CallBatch) bool {
			if away {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return away
		}
		s := newSite(t, onlyCalls(k))
		s.store.add("office-1", "office-2")
		s.start()
		pass(time.Minute)
		s.store.put(ringside.Call{ID: "office-1", Schema: 1, Revision: 2})
		k.mu.Lock()
		away = false
		k.mu.Unlock()
		pass(2 * time.Minute)
		if got := sorted(k.arrivals); !slices.Equal(got, []string{"office-1/2", "office-2/1"}) {
			t.Errorf("arrived: %v", got)
		}
	})
}

func TestALaterRevisionOfARecordThatIsWantedLaterMakesNoHaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		k.decide = func(key string) Result {
			if key == "office-1/1" {
				return Result{Key: key, Status: Retry, Reason: "locked"}
			}
			return Result{Key: key, Status: Accepted}
		}
		s := newSite(t, onlyCalls(k))
		s.store.add("office-1")
		s.start()
		pass(time.Second)
		s.store.put(ringside.Call{ID: "office-1", Schema: 1, Revision: 2})
		pass(time.Hour)
		if got := sorted(k.arrivals); !slices.Equal(got, []string{"office-1/2"}) {
			t.Errorf("arrived: %v", got)
		}
		if n := s.store.looks; n > 20 {
			t.Errorf("the outbox was looked at %d times", n)
		}
	})
}

func TestAWeekOfflineLosesAndDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		var away atomic.Bool
		away.Store(true)
		routes := onlyCalls(k)
		for path, serve := range routes {
			routes[path] = func(w http.ResponseWriter, r *http.Request) {
				if away.Load() {
					w.Header().Set("Retry-After", "600")
					answerJSON(w, http.StatusServiceUnavailable, ErrorBody{Error: "closed for the holidays"})
					return
				}
				serve(w, r)
			}
		}
		s := newSite(t, routes)
		s.start()
		for day := range 7 {
			for hour := range 24 {
				pass(time.Hour)
				s.store.add(numbered("office-"+string(rune('a'+day))+string(rune('a'+hour)), 25)...)
			}
		}
		if st := s.status(); st.State != Failing || time.Since(st.Since) < 6*24*time.Hour {
			t.Errorf("the status says %s since %s", st.State, st.Since)
		}
		if n := s.log.count("level=WARN"); n != 1 {
			t.Errorf("a week's trouble is logged %d times:\n%s", n, s.log)
		}
		away.Store(false)
		pass(10 * time.Minute)
		keys, doubled := k.taken()
		if keys != 7*24*25 || doubled != 0 {
			t.Errorf("%d arrived, %d doubled", keys, doubled)
		}
		if st := s.status(); st.State != Up {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
		if n := s.log.count("works again"); n != 1 {
			t.Errorf("the end is logged %d times:\n%s", n, s.log)
		}
	})
}

func TestADiskThatFailsMakesDoublesAtWorst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		s := newSite(t, onlyCalls(k))
		s.store.fail = errors.New("no space left on device")
		s.store.add(numbered("office", 5)...)
		s.start()
		pass(time.Minute)
		if s.store.waiting(ringside.CallParcel) != 5 {
			t.Error("records left the outbox without a word on the disk")
		}
		if st := s.status(); st.State != Failing || !strings.Contains(st.Reason, "no space left") {
			t.Errorf("the status says %s: %s", st.State, st.Reason)
		}
		s.store.mu.Lock()
		s.store.fail = nil
		s.store.mu.Unlock()
		pass(2 * time.Minute)
		if s.store.waiting(ringside.CallParcel) != 0 || len(k.arrivals) != 5 {
			t.Errorf("%d wait, %d arrived", s.store.waiting(ringside.CallParcel), len(k.arrivals))
		}
	})
}

func TestACallsCDRsFollowTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		var got []CDRItem
		routes := onlyCalls(k)
		routes["POST /v1/cdrs"] = func(w http.ResponseWriter, r *http.Request) {
			var b CDRBatch
			if err := readBatch(r, &b); err != nil {
				t.Error(err)
			}
			res := Results{}
			for _, it := range b.Items {
				got = append(got, it)
				res.Results = append(res.Results, Result{Key: it.Key, Status: Accepted})
			}
			answerJSON(w, 200, res)
		}
		s := newSite(t, routes, func(o *Options) { o.CDRs = true })
		start := time.Now()
		s.store.put(ringside.Call{
			ID: "office-1", Revision: 1, Caller: "1", Called: "2", Start: start, End: start.Add(time.Minute),
			Legs: []ringside.Leg{
				{Kind: "dial", Targets: []string{"101"}, Start: start, End: start.Add(10 * time.Second), Result: "no_answer"},
				{Kind: "dial", Targets: []string{"102"}, Start: start.Add(10 * time.Second), Answer: start.Add(15 * time.Second), End: start.Add(time.Minute), Answered: "102", Result: "answered"},
			},
		})
		s.store.add("office-2") // has no legs
		s.start()
		pass(time.Second)
		if len(got) != 1 || got[0].Key != "office-1/1" || len(got[0].CDRs) != 2 {
			t.Fatalf("got %+v", got)
		}
		if second := got[0].CDRs[1]; second.Sequence != 2 || second.Duration != 50 || second.BillSec != 45 || second.Answered != "102" {
			t.Errorf("got %+v", second)
		}
		if s.store.waiting(ringside.CDRParcel) != 0 {
			t.Error("they are still waiting")
		}
	})
}

func TestACRMWithoutGzipGetsPlainBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		zipped := 0
		k.whole = func(w http.ResponseWriter, r *http.Request, _ CallBatch) bool {
			if r.Header.Get("Content-Encoding") == "" {
				return false
			}
			zipped++
			answerJSON(w, 415, ErrorBody{Error: "no gzip here"})
			return true
		}
		s := newSite(t, onlyCalls(k))
		s.store.add(numbered("office", 600)...)
		s.start()
		pass(time.Second)
		if keys, _ := k.taken(); keys != 600 || zipped != 1 {
			t.Errorf("%d arrived, %d compressed attempts", keys, zipped)
		}
	})
}
