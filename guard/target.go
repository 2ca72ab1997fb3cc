package guard

import "github.com/ringside-pbx/ringside"

// side is one end of a call that was checked.
type side struct {
	// target is what is passed on to the PBX.
	target ringside.Target
	// ext is the extension; nil for a telephone number.
	ext *Extension
}

func (s side) outside() bool { return s.ext == nil }

// side checks one end of a call. A telephone number that is one of our extensions is treated as that
// extension, however it was called.
func (g *Guard) side(dir Directory, t ringside.Target) (side, error) {
	number := dir.Number(t.Number).E164
	if number != "" && !e164(number) {
		return side{}, deny(t.Number, "%s is no telephone number", t.Number)
	}
	for _, own := range []string{t.Number, number} {
		if e, ok := dir.Extension(own); ok && own != "" {
			return g.extension(own, number, e)
		}
	}
	switch {
	case t.Kind == ringside.ToExtension:
		return side{}, deny(t.Number, "there is no extension %s in the directory", t.Number)
	case number == "":
		return side{}, deny(t.Number, "%s is neither an extension nor a telephone number: short and feature codes are never dialled", t.Number)
	}
	if err := g.prefixes.check(number); err != nil {
		return side{}, err
	}
	return side{target: ringside.Target{Kind: ringside.ToExternal, Number: number}}, nil
}

// extension checks an extension. One whose number is a telephone number has to be allowed as such, too:
// sent to a dialplan it might leave through a trunk, and a directory could be made to have any.
func (g *Guard) extension(own, number string, e Extension) (side, error) {
	if !e.Active {
		return side{}, deny(own, "extension %s is not active in the directory", own)
	}
	if number != "" {
		if err := g.prefixes.check(number); err != nil {
			return side{}, err
		}
	}
	return side{target: ringside.Target{Kind: ringside.ToExtension, Number: own}, ext: &e}, nil
}

// mayCallOut checks that an extension may be a reason to dial out.
func (s side) mayCallOut() error {
	if s.ext != nil && !s.ext.MayCallOut {
		return deny(s.target.Number, "extension %s may not call out: its account lacks can_make_external_calls", s.target.Number)
	}
	return nil
}

// person checks whoever wants to dial out and gives the names that limits count them by. Where they are named
// by their extension, it is held to its permission.
func (g *Guard) person(dir Directory, by string) ([]string, error) {
	if by == "" {
		return nil, nil
	}
	if e, ok := dir.Extension(by); ok {
		s, err := g.extension(by, "", e)
		if err == nil {
			err = s.mayCallOut()
		}
		return []string{extensionKey(by)}, err
	}
	return []string{personKey(by)}, nil
}

// inEffect is the directory, without which nothing can be checked.
func (g *Guard) inEffect() (Directory, error) {
	if dir := g.opt.Directory(); dir != nil {
		return dir, nil
	}
	return nil, deny("", "there is no directory: nothing is dialled without one")
}
