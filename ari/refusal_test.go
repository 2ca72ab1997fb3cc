package ari

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/channeltest"
)

// What Asterisk refuses of a call's trimmings, the call goes on without.
func TestACallGoesOnWithoutWhatIsRefused(t *testing.T) {
	for request, what := range map[string]string{
		"/variable": "the variables", "/moh": "the music", "call-1/ring": "the ringing tone", "/play/": "an announcement",
		"/record": "the recording", "DELETE bridges": "the end of a bridge", "DELETE playbacks": "the end of a sound",
	} {
		for _, answer := range []fakeAnswer{
			{status: 403, body: `{"message":"Write access denied"}`},
			{status: 400, body: `{"message":"Invalid"}`},
			{status: 500, body: `{"error":"Internal Server Error"}`},
			{status: 502, body: "<html>Bad gateway</html>"},
		} {
			t.Run(what+" "+answer.body, func(t *testing.T) {
				var res ringside.DialResult
				var dialled, released error
				story(t, Options{Record: true}, func(ctx context.Context, ch ringside.Channel) {
					_ = ch.Tell(ctx, "id-1", &ringside.Decision{Action: ringside.Queue})
					waiting, cancel := context.WithTimeout(ctx, 2*time.Second)
					_ = ch.Wait(waiting, "")
					cancel()
					playing, cancel := context.WithTimeout(ctx, time.Second)
					_ = ch.Play(playing, ringside.Prompt{Sound: "beep"})
					cancel()
					req := channeltest.Extensions("101")
					req.Recorded = []string{"101"}
					res, dialled = ch.Dial(ctx, req)
					released = ch.Release(ctx, ringside.ResultReleased)
				}, func(s *site) {
					s.pbx.do(func() {
						s.pbx.says = func(r fakeRequest) *fakeAnswer {
							if strings.Contains(r.String(), request) {
								return &answer
							}
							return nil
						}
					})
					l := s.line("call-1", map[string]*channeltest.Phone{"101": {Answers: 2 * time.Second, Talk: 2 * time.Second}})
					after(time.Minute)
					if res.Status != ringside.DialAnswered || dialled != nil || released != nil {
						t.Errorf("the attempt ended as %s, %v; the release: %v", res.Status, dialled, released)
					}
					if got := l.Variable("RINGSIDE_RESULT"); got != "released" && request != "/variable" {
						t.Errorf("RINGSIDE_RESULT is %q", got)
					}
					s.ended(l, "dialplan")
				})
			})
		}
	}
}

// A phone that Asterisk will not call is passed over for the next.
func TestAPhoneThatCanNotBeCalledIsPassedOver(t *testing.T) {
	outside := ringside.Target{Kind: ringside.ToExternal, Number: "+74951234567"}
	inside := ringside.Target{Kind: ringside.ToExtension, Number: "101"}
	for name, c := range map[string]struct {
		target ringside.Target
		answer fakeAnswer
		want   ringside.DialStatus
	}{
		"an extension: not registered":      {inside, fakeAnswer{status: 500, body: `{"error":"Allocation failed"}`}, ringside.DialUnavailable},
		"an extension: the id is taken":     {inside, fakeAnswer{status: 409, body: `{"message":"Channel with given unique ID already exists"}`}, ringside.DialUnavailable},
		"an extension: a strange endpoint":  {inside, fakeAnswer{status: 400, body: `{"message":"Endpoint must be specified"}`}, ringside.DialUnavailable},
		"an outside number: no trunk":       {outside, fakeAnswer{status: 500, body: `{"error":"Allocation failed"}`}, ringside.DialUnavailable},
		"an outside number: not understood": {outside, fakeAnswer{status: 400, body: `<html>`}, ringside.DialUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			var first, second ringside.DialResult
			var errs [2]error
			story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
				req := channeltest.Extensions()
				req.Targets = []ringside.Target{c.target}
				first, errs[0] = ch.Dial(ctx, req)
				second, errs[1] = ch.Dial(ctx, channeltest.Extensions("102"))
				_ = ch.Release(ctx, ringside.ResultReleased)
			}, func(s *site) {
				s.pbx.do(func() {
					s.pbx.says = func(r fakeRequest) *fakeAnswer {
						if endpoint, ok := r.params["endpoint"].(string); ok && strings.Contains(endpoint, c.target.Number) {
							return &c.answer
						}
						return nil
					}
				})
				l := s.line("call-1", map[string]*channeltest.Phone{"102": {Answers: time.Second, Talk: time.Second}})
				after(10 * time.Second)
				if first.Status != c.want || second.Status != ringside.DialAnswered || errs != [2]error{} {
					t.Errorf("the attempts ended as %s and %s, %v", first.Status, second.Status, errs)
				}
				s.ended(l, "dialplan")
			})
		})
	}
}

// A user who may only read can't serve calls: they go back to the dialplan as far as that can be, and the log
// says why.
func TestAUserWhoMayOnlyReadIsToldOf(t *testing.T) {
	var res ringside.DialResult
	var err error
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		_ = ch.Tell(ctx, "id-1", &ringside.Decision{Action: ringside.Queue})
		res, err = ch.Dial(ctx, channeltest.Extensions("101"))
	}, func(s *site) {
		s.pbx.do(func() { s.pbx.readOnly = true })
		l := s.line("call-1", map[string]*channeltest.Phone{"101": {}})
		after(10 * time.Second)
		if res.Status != ringside.DialFailed {
			t.Errorf("the attempt ended as %s, %v", res.Status, err)
		}
		s.says("Write access denied")
		// Asterisk does not let go of the caller until it may.
		s.ended(l, "")
		s.pbx.do(func() { s.pbx.readOnly = false })
		after(10 * time.Second)
		s.ended(l, "dialplan")
	})
}

// Something in Asterisk's place that answers with what it was asked, as proxies do that are being set up, does not
// get the password into logs and reports.
func TestAnAnswerThatRepeatsTheRequestIsNotShown(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("no upstream for Authorization: " + r.Header.Get("Authorization")))
	}))
	defer srv.Close()
	opt := Options{URL: srv.URL + "/ari", Username: "ringside", Password: ringside.NewSecret("sesame")}
	_, err := Probe(t.Context(), opt)
	if err == nil || !strings.Contains(err.Error(), "502: Bad Gateway") || strings.Contains(err.Error(), "Basic") {
		t.Errorf("the error is %v", err)
	}
}

// A target that Asterisk refuses to call is not hung up afterwards.
func TestNobodyIsHungUpWhoWasNotCalled(t *testing.T) {
	story(t, Options{}, func(ctx context.Context, ch ringside.Channel) {
		for range 100 {
			if res, err := ch.Dial(ctx, channeltest.Extensions("199")); res.Status != ringside.DialUnavailable || err != nil {
				t.Errorf("the attempt ended as %s, %v", res.Status, err)
			}
		}
	}, func(s *site) {
		s.line("call-1", nil)
		after(time.Second)
		s.count(0, "DELETE channels/ringside-leg")
	})
}
