// Package httpapi is the HTTP Server API of Windows, version 2: the calls of httpapi.dll that a server needs, and the
// structures that they take, with the layout of http.h. The names are http.h's without its prefixes.
//
// It decides nothing, keeps nothing and translates nothing: package httpsys does. The calls exist on Windows only; the
// structures everywhere, so that what is made of them can be tested everywhere. They have http.h's layout on 64-bit systems
// alone, which the compiler checks; on windows/386 nothing may be called.
//
// The calls may be used by several goroutines at once. What is handed to a call that goes on in the background (one with a
// windows.Overlapped that returns ERROR_IO_PENDING) belongs to the system until it has completed.
package httpapi

//go:generate go tool golang.org/x/sys/windows/mkwinsyscall -output zsyscall_windows.go calls_windows.go

// Version is what Initialize, CreateServerSession and CreateRequestQueue are given: HTTPAPI_VERSION_2, a structure of two
// 16-bit numbers that is passed by value.
const Version uint32 = 2

// Flags of Initialize and Terminate.
const InitializeServer = 1

// Flags of CreateRequestQueue.
const (
	QueueOpenExisting = 1 // the queue must be there
	QueueDelegation   = 8 // it is opened to delegate requests to it
)

// Flags of SendHTTPResponse and SendResponseEntityBody.
const (
	SendDisconnect = 1 // the connection is closed after this
	SendMoreData   = 2 // more of the body follows
)

// Flags in a Request.
const (
	RequestMoreEntityBody = 1 // there is a body, to be read with ReceiveRequestEntityBody
	RequestHTTP2          = 4
	RequestHTTP3          = 8
)

// Property is HTTP_SERVER_PROPERTY. Behind each is the structure that it takes.
type Property int32

// The properties.
const (
	QoSProperty         Property = 2  // QoSSetting
	TimeoutsProperty    Property = 3  // TimeoutLimits
	QueueLengthProperty Property = 4  // uint32
	VerbosityProperty   Property = 6  // uint32: 0 basic, 1 limited, 2 full
	BindingProperty     Property = 7  // Binding
	DelegationProperty  Property = 16 // Binding, of the queue that requests may be delegated to
)

// Features that IsFeatureSupported knows (HTTP_FEATURE_ID).
const (
	FeatureResponseTrailers = 1
	FeatureDelegateEx       = 3
)

// DelegateURL is the id of a DelegateProperty that holds the URL to deliver to, in UTF-16.
const DelegateURL = 1
