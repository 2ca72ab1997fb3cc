package guard

import "github.com/ringside-pbx/ringside"

// callerID checks the number that a call shows, and gives the form in which it is passed on. It may be
// left out; be the number or the external_caller_id of an extension that takes part; or, where an extension
// is called first, the number that it is going to talk to. Any other would lie about who calls.
func callerID(dir Directory, asked string, from, to side) (string, error) {
	if asked == "" {
		return "", nil
	}
	var own []string
	for _, s := range []side{from, to} {
		if s.ext != nil {
			own = append(own, s.target.Number, s.ext.CallerID)
		}
	}
	if from.ext != nil {
		own = append(own, to.target.Number)
	}
	number := dir.Number(asked).E164
	for _, n := range own {
		if n == asked {
			return asked, nil
		}
		if n != "" && number != "" && dir.Number(n).E164 == number && ringside.Dialable(number) {
			return number, nil
		}
	}
	return "", deny(asked, "caller id %s is neither the number nor the external_caller_id of an extension in the call", asked)
}
