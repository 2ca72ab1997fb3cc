package channeltest

import (
	"context"
	"time"

	"github.com/ringside-pbx/ringside"
)

func playCases() []conformCase {
	var cases []conformCase
	for name, c := range map[string]struct {
		prompt ringside.Prompt
		want   string
		takes  time.Duration
	}{
		"a sound":          {ringside.Prompt{Sound: "beep"}, "sound beep", SoundTakes},
		"a sound's path":   {ringside.Prompt{Sound: "custom/we-are_closed.2"}, "sound custom/we-are_closed.2", SoundTakes},
		"the first place":  {ringside.Prompt{Position: 1}, "position 1", 2 * SoundTakes},
		"the second place": {ringside.Prompt{Position: 2}, "position 2", 3 * SoundTakes},
		"the third place":  {ringside.Prompt{Position: 3}, "position 3", 3 * SoundTakes},
	} {
		cases = append(cases,
			conformCase{name, func(s *stage) {
				s.call(func(ctx context.Context, ch ringside.Channel) {
					s.says("answer", ch.Answer(ctx), nil)
					s.says("play", ch.Play(ctx, c.prompt), nil)
					s.goesOn(ctx, ch)
					s.release(ctx, ch)
				})
				s.heard("answered", c.want)
			}},
			conformCase{name + ", and the caller leaves", func(s *stage) { s.leftDuring(c.prompt) }},
			conformCase{name + ", and the reason passes", func(s *stage) { s.reasonPasses(c.prompt, c.takes) }})
	}
	cases = append(cases, conformCase{"a text that can't be spoken", func(s *stage) {
		s.call(func(ctx context.Context, ch ringside.Channel) {
			s.unplayable(ctx, ch, ringside.Prompt{Text: "We are closed"}, ringside.ErrNoSpeech)
			s.release(ctx, ch)
		})
	}}, conformCase{"a text", func(s *stage) {
		if s.line.Speaks = true; !s.door.Speaks {
			return // a PBX without speech: the case before
		}
		s.call(func(ctx context.Context, ch ringside.Channel) {
			s.says("answer", ch.Answer(ctx), nil)
			s.says("play", ch.Play(ctx, ringside.Prompt{Text: "We are closed"}), nil)
			s.goesOn(ctx, ch)
			s.release(ctx, ch)
		})
		s.heard("answered", "text We are closed")
	}}, conformCase{"a text, and the caller leaves", func(s *stage) {
		if s.line.Speaks = true; s.door.Speaks {
			s.leftDuring(ringside.Prompt{Text: "We are closed"})
		}
	}}, conformCase{"a text, and the reason passes", func(s *stage) {
		if s.line.Speaks = true; s.door.Speaks {
			s.reasonPasses(ringside.Prompt{Text: "We are closed"}, SoundTakes)
		}
	}})
	for name, sound := range map[string]string{
		"a missing sound": MissingSound, "a line break": "beep\r\nHANGUP", "a line feed": "beep\n", "a NUL": "beep\x00",
	} {
		cases = append(cases, conformCase{name + " is refused", func(s *stage) {
			s.call(func(ctx context.Context, ch ringside.Channel) {
				s.unplayable(ctx, ch, ringside.Prompt{Sound: sound}, ringside.ErrRefused)
				s.says("play", ch.Play(ctx, ringside.Prompt{Sound: "beep"}), nil)
				s.release(ctx, ch)
			})
			s.heard("answered", "sound beep")
		}})
	}
	return cases
}

// unplayable checks that a prompt is refused at once and the call goes on.
func (s *stage) unplayable(ctx context.Context, ch ringside.Channel, p ringside.Prompt, want error) {
	s.Helper()
	begin := time.Now()
	s.says("play", ch.Play(ctx, p), want)
	s.near("the refusal", time.Since(begin), 0)
	s.goesOn(ctx, ch)
}

// leftDuring: the caller leaves while a prompt plays.
func (s *stage) leftDuring(p ringside.Prompt) {
	s.call(func(ctx context.Context, ch ringside.Channel) {
		time.AfterFunc(2*time.Second, s.line.Leave)
		begin := time.Now()
		s.says("play", ch.Play(ctx, p), ringside.ErrCallerGone)
		s.near("the prompt", time.Since(begin), 2*time.Second)
		s.left(ctx)
	})
	s.ended("left", "")
}

// reasonPasses: the reason to play a prompt passes, before it and while it plays, and the call goes
// on. What plays ends early where the PBX can stop it, and otherwise never later than it would.
func (s *stage) reasonPasses(p ringside.Prompt, takes time.Duration) {
	s.phone("101", &Phone{Answers: 5 * time.Second, Talk: 20 * time.Second})
	s.call(func(ctx context.Context, ch ringside.Channel) {
		for _, after := range []time.Duration{0, time.Second, takes} {
			reason, cancel := context.WithTimeoutCause(ctx, after, errReason)
			begin := time.Now()
			s.says("play", ch.Play(reason, p), nil)
			took, most := time.Since(begin), takes
			if after == 0 || s.door.PlayInterrupts && p.Text == "" || s.door.SpeechInterrupts && p.Text != "" {
				most = after
			}
			if took > most+s.slack() {
				s.Errorf("the reason passed after %s, and the prompt took %s", after, took)
			}
			cancel()
			s.goesOn(ctx, ch)
		}
		s.talked(s.dials(ctx, ch, ringside.DialAnswered, "101"), "101", 20*time.Second)
		s.release(ctx, ch)
	})
}
