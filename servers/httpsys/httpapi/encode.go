package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"unsafe"
)

// Head is a Response and what it points to. It must be reachable until the call that it is given to has completed.
type Head struct {
	Response
	unknown []UnknownHeader
	several []ResponseInfo
}

// TooLongError says that a field of a response is longer than the API can send.
type TooLongError struct{ Name string }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the field %s of the response is longer than %d bytes", e.Name, math.MaxUint16)
}

// NewHead gives the head of a response. Fields whose names cannot be sent are left out, and ends of lines in values become
// spaces, as net/http does. The names are in the form of http.CanonicalHeaderKey.
//
// A known field with several values is sent as such; with plain as that many unknown ones.
func NewHead(status int, header http.Header, plain bool) (*Head, error) {
	h := &Head{Response: Response{StatusCode: uint16(status), Version: HTTPVersion{1, 1}}}
	reason := http.StatusText(status)
	h.Reason, h.ReasonLen = data(reason), uint16(len(reason))
	for name, values := range header {
		if len(values) == 0 || !isToken(name) {
			continue
		}
		for _, v := range values {
			if len(v) > math.MaxUint16 || len(name) > math.MaxUint16 {
				return nil, &TooLongError{name}
			}
		}
		h.add(name, values, plain)
	}
	h.Headers.Unknown, h.Headers.UnknownCount = unsafe.SliceData(h.unknown), uint16(len(h.unknown))
	h.ResponseInfo, h.ResponseInfoCount = unsafe.SliceData(h.several), uint16(len(h.several))
	return h, nil
}

func (h *Head) add(name string, values []string, plain bool) {
	id, known := ResponseHeaderID(name)
	switch {
	case known && len(values) == 1:
		h.Headers.Known[id] = newKnown(values[0])
	case known && !plain:
		all := make([]KnownHeader, len(values))
		for i, v := range values {
			all[i] = newKnown(v)
		}
		info := &MultipleKnownHeaders{ID: int32(id), Flags: PreserveOrder, Count: uint16(len(all)), Headers: unsafe.SliceData(all)}
		h.several = append(h.several, ResponseInfo{MultipleKnownHeadersInfo, uint32(unsafe.Sizeof(*info)), unsafe.Pointer(info)})
	default:
		h.unknown = appendUnknown(h.unknown, name, values)
	}
}

// SetBody has the response carry these chunks. They must be reachable as long as h.
func (h *Head) SetBody(chunks []DataChunk) {
	h.EntityChunks, h.EntityChunkCount = unsafe.SliceData(chunks), uint16(len(chunks))
}

// NewTrailerFields gives the fields of header for NewTrailers.
func NewTrailerFields(header http.Header) []UnknownHeader {
	var fields []UnknownHeader
	for name, values := range header {
		if isToken(name) {
			fields = appendUnknown(fields, name, values)
		}
	}
	return fields
}

func appendUnknown(to []UnknownHeader, name string, values []string) []UnknownHeader {
	for _, v := range values {
		v = oneLine(v)
		to = append(to, UnknownHeader{uint16(len(name)), uint16(len(v)), data(name), data(v)})
	}
	return to
}

func newKnown(value string) KnownHeader {
	value = oneLine(value)
	return KnownHeader{uint16(len(value)), data(value)}
}

func oneLine(value string) string {
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return strings.Trim(value, " \t")
}

// data gives the bytes of s, and never nil, which to some calls is no text rather than an empty one.
func data(s string) *byte {
	if s == "" {
		return new(byte)
	}
	return unsafe.StringData(s)
}

// isToken reports whether a field may have this name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// AppendTo appends the field as a line of HTTP/1.1.
func (f UnknownHeader) AppendTo(b []byte) []byte {
	b = append(b, bytesAt(f.Name, f.NameLen)...)
	b = append(b, ": "...)
	b = append(b, bytesAt(f.Value, f.ValueLen)...)
	return append(b, "\r\n"...)
}
