package cli

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// mapped applies f to each element.
func mapped[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

// nonNil makes an empty list [] in JSON, not null.
func nonNil[S ~[]T, T any](list S) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func sortBy[T any, K cmp.Ordered](list []T, key func(T) K) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// withSource fills in the line of a settings file that a diagnostic is about, where its maker had only the place.
func withSource(d diagnostic.Diagnostic) diagnostic.Diagnostic {
	// Other files than those of settings are .env files, whose lines hold secrets.
	settings := filepath.Ext(d.Place.File) == ".json" || filepath.Ext(d.Place.File) == ".config"
	if d.Source == "" && d.Place.Start.Line > 0 && settings {
		d.Source = launchsettings.SourceLine(d.Place.File, d.Place.Start.Line)
	}
	return d
}
