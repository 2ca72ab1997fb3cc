package routing

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/ringside-pbx/ringside"
)

func TestHowNumbersAreRead(t *testing.T) {
	const caller = "+79001234567"
	long := strings.Repeat("9", 10<<10)
	for _, tt := range []struct{ country, raw, wantRaw, wantE164 string }{
		// One caller in Russia.
		{"RU", "89001234567", "89001234567", caller},
		{"RU", "8 900 123 45 67", "8 900 123 45 67", caller},
		{"RU", "8 (900) 123-45-67", "8 (900) 123-45-67", caller},
		{"RU", "79001234567", "79001234567", caller},
		{"RU", "+79001234567", "+79001234567", caller},
		{"RU", "+7 (900) 123–45–67", "+7 (900) 123–45–67", caller},
		{"RU", "9001234567", "9001234567", caller},
		{"RU", "0079001234567", "0079001234567", caller},
		{"RU", "81079001234567", "81079001234567", caller},
		{"RU", "8~10 7 900", "8~10 7 900", ""},
		{"ru", "8 495 123-45-67", "8 495 123-45-67", "+74951234567"},
		{"RU", "00998901234567", "00998901234567", "+998901234567"},
		{"RU", "810998901234567", "810998901234567", "+998901234567"},
		{"RU", "380501234567", "380501234567", "+380501234567"}, // a trunk that leaves the plus sign out
		{"RU", "4407911123456", "4407911123456", ""},            // hardly that trunk: it would not have a 0
		{"RU", "+4407911123456", "+4407911123456", "+447911123456"},
		{"RU", "+559009696966359", "+559009696966359", "+559696966359"}, // trunk prefixes in several layers
		{"RU", "+7 (900)", "+7 (900)", ""},
		{"KZ", "87011234567", "87011234567", "+77011234567"},
		// Other countries' own ways.
		{"UZ", "901234567", "901234567", "+998901234567"},
		{"UZ", "998901234567", "998901234567", "+998901234567"},
		{"UZ", "0079001234567", "0079001234567", caller},
		{"UZ", "81079001234567", "81079001234567", ""}, // 810 is no exit code there
		{"DE", "030 123456", "030 123456", "+4930123456"},
		{"DE", "0049 30 123456", "0049 30 123456", "+4930123456"},
		{"US", "(212) 555-2368", "(212) 555-2368", "+12125552368"},
		{"US", "011 7 900 123 45 67", "011 7 900 123 45 67", caller},
		{"AU", "0011 7 900 123 45 67", "0011 7 900 123 45 67", caller},
		{"IT", "06 1234567", "06 1234567", "+39061234567"}, // keeps its zero
		{"", "+79001234567", "+79001234567", caller},
		{"", "0079001234567", "0079001234567", caller},
		{"", "89001234567", "89001234567", ""},
		{"XX", "+79001234567", "+79001234567", caller},
		// Extensions and service codes stay what they are.
		{"RU", "101", "101", ""},
		{"RU", "112", "112", ""},
		{"RU", "123456", "123456", ""},
		{"DE", "030123", "030123", ""},
		{"US", "911", "911", ""},
		{"RU", "+101", "+101", ""},
		{"RU", "*72", "*72", ""},
		{"RU", "*7289001234567", "*7289001234567", ""},
		{"RU", "9,01179001234567", "9,01179001234567", ""},
		{"RU", "anna", "anna", ""},
		{"RU", "89001234567x12", "89001234567x12", ""},
		{"US", "1-800-FLOWERS", "1-800-FLOWERS", ""},
		{"RU", "500&PJSIP/itsp/14165551212", "500&PJSIP/itsp/14165551212", ""},
		// Withheld callers.
		{"RU", "", "", ""},
		{"RU", "  \t", "", ""},
		{"RU", "anonymous", "", ""},
		{"RU", "Anonymous", "", ""},
		{"RU", "unknown", "", ""},
		{"RU", "withheld", "", ""},
		{"RU", "restricted", "", ""},
		{"RU", "Unavailable", "", ""},
		{"RU", "sip:anonymous@anonymous.invalid", "", ""},
		{"RU", `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1`, "", ""},
		// Addresses.
		{"RU", "sip:+79001234567@host;user=phone", caller, caller},
		{"RU", "SIPS:8900-123-45-67@[::1]:5061", "8900-123-45-67", caller},
		{"RU", "sip:%2B79001234567:secret@host", caller, caller},
		{"RU", "sip:+79001234567;npdi@host", caller, caller},
		{"RU", `"Anna" <sip:101@pbx>`, "101", ""},
		{"RU", "tel:+7-900-123-45-67;ext=5", "+7-900-123-45-67", caller},
		{"RU", "101@pbx.example.com", "101", ""},
		{"RU", "sip:@host", "", ""},
		// What is made to confuse.
		{"RU", "８９００１２３４５６７", "89001234567", caller},
		{"RU", "＋７９００１２３４５６７", caller, caller},
		{"RU", "٨٩٠٠١٢٣٤٥٦٧", "89001234567", caller},
		{"RU", "𝟏𝟎𝟏", "101", ""},
		{"RU", "\u202e+79001234567\u202c", caller, caller},
		{"RU", "+7900\u200b1234567\u200f", caller, caller},
		{"RU", "8900\x001234567", "89001234567", caller},
		{"RU", "101\r\nEXEC System", "101EXEC System", ""},
		{"RU", "📞89001234567", "📞89001234567", ""},
		{"RU", "8900\xff1234567", "89001234567", caller},
		{"RU", "+", "+", ""},
		{"RU", "++79001234567", "++79001234567", ""},
		{"RU", "7+9001234567", "7+9001234567", ""},
		{"RU", "((((", "((((", ""},
		{"RU", long, long[:ringside.MaxNumber], ""},
		{"RU", "89001234567" + strings.Repeat(" ", 10<<10), "89001234567", caller},
		{"RU", strings.Repeat("ё", 60), strings.Repeat("ё", 32), ""},
		{"RU", "+" + strings.Repeat("7", 16), "+7777777777777777", ""},
	} {
		t.Run(tt.country+" "+fmt.Sprintf("%.40q", tt.raw), func(t *testing.T) {
			n := NewNormalizer(tt.country)
			want := ringside.Number{Raw: tt.wantRaw, E164: tt.wantE164}
			for _, when := range []string{"first", "known by now"} {
				if got := n.Normalize(tt.raw); got != want {
					t.Errorf("%s: got %+v, want %+v", when, got, want)
				}
			}
		})
	}
}

// The short cut gives what the library gives.
func TestTheQuickReadingIsTheLibrarys(t *testing.T) {
	normalizers := map[string]*Normalizer{}
	for _, country := range []string{"RU", "KZ", "UZ", "DE", "US", ""} {
		normalizers[country] = NewNormalizer(country)
	}
	shapes := []string{ // the codes of quickInternational, and neighbours that are none of its business
		`\+1[0-9]{10}`, `\+7[0-9]{10}`, `\+(998|996|995|994|992|380|375|374|373|993)[0-9]{8,9}`, `\+[0-9]{1,15}`,
		`[78]9[0-9]{9}`, `9[0-9]{9}`, `[0-9]{1,15}`,
	}
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"RU", "KZ", "UZ", "DE", "US", ""}).Draw(t, "country")
		n := normalizers[country]
		for _, shape := range shapes {
			raw := rapid.StringMatching(shape).Draw(t, "raw")
			got, ok := n.quick(raw)
			if !ok {
				continue
			}
			quick++
			if want := n.library(raw); got != want {
				t.Fatalf("%s in %q: quick %q, library %q", raw, country, got, want)
			}
			if r := received(raw); r != raw {
				t.Fatalf("%s is received as %s", raw, r)
			}
		}
	})
	if quick < 100 {
		t.Errorf("only %d numbers were quick", quick)
	}
}

// Every beginning of a number is tried, not only those that the short cut knows.
func TestTheQuickReadingIsTheLibrarysForEveryBeginning(t *testing.T) {
	for _, country := range []string{"RU", "US"} {
		n := NewNormalizer(country)
		quick := 0
		for beginning := range 10_000 {
			for _, raw := range []string{
				fmt.Sprintf("+%04d5551234", beginning), fmt.Sprintf("+%04d55512349", beginning),
				fmt.Sprintf("%04d551234", beginning), fmt.Sprintf("%04d5551234", beginning),
			} {
				got, ok := n.quick(raw)
				if !ok {
					continue
				}
				quick++
				if want := n.library(raw); got != want {
					t.Errorf("%s in %s: quick %q, library %q", raw, country, got, want)
				}
			}
		}
		if quick < 1000 {
			t.Errorf("only %d numbers were quick in %s", quick, country)
		}
	}
}

// library reads digits with the library alone; of what is not valid in the country, 11 digits may
// be an international number without its plus sign.
func (n *Normalizer) library(raw string) string {
	if raw[0] != '+' && len(raw) <= maxExtension {
		return ""
	}
	p, err := phonenumbers.Parse(raw, n.country)
	if raw[0] == '+' {
		if err != nil || !phonenumbers.IsPossibleNumber(p) {
			return ""
		}
		return phonenumbers.Format(p, phonenumbers.E164)
	}
	if err != nil || !phonenumbers.IsValidNumber(p) {
		p, err = phonenumbers.Parse("+"+raw, nowhere)
	}
	if len(raw) < 10 || err != nil || !phonenumbers.IsValidNumber(p) {
		return ""
	}
	return phonenumbers.Format(p, phonenumbers.E164)
}

func TestManyCallersReadNumbersAtOnce(t *testing.T) {
	n := NewNormalizer("RU")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3 * cacheHalf {
				raw := fmt.Sprintf("%d @%d", i%(2*cacheHalf), g%2)
				if got, want := n.Normalize(raw).Raw, fmt.Sprint(i%(2*cacheHalf)); got != want {
					t.Errorf("%q: got %q", raw, got)
					return
				}
			}
		})
	}
	wg.Wait()
	if young, old := len(n.known.young), len(n.known.old); young > cacheHalf || old > cacheHalf {
		t.Errorf("the cache holds %d and %d", young, old)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, raw := range []string{
		"", "101", "8 (900) 123-45-67", "+79001234567", "sip:%2B7900@h;user=phone", `"x" <tel:+44 20 7946 0000>`, "\u202e٨٩٠٠\x00", "anonymous",
		"0011" + "61234567890", "+5491123456789", "+5215512345678", "+88001234567", strings.Repeat("1", 100), "+39061234567", "＋７",
	} {
		for _, country := range []string{"RU", "UZ", "US", ""} {
			f.Add(raw, country)
		}
	}
	normalizers := map[string]*Normalizer{}
	for _, country := range []string{"RU", "UZ", "US", "AR", "DE", "IT", "MX", ""} {
		normalizers[country] = NewNormalizer(country)
	}
	f.Fuzz(func(t *testing.T, raw, country string) {
		n := normalizers[country]
		if n == nil {
			n = NewNormalizer(country)
		}
		got := n.Normalize(raw)
		if len(got.Raw) > ringside.MaxNumber || !utf8.ValidString(got.Raw) || strings.IndexFunc(got.Raw, unicode.IsControl) >= 0 {
			t.Errorf("%q: raw is %q", raw, got.Raw)
		}
		if e := got.E164; e != "" {
			if e[0] != '+' || len(e) < 4 || len(e) > maxE164+1 || strings.Trim(e[1:], "0123456789") != "" {
				t.Errorf("%q: %q is no E.164", raw, e)
			}
			for _, other := range []*Normalizer{n, normalizers["RU"], normalizers["US"], normalizers[""]} {
				if again := other.Normalize(e); again.E164 != e || again.Raw != e {
					t.Errorf("%q is %q, which reads as %+v", raw, e, again)
				}
			}
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	n := NewNormalizer("RU")
	for _, bb := range []struct{ name, raw string }{
		{"E164", "+79001234567"}, {"national mobile", "89001234567"}, {"extension", "101"}, {"known landline", "8 (495) 123-45-67"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.Normalize(bb.raw)
			}
		})
	}
	b.Run("new landline", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n.Normalize(fmt.Sprintf("8495%07d", i%10_000_000))
		}
	})
}
