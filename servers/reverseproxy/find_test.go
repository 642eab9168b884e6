package reverseproxy

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		// Not on the PATH, as for a Debian user, who has no /usr/sbin there.
		elsewhere, err := Find(t.Context(), program.Kind, func(string) string { return "" })
		if _, ok := errors.AsType[*NotInstalledError](err); err != nil && !ok {
			t.Fatal(err)
		} else if err == nil && elsewhere.Version == "" {
			t.Errorf("got %+v", elsewhere)
		}
		if !filepath.IsAbs(program.Path) || program.Version == "" || program.Kind == Apache && program.Modules == "" {
			t.Errorf("got %+v", program)
		}
		if (os.Geteuid() == 0) != (program.User != "") {
			t.Errorf("runs as %q", program.User)
		}
	})
}

func TestFindOnPath(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are none on Windows")
	}
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("busybox/httpd", "#!/bin/sh\necho 'httpd: invalid option -- v' >&2; exit 1\n")
	write("other/httpd", "#!/bin/sh\necho 'a server: 1.0'\n")
	write("apache/bin/httpd", "#!/bin/sh\necho 'Server version: Apache/2.4.62 (Unix)'\n")
	write("apache/lib/httpd/modules/mod_proxy.so", "")
	write("nginx/sbin/nginx", "#!/bin/sh\necho 'nginx version: openresty/1.25.3.2' >&2\n")
	var list []string
	for _, folder := range []string{"missing", "busybox", "other", "apache/bin", "nginx/sbin"} {
		list = append(list, filepath.Join(root, folder))
	}
	path := func(string) string { return strings.Join(list, string(filepath.ListSeparator)) }

	got, err := Find(t.Context(), Apache, path)
	if err != nil || got.Path != filepath.Join(root, "apache/bin/httpd") || got.Version != "2.4.62" || !strings.HasSuffix(got.Modules, "apache/lib/httpd/modules") {
		t.Errorf("Apache: got %+v, %v", got, err)
	}
	got, err = Find(t.Context(), Nginx, path)
	if err != nil || got.Path != filepath.Join(root, "nginx/sbin/nginx") || got.Version != "1.25.3.2" {
		t.Errorf("nginx: got %+v, %v", got, err)
	}
	if _, err := Find(t.Context(), "lighttpd", path); err == nil {
		t.Error("an unknown kind is found")
	}
}

func TestNotInstalled(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{Nginx: "apt install nginx", Apache: "dnf install httpd mod_ssl mod_http2"} {
		err := &NotInstalledError{Kind: kind}
		if !strings.Contains(err.Error(), "not installed") || !strings.Contains(err.Hint(), want) {
			t.Errorf("%v; %s", err, err.Hint())
		}
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"1.25.1": true, "1.25.0": false, "1.25.3.2": true, "1.24.9": false, "2.0": true, "1.26": true, "": false, "x": false} {
		if got := (Program{Version: version}).atLeast(1, 25, 1); got != want {
			t.Errorf("%q: got %v", version, got)
		}
	}
}
