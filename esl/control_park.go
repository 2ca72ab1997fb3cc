package esl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringside-pbx/ringside"
	"github.com/ringside-pbx/ringside/internal/dialplan"
)

// The lot and its places are those of the dialplan that FreeSWITCH brings along, where the number of a place
// is what one dials to pick the call up.
const (
	valetLot   = "valet_parking_lot"
	valetFirst = 6001
	valetLast  = 6099
)

const (
	// parkedPlace is the variable in which mod_valet_parking says where a channel is parked.
	parkedPlace = "valet_lot_extension"
	parkedLook  = 50 * time.Millisecond
)

// Park implements ringside.CallControl. It is mod_valet_parking's; without a timeout the call stays until
// somebody picks it up, and with one it goes back to the extension that had it, if that is known, or ends.
// With Announce that channel hears the place in the words of FreeSWITCH's phrase valet_announce_ext.
func (p *PBX) Park(ctx context.Context, r ringside.ParkRequest) (ringside.Parked, error) {
	var none ringside.Parked
	if err := firstError(r.Validate(), checkChannel("channel", r.Channel)); err != nil {
		return none, err
	}
	if r.Announce != "" {
		if err := checkChannel("announce", r.Announce); err != nil {
			return none, err
		}
	}
	s, err := p.live()
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.opt.Login.Timeout)
	defer cancel()
	// An application that there is not would end the call.
	if there, err := s.run(ctx, "module_exists", "mod_valet_parking"); err == nil && there == "false" {
		return none, fmt.Errorf("%w: FreeSWITCH has not loaded mod_valet_parking: add it to modules.conf.xml", ringside.ErrRefused)
	} else if err != nil && !errors.Is(err, ringside.ErrNotPermitted) {
		return none, err
	}
	lot := r.Lot
	if lot == "" {
		lot = valetLot
	}
	vars := []ringside.Variable{{Name: parkedPlace}, {Name: "valet_announce_slot", Value: "false"}}
	if r.Timeout > 0 {
		seconds := (r.Timeout + time.Second - 1) / time.Second
		vars = append(vars, ringside.Variable{Name: "valet_parking_timeout", Value: fmt.Sprint(int(seconds))})
		vars = append(vars, p.back(ctx, s, r.Channel)...)
	}
	if err := p.set(ctx, r.Channel, vars...); err != nil {
		return none, err
	}
	if err := p.transfer(ctx, r.Channel, fmt.Sprintf("valet_park:%s auto in %d %d", lot, valetFirst, valetLast)); err != nil {
		return none, err
	}
	place, err := s.parkedAt(ctx, r.Channel)
	if err != nil {
		return none, err
	}
	if r.Announce != "" {
		if _, err := s.run(ctx, "uuid_broadcast", r.Announce, "phrase::valet_announce_ext,"+lot+":"+place, "aleg"); err != nil {
			p.calm.Warn("nobody could be told where a call is parked", "place", place, "channel", r.Announce, "error", err)
		}
	}
	return ringside.Parked{Lot: lot, Space: place}, nil
}

// back sends a parked call that nobody picks up to the extension that had it.
func (p *PBX) back(ctx context.Context, s *session, channel string) []ringside.Variable {
	peer, err := s.peer(ctx, channel)
	if err != nil || peer == "" {
		return nil
	}
	for _, name := range []string{"dialed_user", "user_name"} {
		number, err := s.variable(ctx, peer, name)
		if err != nil || number == "" {
			continue
		}
		if to, err := dialplan.Fill(p.opt.Places.Extension, number); err == nil {
			return []ringside.Variable{
				{Name: "valet_parking_orbit_exten", Value: "bridge:" + to}, {Name: "valet_parking_orbit_dialplan", Value: "inline"},
			}
		}
	}
	return nil
}

// parkedAt waits until a channel is parked, and gives the place.
func (s *session) parkedAt(ctx context.Context, channel string) (string, error) {
	look := time.NewTicker(parkedLook)
	defer look.Stop()
	for {
		place, err := s.variable(ctx, channel, parkedPlace)
		if err != nil || ringside.Dialable(place) {
			return place, err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return "", fmt.Errorf("%w: FreeSWITCH did not say where the call is parked: the lot may be full", ringside.ErrRefused)
		}
	}
}
