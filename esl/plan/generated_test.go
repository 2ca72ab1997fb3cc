package plan

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/routing"
)

// pick draws one of some texts.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// drawn is a directory by chance.
func drawn(r *rand.Rand) ringside.Directory {
	dir := ringside.Directory{
		Version:        "1",
		TimeZone:       pick(r, "Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Adelaide", "Asia/Tashkent", "", "Asia/Kathmandu"),
		DefaultCountry: pick(r, "RU", "RU", "DE", "US", "UZ", ""),
	}
	for range r.IntN(6) {
		dir.Holidays = append(dir.Holidays, pick(r, "2026-11-23", "2026-12-31", "2027-01-01", "2027-01-07", "2027-01-08", "2027-02-28", "2028-02-29"))
	}
	target := func() ringside.Destination {
		return ringside.Destination{
			Action: pick(r, ringside.RouteToNumber, ringside.RouteToGroup, ringside.RouteToQueue, ringside.RouteToVoicemail,
				ringside.PlayAnnouncement, ringside.HangUp, ringside.ForwardExternal, ringside.RouteToOwner, ringside.RouteToGroup),
			TargetNumber: fmt.Sprint(101 + r.IntN(8)), TargetGroup: ringside.GroupRef{ID: int64(1 + r.IntN(4))},
			TargetExternal: pick(r, "+79001112233", "88005553535", "+49 30 123456"), AnnouncementText: pick(r, "closed", "ivr/closed.wav", "Мы закрыты"),
		}
	}
	maybe := func(n int) *ringside.Destination {
		if r.IntN(n) > 0 {
			return nil
		}
		d := target()
		return &d
	}
	for i := range 8 {
		e := ringside.Extension{ID: int64(i), Number: fmt.Sprint(101 + i), Active: r.IntN(8) > 0}
		if r.IntN(3) > 0 {
			e.Account = &ringside.Account{
				Active: r.IntN(8) > 0, CanReceiveExternalCalls: r.IntN(3) > 0, CanMakeExternalCalls: r.IntN(2) > 0,
				VoicemailEnabled: r.IntN(2) > 0, MaxConcurrentCalls: r.IntN(3),
			}
		}
		dir.Numbers = append(dir.Numbers, e)
	}
	for i := range 4 {
		g := ringside.RingGroup{
			ID: int64(i + 1), Name: fmt.Sprint("group ", i), Active: r.IntN(6) > 0, RingTimeout: r.IntN(40), MaxQueueSize: r.IntN(2),
			Strategy: pick(r, ringside.RoundRobin, ringside.AllRing, ringside.ByPriority, ringside.LeastRecent, ringside.RandomPick), Overflow: maybe(2),
		}
		for range r.IntN(5) {
			g.Members = append(g.Members, ringside.Member{Number: fmt.Sprint(101 + r.IntN(9)), Priority: r.IntN(3), Paused: r.IntN(6) == 0})
		}
		dir.Groups = append(dir.Groups, g)
	}
	for i := range 12 {
		dir.Rules = append(dir.Rules, ringside.Rule{
			ID: int64(i), Name: "r", Priority: r.IntN(4), Active: r.IntN(8) > 0, Destination: target(), Fallback: maybe(2),
			CallerIDPattern:     pick(r, "", "", "", `^\+79`, `^$`, `^10[1-4]$`, `.`, `^(\+7|8)9\d{9}$`, `[^+]`, `^\+49`, `(?i)ANON`, `^\+?1`),
			CalledNumberPattern: pick(r, "", "^100$", "^100$", "^2", `^\+7495`, `^(100|200)$`, `\d{3}$`, `^10[1-3]`, `^\+`),
			TimeCondition: pick(r, "", "", "weekdays 09:00-18:00", "!holidays", "holidays", "sat,sun 10:00-16:00; fri 18:00-02:00", "mon-fri 22:00-06:00 !holidays",
				"2026-12-31..2027-01-08 08:30-12:15,13:00-24:00", "daily !sat !2026-11-23..2026-11-25", "weekends,holidays !2027-01-01; tz=Europe/London",
				"sun 02:00-03:00; tz=Europe/Berlin", "wed-mon; tz=Asia/Kolkata", "2027-01-01..2029-03-01 !2028-02-29 tue"),
		})
	}
	dir.Defaults = maybe(2)
	return dir
}

func TestDrawnDirectoriesGiveTheEnginesCalls(t *testing.T) {
	moments := edges("Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
	compared, all := 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := compare(t, drawn(r))
		for range 100 {
			all++
			if c.call(t, pick(r, "", "anonymous", "+79001234567", "89161234567", "9161234567", "101", "104", "108", "+4930123456", "+12025550123", "2025550123", "103", "x1"),
				pick(r, "100", "200", "101", "102", "105", "+74951234567", "84951234567", "999", "108", "2"), pick(r, "", "", "101", "102", "103", "104", "105"), pick(r, moments...)) {
				compared++
			}
		}
		if t.Failed() {
			t.Fatalf("the directory of seed %d", seed)
		}
	}
	t.Logf("%d of %d calls were compared", compared, all)
	if compared < all*8/10 {
		t.Errorf("only %d of %d calls could be compared", compared, all)
	}
}

// harmless fails if a dialplan is no XML, or holds what FreeSWITCH expands or preprocesses, but for its own words.
func harmless(t *testing.T, text []byte) {
	t.Helper()
	own := strings.NewReplacer("${ringside_from}", "", "${ringside_hidden}", "", "${ringside_caller}", "", "${ringside_called}", "",
		"${user_name}", "", "${domain}", "", "${RINGSIDE_RESULT}", "", "${RINGSIDE_DIAL}", "", "${last_bridge_to}", "", "${voicemail_message_len}", "", "=+$1", "")
	dec := xml.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				value := own.Replace(a.Value)
				for _, code := range []string{"+7$1", "+1$1", "+49$1", "+998$1"} {
					value = strings.ReplaceAll(value, code, "")
				}
				if strings.Contains(value, "${") || strings.Contains(value, "$$") || a.Name.Local == "data" && strings.ContainsAny(value, "$\\\n\r") {
					t.Fatalf("%s=%q would be expanded", a.Name.Local, a.Value)
				}
			}
		case xml.Comment:
			if strings.Contains(string(token), "--") || strings.ContainsAny(string(token), "$#<>") {
				t.Fatalf("the comment %q", token)
			}
		case xml.ProcInst, xml.Directive:
			t.Fatal("a directive or an instruction")
		}
	}
	if strings.Contains(strings.ToLower(string(text)), "x-pre-process") || strings.Contains(string(text), "<!--#") || strings.Contains(string(text), "<?") {
		t.Fatalf("FreeSWITCH would preprocess this:\n%s", text)
	}
}

func hostileTexts() []string {
	return []string{
		`"><action application="system" data="id"/>`, "]]>", "-- > -->", "a\nb\r\nc", "${system(id)}", "$${domain}", "&amp; &lt;", "Продажи «Юг»", "O'Neil \\'",
		"X-PRE-PROCESS cmd=\"exec\" data=\"id\"", "<!--#exec id-->", "<?php ?>", "<include>", "\x00\x01\ufffe\uffff\xff", strings.Repeat("ж", 5000), "{a=b}[c=d]<e>", "%[x=y]",
		"a|b,c", "\u202eevil", "\\$\\{x}", "$", "#", "-", "${${x}}",
	}
}

func TestHostileTextsStayText(t *testing.T) {
	for _, evil := range hostileTexts() {
		dir := drawn(rand.New(rand.NewPCG(1, 2)))
		dir.Version, dir.TimeZone, dir.DefaultCountry = evil, "Europe/Moscow", "RU"
		for i := range dir.Groups {
			dir.Groups[i].Name, dir.Groups[i].Description, dir.Groups[i].MusicOnHold = evil, evil, evil
			dir.Groups[i].Strategy = ringside.RoundRobin
		}
		for i := range dir.Rules {
			dir.Rules[i].Name, dir.Rules[i].Active = evil, true
			dir.Rules[i].AnnouncementText = evil
			dir.Rules[i].CallerIDPattern = []string{"", "(1+)+", `\Q` + evil + `\E`}[i%3]
		}
		for i := range dir.Numbers {
			dir.Numbers[i].DisplayName = evil
		}
		c := compare(t, dir)
		harmless(t, c.text)
		harmless(t, File(c.text))
		harmless(t, Answer(c.text))
		if !strings.Contains(string(c.text), "<extension name=\"fallback\">") {
			t.Errorf("%q: there is no fallback", evil)
		}
	}
}

func TestXMLLintAgrees(t *testing.T) {
	path, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("there is no xmllint on this machine")
	}
	c := compare(t, drawn(rand.New(rand.NewPCG(3, 4))))
	file := filepath.Join(t.TempDir(), "ringside.xml")
	if err := os.WriteFile(file, File(c.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "--noout", file).CombinedOutput(); err != nil {
		t.Errorf("xmllint: %v\n%s", err, out)
	}
}

// Whatever a directory holds, its dialplan is XML in which nothing is expanded.
func FuzzStatic(f *testing.F) {
	for _, s := range hostileTexts() {
		dir := drawn(rand.New(rand.NewPCG(1, 2)))
		dir.Rules = dir.Rules[:4]
		for i := range dir.Rules {
			s := s[:min(len(s), 200)]
			dir.Rules[i].Name, dir.Rules[i].CalledNumberPattern, dir.Rules[i].AnnouncementText = s, s, s
		}
		b, err := json.Marshal(dir)
		if err != nil {
			f.Fatal(err)
		}
		if _, _, err := ringside.DecodeDirectory(b); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		dir, _, err := ringside.DecodeDirectory(doc)
		if err != nil {
			return
		}
		c, _ := routing.Compile(dir)
		out := c.Outline()
		text, _, err := testDialplan().Static(&out)
		if err != nil {
			t.Fatalf("a directory that is one can't be written: %v", err)
		}
		harmless(t, text)
		parsed(t, text)
	})
}

func TestWhatFreeSWITCHCannotDoIsSaid(t *testing.T) {
	dir := ringside.Directory{
		TimeZone: "Europe/Moscow",
		Numbers:  []ringside.Extension{{ID: 1, Number: "101", Active: true}},
		Groups: []ringside.RingGroup{
			{ID: 1, Name: "Sales", Active: true, MaxQueueSize: 5, Strategy: ringside.ByPriority, Members: []ringside.Member{{Number: "101"}}},
		},
	}
	ring := ringside.Destination{Action: ringside.RouteToNumber, TargetNumber: "101"}
	for i, r := range []ringside.Rule{
		{CallerIDPattern: "(1+)+2", Destination: ring},
		{CalledNumberPattern: "(1+)+2", Destination: ring},
		{TimeCondition: "daily 10:00-11:00; tz=Africa/Casablanca", Destination: ring},
		{Destination: ringside.Destination{Action: ringside.RouteToOwner}},
		{CalledNumberPattern: "^2", Destination: ringside.Destination{Action: ringside.RouteToQueue, TargetGroup: ringside.GroupRef{ID: 1}}},
		{CallerIDPattern: "^113", Destination: ringside.Destination{Action: ringside.ForwardExternal, TargetExternal: "+79001112233"}, Fallback: &ring},
		{Destination: ringside.Destination{Action: ringside.PlayAnnouncement, AnnouncementText: "Мы закрыты"}},
	} {
		r.ID, r.Name, r.Active = int64(i), fmt.Sprint("rule -- ", i), true
		dir.Rules = append(dir.Rules, r)
	}
	c, _ := routing.Compile(dir)
	out := c.Outline()
	d := testDialplan()
	d.Speech, d.External = "", ""
	text, problems, err := d.Static(&out)
	if err != nil {
		t.Fatal(err)
	}
	harmless(t, text)
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s %d %s %s", p.Kind, p.ID, p.Code, p.Field))
	}
	want := []string{
		"rule 0 static-left-out caller_id_pattern", "rule 1 static-left-out called_number_pattern", "rule 2 static-left-out time_condition",
		"rule 3 static-owner ", "group 1 static-queue ", "rule 5 static-outside ", "rule 6 static-speech ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the problems are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	ctx := parsed(t, text)
	for _, long := range []struct{ from, to string }{{strings.Repeat("1", 65), "300"}, {"112", strings.Repeat("1", 65000)}} {
		ch := newHunter(t, long.from, long.to, "", time.Now())
		if ch.hunt(ctx); fmt.Sprint(ch.chain()) != "[ring [100] at once for ]" || ch.extension != "ringside-too-long" {
			t.Errorf("a long number: %s %v", ch.extension, ch.chain())
		}
	}
	ch := newHunter(t, "113", "300", "", time.Now())
	ch.hunt(ctx)
	if got := fmt.Sprint(ch.chain()); got != "[ring [101] at once for 30 hangup USER_BUSY]" {
		t.Errorf("without a trunk the call goes %s", got)
	}
	ch = newHunter(t, "112", "300", "", time.Now())
	ch.hunt(ctx)
	if got := fmt.Sprint(ch.chain()); got != "[hangup USER_BUSY]" {
		t.Errorf("without speech the call goes %s", got)
	}
}
