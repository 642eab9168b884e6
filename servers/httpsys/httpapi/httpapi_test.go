package httpapi

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// TestHead reads a response back from the memory that the system is given.
func TestHead(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Content-Type": {"text/plain"}, "Set-Cookie": {"a=1", "b=2"}, "X-Own": {"1", "2\r\nX-Forged: 3"}, "Bad Name": {"x"},
		"Etag": {""}, "Vary": {},
	}
	for name, c := range map[string]struct {
		plain bool
		want  map[string][]string
	}{
		"as on Windows": {false, map[string][]string{"Content-Type": {"text/plain"}, "Set-Cookie": {"a=1", "b=2"}, "X-Own": {"1", "2  X-Forged: 3"}, "Etag": {""}}},
		"plain":         {true, map[string][]string{"Content-Type": {"text/plain"}, "Set-Cookie": {"a=1", "b=2"}, "X-Own": {"1", "2  X-Forged: 3"}, "Etag": {""}}},
	} {
		h, err := NewHead(404, header, c.plain)
		if err != nil {
			t.Fatal(err)
		}
		if h.StatusCode != 404 || text(h.Reason, h.ReasonLen) != "Not Found" {
			t.Errorf("%s: got %d %s", name, h.StatusCode, text(h.Reason, h.ReasonLen))
		}
		if diff := cmp.Diff(c.want, readBack(h)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if several := h.ResponseInfoCount != 0; several == c.plain {
			t.Errorf("%s: %d known fields with several values", name, h.ResponseInfoCount)
		}
	}
}

func readBack(h *Head) map[string][]string {
	got := map[string][]string{}
	names := append(append([]string(nil), RequestHeaderNames[:general]...), responseHeaders[:]...)
	for i, known := range h.Headers.Known {
		if known.Value != nil {
			got[names[i]] = append(got[names[i]], text(known.Value, known.Len))
		}
	}
	for _, info := range h.several {
		several := (*MultipleKnownHeaders)(info.Info)
		for _, known := range unsafe.Slice(several.Headers, several.Count) {
			got[names[several.ID]] = append(got[names[several.ID]], text(known.Value, known.Len))
		}
	}
	for _, u := range unsafe.Slice(h.Headers.Unknown, h.Headers.UnknownCount) {
		name := text(u.Name, u.NameLen)
		got[name] = append(got[name], text(u.Value, u.ValueLen))
	}
	return got
}

func TestHeadTooLong(t *testing.T) {
	t.Parallel()
	_, err := NewHead(200, http.Header{"X-Long": {strings.Repeat("x", 1<<16)}}, false)
	if tooLong, ok := errors.AsType[*TooLongError](err); !ok || tooLong.Name != "X-Long" {
		t.Errorf("got %v", err)
	}
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	chunk := NewTrailers(NewTrailerFields(http.Header{"X-Sum": {"1"}, "Bad Name": {"x"}}))
	if chunk.Type != chunkTrailers || chunk.Count != 1 {
		t.Errorf("type %d, %d fields", chunk.Type, chunk.Count)
	}
	if got := string(chunk.First.AppendTo(nil)); got != "X-Sum: 1\r\n" {
		t.Errorf("got %q", got)
	}
}

// TestRequest reads a request that was laid out as the system does.
func TestRequest(t *testing.T) {
	t.Parallel()
	target, method := "/a%2Fb?c", "BREW"
	own := UnknownHeader{5, 1, data("x-own"), data("1")}
	protocol := SSLProtocol{Protocol: 0x1000}
	remote := [16]byte{familyIPv4, 0, 0x1f, 0x90, 127, 0, 0, 1}
	local := [28]byte{familyIPv6, 0, 0, 80, 23: 1}
	r := Request{
		Flags: RequestHTTP2, Verb: UnknownVerb, UnknownVerb: data(method), UnknownVerbLen: 4,
		RawURL: data(target), RawURLLen: uint16(len(target)), Remote: unsafe.Pointer(&remote), Local: unsafe.Pointer(&local),
		RequestInfo: &RequestInfo{SSLProtocolInfo, uint32(unsafe.Sizeof(protocol)), unsafe.Pointer(&protocol)}, RequestInfoCount: 1,
	}
	r.Headers.Known[28] = newKnown("example.org")
	r.Headers.Unknown, r.Headers.UnknownCount = &own, 1
	if r.Method() != method || r.Target() != target {
		t.Errorf("got %s %s", r.Method(), r.Target())
	}
	if major, minor := r.HTTP(); major != 2 || minor != 0 {
		t.Errorf("got HTTP/%d.%d", major, minor)
	}
	if got := r.RemoteAddr(); got != netip.MustParseAddrPort("127.0.0.1:8080") {
		t.Errorf("remote: got %v", got)
	}
	if got := r.LocalAddr(); got != netip.MustParseAddrPort("[::1]:80") {
		t.Errorf("local: got %v", got)
	}
	if r.TLSVersion() != tls.VersionTLS13 {
		t.Errorf("TLS: got %x", r.TLSVersion())
	}
	got := http.Header{}
	r.Headers.Fields(got.Add)
	if diff := cmp.Diff(http.Header{"Host": {"example.org"}, "X-Own": {"1"}}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	for verb, want := range map[Verb]string{0: "", 1: "", 2: "", 3: "OPTIONS", 4: "GET", 5: "HEAD", 6: "POST", 19: "SEARCH", 20: "", -1: ""} {
		if got := verb.String(); got != want {
			t.Errorf("verb %d: got %q, want %q", verb, got, want)
		}
	}
}

// The places of fields are http.h's: some that are easy to get wrong.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"Cache-Control": 0, "Content-Length": 11, "Content-Type": 12, "Last-Modified": 19, "Accept-Ranges": 20, "Server": 26, "Set-Cookie": 27, "Www-Authenticate": 29} {
		if got, ok := ResponseHeaderID(name); !ok || got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
	for _, i := range []int{20, 28, 40} {
		if want := map[int]string{20: "Accept", 28: "Host", 40: "User-Agent"}[i]; RequestHeaderNames[i] != want {
			t.Errorf("%d: got %s, want %s", i, RequestHeaderNames[i], want)
		}
	}
	if _, ok := ResponseHeaderID("X-Own"); ok {
		t.Error("X-Own is known")
	}
	for i, name := range RequestHeaderNames {
		if name != http.CanonicalHeaderKey(name) {
			t.Errorf("%d: %s is not how net/http spells it", i, name)
		}
	}
}
