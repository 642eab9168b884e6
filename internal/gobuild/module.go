package gobuild

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module is one module on the disk that belongs to what the user works on.
type Module struct {
	Dir  string `json:"dir"`  // absolute
	Path string `json:"path"` // such as example.com/shop; "" when go.mod has no module line
}

// moduleOf returns the module that dir lies in; the zero Module when there is no go.mod above it.
func moduleOf(dir string) Module {
	root := upwards(dir, "go.mod")
	if root == "" {
		return Module{}
	}
	return readModule(root)
}

func readModule(root string) Module {
	data, _ := os.ReadFile(filepath.Join(root, "go.mod")) // an unreadable one is the go command's to report
	return Module{Dir: root, Path: modfile.ModulePath(data)}
}

// upwards returns the nearest folder from dir to the root that has the named file, "" when there is none.
func upwards(dir, file string) string {
	for {
		if info, err := os.Stat(filepath.Join(dir, file)); err == nil && !info.IsDir() {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// workspaceOf returns the go.work file that the go command would use in dir, and the modules that it names.
// A file that cannot be parsed has no modules here: the go command says what is wrong with it.
func workspaceOf(env environment, dir string) (file string, modules []Module) {
	switch work := env.get("GOWORK"); work {
	case "off":
		return "", nil
	case "", "auto":
		root := upwards(dir, "go.work")
		if root == "" {
			return "", nil
		}
		file = filepath.Join(root, "go.work")
	default:
		file = work
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return file, nil
	}
	work, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return file, nil
	}
	for _, use := range work.Use {
		root := filepath.FromSlash(use.Path)
		if !filepath.IsAbs(root) {
			root = filepath.Join(filepath.Dir(file), root)
		}
		modules = append(modules, readModule(root))
	}
	return file, modules
}

// ignoredFolders returns what the ignore lines of a module's go.mod (Go 1.25) leave out of ./... patterns:
// paths below the module's root, and names that count at any depth.
func ignoredFolders(root string) (paths, anywhere []string) {
	name := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil
	}
	file, err := modfile.ParseLax(name, data, nil)
	if err != nil {
		return nil, nil
	}
	for _, ignore := range file.Ignore {
		if rel, ok := strings.CutPrefix(ignore.Path, "./"); ok {
			paths = append(paths, filepath.Join(root, filepath.FromSlash(rel)))
		} else {
			anywhere = append(anywhere, filepath.FromSlash(ignore.Path))
		}
	}
	return paths, anywhere
}
