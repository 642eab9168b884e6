//go:build amd64 || arm64

package httpapi

import "unsafe"

// The sizes of http.h on 64-bit Windows. A structure of another size does not compile.
var (
	_ [864]byte = [unsafe.Sizeof(Request{})]byte{}
	_ [688]byte = [unsafe.Sizeof(RequestHeaders{})]byte{}
	_ [40]byte  = [unsafe.Sizeof(CookedURL{})]byte{}
	_ [568]byte = [unsafe.Sizeof(Response{})]byte{}
	_ [512]byte = [unsafe.Sizeof(ResponseHeaders{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(KnownHeader{})]byte{}
	_ [24]byte  = [unsafe.Sizeof(UnknownHeader{})]byte{}
	_ [32]byte  = [unsafe.Sizeof(DataChunk{})]byte{}
	_ [32]byte  = [unsafe.Sizeof(TrailersChunk{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(RequestInfo{})]byte{}
	_ [28]byte  = [unsafe.Sizeof(SSLProtocol{})]byte{}
	_ [48]byte  = [unsafe.Sizeof(SSLInfo{})]byte{}
	_ [32]byte  = [unsafe.Sizeof(SSLClientCert{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(ResponseInfo{})]byte{}
	_ [24]byte  = [unsafe.Sizeof(MultipleKnownHeaders{})]byte{}
	_ [8]byte   = [unsafe.Sizeof(CachePolicy{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(Binding{})]byte{}
	_ [20]byte  = [unsafe.Sizeof(TimeoutLimits{})]byte{}
	_ [8]byte   = [unsafe.Sizeof(ConnectionLimit{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(QoSSetting{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(DelegateProperty{})]byte{}
)

// Where in a structure something lies that one of the same size could have elsewhere.
var (
	_ [104]byte = [unsafe.Offsetof(Request{}.Remote)]byte{}
	_ [808]byte = [unsafe.Offsetof(Request{}.BytesReceived)]byte{}
	_ [840]byte = [unsafe.Offsetof(Request{}.SSLInfo)]byte{}
	_ [24]byte  = [unsafe.Offsetof(Response{}.Headers)]byte{}
	_ [536]byte = [unsafe.Offsetof(Response{}.EntityChunkCount)]byte{}
	_ [16]byte  = [unsafe.Offsetof(TimeoutLimits{}.MinSendRate)]byte{}
	_ [8]byte   = [unsafe.Offsetof(TrailersChunk{}.Count)]byte{}
	_ [16]byte  = [unsafe.Offsetof(TrailersChunk{}.First)]byte{}
)
