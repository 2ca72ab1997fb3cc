// Package crmtest is a reference CRM: the other side of the contract in package sync, complete enough
// to develop a daemon against and to compare a real CRM with. It keeps what it is sent, in memory or in a
// file that outlives a kill, tells how often each thing arrived and had an effect, and misbehaves on
// demand as CRMs, proxies and networks do.
package crmtest
