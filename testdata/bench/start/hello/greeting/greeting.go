// Package greeting is the part of hello that is edited.
package greeting

import "strings"

// For greets whoever the path of a URL names.
func For(path string) string { return "hello, " + strings.TrimPrefix(path, "/") }
