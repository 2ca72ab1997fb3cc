package main

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeManager is an Asterisk's manager interface as far as the doctor asks it.
type fakeManager struct {
	t *testing.T
	l net.Listener
	// write are the user's classes; booted says that it may read system.
	write  []string
	booted bool
	// refuses is what the login is answered with, instead of success.
	refuses   string
	globals   map[string]string
	functions map[string]string
	plan      []planStep
	modules   []string
	ahead     time.Duration

	done sync.WaitGroup
}

// soundManager has all that ringside wants.
func soundManager(t *testing.T) *fakeManager {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeManager{
		t: t, l: l, write: []string{"call", "agent", "originate", "reporting"}, booted: true,
		globals: map[string]string{"RINGSIDE": "agi://127.0.0.1:1", "RINGSIDE_FALLBACK": "PJSIP/100"},
		functions: map[string]string{
			"FILTER(0-9,a1)": "1", "URIENCODE(a)": "a", "IF(1?a:b)": "a", "STRFTIME(,,%z)": time.Now().Format("-0700"),
			"DEVICE_STATE(PJSIP/100)": "NOT_INUSE",
		},
	}
	for _, m := range needed {
		f.modules = append(f.modules, m.module)
	}
	f.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.done.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		f.done.Wait()
	})
	return f
}

// has puts a printed dialplan into the fake.
func (f *fakeManager) has(dialplan string) {
	f.plan = nil
	in, exten, priority := "", "", 0
	for line := range strings.SplitSeq(dialplan, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == ';':
			continue
		case line[0] == '[':
			in, _, _ = strings.Cut(line[1:], "]")
			continue
		case strings.HasPrefix(line, "exten =>"):
			parts := strings.SplitN(line[len("exten =>"):], ",", 3)
			exten, priority, line = strings.TrimSpace(parts[0]), 1, parts[2]
		case strings.HasPrefix(line, "same =>"):
			parts := strings.SplitN(line, ",", 2)
			priority, line = priority+1, parts[1]
		default:
			continue
		}
		app, data, _ := strings.Cut(line, "(")
		f.plan = append(f.plan, planStep{in, exten, priority, app, strings.TrimSuffix(data, ")")})
	}
}

func (f *fakeManager) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	say := func(lines ...string) { _, _ = conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")) }
	_, _ = conn.Write([]byte("Asterisk Call Manager/11.0.0\r\n"))
	in := bufio.NewReader(conn)
	for {
		action := map[string]string{}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimRight(line, "\r\n"); line == "" {
				break
			}
			name, value, _ := strings.Cut(line, ": ")
			action[name] = value
		}
		f.answer(say, action)
	}
}

// fakeActions are those of a real Asterisk that matter, with their classes.
func fakeActions() map[string][]string {
	actions := coreActions()
	actions["ListCommands"], actions["Ping"], actions["QueueStatus"] = nil, nil, nil
	actions["QueueAdd"], actions["MixMonitorMute"] = []string{"agent"}, []string{"system", "call"}
	actions["Park"], actions["DeviceStateList"] = []string{"call"}, []string{"call", "reporting"}
	return actions
}

func (f *fakeManager) may(action string) bool {
	classes, known := fakeActions()[action]
	return known && (len(classes) == 0 || slices.ContainsFunc(classes, func(c string) bool { return slices.Contains(f.write, c) }))
}

func (f *fakeManager) answer(say func(...string), a map[string]string) {
	id := "ActionID: " + a["ActionID"]
	switch name := a["Action"]; {
	case name == "Challenge":
		say("Response: Success", id, "Challenge: 1")
	case name == "Login" && f.refuses != "":
		say("Response: Error", id, "Message: "+f.refuses)
	case name == "Login":
		say("Response: Success", id, "Message: Authentication accepted")
		if f.booted {
			say("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted")
		}
	case !f.may(name):
		say("Response: Error", id, "Message: Permission denied")
	case name == "Ping":
		now := time.Now().Add(f.ahead)
		say("Response: Success", id, "Ping: Pong", fmt.Sprintf("Timestamp: %d.%06d", now.Unix(), now.Nanosecond()/1000))
	case name == "ListCommands":
		lines := []string{"Response: Success", id}
		for action, classes := range fakeActions() {
			if f.may(action) {
				lines = append(lines, action+": Does (this).  (Priv: "+strings.Join(append(classes[:len(classes):len(classes)], "all"), ",")+")")
			}
		}
		say(lines...)
	case name == "Getvar":
		value := f.globals[a["Variable"]]
		if value == "" {
			value = f.functions[a["Variable"]]
		}
		say("Response: Success", id, "Variable: "+a["Variable"], "Value: "+value)
	case name == "ModuleCheck" && slices.Contains(f.modules, a["Module"]):
		say("Response: Success", id, "Version: ")
	case name == "ModuleCheck":
		say("Response: Error", id, "Message: Module not loaded")
	case name == "ShowDialPlan":
		f.showDialplan(say, id, a["Context"])
	}
}

func (f *fakeManager) showDialplan(say func(...string), id, context string) {
	items := slices.DeleteFunc(slices.Clone(f.plan), func(p planStep) bool { return context != "" && p.context != context })
	if len(items) == 0 {
		say("Response: Error", id, "Message: Did not find context "+context)
		return
	}
	say("Response: Success", id, "EventList: start", "Message: DialPlan list will follow")
	for _, p := range items {
		say("Event: ListDialplan", id, "Context: "+p.context, "Extension: "+p.exten, "Priority: "+strconv.Itoa(p.priority), "Application: "+p.app, "AppData: "+p.data)
	}
	say("Event: ShowDialPlanComplete", id, "EventList: Complete", "ListItems: "+strconv.Itoa(len(items)))
}
