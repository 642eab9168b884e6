package page

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What the reference gives (servers.md, 1.5, 1.7, 1.11; S30).
func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{
		Internal:          "HTTP Error 500.0 - Internal Server Error",
		InProcessLoad:     "HTTP Error 500.0 - ANCM In-Process Handler Load Failure",
		OutOfProcessLoad:  "HTTP Error 500.0 - ANCM Out-Of-Process Handler Load Failure",
		InProcessStart:    "HTTP Error 500.30 - ANCM In-Process Start Failure",
		MissingDependency: "HTTP Error 500.31 - ANCM Failed to Find Native Dependencies",
		WrongArchitecture: "HTTP Error 500.32 - ANCM Failed to Load dll",
		InProcessTimeout:  "HTTP Error 500.37 - ANCM Failed to Start Within Startup Time Limit",
		BadGateway:        "HTTP Error 502.3 - Bad Gateway",
		RequestTimeout:    "HTTP Error 502.3 - Bad Gateway",
		OutOfProcessStart: "HTTP Error 502.5 - ANCM Out-Of-Process Startup Failure",
		Stopping:          "HTTP Error 503 - Service Unavailable",
		RapidFails:        "HTTP Error 503 - Service Unavailable",
		Kind(99):          "HTTP Error 500.0 - Internal Server Error",
		Kind(-1):          "HTTP Error 500.0 - Internal Server Error",
	} {
		if got := kind.Name(); got != want {
			t.Errorf("kind %d is %q, want %q", kind, got, want)
		}
		if kind.Reason() == "" || kind.facts().advice == nil {
			t.Errorf("%s has no reason or no advice", want)
		}
		for _, accept := range []string{chromeAccept, "application/json", ""} {
			if body := get(t, Failure{Kind: kind}, http.MethodGet, accept).Body.String(); !strings.Contains(body, want) {
				t.Errorf("with Accept %q the page does not say %q:\n%s", accept, want, body)
			}
		}
	}
}

// S22: the values are case-insensitive; S25: off by default.
func TestDetailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		environ string // divided by spaces
		want    bool
	}{
		{"", false},
		{"ASPNETCORE_ENVIRONMENT=Development", true},
		{"DOTNET_ENVIRONMENT=deVelopment", true},
		{"ASPNETCORE_DETAILEDERRORS=1", true},
		{"ASPNETCORE_DETAILEDERRORS=TRUE", true},
		{"AspNetCore_DetailedErrors=true", true},
		{"ASPNETCORE_DETAILEDERRORS=0 ASPNETCORE_ENVIRONMENT=Production", false},
		{"ASPNETCORE_DETAILEDERRORS=0 ASPNETCORE_ENVIRONMENT=Development", true},
		{"ASPNETCORE_DETAILEDERRORS=yes", false},
		{"ASPNETCORE_DETAILEDERRORS", false},
		{"ASPNETCORE_DETAILEDERRORS=11", false},
		{"ASPNETCORE_ENVIRONMENT=Development ASPNETCORE_ENVIRONMENT=Production", false},
		{"ASPNETCORE_ENVIRONMENT=Production DOTNET_ENVIRONMENT=Development", true},
		{"ASPNETCORE_ENVIRONMENT=Developmental", false},
		{"MY_ASPNETCORE_ENVIRONMENT=Development", false},
	} {
		if got := Detailed(strings.Fields(test.environ)); got != test.want {
			t.Errorf("Detailed(%s) is %v", test.environ, got)
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]form{
		"":           asText,
		"*/*":        asText,
		"text/*":     asText,
		"image/png":  asText,
		chromeAccept: asHTML,
		"text/html":  asHTML,
		"TEXT/HTML":  asHTML,
		"application/xhtml+xml;q=0.5, application/json;q=0.1": asHTML,
		"application/json":                                asJSON,
		"application/problem+json":                        asJSON,
		"application/json, text/plain, */*":               asJSON, // axios
		"text/plain, application/json":                    asText,
		"text/html;q=0.4, application/json;q=0.9":         asJSON,
		"application/json;q=0":                            asText,
		"text/html;q=0, application/json;q=0.001":         asJSON,
		"text/html;q=nonsense":                            asText,
		"text/html;q=2":                                   asText,
		"text/html;q=NaN":                                 asText,
		"nonsense,,;;/, application/json ; charset=utf-8": asJSON,
		"application/grpc":                                asText,
	} {
		if got := accepted([]string{accept}); got != want {
			t.Errorf("%q gets form %d, want %d", accept, got, want)
		}
	}
	if got := accepted([]string{"image/png", "text/html"}); got != asHTML {
		t.Errorf("two fields get form %d", got)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	f := samples["502.5-out-of-process-start"]
	for _, accept := range []string{chromeAccept, "application/json", "*/*"} {
		full, head := get(t, f, http.MethodGet, accept), get(t, f, http.MethodHead, accept)
		if got := full.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", accept, got)
		}
		if got := full.Header().Get("Retry-After"); got != "" {
			t.Errorf("%s: Retry-After is %q for 502", accept, got)
		}
		if head.Body.Len() != 0 || head.Code != full.Code || head.Header().Get("Content-Type") != full.Header().Get("Content-Type") || head.Header().Get("Content-Length") == "0" {
			t.Errorf("%s: HEAD gets status %d, %d bytes, %v", accept, head.Code, head.Body.Len(), head.Header())
		}
	}
	for given, want := range map[time.Duration]string{0: "60", -1: "60", 1: "1", time.Second: "1", 40*time.Second + 1: "41"} {
		if got := get(t, Failure{Kind: RapidFails, RetryAfter: given}, http.MethodGet, "").Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After for %v is %q, want %s", given, got, want)
		}
	}
	if got := get(t, Failure{Kind: Stopping, Short: true}, http.MethodGet, "").Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After of a short page is %q", got)
	}
}

// The policy lets nothing in but what stands in the document; only a page that a GET has asked for asks again.
func TestPolicy(t *testing.T) {
	t.Parallel()
	f := Failure{Kind: OutOfProcessStart}
	w := get(t, f, http.MethodGet, chromeAccept)
	policy := w.Header().Get("Content-Security-Policy")
	nonce, _, _ := strings.Cut(strings.TrimPrefix(policy, "default-src 'none'; style-src 'nonce-"), "'")
	want := "default-src 'none'; style-src 'nonce-" + nonce + "'; base-uri 'none'; form-action 'none'; script-src 'nonce-" + nonce + "'; connect-src 'self'"
	if policy != want || len(nonce) < 26 {
		t.Errorf("the policy is %q", policy)
	}
	if n := strings.Count(w.Body.String(), `nonce="`+nonce+`"`); n != 2 {
		t.Errorf("the nonce stands %d times in the page", n)
	}
	if again := get(t, f, http.MethodGet, chromeAccept).Header().Get("Content-Security-Policy"); again == policy {
		t.Error("the nonce is the same for two pages")
	}
	for _, f := range []Failure{{Kind: BadGateway}, {Kind: RequestTimeout}, {Kind: OutOfProcessStart, Short: true}} {
		noScript(t, f, http.MethodGet)
	}
	noScript(t, f, http.MethodPost)
}

func noScript(t *testing.T, f Failure, method string) {
	t.Helper()
	w := get(t, f, method, chromeAccept)
	if strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src") {
		t.Errorf("%s of %s has a script", method, f.Kind.Name())
	}
}

// S30: the link is in the page, and the page ends right after the end tag.
func TestLink(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"http://example":              `<a href="http://example"><cite>http://example</cite></a>`,
		"https://example.com/?a=1&b":  `<a href="https://example.com/?a=1&amp;b"><cite>https://example.com/?a=1&amp;b</cite></a>`,
		"javascript:alert(1)":         `<li>javascript:alert(1)</li>`,
		"data:text/html,<script>":     `<li>data:text/html,&lt;script&gt;</li>`,
		"https://x/\" onclick=\"f()":  `<a href="https://x/%22%20onclick=%22f%28%29">`,
		"ask the people on floor two": `<li>ask the people on floor two</li>`,
	} {
		body := get(t, Failure{Kind: OutOfProcessStart, Link: link, Redact: []string{link}}, http.MethodGet, chromeAccept).Body.String()
		if !strings.Contains(body, want) || !strings.HasSuffix(body, "</html>") {
			t.Errorf("the page for %s does not have %s:\n%s", link, want, body)
		}
	}
}

func TestJSONIsAProblem(t *testing.T) {
	t.Parallel()
	var got struct {
		Type, Title, Detail, Name string
		Status, SubStatus         int
		ExitCode                  *int
		Output, Command           []string
		Attempts                  []struct {
			Port       int
			DurationMs float64
			Error      string
		}
	}
	f := samples["502.5-out-of-process-start"]
	if err := json.Unmarshal(get(t, f, http.MethodGet, "application/problem+json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != 502 || got.SubStatus != 5 || got.Title != "Bad Gateway" || got.Detail != "The program api did not start listening" || got.ExitCode == nil || *got.ExitCode != 2 {
		t.Errorf("got %+v", got)
	}
	if len(got.Attempts) != 2 || got.Attempts[0].Port != 21880 || got.Attempts[0].DurationMs != 1200 || got.Attempts[0].Error == "" {
		t.Errorf("attempts are %+v", got.Attempts)
	}
	if len(got.Output) != 3 || len(got.Command) != 3 || got.Command[2] != "***" {
		t.Errorf("output is %q, command %q", got.Output, got.Command)
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"The app is offline.", "<p>\x00\xff</p>\r\n", ""} {
		for _, accept := range []string{chromeAccept, "application/json"} {
			w := get(t, Offline(content), http.MethodGet, accept)
			if w.Code != 503 || w.Body.String() != content || w.Header().Get("Content-Type") != "text/html" {
				t.Errorf("%q: %d %v %q", content, w.Code, w.Header(), w.Body)
			}
			if _, ok := w.Header()["Retry-After"]; ok {
				t.Errorf("%q has Retry-After", content)
			}
		}
		if w := get(t, Offline(content), http.MethodHead, ""); w.Body.Len() != 0 || w.Code != 503 {
			t.Errorf("HEAD of %q: %d, %q", content, w.Code, w.Body)
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, value string
		want          bool
	}{
		{"HEAD", "ask", true}, {"GET", "ask", false}, {"POST", "ask", false}, {"HEAD", "", false}, {"HEAD", "ready", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(ProbeHeader, test.value)
		if got := IsProbe(r); got != test.want {
			t.Errorf("%s with %q: IsProbe is %v", test.method, test.value, got)
		}
	}
	for ready, want := range map[bool]string{true: "ready", false: "wait"} {
		w := get(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { ServeProbe(w, ready) }), http.MethodHead, "")
		if w.Code != 204 || w.Header().Get(ProbeHeader) != want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("ready %v: %d %v", ready, w.Code, w.Header())
		}
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ms", 41 * time.Millisecond: "41 ms", 1200 * time.Millisecond: "1.2 s", 59940 * time.Millisecond: "59.9 s",
		59960 * time.Millisecond: "1 min", 2 * time.Minute: "2 min", 125 * time.Second: "2 min 5 s",
	} {
		if got := brief(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
