package httpapi

import "unsafe"

// Request is HTTP_REQUEST_V2. All that it points to is in the buffer that it was received in.
type Request struct {
	Flags            uint32
	ConnectionID     uint64
	RequestID        uint64
	URLContext       uint64 // what AddURLToURLGroup was given
	Version          HTTPVersion
	Verb             Verb
	UnknownVerbLen   uint16
	RawURLLen        uint16
	UnknownVerb      *byte
	RawURL           *byte // as the client has sent it
	CookedURL        CookedURL
	Remote, Local    unsafe.Pointer // SOCKADDR
	Headers          RequestHeaders
	BytesReceived    uint64
	EntityChunkCount uint16
	EntityChunks     *DataChunk
	RawConnectionID  uint64
	SSLInfo          *SSLInfo // nil without TLS
	RequestInfoCount uint16
	RequestInfo      *RequestInfo
}

// HTTPVersion is HTTP_VERSION.
type HTTPVersion struct{ Major, Minor uint16 }

// CookedURL is HTTP_COOKED_URL. The lengths are in bytes, the texts in UTF-16.
type CookedURL struct {
	FullLen, HostLen, AbsPathLen, QueryLen uint16
	Full, Host, AbsPath, Query             *uint16
}

// KnownHeader is HTTP_KNOWN_HEADER.
type KnownHeader struct {
	Len   uint16
	Value *byte
}

// UnknownHeader is HTTP_UNKNOWN_HEADER.
type UnknownHeader struct {
	NameLen, ValueLen uint16
	Name, Value       *byte
}

// RequestHeaders is HTTP_REQUEST_HEADERS. The place of each known field is in RequestHeaderNames.
type RequestHeaders struct {
	UnknownCount uint16
	Unknown      *UnknownHeader
	TrailerCount uint16
	Trailers     *UnknownHeader
	Known        [41]KnownHeader
}

// ResponseHeaders is HTTP_RESPONSE_HEADERS. The place of each known field is what ResponseHeaderID gives.
type ResponseHeaders struct {
	UnknownCount uint16
	Unknown      *UnknownHeader
	TrailerCount uint16
	Trailers     *UnknownHeader
	Known        [30]KnownHeader
}

// Response is HTTP_RESPONSE_V2.
type Response struct {
	Flags             uint32
	Version           HTTPVersion // what is sent is 1.1 always
	StatusCode        uint16
	ReasonLen         uint16
	Reason            *byte
	Headers           ResponseHeaders
	EntityChunkCount  uint16
	EntityChunks      *DataChunk
	ResponseInfoCount uint16
	ResponseInfo      *ResponseInfo
}

// Kinds of chunks (HTTP_DATA_CHUNK_TYPE).
const (
	chunkFromMemory = 0
	chunkTrailers   = 4
)

// DataChunk is HTTP_DATA_CHUNK for memory. The zero DataChunk is empty.
type DataChunk struct {
	Type   int32
	Buffer *byte
	Len    uint32
	_      uint64
}

// NewData gives the chunk of p, which must stay as it is until the chunk is sent.
func NewData(p []byte) DataChunk {
	return DataChunk{Type: chunkFromMemory, Buffer: unsafe.SliceData(p), Len: uint32(len(p))}
}

// TrailersChunk is HTTP_DATA_CHUNK for fields that follow the body, in HTTP/2 and HTTP/3. It is a type of its own, as the
// garbage collector must know where the pointer is; so it is sent by a call of its own.
type TrailersChunk struct {
	Type  int32
	_     uint32
	Count uint16
	First *UnknownHeader
	_     uint64
}

// NewTrailers gives the chunk of these fields, which must stay as they are until it is sent.
func NewTrailers(fields []UnknownHeader) TrailersChunk {
	return TrailersChunk{Type: chunkTrailers, Count: uint16(len(fields)), First: unsafe.SliceData(fields)}
}

// RequestInfo is HTTP_REQUEST_INFO.
type RequestInfo struct {
	Type int32
	Len  uint32
	Info unsafe.Pointer
}

// SSLProtocolInfo is the Type of a RequestInfo that points to an SSLProtocol.
const SSLProtocolInfo = 2

// SSLProtocol is HTTP_SSL_PROTOCOL_INFO. Protocol is one of SChannel's bits, SP_PROT_TLS1_2_SERVER for example.
type SSLProtocol struct {
	Protocol, CipherType, CipherStrength, HashType, HashStrength, KeyExchangeType, KeyExchangeStrength uint32
}

// SSLInfo is HTTP_SSL_INFO.
type SSLInfo struct {
	ServerCertKeySize, ConnectionKeySize     uint16
	ServerCertIssuerSize, ServerCertSubjSize uint32
	ServerCertIssuer, ServerCertSubject      *byte
	ClientCert                               *SSLClientCert
	ClientCertNegotiated                     uint32 // the client was asked in its handshake
}

// SSLClientCert is HTTP_SSL_CLIENT_CERT_INFO.
type SSLClientCert struct {
	Flags       uint32 // what is wrong with it; 0: nothing
	EncodedSize uint32
	Encoded     *byte // DER
	Token       uintptr
	Denied      bool
}

// ResponseInfo is HTTP_RESPONSE_INFO.
type ResponseInfo struct {
	Type int32
	Len  uint32
	Info unsafe.Pointer
}

// MultipleKnownHeadersInfo is the Type of a ResponseInfo that points to a MultipleKnownHeaders.
const MultipleKnownHeadersInfo = 0

// PreserveOrder is the flag of MultipleKnownHeaders that keeps the values in their order.
const PreserveOrder = 1

// MultipleKnownHeaders is HTTP_MULTIPLE_KNOWN_HEADERS: several values of one known field.
type MultipleKnownHeaders struct {
	ID      int32
	Flags   uint32
	Count   uint16
	Headers *KnownHeader
}

// Policies of a CachePolicy (HTTP_CACHE_POLICY_TYPE).
const (
	CacheNot        = 0
	CacheTimeToLive = 2
)

// CachePolicy is HTTP_CACHE_POLICY.
type CachePolicy struct {
	Policy        int32
	SecondsToLive uint32
}

// Present is the Flags of the properties below when they say something (HTTP_PROPERTY_FLAGS).
const Present = 1

// Binding is HTTP_BINDING_INFO: the queue that a URL group's requests go to.
type Binding struct {
	Flags uint32
	Queue uintptr
}

// TimeoutLimits is HTTP_TIMEOUT_LIMIT_INFO. Times are in seconds, 0 is the system's default.
type TimeoutLimits struct {
	Flags                                                                 uint32
	EntityBody, DrainEntityBody, RequestQueue, IdleConnection, HeaderWait uint16
	MinSendRate                                                           uint32 // in bytes a second; 1<<32-1 is no limit
}

// ConnectionLimit is HTTP_CONNECTION_LIMIT_INFO. 1<<32-1 is no limit.
type ConnectionLimit struct {
	Flags, MaxConnections uint32
}

// QoSConnectionLimit is the Type of a QoSSetting that points to a ConnectionLimit.
const QoSConnectionLimit = 1

// QoSSetting is HTTP_QOS_SETTING_INFO.
type QoSSetting struct {
	Type    int32
	Setting unsafe.Pointer
}

// DelegateProperty is HTTP_DELEGATE_REQUEST_PROPERTY_INFO.
type DelegateProperty struct {
	ID   int32
	Len  uint32 // in bytes
	Info unsafe.Pointer
}
