package backend

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

// BenchmarkReady is what a request costs here once the process runs.
func BenchmarkReady(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprint("processes=", n), func(b *testing.B) {
			w := prepared(b).open(func(o *Options) { o.Processes = n })
			for range n {
				w.page("/")
			}
			b.Run("Ready", func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						w.Ready().Release()
					}
				})
			})
			b.Run("Get", func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						p, _ := w.Get(b.Context())
						p.Release()
					}
				})
			})
		})
	}
}

// BenchmarkColdStart compares the time until Get gives a process with the time until the same program, started by itself,
// accepts a connection. "program" has the guard of package process, "pool" all that is here.
func BenchmarkColdStart(b *testing.B) {
	w := prepared(b)
	w.options.Stdout, w.options.Stderr, w.options.Emit = nil, nil, nil
	b.Run("program", func(b *testing.B) {
		for b.Loop() {
			port := randomFree(b)
			spec, _ := w.options.Command(b.Context())
			spec.Env = append([]string{"PORT=" + strconv.Itoa(int(port)), "BEHIND_PLAIN=1"}, spec.Env...)
			tree, err := process.Start(spec)
			if err != nil {
				b.Fatal(err)
			}
			for !dial(netip.AddrPortFrom(loopback, port)) { // as often as it can
			}
			b.StopTimer()
			_ = tree.Kill()
			_, _ = tree.Wait()
			b.StartTimer()
		}
	})
	for _, c := range []struct{ name, plain string }{{"pool, net/http", "1"}, {"pool, servers.Run", ""}} {
		b.Run(c.name, func(b *testing.B) {
			w := prepared(b, "BEHIND_PLAIN="+c.plain)
			w.options.Stdout, w.options.Stderr, w.options.Emit = nil, nil, nil
			for b.Loop() {
				pool := New(w.options)
				p, err := pool.Get(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				_ = p.tree.Kill()
				p.Release()
				<-p.Exited()
				_ = pool.Stop(b.Context())
				b.StartTimer()
			}
		})
	}
}
