package module

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// forged are fields that a client sends in the hope that the app believes them. F is in each value that must not arrive.
var forged = []string{
	"MS-ASPNETCORE-TOKEN: F", "ms-aspnetcore-token: F", "mS-AsPnEtCoRe-ToKeN: F", "MS_ASPNETCORE_TOKEN: F", "MS-ASPNETCORE_TOKEN: F",
	"MS-ASPNETCORE-TOKEN: F\r\nMS-ASPNETCORE-TOKEN: F", "MS-ASPNETCORE-CLIENTCERT: F", "MS_ASPNETCORE_CLIENTCERT: F",
	"MS-ASPNETCORE-WINAUTHTOKEN: F", "MS-ASPNETCORE-EVENT: F", "MS-ASPNETCOREX: F", "MS-ASPNETCORE: F",
	"X_Forwarded_For: F", "x_forwarded-proto: F", "X-Forwarded_Proto: F",
	"Connection: MS-ASPNETCORE-TOKEN", "Connection: close, X-Forwarded-For, X-Forwarded-Proto, ms-aspnetcore-token",
	"Connection: X-Forwarded-For\r\nX-Forwarded-For: F", "Connection: X-Forwarded-Proto\r\nX-Forwarded-Proto: F",
	"Keep-Alive: F", "Proxy-Connection: F", "Te: F", "Connection: X-Own\r\nX-Own: F",
}

// Whatever a client sends, the app gets the front's own token and the client's true address, each once.
func TestForgedFields(t *testing.T) {
	t.Parallel()
	for _, server := range witnesses {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			w := startWitness(t, OutOfProcess, server, nil)
			w.seen()
			for _, fields := range forged {
				r := w.forge(getA + fields + "\r\n\r\n")
				for name, values := range r.Fields {
					if slices.ContainsFunc(values, func(v string) bool { return v == "F" || strings.Contains(v, "F,") }) {
						t.Errorf("%q: it got %s: %q", fields, name, values)
					}
				}
				w.isTrue(fields, server, r)
			}
			t.Logf("count: %d forged fields for %s", len(forged), server)
		})
	}
}

// forge sends a request and gives what the app has seen of it.
func (w *world) forge(text string) witnessed {
	w.t.Helper()
	conn := w.dial()
	defer conn.Close()
	w.send(conn, text)
	if resp := w.read(conn, http.MethodGet); resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%q: %s", text, resp.Status)
	}
	seen := w.seen()
	if len(seen) != 1 {
		w.t.Fatalf("%q: the app has seen %q", text, lines(seen))
	}
	seen[0].from = conn.LocalAddr().String()
	return seen[0]
}

// isTrue looks at what the front tells of itself and the client.
func (w *world) isTrue(what, server string, r witnessed) {
	w.t.Helper()
	if tokens := fold(r.Fields, "MS-ASPNETCORE-TOKEN"); len(tokens) != 1 || len(tokens[0]) != len("00000000-0000-0000-0000-000000000000") {
		w.t.Errorf("%q: tokens %q", what, tokens)
	}
	if server == "servers" {
		if r.Client != r.from {
			w.t.Errorf("%q: the client is %s, not %s", what, r.Client, r.from)
		}
		return
	}
	if list := fold(r.Fields, "X-Forwarded-For"); len(list) != 1 || list[0] != r.from {
		w.t.Errorf("%q: X-Forwarded-For %q, want %s", what, list, r.from)
	}
	if list := fold(r.Fields, "X-Forwarded-Proto"); len(list) != 1 || list[0] != "http" {
		w.t.Errorf("%q: X-Forwarded-Proto %q", what, list)
	}
}

// fold gives the values of a field in whatever case its name is.
func fold(fields http.Header, name string) (values []string) {
	for key, list := range fields {
		if strings.EqualFold(strings.ReplaceAll(key, "_", "-"), name) {
			values = append(values, list...)
		}
	}
	return values
}

// The front's own entry is the last of the list, whatever stands before it, and an app on servers takes that one.
func TestForgedForwardedFields(t *testing.T) {
	t.Parallel()
	const sent = "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7:1, 8.8.8.8\r\nX-Forwarded-For:\r\n" +
		"X-Forwarded-Proto: https\r\nX-FORWARDED-PROTO: https\r\n\r\n"
	for _, server := range witnesses {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			w := startWitness(t, OutOfProcess, server, nil)
			w.seen()
			r := w.forge(getA + sent)
			list, proto := fold(r.Fields, "X-Forwarded-For"), fold(r.Fields, "X-Forwarded-Proto")
			wantList, wantProto := "6.6.6.6, 7.7.7.7:1, 8.8.8.8, "+r.from, "https, https, http"
			if server == "servers" { // it has taken the last
				wantList, wantProto = "6.6.6.6, 7.7.7.7:1, 8.8.8.8", "https, https"
				if r.Client != r.from {
					t.Errorf("the client is %s, not %s", r.Client, r.from)
				}
			}
			if !slices.Equal(list, []string{wantList}) || !slices.Equal(proto, []string{wantProto}) {
				t.Errorf("got %q and %q, want %q and %q", list, proto, wantList, wantProto)
			}
		})
	}
}

// What stands behind a body is no way in either.
func TestForgedTrailers(t *testing.T) {
	t.Parallel()
	w := startWitness(t, OutOfProcess, "net/http", nil)
	w.seen()
	r := w.forge(postA + "Trailer: MS-ASPNETCORE-TOKEN, X-Forwarded-For, X-Good, Host\r\n" + chunked + "3\r\nabc\r\n0\r\n" +
		"MS-ASPNETCORE-TOKEN: F\r\nms_aspnetcore_token: F\r\nX-Forwarded-For: F\r\nx_forwarded_proto: F\r\nHost: F\r\nContent-Length: 5\r\n" +
		"Transfer-Encoding: F\r\nX-Good: good\r\n\r\n")
	if len(r.Trailer) != 1 || r.Trailer.Get("X-Good") != "good" {
		t.Errorf("it got the trailers %q", r.Trailer)
	}
	w.isTrue("trailers", "net/http", r)
}

// The message that stops an app is the front's own.
func TestForgedShutdown(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, nil)
	before := w.pid()
	for _, name := range []string{"MS-ASPNETCORE-EVENT", "ms-aspnetcore-event", "MS_ASPNETCORE_EVENT"} {
		conn := w.dial()
		w.send(conn, "POST /iisintegration HTTP/1.1\r\nHost: front\r\n"+name+": shutdown\r\nContent-Length: 0\r\n\r\n")
		if resp := w.read(conn, http.MethodPost); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if after := w.pid(); after != before {
		t.Errorf("process %d has become %d", before, after)
	}
}
