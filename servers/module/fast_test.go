package module

import "testing"

// TestPlainlyBelow has targets that may not go the fast way: where the app's path is left again the front answers.
func TestPlainlyBelow(t *testing.T) {
	t.Parallel()
	s := &served{App: App{Path: "/app"}}
	for target, want := range map[string]bool{
		"/app": true, "/app/": true, "/app?x=/..": false, "/app?x": true, "/app/a.b": true,
		"/app/../secret": false, "/app/%2e%2e/secret": false, "/app/.%2E/secret": false, "/app/x/./../../secret": false,
		"/apple": false, "/": false, "/APP/x": false, "/a/../app": false,
	} {
		if got := s.isPlainlyBelow([]byte(target)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if s.Path = "/"; !s.isPlainlyBelow([]byte("/a/../b")) {
		t.Error("the root has no outside")
	}
}
