//go:build linux || darwin

package broker

import (
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// No queue may have as many connections in line as the broker may have descriptors.
func TestLimitIsOfDescriptors(t *testing.T) {
	t.Parallel()
	for asked, most := range map[int]int{0: DefaultQueueLimit, 7: 7, 1 << 30: mostHeads() / 2} {
		if q := newQueue(wire.Open{Limit: asked}); q.limit != min(most, mostHeads()/2) {
			t.Errorf("%d: the limit is %d", asked, q.limit)
		}
	}
}
