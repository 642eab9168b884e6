//go:build unix

package httpsys

import (
	"net/http"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// delegate implements delegator.
func (c *client) delegate(w http.ResponseWriter, r *http.Request, rule DelegationRule) error {
	err := c.pass(w, r, rule.QueueName)
	if err == nil {
		return nil
	}
	if isCode(err, wire.CodeQueueMissing) {
		return &DelegationError{rule.QueueName, "nobody has such a queue", err}
	}
	return &DelegationError{rule.QueueName, "it was not answered", err}
}
