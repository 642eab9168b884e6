//go:build linux || darwin

package httpsys_test

import "strings"

// shownBy are the rows that other tests show.
var shownBy = map[string]string{
	"H4.1-Timeouts.RequestQueue":          "broker/faults_test.go TestQueueTimeout; broker/faults_test.go TestStuck",
	"H4.1-Timeouts.MinSendBytesPerSecond": "options_test.go TestLimits; servertest_test.go TestServertest",
	"H4.1-platform":                       "servertest_test.go TestServertest",
	"H4.2-form":                           "urlprefix/urlprefix_test.go TestParse; urlprefix/urlprefix_test.go TestParseErrors",
	"H4.2-punycode":                       "urlprefix/urlprefix_test.go TestParseErrors; urlprefix/urlprefix_test.go TestPunycode",
	"H4.2-missing":                        "urlprefix/urlprefix_test.go TestParseErrors",
	"H4.2-sharing":                        "shared_test.go TestShared; broker/sharing_test.go TestExists",
	"H4.2-default":                        "options_test.go TestRegistrations; ../httpsys_test.go TestHTTPSysAddresses",
	"H4.2-precedence":                     "../httpsys_test.go TestHTTPSysAddresses",
	"H4.3-HTTP2":                          "shared_test.go TestSharedTLS; tls_unix_test.go TestEncryptedHTTP2",
	"H7.3-10":                             "servertest_test.go TestServertest",
}

// different are the rows that are not here what they are on Windows, and why.
var different = map[string]string{
	"H4.3-exception":                          panics,
	"H4.5-Server_AppException":                panics,
	"H4.5-WriteToBodyAfterDelegateShouldNoOp": "a handler that writes more than its response's Content-Length gets http.ErrContentLength, and the connection ends, as under every server",
	"H4.5-OpaqueUpgrade_InvalidMethodUpgrade": "a request with a body may be upgraded, as RFC 9110, 7.8, has it: its handler reads the body first",
	"H4.5-Request_PathSplitting-slashes":      "HTTP.sys takes ///base/a for /base/a. Here it is another path, as it is to handlers: 404 (docs/httpsys-windows.md)",
}

const panics = "a handler that panics is net/http's: its connection ends, under every server (servertest, panic/before-response)"

// impossible are the rows that cannot exist here, and why. One that ends in * is for all that begin so.
var impossible = map[string]string{
	"H4.1-AllowSynchronousIO":                                    "handlers in Go read and write synchronously, and block no thread",
	"H4.1-Authentication.*":                                      noAuthentication,
	"H4.1-EnableKernelResponseBuffering":                         "there is no kernel that buffers; Go's servers gather small writes themselves (H7.3-9)",
	"H4.1-MaxConnections-change":                                 "a Server's options do not change while it serves",
	"H4.3-read-chunk":                                            "128 KiB are the size of HTTP.sys' own buffers; a body is read as it comes, into the handler's",
	"H4.1-RequestQueueSecurityDescriptor":                        "a queue is its user's, as the broker is: there is nobody else to let in or keep out",
	"H4.1-ThrowWriteExceptions":                                  "a write in Go returns its error, which a handler may pass over",
	"H4.1-UnsafePreferInlineScheduling":                          "the Go runtime schedules",
	"H4.1-Timeouts.DrainEntityBody":                              "a body that no handler reads is the server's to read, for 5 s, as in Kestrel; the option is Windows'",
	"H4.2-wildcard-warning":                                      "it is a warning in HTTP.sys' documentation; docs/httpsys.md has it, and H4.2-order shows why",
	"H4.3-HTTP3":                                                 "a broker hands over TCP sockets",
	"H4.3-Windows-authentication":                                noAuthentication,
	"H4.5-Server_BadHttpRequestException":                        "a handler in Go answers with the status that it wants: there is no exception that carries one",
	"H4.5-Server_SetConnectionLimitArgumentValidation":           "0 is what .NET writes as null, and every negative number is no limit: there is none to refuse",
	"H4.5-Server_MultipleStopAsyncCallsCompleteOnCancellation-*": oneStop,
	"H4.5-Server_DisposeContinuesPendingStopAsyncCalls":          oneStop,
	"H4.5-Server_UnsafePreferInlineScheduling":                   "the Go runtime schedules",
	"H4.5-Request_FieldsCanBeSet*":                               "an http.Request is a struct: that its fields can be set is the language's",
	"H4.5-Request_FullUriInRequestLineWithSlashesInQuery":        "HTTP.sys refuses http://host?a/b though RFC 9112, 3.2.2, allows it; here it is a request like any other",
	"H4.5-Caching_WithoutContentType-Windows-7":                  "what Windows 7 caches; later ones are H4.4-no-Content-Type",
	"H4.5-ContentLengthEqualsLimit_ReadBeginEnd":                 oneRead,
	"H4.5-ChunkedEqualsLimit_ReadBeginEnd":                       oneRead,
	"H4.5-ContentLengthExceedsLimit_ReadBeginEnd":                oneRead,
	"H4.5-ChunkedExceedsLimit_ReadBeginEnd":                      oneRead,
	"H4.5-AuthType*":                                             noAuthentication,
	"H4.5-MultipleAuthTypes_*":                                   noAuthentication,
	"H4.5-OpaqueUpgrade_DownLevel_FeatureIsAbsent":               "Windows 7 has no upgrades",
	"H4.5-OpaqueUpgrade_WithOnStarting":                          "net/http knows no callbacks for before the answer",
}

const (
	noAuthentication = "Negotiate, NTLM and Kerberos are Windows' own; a handler may authenticate, and a configuration that asks for them is told that they are not there (docs/httpsys-settings.md)"
	oneStop          = "Serve ends by its context and its ShutdownTimeout, once: there is no second call with a time of its own"
	oneRead          = "BeginRead and EndRead are .NET's older words for ReadAsync; a body in Go is read in one way"
)

// reasonOf gives why a row has no test, "" when nothing is said of it.
func reasonOf(id string) string {
	for _, all := range []map[string]string{different, impossible} {
		if reason := all[id]; reason != "" {
			return reason
		}
		for ids, reason := range all {
			if begin, ok := strings.CutSuffix(ids, "*"); ok && strings.HasPrefix(id, begin) {
				return reason
			}
		}
	}
	return ""
}
