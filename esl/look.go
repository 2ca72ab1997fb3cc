package esl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringside-pbx/ringside"
)

// customEvents stands before the subclasses of custom events in a subscription.
const customEvents = "CUSTOM"

// listedChannel is a channel in FreeSWITCH's list (the columns of its table in switch_core_sqldb.c), and what
// was asked for beside.
type listedChannel struct {
	ID         string `json:"uuid"`
	Direction  string `json:"direction"`
	Created    string `json:"created_epoch"`
	Name       string `json:"name"`
	CallState  string `json:"callstate"`
	Caller     string `json:"initial_cid_num"`
	CallerName string `json:"initial_cid_name"`
	Called     string `json:"initial_dest"`
	PresenceID string `json:"presence_id"`
	CallID     string `json:"call_uuid"`
	// user is whom the channel belongs to: the authenticated user, or the one who was dialled.
	user string
	half string
}

func (l *listedChannel) outbound() bool { return l.Direction == "outbound" }

func (l *listedChannel) up() bool {
	switch l.CallState {
	case "ACTIVE", "HELD", "UNHELD":
		return true
	}
	return false
}

func (l *listedChannel) since() time.Time { return first(epoch(l.Created), time.Now()) }

func (l *listedChannel) call() string {
	if channelID(l.CallID) {
		return l.CallID
	}
	return l.ID
}

// listed is the extension that a channel of the list belongs to, or would if it were known. The presence_id of
// an inbound one is made of what the caller says.
func (n numbering) listed(l listedChannel) string {
	if loopback(l.Name) {
		return ""
	}
	all := []string{user(l.user)}
	if l.outbound() {
		all = []string{user(l.PresenceID), user(l.user), n.placed(l.Name)}
	}
	for _, number := range all {
		if n.ours(number) {
			return number
		}
	}
	return cmp.Or(all...)
}

// listedChannels reads what `show channels as json` prints. Without a channel there are no rows.
func listedChannels(printed string) ([]listedChannel, error) {
	var list struct {
		Rows []listedChannel `json:"rows"`
	}
	if err := json.Unmarshal([]byte(printed), &list); err != nil {
		return nil, fmt.Errorf("FreeSWITCH's list of channels: %w", err)
	}
	return slices.DeleteFunc(list.Rows, func(l listedChannel) bool { return !channelID(l.ID) }), nil
}

// compare compares the pictures of the channels with FreeSWITCH. One that runs without its table (-nosql) has
// no list: then each channel that is known is asked for.
func compare(ctx context.Context, run api, followers ...follower) error {
	for _, f := range followers {
		f.look()
	}
	printed, err := run(ctx, "show", "channels", "as", "json")
	var rows []listedChannel
	switch {
	case err == nil:
		if rows, err = listedChannels(printed); err != nil {
			return err
		}
	case !errors.Is(err, ringside.ErrRefused):
		return fmt.Errorf("asking for channels: %w", err)
	}
	for _, l := range rows {
		if err := compareOne(ctx, run, l, followers); err != nil {
			return err
		}
	}
	return askMissing(ctx, run, followers)
}

// compareOne makes a channel of the list known where it is not. Asking for a variable of it tells whether it
// still exists, too.
func compareOne(ctx context.Context, run api, l listedChannel, followers []follower) error {
	var wanting []follower
	for _, f := range followers {
		if !f.seen(l.ID) {
			wanting = append(wanting, f)
		}
	}
	if len(wanting) == 0 {
		return nil
	}
	var err error
	switch {
	case loopback(l.Name):
		l.half, err = variableOf(ctx, run, l.ID, "other_loopback_leg_uuid")
	case l.outbound():
		l.user, err = variableOf(ctx, run, l.ID, "dialed_user")
	default:
		l.user, err = variableOf(ctx, run, l.ID, "user_name")
	}
	switch {
	case errors.Is(err, ringside.ErrRefused):
		return nil // it has ended meanwhile
	case err != nil:
		return fmt.Errorf("asking for a channel: %w", err)
	}
	for _, f := range wanting {
		f.found(l)
	}
	return nil
}

// variableOf is a variable of a channel; empty if it is not set.
func variableOf(ctx context.Context, run api, id, name string) (string, error) {
	value, err := run(ctx, "uuid_getvar", id, name)
	if value = strings.TrimSpace(value); value == "_undef_" {
		value = ""
	}
	return value, err
}

// askMissing takes out the channels that were not in the list and do not exist.
func askMissing(ctx context.Context, run api, followers []follower) error {
	missing := map[string][]follower{}
	for _, f := range followers {
		for _, id := range f.missing() {
			missing[id] = append(missing[id], f)
		}
	}
	for id, who := range missing {
		there, err := run(ctx, "uuid_exists", id)
		switch {
		case errors.Is(err, ringside.ErrRefused):
			continue // it can't be told
		case err != nil:
			return fmt.Errorf("asking for a channel: %w", err)
		}
		if strings.TrimSpace(there) != "false" {
			continue
		}
		for _, f := range who {
			f.gone(id, time.Now())
		}
	}
	return nil
}
