package span

import (
	"testing"
	"time"

	"github.com/ringside-pbx/ringside"
)

func TestLegsTimesStayInTheirOrderAndInTheCall(t *testing.T) {
	began := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	at := func(s int) time.Time {
		if s < 0 {
			return time.Time{}
		}
		return began.Add(time.Duration(s) * time.Second)
	}
	for _, c := range []struct {
		name                            string
		start, answer, end              int
		callsEnd, wantAnswer, wantEnded int
	}{
		{"in order", 1, 3, 8, 9, 3, 8},
		{"not answered", 1, -1, 8, 9, -1, 8},
		{"an answer before the start", 4, 2, 8, 9, 4, 8},
		{"an end before the answer", 1, 5, 3, 9, 5, 5},
		{"an end after the call's", 1, 3, 12, 9, 3, 9},
		{"an answer after the call's end", 1, 11, 3, 9, 9, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := ringside.Leg{Start: at(c.start), Answer: at(c.answer), End: at(c.end)}
			Settle(&l, at(c.callsEnd))
			if !l.Start.Equal(at(c.start)) || !l.Answer.Equal(at(c.wantAnswer)) || !l.End.Equal(at(c.wantEnded)) {
				t.Errorf("%v, %v, %v", l.Start, l.Answer, l.End)
			}
		})
	}
}
