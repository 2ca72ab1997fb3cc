package ringside

import "testing"

func TestSoundNames(t *testing.T) {
	for text, want := range map[string]bool{
		"closed-today": true, "custom/closed_2": true, "sound.v2": true,
		"": false, "We are closed.": false, "../../etc/passwd": false, "/etc/passwd": false, "a..b": false,
		"closed&beep": false, "closed,1": false, "${X}": false, "закрыто": false,
	} {
		if got := SoundName(text); got != want {
			t.Errorf("SoundName(%q) = %t", text, got)
		}
	}
}
