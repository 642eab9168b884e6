package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// apps are those that have one port.
type apps struct {
	scheme string
	list   []app
}

// app is one of them: what it has of the port, and its only page.
type app struct{ name, host, path, page string }

const host = "localhost"

// single is an app that has all of its port.
func single(scheme string) apps { return apps{scheme, []app{{"app", host, "/", "/"}}} }

// byHostAndPath are two apps that divide a host by path, and one with a host of its own.
func byHostAndPath() apps {
	a := byPath("http")
	a.list[2].host, a.list[2].path = "admin."+host, "/"
	return a
}

// byPath are three apps that divide a host by path.
func byPath(scheme string) apps {
	return apps{scheme, []app{
		{"blog", host, "/", "/posts"},
		{"shop", host, "/shop/", "/goods"},
		{"admin", host, "/admin/", "/users"},
	}}
}

// address is what the app is told to have of a port.
func (a app) address(scheme string, port int) string {
	return scheme + "://" + a.host + ":" + strconv.Itoa(port) + a.path
}

// target is the app's page as clients ask for it.
func (a app) target() load.Target {
	return load.Target{Host: a.host, Path: a.path[:len(a.path)-1] + a.page}
}

// requests are one for each app. The first app is at the host itself.
func (a apps) requests() (list []subject.Request) {
	for i, one := range a.list {
		r := subject.Request{Scheme: a.scheme, Method: http.MethodGet, Path: one.target().Path}
		if i > 0 {
			r.Host = one.host
		}
		list = append(list, r)
	}
	return list
}

// settings is a launchSettings.json with a profile for each app: an Executable, which has the same file as the other ways, and to
// which applicationUrl does not apply.
func (a apps) settings(program string, port int) []byte {
	type object = map[string]any
	profiles := object{}
	for _, one := range a.list {
		profiles[one.name] = object{
			"commandName": "Executable", "executablePath": program,
			"environmentVariables": object{urlsVariable: one.address(a.scheme, port), pageVariable: one.page},
			"gorun":                object{"server": "httpsys"},
		}
	}
	text, _ := json.MarshalIndent(object{"profiles": profiles}, "", "  ") // strings alone
	return text
}

// Variables of the app: where it listens, and what its page is.
const (
	urlsVariable = "ASPNETCORE_URLS"
	pageVariable = "BENCH_PAGE"
)

// The loads on several apps.
const (
	eachItsOwnScript = "each-its-own.lua"
	inTurnsScript    = "in-turns.lua"
)

// writeScript writes one of the scripts for wrk.
func writeScript(path, script string, a apps) error {
	var targets []load.Target
	for _, one := range a.list {
		targets = append(targets, one.target())
	}
	switch script {
	case eachItsOwnScript:
		return os.WriteFile(path, []byte(load.EachItsOwn(targets...)), 0o600)
	case inTurnsScript:
		return os.WriteFile(path, []byte(load.InTurns(targets...)), 0o600)
	}
	return fmt.Errorf("there is no script %s", script)
}
