package httpapi

// Each call is that of the same name in http.h and returns its status: nil, or a syscall.Errno. Calls that end in "?" are not
// in every version of Windows; there they return an error of their own. Wine has some that end the process: see Lacks.

//sys	Initialize(version uint32, flags uint32, reserved uintptr) (status error) = httpapi.HttpInitialize
//sys	Terminate(flags uint32, reserved uintptr) (status error) = httpapi.HttpTerminate
//sys	CreateServerSession(version uint32, id *uint64, reserved uint32) (status error) = httpapi.HttpCreateServerSession
//sys	CloseServerSession(id uint64) (status error) = httpapi.HttpCloseServerSession
//sys	CreateURLGroup(session uint64, id *uint64, reserved uint32) (status error) = httpapi.HttpCreateUrlGroup
//sys	CloseURLGroup(id uint64) (status error) = httpapi.HttpCloseUrlGroup
//sys	AddURLToURLGroup(group uint64, url *uint16, context uint64, reserved uint32) (status error) = httpapi.HttpAddUrlToUrlGroup
//sys	RemoveURLFromURLGroup(group uint64, url *uint16, flags uint32) (status error) = httpapi.HttpRemoveUrlFromUrlGroup
//sys	SetURLGroupProperty(group uint64, property Property, info unsafe.Pointer, size uint32) (status error) = httpapi.HttpSetUrlGroupProperty
//sys	CreateRequestQueue(version uint32, name *uint16, security unsafe.Pointer, flags uint32, queue *windows.Handle) (status error) = httpapi.HttpCreateRequestQueue
//sys	CloseRequestQueue(queue windows.Handle) (status error) = httpapi.HttpCloseRequestQueue
//sys	SetRequestQueueProperty(queue windows.Handle, property Property, info unsafe.Pointer, size uint32, reserved1 uint32, reserved2 uintptr) (status error) = httpapi.HttpSetRequestQueueProperty
//sys	ReceiveHTTPRequest(queue windows.Handle, id uint64, flags uint32, request *Request, size uint32, received *uint32, o *windows.Overlapped) (status error) = httpapi.HttpReceiveHttpRequest
//sys	ReceiveRequestEntityBody(queue windows.Handle, id uint64, flags uint32, buffer *byte, size uint32, received *uint32, o *windows.Overlapped) (status error) = httpapi.HttpReceiveRequestEntityBody
//sys	ReceiveClientCertificate(queue windows.Handle, connection uint64, flags uint32, info *SSLClientCert, size uint32, received *uint32, o *windows.Overlapped) (status error) = httpapi.HttpReceiveClientCertificate
//sys	SendHTTPResponse(queue windows.Handle, id uint64, flags uint32, response *Response, cache *CachePolicy, sent *uint32, reserved1 uintptr, reserved2 uint32, o *windows.Overlapped, log uintptr) (status error) = httpapi.HttpSendHttpResponse
//sys	SendResponseEntityBody(queue windows.Handle, id uint64, flags uint32, count uint16, chunks unsafe.Pointer, sent *uint32, reserved1 uintptr, reserved2 uint32, o *windows.Overlapped, log uintptr) (status error) = httpapi.HttpSendResponseEntityBody
//sys	CancelHTTPRequest(queue windows.Handle, id uint64, o *windows.Overlapped) (status error) = httpapi.HttpCancelHttpRequest
//sys	WaitForDisconnectEx(queue windows.Handle, connection uint64, reserved uint32, o *windows.Overlapped) (status error) = httpapi.HttpWaitForDisconnectEx?
//sys	DelegateRequestEx(queue windows.Handle, to windows.Handle, id uint64, toGroup uint64, count uint32, properties *DelegateProperty) (status error) = httpapi.HttpDelegateRequestEx?
//sys	isFeatureSupported(feature int32) (err error) = httpapi.HttpIsFeatureSupported?

// IsFeatureSupported reports whether this Windows has a feature. Versions that cannot be asked have none.
func IsFeatureSupported(feature int32) bool { return isFeatureSupported(feature) == nil }
