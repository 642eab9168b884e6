package httpapi

import (
	"sync"

	"golang.org/x/sys/windows"
)

// missing are the calls that Wine exports and does not have, so that one ends the process, and those that it refuses.
var missing = map[string]bool{
	"CancelHTTPRequest":        true,
	"ReceiveClientCertificate": true,
	"WaitForDisconnectEx":      true,
	"DelegateRequestEx":        true,
	"MultipleKnownHeaders":     true, // is not read: only the last field of a response counts
	"SeveralURLsInAGroup":      true, // it has room for one
	"SetRequestQueueProperty":  true,
	"SetURLGroupProperty":      true, // but for BindingProperty
}

var isWine = sync.OnceValue(func() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
})

// Lacks reports whether this is no Windows but Wine, which lacks the call of that name in this package, or one of the things
// named in its table. What is not named there is had. It is for tests under Wine: on Windows it is always false.
func Lacks(call string) bool { return missing[call] && isWine() }
