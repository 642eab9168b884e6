package exchange_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// A listener that panics harms neither the request nor the other listeners, and the handler's own panic goes on.
func TestListenerPanics(t *testing.T) {
	t.Parallel()
	h := make(heard, 2)
	broken := exchange.Listener{
		Begin: func(*exchange.Exchange) { panic("begin") },
		End:   func(*exchange.Exchange) { panic("end") },
	}
	for want, handler := range map[any]http.HandlerFunc{
		nil:    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"mine": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot); panic("mine") },
	} {
		recorder := httptest.NewRecorder()
		got := caught(func() {
			exchange.Wrap(handler, broken, h.listener()).ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
		})
		if got != want || recorder.Code != http.StatusTeapot {
			t.Errorf("got the panic %v and %d, want %v", got, recorder.Code, want)
		}
		if e := h.next(t); e.Status != http.StatusTeapot || e.Panicked != (want != nil) {
			t.Errorf("%v: the other listener heard %+v", want, e)
		}
	}
}

func caught(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
