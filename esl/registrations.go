package esl

import (
	"github.com/ringside-pbx/ringside"
)

// The custom events about registrations (sofia_reg.c).
const (
	sofiaRegister   = "sofia::register"
	sofiaUnregister = "sofia::unregister"
	sofiaExpire     = "sofia::expire"
)

// maxRegistrations bounds what is kept, of all extensions together and of one.
const (
	maxRegistrations = 50_000
	maxPhones        = 100
)

// registrations are the phones of extensions. An extension can be reached as long as one of its phones is
// registered; of one that never was, nothing is known: it may be called at a fixed address.
type registrations struct {
	phones map[string]map[string]phone // by extension, then by the registration's Call-ID
	total  int
	// were are the extensions that have been registered at some time.
	were map[string]struct{}
	// changed are the registrations that events have told of since a list was asked for; nil: there is none.
	changed map[registration]struct{}
	// fresh: nothing was compared since everything was forgotten.
	fresh bool
}

type phone struct{ contact string }

type registration struct{ number, id string }

func newRegistrations() registrations {
	return registrations{phones: map[string]map[string]phone{}, were: map[string]struct{}{}}
}

// forget forgets who is registered, but not who was.
func (r *registrations) forget() {
	r.phones, r.total, r.changed, r.fresh = map[string]map[string]phone{}, 0, nil, true
}

// state is what is known of an extension that is in no call.
func (r *registrations) state(number string) ringside.DeviceState {
	if len(r.phones[number]) > 0 {
		return ringside.DeviceIdle
	}
	if _, was := r.were[number]; was {
		return ringside.DeviceUnavailable
	}
	return ringside.DeviceUnknown
}

func (r *registrations) add(number, id string, p phone) {
	phones := r.phones[number]
	if _, known := phones[id]; !known && (r.total >= maxRegistrations || len(phones) >= maxPhones) {
		return
	}
	if phones == nil {
		phones = map[string]phone{}
		r.phones[number] = phones
	}
	for other, o := range phones {
		// A phone that was started again: FreeSWITCH does not tell that the earlier registration is void.
		if other != id && o.contact != "" && o.contact == p.contact {
			r.remove(number, other)
		}
	}
	if _, known := r.phones[number][id]; !known {
		r.total++
	}
	if r.phones[number] == nil {
		r.phones[number] = phones
	}
	phones[id] = p
	if len(r.were) < maxRegistrations {
		r.were[number] = struct{}{}
	}
}

func (r *registrations) remove(number, id string) {
	phones := r.phones[number]
	if _, known := phones[id]; !known {
		return
	}
	r.total--
	delete(phones, id)
	if len(phones) == 0 {
		delete(r.phones, number)
	}
}

// registered takes an event about a registration. Mutex held.
func (p *presence) registered(e event) {
	who := e.get("from-user")
	if e.name() == sofiaExpire {
		who = e.get("user")
	}
	number, id := user(who), e.text("call-id")
	if number == "" || id == "" {
		return
	}
	if p.regs.changed != nil && len(p.regs.changed) < maxRegistrations {
		p.regs.changed[registration{number, id}] = struct{}{}
	}
	before := p.regs.state(number)
	if e.name() == sofiaRegister {
		p.regs.add(number, id, phone{e.text("contact")})
	} else {
		p.regs.remove(number, id)
	}
	if p.regs.state(number) != before {
		p.report(number, e.when())
	}
}
