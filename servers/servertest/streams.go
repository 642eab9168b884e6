package servertest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// streamCases have a handler and its client wait for each other: what is sent late, or kept back, makes them fail.
func streamCases() group {
	return group{
		"stream/head-first": func(e *env) {
			seen := make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(202)
				http.NewResponseController(w).Flush()
				await(e, r, seen)
			})
			resp := s.open(s.request(http.MethodGet, "/", nil))
			close(seen)
			read(resp).want(e, 202, "")
		},
		"stream/flush": func(e *env) {
			seen := make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				for i := range 5 {
					fmt.Fprintln(w, i)
					if err := http.NewResponseController(w).Flush(); err != nil {
						e.Errorf("Flush: %v", err)
					}
					await(e, r, seen)
				}
			})
			in := bufio.NewReader(s.open(s.request(http.MethodGet, "/", nil)).Body)
			for i := range 5 {
				line, err := in.ReadString('\n')
				if err != nil || line != fmt.Sprintln(i) {
					e.Fatalf("got %q, %v", line, err)
				}
				seen <- struct{}{}
			}
		},
		"stream/flusher": func(e *env) { // older code asks for the interface
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				_, ok := w.(http.Flusher)
				fmt.Fprint(w, ok)
			})
			s.get("/").want(e, 200, "true")
		},
		"stream/events": serverSentEvents,
		"stream/upload": func(e *env) { // the handler has each piece before the next is sent
			got := make(chan string)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				in := bufio.NewScanner(r.Body)
				for in.Scan() {
					got <- in.Text()
				}
				io.WriteString(w, "all")
			})
			body, out := io.Pipe()
			done := make(chan answer, 1)
			go func() { done <- s.try(s.request(http.MethodPost, "/", body)) }()
			for i := range 5 {
				fmt.Fprintln(out, i)
				want(e, "piece", receive(e, got, "for the handler to read"), fmt.Sprint(i))
			}
			out.Close()
			a := receive(e, done, "for the answer")
			a.want(e, 200, "all")
		},
		"stream/both-ways": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				c.EnableFullDuplex()
				c.Flush()
				in := bufio.NewScanner(r.Body)
				for in.Scan() {
					fmt.Fprintln(w, "got", in.Text())
					c.Flush()
				}
			})
			body, out := io.Pipe()
			req := s.request(http.MethodPost, "/", body)
			in := bufio.NewReader(s.open(req).Body)
			for i := range 5 {
				fmt.Fprintln(out, i)
				if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintln("got", i) {
					e.Fatalf("got %q, %v", line, err)
				}
			}
			out.Close()
			if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
				e.Errorf("then got %q, %v", rest, err)
			}
		},
		"stream/slow-reader": func(e *env) { // what does not fit into any buffer waits for the client
			const size = 16 << 20
			var written atomic.Int64
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(w, pattern(size))
				written.Store(n)
				if err != nil {
					e.Errorf("write: %v", err)
				}
			})
			resp := s.open(s.request(http.MethodGet, "/", nil))
			piece := make([]byte, 9)
			if _, err := io.ReadFull(resp.Body, piece); err != nil || string(piece) != "00000000 " {
				e.Fatalf("got %q, %v", piece, err)
			}
			want(e, "written before the client has read", written.Load(), 0)
			want(e, "body", digest(io.MultiReader(strings.NewReader(string(piece)), resp.Body)), digest(pattern(size)))
		},
		"stream/expect-continue": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
			req := s.request(http.MethodPost, "/", strings.NewReader("hello"))
			req.Header.Set("Expect", "100-continue")
			s.do(req).want(e, 200, "hello")
		},
		"stream/expect-refused": func(e *env) { // nobody asks for the body
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
			var asked atomic.Bool
			trace := &httptrace.ClientTrace{Got100Continue: func() { asked.Store(true) }}
			req := s.request(http.MethodPost, "/", strings.NewReader("hello"))
			req.Header.Set("Expect", "100-continue")
			s.do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace))).want(e, 403, "no\n")
			want(e, "100 Continue was sent", asked.Load(), false)
		},
	}
}

// try is do for another goroutine than the test's.
func (s *site) try(req *http.Request) answer { return try(s.client, req) }

func try(client *http.Client, req *http.Request) answer {
	resp, err := client.Do(req)
	if err != nil {
		return answer{&http.Response{}, "", err}
	}
	return read(resp)
}

// serverSentEvents has each event arrive before the next is sent.
func serverSentEvents(e *env) {
	next := make(chan int)
	s := e.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		for i := range next {
			fmt.Fprintf(w, "id: %d\ndata: event\n\n", i)
			http.NewResponseController(w).Flush()
		}
	})
	resp := s.open(s.request(http.MethodGet, "/", nil))
	want(e, "Content-Type", resp.Header.Get("Content-Type"), "text/event-stream")
	in := bufio.NewReader(resp.Body)
	for i := range 10 {
		next <- i
		for _, want := range []string{fmt.Sprintf("id: %d\n", i), "data: event\n", "\n"} {
			if line, err := in.ReadString('\n'); err != nil || line != want {
				close(next)
				e.Fatalf("got %q, %v, want %q", line, err, want)
			}
		}
	}
	close(next)
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		e.Errorf("then got %q, %v", rest, err)
	}
}
