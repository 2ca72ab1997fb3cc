package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringside-pbx/ringside"
)

// longestPerson is how many bytes the name of a person may have.
const longestPerson = 80

// checkPerson gives an *InvalidError for what can't name a person in a log.
func checkPerson(by string) error {
	if !utf8.ValidString(by) || len(by) > longestPerson || strings.ContainsFunc(by, unicode.IsControl) {
		return &ringside.InvalidError{Field: "by", Reason: "is not one line of up to 80 bytes"}
	}
	return nil
}

// personKey is what limits know a person by: spellings of one name are one person.
func personKey(by string) string { return "person " + strings.ToLower(strings.TrimSpace(by)) }

func extensionKey(number string) string { return "extension " + number }
