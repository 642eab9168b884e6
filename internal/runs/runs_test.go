package runs

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestMain lets the test's own binary be a host: it makes a record, says its id, and holds it until stdin ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RUNS_TEST_HOST"); dir != "" {
		e, err := Create(dir, Record{Name: "child", State: Running})
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(e.Record().ID + "\n")
		io.Copy(io.Discard, os.Stdin)
		if err := e.Close(); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// folder gives a folder that does not exist yet.
func folder(t *testing.T) string { return filepath.Join(t.TempDir(), "run") }

func list(t *testing.T, dir string) []Record {
	t.Helper()
	records, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func create(t *testing.T, dir string, r Record) *Entry {
	t.Helper()
	e, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if got := list(t, dir); got != nil {
		t.Errorf("a missing folder has records: %v", got)
	}
	want := Record{
		Version: Version, PID: os.Getpid(), ProgramPID: 7, Name: "api", Profile: "Development", Settings: "/m/Properties/launchSettings.json",
		Module: "/m", Dir: "/m", Binary: "/cache/api", Configuration: "Debug", Server: "kestrel",
		URLs: []string{"http://localhost:5000"}, State: Ready, Started: time.Now(), Terminal: true,
	}
	e := create(t, dir, Record{Name: "api", State: Building, Started: want.Started})
	err := e.Update(func(r *Record) {
		id := r.ID
		*r = want
		want.ID = id
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Record{want}, list(t, dir), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, e.Record()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if err := e.Update(func(*Record) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Update after Close: %v", err)
	}
	wantEmpty(t, dir)
}

func TestNilEntry(t *testing.T) {
	t.Parallel()
	var e *Entry
	if err := errors.Join(e.Update(func(*Record) { t.Error("called") }), e.Close()); err != nil || e.Record().ID != "" {
		t.Errorf("a nil Entry does something: %v, %v", err, e.Record())
	}
}

func TestOldestFirst(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	now := time.Now()
	for i, name := range []string{"second", "third", "first"} {
		create(t, dir, Record{Name: name, PID: 1000 - i, Started: now.Add(time.Duration((i+1)%3) * time.Minute)})
	}
	var got []string
	for _, r := range list(t, dir) {
		got = append(got, r.Name)
	}
	if want := "first second third"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// host is a record held by another process.
type host struct {
	cmd   *exec.Cmd
	stdin io.Closer
	id    string
}

func startHost(t *testing.T, dir string) *host {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "RUNS_TEST_HOST="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return &host{cmd, stdin, strings.TrimSpace(id)}
}

func TestKilledOwner(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	killed, ended := startHost(t, dir), startHost(t, dir)
	mine := create(t, dir, Record{Name: "mine"})
	got := list(t, dir)
	if len(got) != 3 || !holds(got, killed) || !holds(got, ended) {
		t.Fatalf("got %+v, want the records of %s, %s and mine", got, killed.id, ended.id)
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed.cmd.Wait()
	ended.stdin.Close()
	if err := ended.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); len(got) != 1 || got[0].Name != "mine" {
		t.Errorf("got %+v, want mine alone", got)
	}
	if err := mine.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
}

func holds(records []Record, h *host) bool {
	for _, r := range records {
		if r.ID == h.id && r.PID == h.cmd.Process.Pid && r.State == Running {
			return true
		}
	}
	return false
}

// TestReadersAtOnce has a killed host's record found by many readers: none may take it for alive.
func TestReadersAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for range 5 {
		h := startHost(t, dir)
		h.cmd.Process.Kill()
		h.cmd.Wait()
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				if got, err := List(dir); err != nil || len(got) > 0 {
					t.Errorf("a stale record is listed: %v, %v", got, err)
				}
			})
		}
		readers.Wait()
		wantEmpty(t, dir)
	}
}

// TestUpdatesAndReaders has records made, changed and removed while others read: what is read is always whole.
func TestUpdatesAndReaders(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	fixed := create(t, dir, Record{Name: "fixed", URLs: []string{"0"}})
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				got, err := List(dir)
				if err != nil || len(got) == 0 || got[0].Name != "fixed" || strconv.Itoa(got[0].ProgramPID) != got[0].URLs[0] {
					t.Errorf("half a record, or none: %+v, %v", got, err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 3 {
		writers.Go(func() {
			for range 100 {
				err := fixed.Update(func(r *Record) {
					r.ProgramPID++
					r.URLs = []string{strconv.Itoa(r.ProgramPID)}
				})
				e, err2 := Create(dir, Record{Name: "short", Started: time.Now().Add(time.Hour)})
				if err := errors.Join(err, err2, e.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if got := list(t, dir); len(got) != 1 || got[0].ProgramPID != 300 {
		t.Errorf("got %+v, want 300 updates", got)
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	e := create(t, dir, Record{Name: "damaged"})
	if err := os.WriteFile(e.files.json, []byte(`{"version":1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"77-abc.json", "78-abc.lock", "79-abc.temp", "notes.txt", "A b.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("nonsense"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, dir); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	want := []string{filepath.Join(dir, "A b.json"), e.files.json, e.files.lock, filepath.Join(dir, "notes.txt")}
	if diff := cmp.Diff(want, left, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if err := e.Update(func(r *Record) { r.State = Ready }); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); len(got) != 1 || got[0].State != Ready {
		t.Errorf("got %+v, want the repaired record", got)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	check := func(dir, reason string) {
		t.Helper()
		_, err := Create(dir, Record{})
		_, err2 := List(dir)
		for _, err := range []error{err, err2} {
			bad, ok := errors.AsType[*FolderError](err)
			if !ok || !strings.Contains(err.Error(), reason) || bad.Hint() == "" {
				t.Errorf("%s: got %v, want a *FolderError with %q", dir, err, reason)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check(file, "not a folder")
	if runtime.GOOS == "windows" {
		return
	}
	open := folder(t)
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o750); err != nil {
		t.Fatal(err)
	}
	check(open, "mode 0750")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	check(link, "not a folder")
	if os.Geteuid() != 0 {
		check("/", "another user")
		return
	}
	other := folder(t)
	if err := errors.Join(os.Mkdir(other, 0o700), os.Chown(other, 12345, -1)); err != nil {
		t.Fatal(err)
	}
	check(other, "uid 12345")
}

func TestDir(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	abs := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"own":      {map[string]string{"GORUN_RUN_DIR": abs("own") + "/", "XDG_RUNTIME_DIR": abs("xdg")}, abs("own")},
		"xdg":      {map[string]string{"XDG_RUNTIME_DIR": abs("xdg"), "HOME": abs("home")}, abs("xdg", "gorun")},
		"relative": {map[string]string{"GORUN_RUN_DIR": "run"}, ""},
		"nothing":  {nil, ""},
	} {
		got, err := Dir(func(name string) string { return c.env[name] })
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
	env := map[string]string{"HOME": abs("home"), "XDG_CACHE_HOME": "relative", "LOCALAPPDATA": abs("local")}
	getenv := func(name string) string { return env[name] }
	for goos, want := range map[string]string{"linux": abs("home", ".cache"), "darwin": abs("home", "Library", "Caches"), "windows": abs("local")} {
		dirs := cacheDirs(goos, getenv)
		if got := dirs[len(dirs)-1]; goos != "windows" && got != want || goos == "windows" && dirs[0] != want {
			t.Errorf("%s: got %q, want %q", goos, dirs, want)
		}
	}
}

// BenchmarkCreate is what a start pays before the program runs: the record is made (and removed).
func BenchmarkCreate(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "run")
	for b.Loop() {
		e, err := Create(dir, Record{Name: "api", State: Building})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	e, err := Create(filepath.Join(b.TempDir(), "run"), Record{Name: "api", State: Building})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for b.Loop() {
		if err := e.Update(func(r *Record) { r.State = Ready }); err != nil {
			b.Fatal(err)
		}
	}
}
