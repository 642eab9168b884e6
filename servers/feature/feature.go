// Package feature holds what a server tells an app about itself, about a connection and about a request, as ASP.NET Core's
// feature collection does (reference: servers.md, 5). A handler gets them from its request's context:
//
//	if connection, ok := feature.Get[feature.Connection](r.Context()); ok {
//		log.Print(connection.ID)
//	}
//
// A feature is a type. Those below are known to every server of gorun's; a server of an app's own adds its own types, with
// With or by a context that answers Key. The package starts nothing and depends on nothing but the standard library.
//
// Values that describe may be used from several goroutines; those that change a request belong to its handler.
package feature

import "context"

// Key is the key under which a context holds the feature T.
type Key[T any] struct{}

// Get gives the feature T of the request, connection or server that ctx belongs to. ok is false when the server does not
// have it.
func Get[T any](ctx context.Context) (value T, ok bool) {
	value, ok = ctx.Value(Key[T]{}).(T)
	return value, ok
}

// With gives a context that has value as its feature T, in place of one that was there.
func With[T any](ctx context.Context, value T) context.Context {
	return context.WithValue(ctx, Key[T]{}, value)
}
