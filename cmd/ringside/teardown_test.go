package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestWhatDoesNotEndCleanlyIsToldAndTheRestStillEnds(t *testing.T) {
	var log buffer
	ended := ""
	td := &teardown{}
	for _, name := range []string{"a", "b", "c"} {
		td.push(name, func(context.Context) error {
			ended += name
			if name == "b" {
				return errors.New("3 records could not be written")
			}
			return nil
		})
	}
	err := td.unwind(slog.New(slog.NewTextHandler(&log, nil)), 0)
	if err == nil || err.Error() != "stopping the b: 3 records could not be written" {
		t.Errorf("got %v", err)
	}
	if ended != "cba" {
		t.Errorf("ended %s", ended)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "3 records") || strings.Count(text, "\n") != 1 {
		t.Errorf("log:\n%s", text)
	}
}
