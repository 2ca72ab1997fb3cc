package ringside

// SoundName reports whether the text is a sound's name: one word of ASCII letters, digits and
// _ - . and /, without "..", as file names of sounds are made of. Nothing in it can
// lead out of the PBX's folder of sounds, or begin another sound or a scheme. Anything else is spoken.
func SoundName(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '/' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '/':
		case c == '.' && i > 0 && s[i-1] != '.':
		default:
			return false
		}
	}
	return true
}
