package serve_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// difference is a promise that ours keeps otherwise than net/http.
type difference struct {
	reason string
	calls  int      // of the handler, when they are not as many
	change []string // what is other in the outcome: net/http's text and ours, in turn; net/http's stands there once
	ours   string   // the whole outcome, in place of change
	races  bool     // net/http differs only when its goroutines meet
}

// apply gives our outcome.
func (d difference) apply(t *testing.T, standard string) string {
	if d.ours != "" {
		return d.ours
	}
	for i := 0; i < len(d.change); i += 2 {
		if strings.Count(standard, d.change[i]) != 1 {
			t.Errorf("net/http's outcome has not once %q:\n%s", d.change[i], standard)
		}
		standard = strings.Replace(standard, d.change[i], d.change[i+1], 1)
	}
	return standard
}

// badRequest is Kestrel's answer to a request that no handler sees.
const badRequest = "> HTTP/1.1 400 Bad Request\n> Content-Length: 0\n> Connection: close\n> Date: <date>\n> \nend closed\n"

// kept turns an answer that closes the connection into one that does not.
var kept = []string{"> Connection: close\n", "", "end closed\n", "end kept\n"}

// meant has the differences by the promise's name.
func meant() map[string]difference {
	all := map[string]difference{
		"body read after the answer has begun": {
			reason: "the body is read when the handler reads it, also after its answer has begun",
			change: []string{`note read "", ErrBodyReadAfterClose`, `note read "hello", <nil>`},
		},
		"duplex: body left": {
			reason: "net/http panics by itself, which is its defect; we drain the body",
			races:  true,
			change: []string{"end closed\n", "end kept\n", "log http: panic serving <address>: invalid concurrent Body.Read call\n", ""},
		},
		"continue: the body is there": {
			reason: "as with Kestrel no 100 is sent when bytes of the body are there",
			change: []string{"> HTTP/1.1 100 Continue\n> \n", ""},
		},
	}
	for _, part := range []map[string]difference{meantRequests(), meantRefusals(), meantBodies(), meantResponses()} {
		for name, d := range part {
			all[name] = d
		}
	}
	return all
}

// meantRequests are served otherwise.
func meantRequests() map[string]difference {
	const served = "> HTTP/1.1 200 OK\n> Date: <date>\n> Content-Length: 0\n> \nend kept\n"
	look := func(asked, url, path, field string) string {
		return "note " + asked + "\nnote proto HTTP/1.1 1.1, host \"h\", close false\nnote length 0, coding [], trailer map[]\n" +
			fmt.Sprintf("note url %q: scheme \"\", user , host \"\", path %[2]q, raw path \"\", query \"\", force false, opaque \"\", fragment \"\"\n", url, path) +
			field + "note body: nil false, none true\n" +
			"note client's address: true, TLS: <nil>, pattern \"\", form map[], multipart <nil>, response <nil>\n"
	}
	return map[string]difference{
		"request: options for all": {
			reason: "OPTIONS * is the handler's, as with Kestrel", calls: 1, ours: served + look("OPTIONS *", "*", "*", ""),
		},
		"request: expectation of its own": {
			reason: "expectations that the server does not know are the handler's", calls: 1,
			ours: served + look("GET /", "/", "/", "note field Expect: [\"more\"]\n"),
		},
		"request: line ends before": {
			reason: "empty lines before a request are skipped (RFC 9112, 2.2)", calls: 1, ours: served + look("GET /", "/", "/", ""),
		},
		"request: dots in the path": {
			reason: "dot segments are removed before any routing, as with Kestrel",
			change: []string{`note url "/a/../b/./c"`, `note url "/b/c"`, `path "/a/../b/./c", raw`, `path "/b/c", raw`},
		},
		"request: absolute form, no path": {
			reason: "no path is /, as with Kestrel",
			change: []string{`note url "http://h"`, `note url "http://h/"`, `path "", raw`, `path "/", raw`},
		},
	}
}

// meantRefusals are refused in Kestrel's form, or by Kestrel's rules.
func meantRefusals() map[string]difference {
	all := map[string]difference{
		"request: upload of 1.0 without a length": {reason: "400, for a body whose end nobody knows", calls: -1, ours: badRequest},
		"request: values that are no UTF-8":       {reason: "400, as with Kestrel", calls: -1, ours: badRequest},
	}
	for _, name := range []string{"no host", "two hosts", "no version", "space in a name", "two lengths", "coding unknown"} {
		all["refused: "+name] = difference{reason: "refused in Kestrel's form", ours: badRequest}
	}
	for _, name := range []string{"no size", "size no number", "size too long", "no line end"} {
		all["bad chunks: "+name] = difference{
			reason: "the server answers for the handler when a body is bad",
			ours:   badRequest + "note POST /\nnote failed: true\n",
		}
	}
	for name, came := range map[string]string{
		"length": "hello", "length at once": "", "in a chunk": "hel", "between chunks": "hello", "in the trailers": "hello",
	} {
		all["body cut off: "+name] = difference{
			reason: "as with Kestrel nothing is said to a client that has gone in its body",
			ours:   fmt.Sprintf("end closed\nnote POST /\nnote read %q, unexpected EOF\nnote then 0, unexpected EOF\n", came),
		}
	}
	return all
}

// meantBodies are bodies that are drained after the answer, where net/http closes the connection.
func meantBodies() map[string]difference {
	drained := difference{reason: "what is left of a body is read after the answer, whatever its size, as with Kestrel", change: kept}
	all := map[string]difference{}
	for _, size := range []int{256 << 10, 256<<10 + 1, 600_000} {
		for _, way := range []string{"unread", "unread, no answer", "unread, large answer", "unread, status and flush", "closed by the handler", "read in part"} {
			all[fmt.Sprintf("body of %d bytes %s", size, way)] = drained
		}
		all[fmt.Sprintf("chunk of %d bytes unread", size)] = drained
	}
	// Of this size net/http still reads what is left.
	delete(all, "body of 262144 bytes read in part")
	delete(all, "chunk of 262144 bytes unread")
	all["body of 262144 bytes closed by the handler"] = difference{reason: drained.reason, change: kept[2:]}
	for _, name := range []string{
		"continue: not wanted", "continue: not wanted, with an error", "continue: closed without a read", "continue: read after the answer",
		"continue: body read in part", "duplex: turns after 100", "control: read deadline in a body", "control: read deadline in chunks",
		"control: read deadline by wrappers", "control: read deadline in the past",
	} {
		all[name] = drained
	}
	return all
}

// meantResponses are answered otherwise.
func meantResponses() map[string]difference {
	all := map[string]difference{
		"trailers with a prefix, no body": {
			reason: "trailers that the handler sets are sent, also without a body",
			change: []string{"> Content-Length: 0\n> \n", "> Transfer-Encoding: chunked\n> \n> 0\n> P: 1\n> \n"},
		},
	}
	all["length twice"] = difference{
		reason: "two lengths are one too many; what the handler may write is by the first",
		change: []string{"> Content-Length: 6\n", ""},
	}
	all["length with a plus"] = difference{reason: "not everybody reads +5 as 5", change: []string{": +5\n", ": 5\n"}}
	all["fields in other spelling"] = difference{
		reason: "what says where a response ends is the server's, in whatever case", change: []string{"> content-length: 3\n", ""},
	}
	all["101 without a hijack"] = difference{
		reason: "after 101 the client speaks another protocol, which nobody may read as requests; as with Kestrel",
		change: []string{"end kept\n", "end closed\n"},
	}
	all["trailers with a prefix, short body"] = difference{
		reason: all["trailers with a prefix, no body"].reason,
		change: []string{"> Content-Length: 5\n", "", "charset=utf-8\n> \n> \"hello\"\n", "charset=utf-8\n> Transfer-Encoding: chunked\n> \n> 5\n> hello\n> 0\n> P: 1\n> \n"},
	}
	for _, name := range []string{"one more", "many more", "chunks", "after the header"} {
		all["MaxBytesReader: "+name] = drainedAfterLimit()
	}
	all["MaxBytesHandler"] = drainedAfterLimit()
	for _, status := range []int{100, 102, 103, 150, 199} {
		all[fmt.Sprintf("status %d goes before in 1.0", status)] = difference{
			reason: "HTTP/1.0 has no interim answers (RFC 9110, 15.2)",
			change: []string{fmt.Sprintf("> HTTP/1.0 %d %s\n> A: b\n> \n", status, textOf(status)), ""},
		}
	}
	return all
}

// drainedAfterLimit: net/http closes by a method of its own that no other ResponseWriter can have.
func drainedAfterLimit() difference {
	return difference{reason: "what is left of a body is read after the answer, whatever its size, as with Kestrel", change: kept}
}

func textOf(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return fmt.Sprintf("status code %d", status)
}
