package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

// deskOf takes what reaches the PBX.
type deskOf struct {
	PBX
	err  error
	last string
}

func (d *deskOf) note(what string, r any) error {
	body, _ := json.Marshal(r)
	d.last = what + string(body)
	return d.err
}

func (d *deskOf) Originate(_ context.Context, r ringside.OriginateRequest) (ringside.Originated, error) {
	return ringside.Originated{ID: "1.1"}, d.note("originate", r)
}

func (d *deskOf) Spy(_ context.Context, r ringside.SpyRequest) (ringside.Originated, error) {
	return ringside.Originated{ID: "1.2"}, d.note("spy", r)
}

func (d *deskOf) Park(_ context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	return ringside.Parked{Space: "701"}, d.note("park", r)
}

func (d *deskOf) Record(_ context.Context, r ringside.RecordRequest) (ringside.Recording, error) {
	return ringside.Recording{File: "x.wav"}, d.note("record", r)
}

func (d *deskOf) Hangup(_ context.Context, r ringside.HangupRequest) error {
	return d.note("hangup", r)
}

func (d *deskOf) Transfer(_ context.Context, r ringside.TransferRequest) error {
	return d.note("transfer", r)
}

func (d *deskOf) Bridge(_ context.Context, r ringside.BridgeRequest) error {
	return d.note("bridge", r)
}

func (d *deskOf) SendDTMF(_ context.Context, r ringside.DTMFRequest) error { return d.note("dtmf", r) }

func (d *deskOf) Mute(_ context.Context, r ringside.MuteRequest) error { return d.note("mute", r) }

func (d *deskOf) StopRecord(_ context.Context, r ringside.Recording) error {
	return d.note("stop-record", r)
}

func (d *deskOf) Variable(_ context.Context, channel, name string) (string, error) {
	return "value", d.note("variable", []string{channel, name})
}

func (d *deskOf) SetVariable(_ context.Context, channel string, v ringside.Variable) error {
	return d.note("set", []string{channel, v.Name, v.Value})
}

func (d *deskOf) Channel(_ context.Context, name string) (ringside.ChannelInfo, error) {
	return ringside.ChannelInfo{Name: name}, d.note("channel", name)
}

func (d *deskOf) Channels(context.Context) ([]ringside.ChannelInfo, error) {
	return []ringside.ChannelInfo{{ID: "1"}}, d.note("channels", nil)
}

func (d *deskOf) PBXHealth(context.Context) (ringside.PBXHealth, error) {
	return ringside.PBXHealth{Status: ringside.ConditionBusy}, d.note("health", nil)
}

func (d *deskOf) Queues(context.Context) ([]ringside.PBXQueue, error) {
	return []ringside.PBXQueue{{Name: "sales"}}, d.note("queues", nil)
}

func (d *deskOf) ChangeQueue(_ context.Context, c QueueChange) error { return d.note("queue", c) }

type withPBX struct {
	board
	desk *deskOf
	none error
}

func (w *withPBX) PBX() (PBX, error) { return w.desk, w.none }

const ch = "PJSIP/101-0000002a"

// routes are all that can be asked, with what must arrive and what comes back.
var routes = []struct {
	name string
	do   func(context.Context, *Client) (any, error)
	want string // at the PBX
	back string
}{
	{"originate", func(ctx context.Context, c *Client) (any, error) {
		return c.Originate(ctx, ringside.OriginateRequest{CallerName: "Ä\"<"})
	}, `"caller_name":"Ä\"\u003c"`, `"id":"1.1"`},
	{"spy", func(ctx context.Context, c *Client) (any, error) {
		return c.Spy(ctx, ringside.SpyRequest{Mode: "whisper"})
	}, `"mode":"whisper"`, `"id":"1.2"`},
	{"park", func(ctx context.Context, c *Client) (any, error) {
		return c.Park(ctx, ringside.ParkRequest{Timeout: 5})
	}, `"timeout":5`, `"space":"701"`},
	{"record", func(ctx context.Context, c *Client) (any, error) {
		return c.Record(ctx, ringside.RecordRequest{Name: "x"})
	}, `"name":"x"`, `"file":"x.wav"`},
	{"hangup", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.Hangup(ctx, ringside.HangupRequest{Channel: ch, Cause: 17})
	}, `"cause":17`, ""},
	{"transfer", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.Transfer(ctx, ringside.TransferRequest{Channel: ch, Attended: true})
	}, `"attended":true`, ""},
	{"bridge", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.Bridge(ctx, ringside.BridgeRequest{With: ch})
	}, `"with":"` + ch, ""},
	{"dtmf", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.SendDTMF(ctx, ringside.DTMFRequest{Digits: "1#"})
	}, `"digits":"1#"`, ""},
	{"mute", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.Mute(ctx, ringside.MuteRequest{Off: true})
	}, `"off":true`, ""},
	{"stop-record", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.StopRecord(ctx, ringside.Recording{ID: "0x1"})
	}, `"id":"0x1"`, ""},
	{"variable", func(ctx context.Context, c *Client) (any, error) { return c.Variable(ctx, ch+"?&=", "A b") }, `["` + ch + `?\u0026=","A b"]`, `"value"`},
	{"set", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.SetVariable(ctx, ch, ringside.Variable{Name: "A", Value: "б"})
	}, `["` + ch + `","A","б"]`, ""},
	{"channel", func(ctx context.Context, c *Client) (any, error) { return c.Channel(ctx, ch+";1") }, ch + ";1", ch + ";1"},
	{"channels", func(ctx context.Context, c *Client) (any, error) { return c.Channels(ctx) }, "", `"id":"1"`},
	{"health", func(ctx context.Context, c *Client) (any, error) { return c.PBXHealth(ctx) }, "", `"busy"`},
	{"queues", func(ctx context.Context, c *Client) (any, error) { return c.Queues(ctx) }, "", `"sales"`},
	{"queue", func(ctx context.Context, c *Client) (any, error) {
		return nil, c.ChangeQueue(ctx, QueueChange{Verb: QueuePause, Member: ringside.QueueMemberRequest{Number: "101"}})
	}, `"101"`, ""},
}

func TestRequestsToThePBXArriveAndAreAnswered(t *testing.T) {
	w := &withPBX{desk: &deskOf{}}
	c, _, _ := listen(t, w)
	through, err := c.PBX()
	if err != nil || through == nil {
		t.Errorf("the client's PBX: %v", err)
	}
	for _, r := range routes {
		got, err := r.do(t.Context(), c)
		back, _ := json.Marshal(got)
		if err != nil || !strings.HasPrefix(w.desk.last, r.name) || !strings.Contains(w.desk.last, r.want) || !strings.Contains(string(back), r.back) {
			t.Errorf("%s: %v; arrived %s, came back %s", r.name, err, w.desk.last, back)
		}
	}
}

func TestErrorsOfThePBXKeepTheirIdentity(t *testing.T) {
	w := &withPBX{desk: &deskOf{}}
	c, _, _ := listen(t, w)
	for _, kind := range []error{ringside.ErrNoChannel, ringside.ErrNotPermitted, ringside.ErrForbidden, ringside.ErrPBXAway, ringside.ErrRefused} {
		w.desk.err = fmt.Errorf("%w: because", kind)
		for _, r := range routes {
			if _, err := r.do(t.Context(), c); !errors.Is(err, kind) || !strings.Contains(err.Error(), "because") {
				t.Errorf("%s: %v is not %v", r.name, err, kind)
			}
		}
	}
	w.desk.err = fmt.Errorf("outer: %w", &ringside.InvalidError{Field: "from", Reason: "is odd"})
	for _, r := range routes {
		var invalid *ringside.InvalidError
		if _, err := r.do(t.Context(), c); !errors.As(err, &invalid) || invalid.Field != "from" || invalid.Reason != "is odd" {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	w.none = fmt.Errorf("%w: no PBX is configured", ErrRefused)
	if _, err := c.Channels(t.Context()); err == nil || !strings.Contains(err.Error(), "no PBX is configured") {
		t.Errorf("without a PBX: %v", err)
	}
}

func TestWhatIsNoRequestIsBad(t *testing.T) {
	_, path, _ := listen(t, &withPBX{desk: &deskOf{}})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	for _, tc := range []struct{ route, body, says string }{
		{"hangup", `{"channel": 5}`, "channel"},
		{"originate", `{"from": {"kind": []}}`, "from.kind"},
		{"queue", `{"verb": "drop"}`, "verb"},
		{"hangup", `{`, "reading"},
		{"hangup", ``, "reading"},
		{"dtmf", `[]`, "reading"},
	} {
		res, err := client.Post("http://ringside/pbx/"+tc.route, "application/json", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), tc.says) {
			t.Errorf("%s %s: %d %s", tc.route, tc.body, res.StatusCode, body)
		}
	}
}
