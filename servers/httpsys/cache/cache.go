// Package cache keeps responses that say of themselves that everybody may have them, as the kernel does under HTTP.sys
// (reference: servers.md, 4.4). A request that it answers never reaches the app.
//
// Until a response comes that may be kept, nothing is looked at but that: an app that has none pays nothing for its cache. The first one
// is therefore not kept itself.
//
// It goes further than the kernel in what it leaves alone: requests with Authorization or Cookie, of a client with a certificate, with
// a Range, with a condition, or whose client wants a new answer, always go to the app. It keeps nothing on disk, and revalidates
// nothing.
//
// A Cache may be used by several goroutines at once. It starts none.
package cache

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a Cache whose fields are 0.
const (
	DefaultSize     = 16 << 20  // bytes of all bodies and heads
	DefaultBodySize = 256 << 10 // bytes of one body, as in the kernel (UriMaxUriBytes)
)

// Cache holds responses. The zero value is empty and has the default bounds. Its fields are not changed after the first use.
type Cache struct {
	Size     int              // in bytes; the responses that were longest not asked for go first. Those on their way may need as much. 0: DefaultSize
	BodySize int              // of the longest body that is kept, in bytes. 0: DefaultBodySize
	Now      func() time.Time // nil: time.Now

	awake   atomic.Bool  // a response has come that may be kept
	kept    atomic.Int64 // how many; a request looks no further when there are none
	copying atomic.Int64 // bytes that responses on their way may need

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	recent  list.List             // of *entry; the front was asked for last
	used    int
}

// key is what tells responses apart: the URL, and where the client has connected to, which may lead to another prefix of the app.
// What Host says of the port may be a lie.
type key struct {
	url
	local netip.AddrPort
}

// url is what a client asks for, as it has written it.
type url struct {
	host, target string
	tls          bool
}

func urlOf(r *http.Request) url { return url{r.Host, r.RequestURI, r.TLS != nil} }

// at gives the key, with the context of the request.
func (u url) at(ctx context.Context) key {
	if tcp, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return key{u, tcp.AddrPort()}
	}
	return key{url: u}
}

func keyOf(r *http.Request) key { return urlOf(r).at(r.Context()) }

// entry is a response. It is not changed.
type entry struct {
	key    key
	status int
	header http.Header // with Content-Length
	body   []byte
	made   time.Time
	until  time.Time
}

// perEntry is about what an entry needs beside its texts.
const perEntry = 512

func (e *entry) size() int {
	n := perEntry + len(e.body) + len(e.key.host) + len(e.key.target)
	for name, values := range e.header {
		n += len(name)
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// Handler gives a handler that answers from the cache what is in it, and has h answer the rest. A nil h is
// http.DefaultServeMux.
func (c *Cache) Handler(h http.Handler) http.Handler {
	if h == nil {
		h = http.DefaultServeMux
	}
	return &handler{c, h}
}

type handler struct {
	cache *Cache
	next  http.Handler
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.cache.awake.Load() {
		h.next.ServeHTTP(w, r)
		h.cache.wake(w.Header())
		return
	}
	if !mayUse(r) {
		if !isSafe(r.Method) {
			h.cache.forget(r)
		}
		h.next.ServeHTTP(w, r)
		return
	}
	if e := h.cache.get(r); e != nil {
		h.cache.answer(w, r, e)
		return
	}
	if r.Method != http.MethodGet {
		h.next.ServeHTTP(w, r)
		return
	}
	t := &tap{w: w, cache: h.cache, url: urlOf(r), ctx: r.Context()}
	defer t.release()
	h.next.ServeHTTP(t.shape(), r)
	t.keep() // not after a panic: the response is not whole
}

// wake looks at the fields of a response that was sent.
func (c *Cache) wake(header http.Header) {
	if _, has := header[cacheControl]; has && lifetime(http.StatusOK, header, c.now()) > 0 {
		c.awake.Store(true)
	}
}

// get gives the response to r, nil when there is none that is fresh.
func (c *Cache) get(r *http.Request) *entry {
	if c.kept.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.entries[keyOf(r)]
	if !ok {
		return nil
	}
	e := at.Value.(*entry)
	if !c.now().Before(e.until) {
		c.remove(at)
		return nil
	}
	c.recent.MoveToFront(at)
	return e
}

// answer writes e, with how old it is (RFC 9111, 5.1).
func (c *Cache) answer(w http.ResponseWriter, r *http.Request, e *entry) {
	header := w.Header()
	for name, values := range e.header {
		header[name] = append([]string(nil), values...)
	}
	header.Set("Age", strconv.FormatInt(int64(max(c.now().Sub(e.made), 0)/time.Second), 10))
	w.WriteHeader(e.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(e.body) // a client that is gone is no news
	}
}

// put keeps e, in place of what has its key. What is over the bound goes.
func (c *Cache) put(e *entry) {
	size, bound := e.size(), orDefault(c.Size, DefaultSize)
	if size > bound {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[e.key]; ok {
		c.remove(at)
	}
	for c.used+size > bound {
		c.remove(c.recent.Back())
	}
	if c.entries == nil {
		c.entries = map[key]*list.Element{}
	}
	c.entries[e.key] = c.recent.PushFront(e)
	c.used += size
	c.kept.Add(1)
}

// forget is for a URL that a request may have changed (RFC 9111, 4.4).
func (c *Cache) forget(r *http.Request) {
	if c.kept.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.entries[keyOf(r)]; ok {
		c.remove(at)
	}
}

// remove is called with mu held.
func (c *Cache) remove(at *list.Element) {
	e := c.recent.Remove(at).(*entry)
	delete(c.entries, e.key)
	c.used -= e.size()
	c.kept.Add(-1)
}

func (c *Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func orDefault(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}
