package module

import (
	"context"
	"fmt"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// tellTime is how long an app that has answered may take to say that it checks the token.
const tellTime = time.Second

// lookPaired tells, once for a Front, that requests may reach the app past the front: any app can be fronted, and one that knows
// nothing of tokens serves whoever finds its port. It waits for nothing. One goroutine for each process that was asked does, which
// serve waits for.
func (f *Front) lookPaired(p *backend.Process) {
	u, ok := p.Hosting().(*upstream)
	if !ok || !u.Hears() || u.Pairs() || f.serving.Err() != nil || f.saidUnpaired.Load() || u.looked.Swap(true) {
		return
	}
	f.asides.Go(func() {
		timer := time.NewTimer(tellTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			if !u.Pairs() && !f.saidUnpaired.Swap(true) {
				f.sayUnpaired(u)
			}
		case <-p.Exited():
		case <-f.serving.Done():
		}
	})
}

func (f *Front) sayUnpaired(u *upstream) {
	f.warn(diagnostic.Diagnostic{
		Code:       "unpaired",
		Message:    fmt.Sprintf("%s does not say that it checks the front's token: whoever is on this machine may reach it past the front, at http://%v", f.o.Name, u.Addr()),
		Suggestion: "a program on servers.Run checks it and says so; an ASP.NET Core app checks it and says nothing",
	})
}

// whileServing has what is told aside end with the front.
func (f *Front) whileServing(ctx context.Context) (end func()) {
	var stop context.CancelFunc
	f.serving, stop = context.WithCancel(ctx)
	return func() {
		stop()
		f.asides.Wait()
	}
}
