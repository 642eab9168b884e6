package settings

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// HTTPSys is what an HttpSys section says, with the names of HttpSysOptions (reference: servers.md, 4.1). The zero value says nothing.
// null is -1 in numbers that may be null: no limit.
type HTTPSys struct {
	UrlPrefixes             []string
	RequestQueueName        string
	RequestQueueMode        string // one of the names in httpSysModes; "" is not said
	RequestQueueLimit       int64
	Http503Verbosity        string // one of the names in httpSysVerbosities
	ClientCertificateMethod string // one of the names in httpSysCertificates
	MaxAccepts              int
	MaxConnections          int64
	MaxRequestBodySize      int64
	EnableResponseCaching   *bool
	Timeouts                HTTPSysTimeouts
	Warnings                []*Error // of keys without a meaning, in the order of the sources
}

// HTTPSysTimeouts are those of TimeoutManager. A negative time is never.
type HTTPSysTimeouts struct {
	EntityBody, DrainEntityBody, RequestQueue, IdleConnection, HeaderWait time.Duration

	MinSendBytesPerSecond int64
}

const httpSysSection = "HttpSys"

var (
	httpSysModes        = []string{"Create", "Attach", "CreateOrAttach"}
	httpSysVerbosities  = []string{"Basic", "Limited", "Full"}
	httpSysCertificates = []string{"AllowCertificate", "NoCertificate", "AllowRenegotiation"}

	// httpSysWithoutMeaning are options of HTTP.sys that a server in Go has no use for. docs/httpsys-settings.md says why.
	httpSysWithoutMeaning = []string{
		"AllowSynchronousIO", "Authentication", "EnableKernelResponseBuffering", "RequestQueueSecurityDescriptor", "ThrowWriteExceptions",
		"UnsafePreferInlineScheduling", "UseLatin1RequestHeaders",
	}
)

// LoadHTTPSys is Load for the HttpSys section: HttpSys__RequestQueueName and the like in the environment. The error, and what
// there is with one, is as of Load.
func LoadHTTPSys(files, environ []string) (HTTPSys, error) {
	t := newTreeOf(httpSysSection)
	for _, name := range files {
		t.readFile(name)
	}
	t.environment(environ)
	r := &reader{problems: t.problems}
	var s HTTPSys
	if !t.broken {
		s = r.httpSys(&t.root)
	}
	warnings := inOrder(r.warnings)
	if len(r.problems) > 0 {
		return HTTPSys{Warnings: warnings}, join(inOrder(r.problems))
	}
	s.Warnings = warnings
	return s, nil
}

func (r *reader) httpSys(n *node) HTTPSys {
	var s HTTPSys
	keys := []key{
		{"UrlPrefixes", r.list(&s.UrlPrefixes)},
		{"RequestQueueName", r.into(&s.RequestQueueName)},
		{"RequestQueueMode", r.oneOf(&s.RequestQueueMode, httpSysModes)},
		{"RequestQueueLimit", number(r, &s.RequestQueueLimit, bounds{min: 1, max: math.MaxInt32})},
		{"Http503Verbosity", r.oneOf(&s.Http503Verbosity, httpSysVerbosities)},
		{"ClientCertificateMethod", r.oneOf(&s.ClientCertificateMethod, httpSysCertificates)},
		{"MaxAccepts", number(r, &s.MaxAccepts, positive)},
		{"MaxConnections", r.connections(&s.MaxConnections)},
		{"MaxRequestBodySize", number(r, &s.MaxRequestBodySize, zeroOrNull)},
		{"EnableResponseCaching", r.flag(func(b bool) { s.EnableResponseCaching = &b })},
		{"Timeouts", r.httpSysTimeouts(&s.Timeouts)},
	}
	for _, name := range httpSysWithoutMeaning {
		keys = append(keys, key{name, nil})
	}
	r.object(n, keys...)
	return s
}

func (r *reader) httpSysTimeouts(t *HTTPSysTimeouts) func(*node) {
	return func(n *node) {
		r.object(n,
			key{"EntityBody", r.httpSysTimeout(&t.EntityBody)},
			key{"DrainEntityBody", r.httpSysTimeout(&t.DrainEntityBody)},
			key{"RequestQueue", r.httpSysTimeout(&t.RequestQueue)},
			key{"IdleConnection", r.httpSysTimeout(&t.IdleConnection)},
			key{"HeaderWait", r.httpSysTimeout(&t.HeaderWait)},
			key{"MinSendBytesPerSecond", r.minSend(&t.MinSendBytesPerSecond)},
		)
	}
}

// httpSysTimeout reads a time of whole seconds; 0 is the system's default, which is that of leaving it out.
func (r *reader) httpSysTimeout(to *time.Duration) func(*node) {
	const most = math.MaxUint16 * time.Second
	return func(n *node) {
		d, ok := r.timeSpan(n, "leave it out for the default")
		if ok && (d < 0 || d > most) {
			r.fail(n, "", "it must be from 0 to %v, not %q", most, n.text)
		}
		*to = d
	}
}

// minSend reads a number of bytes; the greatest of a .NET uint is no limit.
func (r *reader) minSend(to *int64) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		i, err := parseInteger(s)
		switch {
		case err != nil || i < 0 || i > math.MaxUint32:
			r.fail(n, "write "+strconv.Itoa(math.MaxUint32)+" for no limit", "it must be a number from 0 to %d, not %q", uint32(math.MaxUint32), s)
		case i == math.MaxUint32:
			*to = -1
		default:
			*to = i
		}
	}
}

// connections reads MaxConnections: -1 is no limit, null what the machine allows.
func (r *reader) connections(to *int64) func(*node) {
	return func(n *node) {
		if n.text == "" {
			return
		}
		if strings.TrimSpace(n.text) == "-1" {
			*to = -1
			return
		}
		number(r, to, bounds{min: 1, max: math.MaxInt64})(n)
	}
}

// list reads an array of texts, or one text with several separated by ;.
func (r *reader) list(to *[]string) func(*node) {
	return func(n *node) {
		if len(n.children) == 0 {
			s, _ := r.text(n)
			for part := range strings.SplitSeq(s, ";") {
				if part = strings.TrimSpace(part); part != "" {
					*to = append(*to, part)
				}
			}
			return
		}
		for _, c := range n.children {
			if s, ok := r.text(c); ok {
				*to = append(*to, s)
			}
		}
	}
}

// oneOf reads a name, in any case.
func (r *reader) oneOf(to *string, names []string) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		for _, name := range names {
			if strings.EqualFold(strings.TrimSpace(s), name) {
				*to = name
				return
			}
		}
		r.fail(n, "write "+strings.Join(names, ", or "), "%q is none of its values", s)
	}
}
