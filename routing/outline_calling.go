package routing

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/nyaruka/phonenumbers"

	"github.com/ringside-pbx/ringside"
)

// calling says how the country writes telephone numbers, as the library has it.
func (n *Normalizer) calling() ringside.Calling {
	code := phonenumbers.GetCountryCodeForRegion(n.country)
	if code == 0 {
		return ringside.Calling{}
	}
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return ringside.Calling{} // the library's own data: it can be read
	}
	c := ringside.Calling{Code: strconv.Itoa(code)}
	for _, m := range all.GetMetadata() {
		if int(m.GetCountryCode()) != code {
			continue
		}
		if m.GetId() == n.country {
			c.Exit = m.GetInternationalPrefix()
			if c.Trunk = m.GetNationalPrefixForParsing(); capturing(c.Trunk) {
				c.Trunk = m.GetNationalPrefix() // one that is replaced by something else
			}
		}
		c.National = append(c.National, valid(m)...)
	}
	slices.Sort(c.National)
	c.National = slices.Compact(c.National)
	return c
}

// valid are the patterns of the numbers that a region has.
func valid(m *phonenumbers.PhoneMetadata) (patterns []string) {
	for _, desc := range []*phonenumbers.PhoneNumberDesc{
		m.GetFixedLine(), m.GetMobile(), m.GetTollFree(), m.GetPremiumRate(), m.GetSharedCost(), m.GetVoip(),
		m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
	} {
		if p := desc.GetNationalNumberPattern(); p != "" && p != "NA" && !capturing(p) {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

func capturing(pattern string) bool {
	re, err := regexp.Compile(pattern)
	return err != nil || re.NumSubexp() > 0
}
