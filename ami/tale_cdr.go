package ami

import (
	"strconv"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// row is a Cdr event. What it says of times is of whole seconds: the events about channels know better.
type row struct {
	id, sequence string // the channel's Uniqueid, and the row's number
	channel      string
	dest         string
	app, data    string
	start        time.Time
	answer       time.Time
	end          time.Time
	billed       int // seconds
	disposition  string
}

// cdr takes a row. It belongs to its linked id's call, or where cdr_manager.conf does not map that, to its
// channel's.
func (t *tales) cdr(n note) {
	id := n.text("Uniqueid")
	var c *tale
	if p := t.parts[id]; p != nil {
		c = p.tale
	} else if c = t.calls[n.text("Linkedid")]; c == nil {
		return
	}
	r := row{
		id: id, sequence: n.text("Sequence"), channel: n.text("Channel"), dest: n.text("DestinationChannel"),
		app: n.text("LastApplication"), data: n.text("LastData"),
		start: rowTime(n, "StartTime"), answer: rowTime(n, "AnswerTime"), end: rowTime(n, "EndTime"),
		billed: max(0, number(n.find("BillableSeconds"))), disposition: strings.ToUpper(n.text("Disposition")),
	}
	c.told(r)
}

// told adds a row once. A row without a number is told by all that it says, and counted in its channel.
func (c *tale) told(r row) {
	count := 1
	for _, o := range c.rows {
		if o.id != r.id {
			continue
		}
		count++
		if r.sequence != "" && o.sequence == r.sequence {
			return
		}
		if r.sequence == "" {
			o.sequence = ""
			if o == r {
				return
			}
		}
	}
	if r.sequence == "" {
		r.sequence = strconv.Itoa(count)
	}
	if len(c.rows) < maxLegs {
		c.rows = append(c.rows, r)
	}
}

// rowTime reads a time of the PBX's, which is on this machine; without a zone.
func rowTime(n note, header string) time.Time {
	at, err := time.ParseInLocation(time.DateTime, n.Get(header), time.Local)
	if err != nil {
		return time.Time{}
	}
	return at
}

// answered reports whether the row says that the call was taken.
func (r *row) answered() bool { return r.disposition == "ANSWERED" }

// result translates the disposition (main/cdr.c).
func (r *row) result() ringside.DialStatus {
	switch r.disposition {
	case "ANSWERED":
		return ringside.DialAnswered
	case "BUSY":
		return ringside.DialBusy
	case "NO ANSWER":
		return ringside.DialNoAnswer
	case "CONGESTION":
		return ringside.DialCongested
	}
	return ringside.DialFailed
}

// spans reports whether the row's time, give or take the second that it is cut to, covers a moment.
func (r *row) spans(at time.Time) bool {
	return !at.Before(r.start.Add(-time.Second)) && !at.After(r.end.Add(time.Second))
}
