package metrics

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
)

// OtherMethod stands for each method that is not a well-known one: clients can make up as many as they like, and every
// value of an attribute costs memory in the program that collects them.
const OtherMethod = "_OTHER"

// Method gives the value of http.request.method: method itself when it is one of RFC 9110 or PATCH, else OtherMethod. Methods
// have a case: "get" is another one. (OpenTelemetry, semantic conventions for HTTP metrics.)
func Method(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return method
	}
	return OtherMethod
}

// Route gives the value of http.route for the Pattern of an http.Request, which is "[METHOD ][HOST]/[PATH]": its path. It is
// "" for "", which is a request that no http.ServeMux has matched. What has no path in it is another router's pattern and
// is given back as it is.
func Route(pattern string) string {
	if slash := strings.IndexByte(pattern, '/'); slash > 0 {
		return pattern[slash:]
	}
	return pattern
}

// ProtocolVersion gives the value of network.protocol.version for the Proto of an http.Request: "1.1" for "HTTP/1.1", "2" for
// "HTTP/2.0". It is "" when proto is not HTTP's.
func ProtocolVersion(proto string) string {
	version, ok := strings.CutPrefix(proto, "HTTP/")
	if !ok {
		return ""
	}
	if major, ok := strings.CutSuffix(version, ".0"); ok && major > "1" {
		return major // HTTP/2 and later have no minor version
	}
	return version
}

// TLSVersion gives the value of tls.protocol.version for the Version of a tls.ConnectionState: "1.3". It is "" for 0 and for
// versions that are not TLS's.
func TLSVersion(version uint16) string {
	switch version {
	case tls.VersionTLS10:
		return "1.0"
	case tls.VersionTLS11:
		return "1.1"
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return ""
}

// Address gives the attributes that tell which socket a connection came in by: server.address, server.port, network.type
// and network.transport, as Kestrel does; without the port and the type for what is not an IP address. local may be nil:
// then there are none. (OpenTelemetry, semantic conventions for Kestrel metrics, "Kestrel endpoint".)
func Address(local net.Addr) []slog.Attr {
	switch a := local.(type) {
	case nil:
		return nil
	case *net.TCPAddr:
		return ipAddress(a.IP, a.Zone, a.Port, "tcp")
	case *net.UDPAddr:
		return ipAddress(a.IP, a.Zone, a.Port, "udp")
	case *net.UnixAddr:
		return []slog.Attr{slog.String(KeyServerAddress, a.Name), slog.String(KeyTransport, "unix")}
	}
	return []slog.Attr{slog.String(KeyServerAddress, local.String()), slog.String(KeyTransport, strings.ToLower(local.Network()))}
}

func ipAddress(ip net.IP, zone string, port int, transport string) []slog.Attr {
	kind := "ipv6"
	if ip.To4() != nil {
		kind = "ipv4"
	}
	name := (&net.IPAddr{IP: ip, Zone: zone}).String()
	return []slog.Attr{
		slog.String(KeyServerAddress, name), slog.Int(KeyServerPort, port),
		slog.String(KeyNetworkType, kind), slog.String(KeyTransport, transport),
	}
}
