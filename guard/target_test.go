package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/guard"
)

// TestWhatReachesThePBX is the table of toll fraud: what 101 asks to be connected with, what is dialled.
func TestWhatReachesThePBX(t *testing.T) {
	cases := []struct {
		to   ringside.Target
		want string // what is dialled, or a part of the reason
	}{
		{external("+79001234567"), "external +79001234567"},
		{external("89001234567"), "external +79001234567"},
		{external("9001234567"), "external +79001234567"},
		{external("8-900-123-45-67"), "external +79001234567"},
		{external("+7-495-123-45-67"), "external +74951234567"},
		{external("810998711234567"), "external +998711234567"},
		{external("00998711234567"), "external +998711234567"},
		{external("8-10-7-900-123-45-67"), "external +79001234567"},
		{extension("104"), "extension 104"},
		{external("104"), "extension 104"}, // an extension, whatever it is called
		{external("102"), "extension 102"},
		{external("+79001112233"), "external +79001112233"},
		{external("79001112233"), "extension 79001112233"},
		{external("89001112233"), "external +79001112233"},

		// Abroad, in every spelling.
		{external("+5352123456"), "+5352123456 is outside outbound.allow: add its prefix"},
		{external("8105352123457"), "+5352123457 is outside outbound.allow"},
		{external("8-10-5352123457"), "+5352123457 is outside outbound.allow"},
		{external("005352123456"), "+5352123456 is outside outbound.allow"},
		{external("5352123456"), "neither an extension nor a telephone number"},
		{external("+18765551234"), "outside outbound.allow"},
		{external("+998901234567"), "outside outbound.allow"},
		{external("+37052123456"), "outside outbound.allow"},

		// Prefix games.
		{external("+78401234567"), "+7840 of outbound.deny"},
		{external("88401234567"), "+7840 of outbound.deny"},
		{external("+78091234567"), "+7809 of outbound.deny"},
		{external("+77011234567"), "+77 of outbound.deny"},
		{external("+7810535212345"), "neither an extension nor"},
		{external("+7"), "neither an extension nor"},
		{external("+70"), "neither an extension nor"},
		{external("++79001234567"), "neither an extension nor"},
		{external("7+9001234567"), "neither an extension nor"},
		{external("+79001234567.5352123456"), "neither an extension nor"},
		{external("+7900123456789012345678901234567890"), "neither an extension nor"},
		{external("+" + strings.Repeat("7", 63)), "neither an extension nor"},
		{external(strings.Repeat("9", 65)), "can't be dialled"},

		// Codes and what leads out of a dial string.
		{external("112"), "short and feature codes are never dialled"},
		{external("9011525512345678"), "neither an extension nor"},
		{external("9-011-525512345678"), "neither an extension nor"},
		{external("9,0115255123"), "can't be dialled"},
		{external("*72"), "can't be dialled"},
		{external("*72+79001234567"), "can't be dialled"},
		{external("#9"), "can't be dialled"},
		{external("+79001234567;5352123456"), "can't be dialled"},
		{external("+79001234567w5352123456"), "neither an extension nor"},
		{external("+79001234567@trunk"), "can't be dialled"},
		{external("Local/1@ctx"), "can't be dialled"},
		{extension("Local/1@ctx"), "can't be dialled"},
		{extension("101&PJSIP/x"), "can't be dialled"},
		{extension("101\r\nAction: Originate"), "can't be dialled"},
		{external("${EXTEN}"), "can't be dialled"},
		{external(""), "can't be dialled"},
		{external("+７９００１２３４５６７"), "can't be dialled"},
		{external("+٧٩٠٠١٢٣٤٥٦٧"), "can't be dialled"},
		{external("+7\u202e9001234567"), "can't be dialled"},
		{external("1-800-FLOWERS"), "neither an extension nor"},

		// Extensions that are none.
		{extension("999"), "there is no extension 999"},
		{extension("103"), "extension 103 is not active"},
		{external("103"), "extension 103 is not active"},
		{extension("+79001234567"), "there is no extension +79001234567"},
		{extension("8105352123456"), "+5352123456 is outside outbound.allow"},
		{external("8105352123456"), "+5352123456 is outside outbound.allow"},
		{ringside.Target{Kind: "sip", Number: "101"}, "neither extension nor external"},
	}
	for _, c := range cases {
		t.Run(string(c.to.Kind)+" "+c.to.Number, func(t *testing.T) {
			g, p := newSite(t, russia(), nil)
			_, err := g.Originate(context.Background(), click(extension("101"), c.to))
			wantOutcome(t, g, err, p.dialled(), "extension 101 > ", c.want)

			g, p = newSite(t, russia(), nil)
			p.channels["PJSIP/trunk-1"] = ringside.ChannelInfo{Name: "PJSIP/trunk-1", ID: "1", Endpoint: "PJSIP/trunk"}
			err = g.Transfer(context.Background(), ringside.TransferRequest{Channel: "PJSIP/trunk-1", To: c.to, By: "anna"})
			wantOutcome(t, g, err, p.dialled(), "PJSIP/trunk-1 > ", c.want)
		})
	}
}

func wantOutcome(t *testing.T, g *guard.Guard, err error, dialled, before, want string) {
	t.Helper()
	if err == nil {
		if dialled != before+want {
			t.Errorf("dialled %q, want %q", dialled, before+want)
		}
		return
	}
	var invalid *ringside.InvalidError
	if !errors.Is(err, ringside.ErrForbidden) && !errors.As(err, &invalid) {
		t.Errorf("the refusal is neither forbidden nor invalid: %v", err)
	}
	if dialled != "" || !strings.Contains(err.Error(), want) {
		t.Errorf("dialled %q, error %v; want %q", dialled, err, want)
	}
	list := g.Refusals()
	if g.Refused() != 1 || len(list) != 1 || list[0].By != "anna" || !strings.Contains(list[0].Reason, want) || list[0].At.IsZero() {
		t.Errorf("refusals: %d, %+v", g.Refused(), list)
	}
}
