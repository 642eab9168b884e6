package limits

import (
	"testing"
	"time"
)

func TestEffectiveLimits(t *testing.T) {
	t.Parallel()
	if got := (Limits{}).Effective(); got != Defaults().Effective() {
		t.Errorf("the zero value is %+v", got)
	}
	none := Limits{
		MaxConcurrentConnections: -1, MaxRequestBodySize: -1, MinRequestBodyDataRate: DataRate{BytesPerSecond: -1},
		RequestHeadersTimeout: -1, MaxRequestHeaderCount: -1, HTTP2: HTTP2{MaxFrameSize: -1, KeepAlivePingDelay: -1},
	}.Effective()
	if none.MaxRequestBodySize < 1<<62 || none.RequestHeadersTimeout < 1<<62 || none.MaxRequestHeaderCount < 1<<30 ||
		none.HTTP2.MaxFrameSize != 1<<24-1 || none.MinRequestBodyDataRate.BytesPerSecond != 0 || none.MaxConcurrentConnections < 1<<62 {
		t.Errorf("no limits are %+v", none)
	}
	if got := (Limits{MaxRequestLineSize: 7}).Effective().MaxRequestLineSize; got != 7 {
		t.Errorf("7 became %d", got)
	}
}

func TestAllowance(t *testing.T) {
	t.Parallel()
	rate := DataRate{}.Effective(Defaults().MinRequestBodyDataRate)
	if got := rate.Allowance(480); got != 2*time.Second {
		t.Errorf("480 bytes may take %v, want 2 s", got)
	}
	if got := rate.Allowance(1 << 62); got <= 0 {
		t.Errorf("very many bytes may take %v", got)
	}
}

// Or must know every field: what it forgets stays zero here.
func TestOr(t *testing.T) {
	t.Parallel()
	if got := (Limits{}).Or(Defaults()); got != Defaults() {
		t.Errorf("nothing or the defaults is %+v", got)
	}
	mine := Limits{MaxRequestLineSize: 7, HTTP2: HTTP2{MaxFrameSize: 1 << 20}}
	got := mine.Or(Defaults())
	if got.MaxRequestLineSize != 7 || got.HTTP2.MaxFrameSize != 1<<20 || got.MaxRequestHeaderCount != 100 {
		t.Errorf("7 and 1 MiB became %+v", got)
	}
}
