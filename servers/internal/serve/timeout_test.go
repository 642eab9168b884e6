package serve

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

func TestHeadTimeoutIs408(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Limits.RequestHeadersTimeout = 50 * time.Millisecond
	addr := startServer(t, s)
	for _, part := range []string{"GET", "GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r"} {
		c := dial(t, addr)
		c.send(part)
		c.refused(http.StatusRequestTimeout)
	}
	c := dial(t, addr) // the second request of a connection
	c.send(get("/") + "GET / HT")
	c.want(http.StatusOK)
	c.refused(http.StatusRequestTimeout)
}

func TestIdleConnectionIsClosedWithoutAnswer(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Limits.KeepAliveTimeout = 50 * time.Millisecond
	addr := startServer(t, s)
	for _, first := range []string{"", "\r\n", "\r\n\r\n\n"} {
		c := dial(t, addr)
		c.send(first)
		c.closed()
	}
	c := dial(t, addr)
	c.send(get("/"))
	c.want(http.StatusOK)
	c.closed()
}

func TestSlowHandlerIsNotTimedOut(t *testing.T) {
	t.Parallel()
	beats := make(chan struct{})
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		<-beats
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request was cancelled: %v", err)
		}
		ok(w, r)
	})
	s.Limits.RequestHeadersTimeout = 20 * time.Millisecond
	s.Limits.KeepAliveTimeout = 20 * time.Millisecond
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	k := s.begin()
	from := k.clock.Load()
	go func() {
		defer close(beats)
		for range time.Tick(5 * time.Millisecond) {
			if k.clock.Load()-from > int64(200*time.Millisecond) {
				return
			}
		}
	}()
	c.want(http.StatusOK)
}

func slowBody() (*Server, chan error) {
	read := make(chan error, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
		ok(w, r)
	})
	s.Limits.MinRequestBodyDataRate = DataRate{BytesPerSecond: 240, GracePeriod: 60 * time.Millisecond}
	return s, read
}

func TestSlowBodyIs408(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"nothing":      post("Content-Length: 5\r\n", ""),
		"part":         post("Content-Length: 9\r\n", "x"),
		"chunk":        post(chunked, "5\r\nhe"),
		"half trailer": post(chunked, "0\r\nFoo: x"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, read := slowBody()
			c := dial(t, startServer(t, s))
			c.send(request)
			c.refused(http.StatusRequestTimeout)
			if e, found := errors.AsType[*RequestError](<-read); !found || e.Status != http.StatusRequestTimeout {
				t.Errorf("the handler read %v, want a *RequestError with 408", e)
			}
		})
	}
}

func TestBodyRateIsAnAverage(t *testing.T) {
	t.Parallel()
	s, read := slowBody()
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 6000\r\n", string(make([]byte, 5000)))) // enough for 20 s
	k := s.begin()
	from := k.clock.Load()
	for range time.Tick(5 * time.Millisecond) {
		if k.clock.Load()-from > int64(200*time.Millisecond) {
			break
		}
	}
	c.send(string(make([]byte, 1000)))
	c.want(http.StatusOK)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

func TestBodyRateOfOneRequest(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		rates, _ := feature.Get[feature.DataRates](r.Context())
		rates.SetMinRequestBodyDataRate(DataRate{BytesPerSecond: 1e6, GracePeriod: time.Millisecond})
		readAll(w, r)
	})
	s.Limits.KeepAliveTimeout = 40 * time.Millisecond // a quick heartbeat
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 5\r\n", ""))
	c.refused(http.StatusRequestTimeout)
}

func TestSlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	wrote := make(chan error, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		var err error
		for piece := make([]byte, 32<<10); err == nil; {
			_, err = w.Write(piece)
		}
		wrote <- err
	})
	s.Limits.MinResponseDataRate = DataRate{BytesPerSecond: 1 << 20, GracePeriod: 50 * time.Millisecond}
	c := dial(t, startServer(t, s))
	c.send(get("/")) // and read nothing
	select {
	case <-wrote:
	case <-time.After(patience):
		t.Fatal("the handler still writes to a client that does not read")
	}
	if _, err := io.Copy(io.Discard, c.r); err == nil {
		t.Error("the response ended as if it were whole")
	}
}

func TestUnreadBodyIsDrainedAfterTheResponse(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(ok)))
	c.send(post("Content-Length: 5\r\n", ""))
	c.want(http.StatusOK) // at once
	c.send("hello" + post(chunked, ""))
	c.want(http.StatusOK)
	c.send("1\r\na\r\n0\r\n\r\n" + get("/"))
	c.want(http.StatusOK)
}

// A process that was stopped for a while, by a debugger, has not lost its clients.
func TestStoppedProcessLosesLittleTime(t *testing.T) {
	t.Parallel()
	k := &core{tick: time.Second}
	for passed, want := range map[time.Duration]time.Duration{
		-time.Second: 0, time.Second: time.Second, 1900 * time.Millisecond: 1900 * time.Millisecond, time.Hour: 2 * time.Second,
	} {
		if got := time.Duration(k.counts(passed)); got != want {
			t.Errorf("%v counts as %v, want %v", passed, got, want)
		}
	}
}
