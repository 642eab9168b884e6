package event

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTell(t *testing.T) {
	t.Parallel()
	Emit(nil).Tell(Event{Kind: Killing}) // is silent

	var got []Event
	emit := Emit(func(e Event) { got = append(got, e) })
	before, given := time.Now(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	told := Event{Kind: ProcessStarted, Program: "api", PID: 7}
	emit.Tell(told)
	emit.Tell(Event{Kind: Killing, Version: 99, Time: given})

	if len(got) != 2 {
		t.Fatalf("%d events, want 2", len(got))
	}
	if at := got[0].Time; at.Before(before) || at.After(time.Now()) {
		t.Errorf("time %v", at)
	}
	if !got[1].Time.Equal(given) {
		t.Errorf("the given time became %v", got[1].Time)
	}
	if got[0].Version != Version || got[1].Version != Version {
		t.Errorf("versions %d and %d", got[0].Version, got[1].Version)
	}
	if !told.Time.IsZero() || told.Version != 0 {
		t.Errorf("the caller's event was changed: %+v", told)
	}
	got[0].Version, got[0].Time = 0, time.Time{}
	if diff := cmp.Diff(told, got[0]); diff != "" {
		t.Error(diff)
	}
}

// The names are those of docs/events.md, and fields that do not belong to a kind are left out.
func TestJSON(t *testing.T) {
	t.Parallel()
	at, zero := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 0
	for _, test := range []struct {
		event Event
		want  string
	}{
		{Event{Kind: Killing, Program: "api"}, `{"v":1,"time":"2026-01-02T03:04:05Z","event":"killing","program":"api"}`},
		{Event{Kind: ProcessExited, PID: 7, ExitCode: &zero, Signal: "SIGTERM", Duration: 1.5},
			`{"v":1,"time":"2026-01-02T03:04:05Z","event":"process-exited","pid":7,"exitCode":0,"signal":"SIGTERM","durationMs":1.5}`},
		{Event{Kind: EndpointReady, URL: "http://localhost:5000", Path: "/p", Text: "t"},
			`{"v":1,"time":"2026-01-02T03:04:05Z","event":"endpoint-ready","url":"http://localhost:5000","path":"/p","text":"t"}`},
	} {
		test.event.Version, test.event.Time = Version, at
		got, err := json.Marshal(test.event)
		if err != nil || string(got) != test.want {
			t.Errorf("%s, %v; want %s", got, err, test.want)
		}
	}
}
