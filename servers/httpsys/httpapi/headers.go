package httpapi

import "net/http"

// Verb is HTTP_VERB.
type Verb int32

// UnknownVerb is the Verb of a Request whose method is in its UnknownVerb.
const UnknownVerb Verb = 1

// verbs are the methods in the order of HTTP_VERB, from 3.
var verbs = [...]string{
	"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "TRACK", "MOVE", "COPY", "PROPFIND", "PROPPATCH",
	"MKCOL", "LOCK", "UNLOCK", "SEARCH",
}

// String gives the method, or "" for a Verb that stands for none.
func (v Verb) String() string {
	if v < 3 || int(v)-3 >= len(verbs) {
		return ""
	}
	return verbs[v-3]
}

// RequestHeaderNames are the names of RequestHeaders.Known (HTTP_HEADER_ID).
var RequestHeaderNames = [41]string{
	"Cache-Control", "Connection", "Date", "Keep-Alive", "Pragma", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Warning",
	"Allow", "Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Md5",
	"Content-Range", "Expires", "Last-Modified",
	"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Expect", "From", "Host",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Max-Forwards",
	"Proxy-Authorization", "Referer", "Range", "Te", "Translate", "User-Agent",
}

// general is how many known fields requests and responses have in common.
const general = 20

// responseHeaders are those that only responses have.
var responseHeaders = [...]string{
	"Accept-Ranges", "Age", "Etag", "Location", "Proxy-Authenticate", "Retry-After", "Server", "Set-Cookie", "Vary",
	"Www-Authenticate",
}

var responseIDs = func() map[string]int {
	ids := make(map[string]int, general+len(responseHeaders))
	for i, name := range RequestHeaderNames[:general] {
		ids[name] = i
	}
	for i, name := range responseHeaders {
		ids[name] = general + i
	}
	return ids
}()

// ResponseHeaderID gives the place of a field in ResponseHeaders.Known. ok is false for a field that is not known, which goes
// into Unknown. The name is in the form of http.CanonicalHeaderKey.
func ResponseHeaderID(name string) (id int, ok bool) {
	id, ok = responseIDs[name]
	return id, ok
}

// Fields calls add with each field of h, known ones first, in net/http's spelling.
func (h *RequestHeaders) Fields(add func(name, value string)) {
	for i := range h.Known {
		if known := &h.Known[i]; known.Value != nil {
			add(RequestHeaderNames[i], text(known.Value, known.Len))
		}
	}
	for i := range h.UnknownCount {
		u := at(h.Unknown, i)
		add(http.CanonicalHeaderKey(text(u.Name, u.NameLen)), text(u.Value, u.ValueLen))
	}
}
