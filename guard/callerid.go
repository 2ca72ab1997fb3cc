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

// presents checks the number that the second one sees, and gives it. Without one asked for, a telephone
// number that an extension calls sees the extension's external_caller_id, if it has one.
func presents(asked string, from, to side) (string, error) {
	switch {
	case from.ext == nil:
		if asked != "" && asked != from.target.Number {
			return "", deny(asked, "%s is not the number that calls", asked)
		}
		return asked, nil
	case asked == "" && to.outside():
		return from.ext.CallerID, nil
	case asked == "" || asked == from.target.Number || asked == from.ext.CallerID:
		return asked, nil
	}
	return "", deny(asked, "%s is neither the number nor the external_caller_id of extension %s", asked, from.target.Number)
}
