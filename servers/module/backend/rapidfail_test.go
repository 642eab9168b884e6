package backend

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The windows follow one another, and only more than the limit refuses (Q2).
func TestRapidFailWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fails rapidFails
		refused := func(limit int) *RapidFailError {
			e, _ := errors.AsType[*RapidFailError](fails.check(limit, time.Now()))
			return e
		}
		if refused(0) != nil {
			t.Fatal("refused before any fail")
		}
		begin := time.Now()
		time.Sleep(50 * time.Second)
		fails.add(time.Now())
		if e := refused(0); e == nil || !e.first || !e.Until.Equal(begin.Add(time.Minute)) {
			t.Fatalf("got %+v", e)
		}
		if e := refused(0); e == nil || e.first {
			t.Errorf("the second refusal is %+v", e)
		}
		if refused(1) != nil || refused(-1) != nil {
			t.Error("refused within the limit")
		}
		time.Sleep(10*time.Second - time.Nanosecond)
		if refused(0) == nil {
			t.Error("allowed before the minute is over")
		}
		time.Sleep(time.Nanosecond)
		if e := refused(0); e != nil { // a sliding window would still have it
			t.Errorf("refused in the next window: %v", e)
		}
		for range 11 {
			fails.add(time.Now())
		}
		if refused(10) == nil || refused(11) != nil {
			t.Error("the limit is not the number of fails that are allowed")
		}
		time.Sleep(90 * time.Second) // a fail begins the next window, too
		fails.add(time.Now())
		if e := refused(0); e == nil || !e.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("got %+v", e)
		}
	})
}
