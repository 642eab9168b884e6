package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// appPackage is the app, by a path that is the same wherever in the repository the command is run.
const appPackage = "github.com/gorun-dev/gorun/testdata/bench/module/app"

const (
	postScript      = "post.lua"
	certificateFile = "front.crt"
	keyFile         = "front.key"
)

// prepare builds the launcher and the app, and writes what servers and tools read.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.program, err = os.Executable(); err != nil {
		return err
	}
	if b.trust, err = subject.MakeCertificate(b.dir); err != nil {
		return err
	}
	if err := b.writeFiles(); err != nil {
		return err
	}
	b.gorun = filepath.Join(b.dir, "gorun")
	if err := subject.BuildLauncher(b.gorun); err != nil {
		return err
	}
	b.app = filepath.Join(b.dir, "app")
	b.source, err = subject.BuildApp(ctx, b.gorun, b.environ(), appPackage, b.app)
	return err
}

// environ is the environment of everything that is started: gorun keeps its own files in the bench's folder.
func (b *bench) environ() []string {
	return append(subject.Environ(b.dir), "GORUN_CACHE="+filepath.Join(b.dir, "cache"), "GORUN_RUN_DIR="+filepath.Join(b.dir, "run"))
}

// writeFiles writes the certificate for nginx, the script for wrk, and the settings of the fronts, each in a folder of its own.
func (b *bench) writeFiles() error {
	certificate, key, err := b.trust.PEM()
	if err != nil {
		return err
	}
	files := map[string][]byte{certificateFile: certificate, keyFile: key, postScript: []byte(load.PostScript)}
	for _, scheme := range []string{"http", "https"} {
		files[filepath.Join(settingsFolder(scheme), "Properties", "launchSettings.json")] = b.settings(scheme)
	}
	for name, text := range files {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func settingsFolder(scheme string) string { return "site-" + scheme }

// ofGoProgram marks profiles of the fronts that have not the app as it is built, but its Go program, which gorun looks at before it
// starts it.
const ofGoProgram = ", Go program"

// settings is a launchSettings.json whose front listens for a scheme, on a port that the system chooses.
func (b *bench) settings(scheme string) []byte {
	type object = map[string]any
	profiles := object{}
	for role, model := range map[string]string{inProcess: "InProcess", outOfProcess: "OutOfProcess"} {
		profile := func(module object) object {
			return object{"commandName": "IISExpress", "ancmHostingModel": model, "gorun": object{"module": module}}
		}
		profiles[role] = profile(object{"processPath": filepath.Join(b.dir, "app")})
		profiles[role+ofGoProgram] = profile(object{})
	}
	text, _ := json.MarshalIndent(object{ // strings alone
		"iisSettings": object{"iisExpress": object{"applicationUrl": scheme + "://127.0.0.1:0"}},
		"profiles":    profiles,
	}, "", "  ")
	return text
}
