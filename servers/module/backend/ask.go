package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// Ask sends the message by which the module stops an app (reference: servers.md, 1.9). An answer other than 202 is an
// error: the app does not know the message. A process that does not listen is not asked, so that nobody else who listens
// there now gets the token.
func (h *OutOfProcess) Ask(ctx context.Context, tree *process.Tree) error {
	if !h.Listens(tree) {
		return errors.New("it does not listen")
	}
	target := url.URL{Scheme: "http", Host: h.Addr().String(), Path: h.Path}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.JoinPath("iisintegration").String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set(pairing.EventHeader, "shutdown")
	request.Header.Set(pairing.TokenHeader, h.Token())
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy of the environment
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the message to stop was answered with status %d, not 202", answer.StatusCode)
	}
	return nil
}
