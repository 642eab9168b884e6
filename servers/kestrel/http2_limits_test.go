package kestrel

import (
	"net/http"
	"testing"
)

func TestIsAcceptable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target, host string
		want                 bool
	}{
		{"GET", "/", "", true},
		{"GET", "/a?b", "localhost:5000", true},
		{"GET", "/", "[::1]:80", true},
		{"OPTIONS", "*", "h", true},
		{"CONNECT", "h:80", "h:80", true},
		{"GET", "*", "h", false},
		{"GET", "a", "h", false},
		{"GET", "/", "u@h", false},
		{"GET", "/", "h,g", false},
		{"GET", "/", "h/a", false},
		{"CONNECT", "h:80", "h:x", false},
	} {
		if got := isAcceptable(&http.Request{Method: c.method, RequestURI: c.target, Host: c.host}); got != c.want {
			t.Errorf("%s %s of %q: got %v", c.method, c.target, c.host, got)
		}
	}
}
