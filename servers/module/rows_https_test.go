package module

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// onHTTPS is start with an http address and n https ones, whose certificate is made in a folder of the test's. Its client trusts
// any server.
func onHTTPS(t *testing.T, hosting Hosting, n int, change func(*Options), env ...string) *world {
	t.Helper()
	data := "GORUN_DATA=" + t.TempDir()
	w := start(t, hosting, func(o *Options) {
		o.Environ = append(o.Environ, data, "CAROOT=")
		for range n {
			e, err := endpoint.Parse("https://127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			o.Endpoints = append(o.Endpoints, servers.Endpoint{Endpoint: e})
		}
		if change != nil {
			change(o)
		}
	}, append(env, data, "CAROOT=", "GORUN_SERVER=module")...)
	w.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

// secure is what the app says to a request of the https address.
func (w *world) secure(path string) answer {
	w.t.Helper()
	i := slices.IndexFunc(w.URLs(), func(url string) bool { return strings.HasPrefix(url, "https:") })
	r, err := http.NewRequest(http.MethodGet, w.URLs()[i]+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// S38: in-process the app's addresses are the front's, with the application's path. Out-of-process it has a private one.
func TestS38_AddressesHaveThePath(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting is not possible on Windows")
	}
	path := (&url.URL{Path: "/baseПуть"}).EscapedPath()
	w := onHTTPS(t, InProcess, 1, func(o *Options) { o.App.Path = "/baseПуть" })
	var got, want []string
	if err := json.Unmarshal([]byte(w.ok(path+"/addresses")), &got); err != nil {
		t.Fatal(err)
	}
	for _, u := range w.URLs() {
		want = append(want, u+path)
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// S39: whoever sets the variable has his way, and no other is made.
func TestS39_HTTPSPortCanBeOverridden(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := onHTTPS(t, hosting, 1, nil, "ASPNETCORE_ANCM_HTTPS_PORT=123")
		if got := w.ok("/env?name=ASPNETCORE_ANCM_HTTPS_PORT"); got != "123" {
			t.Errorf("got %q", got)
		}
		if a := w.get("/env?name=ASPNETCORE_HTTPS_PORT"); a.status != http.StatusNotFound {
			t.Errorf("ASPNETCORE_HTTPS_PORT is %q", a.body)
		}
	})
}

// S40: an app that wants https sends its clients there.
func TestS40_HTTPSRedirection(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := onHTTPS(t, hosting, 1, nil)
		a := w.get("/redirect?a=b")
		if want := w.URLs()[1] + "/redirect?a=b"; a.status != http.StatusTemporaryRedirect || a.header.Get("Location") != want {
			t.Errorf("got %d %q, want %q", a.status, a.header.Get("Location"), want)
		}
		if got := w.secure("/redirect"); got.body != "secure" {
			t.Errorf("got %+v", got)
		}
	})
}

// S41: with two https addresses nobody can say which one is meant.
func TestS41_SeveralHTTPSPorts(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := onHTTPS(t, hosting, 2, nil)
		if a := w.get("/env?name=ASPNETCORE_ANCM_HTTPS_PORT"); a.status != http.StatusNotFound {
			t.Errorf("it is %q", a.body)
		}
	})
}

// T1: without a client's certificate the app sees none, whether the front asks for one or not.
func TestT1_NoClientCertificate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := onHTTPS(t, hosting, 1, nil)
		if got := w.secure("/certificate"); got.body != "Disabled" {
			t.Errorf("nobody asks: %+v", got)
		}
		w = asking(t, hosting, newAuthority(t), tls.VerifyClientCertIfGiven)
		if got := w.secure("/certificate"); got.body != "Disabled" {
			t.Errorf("the client has none: %+v", got)
		}
	})
}

// T2: the app sees the certificate that the client has shown. One that nobody has signed is refused in the handshake, and so is a
// client without any where one is required.
func TestT2_ClientCertificate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		ca := newAuthority(t)
		certificate := ca.sign(t, "alice")
		for _, mode := range []tls.ClientAuthType{tls.VerifyClientCertIfGiven, tls.RequireAndVerifyClientCert} {
			w := asking(t, hosting, ca, mode)
			transport := w.client.Transport.(*http.Transport)
			w.ok("/") // starts the app
			transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
			if got, want := w.secure("/certificate").body, fmt.Sprintf("%x", sha256.Sum256(certificate.Certificate[0])); got != want {
				t.Errorf("%v: got %s, want %s", mode, got, want)
			}
			transport.CloseIdleConnections()
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{newAuthority(t).sign(t, "mallory")}}
			if resp, err := w.client.Get(w.URLs()[1] + "/certificate"); err == nil {
				resp.Body.Close()
				t.Errorf("%v: a stranger's certificate is accepted: %s", mode, resp.Status)
			}
			if mode != tls.RequireAndVerifyClientCert {
				continue
			}
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			if resp, err := w.client.Get(w.URLs()[1] + "/certificate"); err == nil {
				resp.Body.Close()
				t.Errorf("%v: no certificate is accepted: %s", mode, resp.Status)
			}
		}
	})
}

// asking is a world that asks clients for certificates of ca, in either hosting model.
func asking(t *testing.T, hosting Hosting, ca *authority, mode tls.ClientAuthType) *world {
	t.Helper()
	word := map[tls.ClientAuthType]string{tls.VerifyClientCertIfGiven: "AllowCertificate", tls.RequireAndVerifyClientCert: "RequireCertificate"}[mode]
	return onHTTPS(t, hosting, 1, func(o *Options) {
		pool := x509.NewCertPool()
		pool.AddCert(ca.certificate)
		o.Endpoints[1].TLS = &tls.Config{ClientAuth: mode, ClientCAs: pool}
	}, "BEHIND_CLIENT_CA="+ca.file, "Kestrel__EndpointDefaults__ClientCertificateMode="+word)
}

// authority signs certificates of clients.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // its certificate, PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the clients' authority"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	signed := a.issue(t, template)
	a.key = signed.PrivateKey.(*ecdsa.PrivateKey)
	var err error
	if a.certificate, err = x509.ParseCertificate(signed.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed.Certificate[0]})
	if err := os.WriteFile(a.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a client's certificate.
func (a *authority) sign(t *testing.T, name string) tls.Certificate {
	t.Helper()
	return a.issue(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// issue signs template, with itself where there is no authority yet.
func (a *authority) issue(t *testing.T, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
