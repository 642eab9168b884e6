package load

import (
	"fmt"
	"strings"
)

// Target is a request of a load that has several.
type Target struct{ Host, Path string } // the host without a port, which is that of the URL

// eachItsOwn has every thread of wrk, and so every connection, keep to one request.
const eachItsOwn = `local threads = 0
function setup(thread)
  thread:set("number", threads % #targets + 1)
  threads = threads + 1
end
function init()
  local target = targets[number]
  wrk.headers["Host"] = target.host .. ":" .. wrk.port
  wrk.path = target.path
end
`

// inTurns has every thread go through the requests, whatever connection is the next to send one.
const inTurns = `local requests, at = {}, 0
function init()
  for i, target in ipairs(targets) do
    requests[i] = wrk.format(nil, target.path, {Host = target.host .. ":" .. wrk.port})
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`

// EachItsOwn is a Lua script for as many threads of wrk as there are targets: each thread asks for its own.
func EachItsOwn(targets ...Target) string { return luaTargets(targets) + eachItsOwn }

// InTurns is a Lua script with which the same connection asks for one target, and next for another.
func InTurns(targets ...Target) string { return luaTargets(targets) + inTurns }

// luaTargets are the targets as Lua has them. Hosts and paths are plain ASCII.
func luaTargets(targets []Target) string {
	var out strings.Builder
	out.WriteString("local targets = {\n")
	for _, t := range targets {
		fmt.Fprintf(&out, "  {host = %q, path = %q},\n", t.Host, t.Path)
	}
	out.WriteString("}\n")
	return out.String()
}
