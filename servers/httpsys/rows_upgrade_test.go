//go:build linux || darwin

package httpsys_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestRowsUpgrade has the cases of OpaqueUpgradeTests (reference: servers.md, 4.5). A connection is taken over by http.Hijacker.
func TestRowsUpgrade(t *testing.T) {
	rows{
		"H4.5-OpaqueUpgrade_SupportKeys_Present":                         upgradeFeature,
		"H4.5-OpaqueUpgrade_AfterHeadersSent_Throws":                     upgradeTooLate,
		"H4.5-OpaqueUpgrade_GetUpgrade":                                  upgrade("GET", "", 0),
		"H4.5-OpaqueUpgrade_GetUpgrade_NotAffectedByMaxRequestBodyLimit": upgrade("GET", "", 10),
		"H4.5-OpaqueUpgrade_VariousMethods":                              upgradeMethods,
	}.run(t)
}

func asking(method, field string) string {
	return method + " / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + field + "\r\n"
}

func isUpgradable(r *http.Request) bool {
	f, ok := feature.Get[feature.Upgrade](r.Context())
	return ok && f.IsUpgradable()
}

// takeOver answers 101 and sends back what it gets after the body, 49 bytes.
func takeOver(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil || !isUpgradable(r) {
		return
	}
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	data := make([]byte, 49)
	if _, err := io.ReadFull(buffered, data); err == nil {
		c.Write(data)
	}
}

// speak takes a connection over, and speaks.
func speak(t *testing.T, s *served, method, field string) {
	t.Helper()
	c := dial(t, s.at())
	wantAnswer(t, method, c.exchange(asking(method, field)), http.StatusSwitchingProtocols, "")
	c.Write(make([]byte, 49))
	if n, err := io.Copy(io.Discard, c.r); n != 49 || err != nil {
		t.Errorf("%s: got %d bytes, %v", method, n, err)
	}
}

func upgrade(method, field string, limit int64) func(*testing.T) {
	return func(t *testing.T) {
		options := httpsys.Options{MaxRequestBodySize: limit}
		speak(t, serve(t, "", &httpsys.Server{Options: options, Handler: http.HandlerFunc(takeOver)}), method, field)
	}
}

func upgradeFeature(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, ok := feature.Get[feature.Upgrade](r.Context())
		fmt.Fprint(w, ok, isUpgradable(r))
	})})
	wantAnswer(t, "who asks", dial(t, s.at()).exchange(asking("GET", "")), 200, "true true")
	wantAnswer(t, "who does not", dial(t, s.at()).exchange(get("localhost", "/")), 200, "true false")
}

func upgradeTooLate(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		io.WriteString(w, "Hello World")
		control.Flush()
		if c, _, err := control.Hijack(); err == nil {
			c.Close()
		}
	})})
	wantAnswer(t, "a response that has begun", dial(t, s.at()).exchange(asking("GET", "")), 200, "Hello World")
}

func upgradeMethods(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(takeOver)})
	for _, method := range []string{
		"UNKNOWN", "INVALID", "OPTIONS", "GET", "HEAD", "DELETE", "TRACE", "CONNECT", "TRACK", "MOVE", "COPY", "PROPFIND", "PROPPATCH", "MKCOL",
		"LOCK", "UNLOCK", "SEARCH", "CUSTOMVERB", "PATCH",
	} {
		speak(t, s, method, "")
	}
	speak(t, s, "POST", "Content-Length: 0\r\n")
	speak(t, s, "PUT", "Content-Length: 0\r\n")
	// This one is not HTTP.sys' (rows_reasons_test.go).
	got := dial(t, s.at()).exchange(asking("POST", "Content-Length: 4\r\n") + "body")
	wantAnswer(t, "a request with a body", got, http.StatusSwitchingProtocols, "")
}
