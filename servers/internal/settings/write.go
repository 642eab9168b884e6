package settings

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/certificates"
	"github.com/gorun-dev/gorun/servers/limits"
)

// JSON gives the settings as a file that Load reads to the same Settings, apart from Warnings and places. The endpoints have
// in it what the defaults gave them. Passwords are in it.
func (s Settings) JSON() []byte {
	kestrel := object{}
	if s.AddServerHeader != nil {
		kestrel.add("AddServerHeader", *s.AddServerHeader)
	}
	kestrel.addObject("Limits", limitsJSON(s.Limits))
	kestrel.addObject("EndpointDefaults", tlsJSON(s.EndpointDefaults))
	kestrel.addObject("Certificates", certificatesJSON(s.Certificates))
	endpoints := object{}
	for _, e := range s.Endpoints {
		endpoints.add(e.Name, endpointJSON(e))
	}
	kestrel.addObject("Endpoints", endpoints)
	// What is written here are texts, numbers and truth values: there is nothing that could not be JSON.
	data, _ := json.MarshalIndent(object{{section, kestrel}}, "", "  ")
	return append(data, '\n')
}

// object is a JSON object that keeps the order of its members.
type object []property

type property struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { *o = append(*o, property{name, value}) }

// addObject leaves out an empty object.
func (o *object) addObject(name string, value object) {
	if len(value) > 0 {
		o.add(name, value)
	}
}

func (o *object) addText(name, text string) {
	if text != "" {
		o.add(name, text)
	}
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(append(append(name, ':'), value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func endpointJSON(e Endpoint) object {
	o := object{{"Url", e.URL.String()}}
	o = append(o, tlsJSON(e.TLS.Settings)...)
	sni := object{}
	for _, host := range slices.Sorted(maps.Keys(e.TLS.SNI)) {
		sni.add(host, tlsJSON(e.TLS.SNI[host]))
	}
	o.addObject("Sni", sni)
	return o
}

func tlsJSON(s certificates.Settings) object {
	o := object{}
	if s.Protocols != 0 {
		o.add("Protocols", s.Protocols.String())
	}
	if s.TLSVersions != nil {
		o.add("SslProtocols", versionNames(s.TLSVersions))
	}
	if s.Clients != nil {
		o.add("ClientCertificateMode", clientModes[*s.Clients])
	}
	o.addObject("Certificate", sourceJSON(s.Certificate))
	return o
}

func versionNames(versions []uint16) []string {
	var names []string
	for _, v := range versions {
		for _, known := range tlsNames {
			if known.version == v {
				names = append(names, known.name)
			}
		}
	}
	return names
}

func sourceJSON(s certificates.Source) object {
	o := object{}
	o.addText("Path", s.Path)
	o.addText("KeyPath", s.KeyPath)
	o.addText("Password", s.Password)
	o.addText("Subject", s.Subject)
	o.addText("Store", s.Store)
	o.addText("Location", s.Location)
	if s.AllowInvalid {
		o.add("AllowInvalid", true)
	}
	return o
}

func certificatesJSON(all map[string]certificates.Source) object {
	o := object{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		o.add(name, sourceJSON(all[name]))
	}
	return o
}

func limitsJSON(l limits.Limits) object {
	o := object{}
	addLimit(&o, "MaxConcurrentConnections", l.MaxConcurrentConnections)
	addLimit(&o, "MaxConcurrentUpgradedConnections", l.MaxConcurrentUpgradedConnections)
	addLimit(&o, "MaxRequestBodySize", l.MaxRequestBodySize)
	addRate(&o, "MinRequestBodyDataRate", l.MinRequestBodyDataRate)
	addRate(&o, "MinResponseDataRate", l.MinResponseDataRate)
	addTime(&o, "RequestHeadersTimeout", l.RequestHeadersTimeout)
	addTime(&o, "KeepAliveTimeout", l.KeepAliveTimeout)
	addLimit(&o, "MaxRequestLineSize", l.MaxRequestLineSize)
	addLimit(&o, "MaxRequestHeadersTotalSize", l.MaxRequestHeadersTotalSize)
	addLimit(&o, "MaxRequestHeaderCount", l.MaxRequestHeaderCount)
	addLimit(&o, "MaxResponseBufferSize", l.MaxResponseBufferSize)
	addLimit(&o, "MaxRequestBufferSize", l.MaxRequestBufferSize)

	http2, http3 := object{}, object{}
	addLimit(&http2, "MaxStreamsPerConnection", l.HTTP2.MaxStreamsPerConnection)
	addLimit(&http2, "HeaderTableSize", l.HTTP2.HeaderTableSize)
	addLimit(&http2, "MaxFrameSize", l.HTTP2.MaxFrameSize)
	addLimit(&http2, "MaxRequestHeaderFieldSize", l.HTTP2.MaxRequestHeaderFieldSize)
	addLimit(&http2, "InitialConnectionWindowSize", l.HTTP2.InitialConnectionWindowSize)
	addLimit(&http2, "InitialStreamWindowSize", l.HTTP2.InitialStreamWindowSize)
	addTime(&http2, "KeepAlivePingDelay", l.HTTP2.KeepAlivePingDelay)
	addTime(&http2, "KeepAlivePingTimeout", l.HTTP2.KeepAlivePingTimeout)
	addLimit(&http3, "MaxRequestHeaderFieldSize", l.HTTP3.MaxRequestHeaderFieldSize)
	o.addObject("Http2", http2)
	o.addObject("Http3", http3)
	return o
}

func addLimit[T int | int64](o *object, name string, n T) {
	switch {
	case n > 0:
		o.add(name, n)
	case n < 0:
		o.add(name, nil)
	}
}

func addTime(o *object, name string, d time.Duration) {
	if d != 0 {
		o.add(name, formatTimeSpan(d))
	}
}

func addRate(o *object, name string, rate limits.DataRate) {
	switch {
	case rate.BytesPerSecond < 0:
		o.add(name, nil)
	case rate != limits.DataRate{}:
		r := object{}
		if rate.BytesPerSecond != 0 {
			r.add("BytesPerSecond", rate.BytesPerSecond)
		}
		addTime(&r, "GracePeriod", rate.GracePeriod)
		o.add(name, r)
	}
}
