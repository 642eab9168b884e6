package relay

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// appendHead writes the head of the request as the app gets it.
func (x *exchange) appendHead(out []byte) []byte {
	req := x.req
	out = append(append(out, req.Method...), ' ')
	out = appendTarget(out, req)
	out = append(out, " HTTP/1.1\r\n"...)
	out = appendField(out, "Host", req.Host)
	out = x.appendFields(out)
	if !x.relay.options.Plain {
		out = x.appendOurs(out)
	}
	if x.expects {
		out = append(out, "Expect: 100-continue\r\n"...)
	}
	if x.protocol != "" {
		out = appendField(append(out, "Connection: Upgrade\r\n"...), "Upgrade", x.protocol)
	}
	return append(x.appendFraming(out), "\r\n"...)
}

// appendOurs writes the front's own fields.
func (x *exchange) appendOurs(out []byte) []byte {
	req := x.req
	if x.target.Token != "" {
		out = appendField(out, tokenField, x.target.Token)
	}
	out = appendCertificate(out, req)
	out = appendList(out, forField, req.Header, clientAddress(req.RemoteAddr), x.names)
	return appendList(out, protoField, req.Header, scheme(req), x.names)
}

// appendFields writes what the client has sent, but for what is the connection's or the front's own.
func (x *exchange) appendFields(out []byte) []byte {
	header := x.req.Header
	for _, value := range header["Connection"] {
		x.names.add(value)
	}
	for key := range header {
		if x.isForApp(key) && !x.names.has(key) {
			x.keys = append(x.keys, key)
		}
	}
	slices.Sort(x.keys) // the same request always looks the same
	for _, key := range x.keys {
		for _, value := range header[key] {
			if key != "Expect" || !equalFold(value, "100-continue") {
				out = appendField(out, key, value)
			}
		}
	}
	return out
}

// isForApp reports whether a client's field is passed on as it is. A name with underscores counts as the one with hyphens: apps
// behind CGI's rules, such as Python's, cannot tell them apart. With Options.Plain there are no fields that the app believes
// for their names, and that one is the app's own affair.
func (x *exchange) isForApp(key string) bool {
	plain := x.relay.options.Plain
	if !plain && strings.IndexByte(key, '_') >= 0 {
		key = strings.ReplaceAll(key, "_", "-")
	}
	key = http.CanonicalHeaderKey(key)
	switch key {
	case "Host", "Content-Length", "Trailer":
		return false
	}
	return !isHop(key) && (plain || !isOurs(key))
}

// isHop knows the fields that are about one connection (RFC 9110, 7.6.1). key is in canonical form.
func isHop(key string) bool {
	switch key {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isOurs knows the fields that the app believes because the front has sent them. key is in canonical form.
func isOurs(key string) bool {
	return key == forField || key == protoField || strings.HasPrefix(key, "Ms-Aspnetcore")
}

// appendFraming says how the body is framed, if there is one.
func (x *exchange) appendFraming(out []byte) []byte {
	req := x.req
	if x.chunked {
		if len(req.Trailer) > 0 {
			keys := make([]string, 0, len(req.Trailer))
			for key := range req.Trailer {
				if x.isTrailer(key) {
					keys = append(keys, key)
				}
			}
			slices.Sort(keys)
			out = appendField(out, "Trailer", strings.Join(keys, ", "))
		}
		return append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	if req.ContentLength > 0 || len(req.Header["Content-Length"]) > 0 || meansBody(req.Method) {
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), req.ContentLength, 10), "\r\n"...)
	}
	return out
}

// meansBody knows the methods whose requests say that they have no body (RFC 9110, 8.6).
func meansBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// appendTarget writes the client's own text. A target that names its host is written without: an app that is no proxy need
// not know that form, and the host is in the Host field (RFC 9112, 3.2.2).
func appendTarget(out []byte, req *http.Request) []byte {
	target := req.RequestURI
	switch {
	case target == "":
		target = req.URL.RequestURI()
	case target[0] != '/' && target != "*":
		target = withoutHost(target, req.Method)
	}
	const hex = "0123456789ABCDEF"
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return out
}

func withoutHost(target, method string) string {
	_, rest, found := strings.Cut(target, "://")
	if !found {
		return "/" + target
	}
	rest, _, _ = strings.Cut(rest, "#")
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0 && method == http.MethodOptions:
		return "*" // RFC 9112, 3.2.4
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

// appendCertificate passes on what the client has shown.
func appendCertificate(out []byte, req *http.Request) []byte {
	if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 {
		return out
	}
	out = append(append(out, certificateField...), ": "...)
	return append(base64.StdEncoding.AppendEncode(out, req.TLS.PeerCertificates[0].Raw), "\r\n"...)
}

// appendList writes one field of all values there are, and own behind them.
func appendList(out []byte, key string, header http.Header, own string, dropped names) []byte {
	var values []string
	if !dropped.has(key) {
		values = header[key]
	}
	list := own
	if len(values) > 0 {
		parts := make([]string, 0, len(values)+1)
		for _, value := range append(slices.Clip(values), own) {
			if value = strings.Trim(value, " \t"); value != "" {
				parts = append(parts, value)
			}
		}
		list = strings.Join(parts, ", ")
	}
	if list == "" {
		return out
	}
	return appendField(out, key, list)
}

// clientAddress gives 1.2.3.4:5678 or [2001:db8::1]:80, and nothing for a client that has no such address.
func clientAddress(remote string) string {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return ""
	}
	if ip := addr.Addr(); ip.Is4In6() || ip.Zone() != "" {
		return netip.AddrPortFrom(ip.Unmap().WithZone(""), addr.Port()).String()
	}
	return remote
}

func scheme(req *http.Request) string {
	if req.TLS != nil {
		return "https"
	}
	return "http"
}

// upgradeOf gives the protocols that the app may choose from, or nothing when the request is no question for an upgrade. Those
// with a body are none: it would have to come to its end first.
func (r *Relay) upgradeOf(req *http.Request) string {
	switch {
	case !r.options.Plain && asksWebSocket(req):
		return "websocket"
	case r.options.Plain && req.ProtoMajor == 1 && req.ProtoMinor > 0 && req.ContentLength == 0 &&
		httpguts.HeaderValuesContainsToken(req.Header["Connection"], "Upgrade"):
		return strings.Join(req.Header["Upgrade"], ", ")
	}
	return ""
}

// agrees reports whether the app has chosen from what the client asks for.
func (x *exchange) agrees(h *head) bool {
	if x.protocol == "" || h.upgrade == "" {
		return false
	}
	for chosen := range strings.SplitSeq(h.upgrade, ",") {
		if !httpguts.HeaderValuesContainsToken([]string{x.protocol}, strings.Trim(chosen, " \t")) {
			return false
		}
	}
	return true
}

// asksWebSocket knows the only upgrade that is passed on (reference: servers.md, 1.6); others, such as h2c, are not asked for.
func asksWebSocket(req *http.Request) bool {
	return req.Method == http.MethodGet && req.ProtoMajor == 1 && req.ProtoMinor > 0 && req.ContentLength == 0 &&
		equalFold(req.Header.Get("Upgrade"), "websocket") && httpguts.HeaderValuesContainsToken(req.Header["Connection"], "Upgrade")
}

// names are the fields that a Connection field names.
type names []string

func (n *names) add(value string) {
	for name := range strings.SplitSeq(value, ",") {
		switch name = strings.Trim(name, " \t"); {
		case name == "", equalFold(name, "keep-alive"), equalFold(name, "close"), equalFold(name, "upgrade"):
		default:
			*n = append(*n, name)
		}
	}
}

func (n names) has(key string) bool {
	return slices.ContainsFunc(n, func(name string) bool { return equalFold(name, key) })
}
