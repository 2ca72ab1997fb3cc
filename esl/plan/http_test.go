package plan

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ringside-pbx/ringside"
)

func testPages(t *testing.T) *Pages {
	t.Helper()
	p := &Pages{Context: "ringside", Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Token: ringside.NewSecret("0123456789abcdef")}
	text, err := testDialplan().HandOver()
	if err != nil {
		t.Fatal(err)
	}
	p.SetHandOver(text)
	p.SetStatic([]byte(`  <context name="ringside"/>`))
	return p
}

// form is what mod_xml_curl sends, but for most of the variables.
func form(context string) string {
	return url.Values{
		"hostname": {"pbx"}, "section": {"dialplan"}, "tag_name": {""}, "key_name": {""}, "key_value": {""}, "Event-Name": {"REQUEST_PARAMS"},
		"Caller-Context": {"public"}, "Hunt-Context": {context}, "Hunt-Destination-Number": {"100"}, "variable_sip_from_display": {`"${system(id)}" <x>`},
	}.Encode()
}

func ask(p http.Handler, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.RemoteAddr = "127.0.0.1:4000"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(req)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, req)
	return w
}

func TestXMLCurlIsAnswered(t *testing.T) {
	p := testPages(t)
	for name, c := range map[string]struct{ target, body, want string }{
		"the rules":         {Path, form("ringside"), `<section name="dialplan">`},
		"the rules by name": {Path + "?mode=static", form("ringside"), `<context name="ringside"/>`},
		"the hand-over":     {Path + "?mode=socket", form("ringside"), `127.0.0.1:8084 async full`},
		"another context":   {Path, form("default"), `status="not found"`},
		"another section":   {Path, "section=directory&Hunt-Context=ringside", `status="not found"`},
		"nothing":           {Path, "", `status="not found"`},
		"before a transfer": {Path, "section=dialplan&Caller-Context=ringside", `<section name="dialplan">`},
	} {
		w := ask(p, http.MethodPost, c.target, c.body)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s %s", name, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		harmless(t, w.Body.Bytes())
	}
	p.SetStatic(nil)
	if w := ask(p, http.MethodPost, Path, form("ringside")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "not found") {
		t.Errorf("without a directory: %d %s", w.Code, w.Body)
	}
}

func TestXMLCurlIsRefused(t *testing.T) {
	p := testPages(t)
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		status int
		w      *httptest.ResponseRecorder
	}{
		"this machine":         {200, ask(p, http.MethodPost, Path, form("ringside"), from("[::1]:9"))},
		"this machine, mapped": {200, ask(p, http.MethodPost, Path, form("ringside"), from("[::ffff:127.0.0.1]:9"))},
		"one in allow":         {200, ask(p, http.MethodPost, Path, form("ringside"), from("10.1.2.3:9"))},
		"a stranger":           {401, ask(p, http.MethodPost, Path, form("ringside"), from("10.2.2.3:9"))},
		"no address":           {401, ask(p, http.MethodPost, Path, form("ringside"), from("@"))},
		"a proxy":              {401, ask(p, http.MethodPost, Path, form("ringside"), header("X-Forwarded-For", "8.8.8.8"))},
		"a password": {200, ask(p, http.MethodPost, Path, form("ringside"), from("8.8.8.8:9"), func(r *http.Request) {
			r.SetBasicAuth("freeswitch", "0123456789abcdef")
		})},
		"a bearer token":   {200, ask(p, http.MethodPost, Path, form("ringside"), from("8.8.8.8:9"), header("Authorization", "Bearer 0123456789abcdef"))},
		"a wrong password": {401, ask(p, http.MethodPost, Path, form("ringside"), from("8.8.8.8:9"), header("Authorization", "Bearer x"))},
		"GET":              {405, ask(p, http.MethodGet, Path, "")},
		"another mode":     {400, ask(p, http.MethodPost, Path+"?mode=x", form("ringside"))},
		"a bad form":       {400, ask(p, http.MethodPost, Path, "a=%zz")},
		"a large form":     {400, ask(p, http.MethodPost, Path, "a="+strings.Repeat("x", maxForm))},
	} {
		if c.w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, c.w.Code, c.status)
		}
	}
	open := testPages(t)
	open.Token = ringside.Secret{}
	if w := ask(open, http.MethodPost, Path, form("ringside"), from("8.8.8.8:9"), header("Authorization", "Bearer ")); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token a stranger gets %d", w.Code)
	}
}
