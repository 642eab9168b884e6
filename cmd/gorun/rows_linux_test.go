package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// These tests run the real gorun as the front of a program, with settings as users write them. The ids are those of the
// reference's own tests (reference: servers.md, 8).

// published is a site with no Go program in it, but with the app under each of the names, and a web.config.
func published(t *testing.T, hosting, webConfig string, names ...string) *site {
	t.Helper()
	s := newSite(t, express(hosting, "", ""), nil)
	if webConfig != "" {
		s.write("web.config", "<configuration><system.webServer>"+webConfig+"</system.webServer></configuration>")
	}
	for _, name := range names {
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(sampleApp(t, "behind"), path); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// with adds variables to gorun's environment, in which {dir} is the project folder.
func (s *site) with(env ...string) *site {
	for _, v := range env {
		s.env = append(s.env, strings.ReplaceAll(v, "{dir}", s.dir))
	}
	return s
}

// page is what the front answers, whatever that is.
func (f *fronted) page(path string) (status int, body string) {
	f.t.Helper()
	status, body, err := f.get(path)
	if err != nil {
		f.t.Fatal(err)
	}
	return status, body
}

// inBoth runs a test with each hosting model.
func inBoth(t *testing.T, test func(t *testing.T, hosting string)) {
	t.Helper()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			test(t, hosting)
		})
	}
}

// What web.config and the environment may say of the program.
func TestModuleProgram(t *testing.T) {
	t.Parallel()
	const unicode = "π ≠ 3·14 dir"
	for _, c := range []struct {
		name      string
		place     string // where the app is in the folder
		path      string // processPath; {dir} is the folder
		arguments string
		env       []string
		want      []string // the arguments that the app sees
	}{
		{"S2, without the ending", "behind", `.\behind.exe`, "", nil, nil},
		{"S3, on PATH", "bin/behind", "behind", "", []string{"PATH={dir}/bin"}, nil},
		{"S6, native program", "behind.exe", `.\behind.exe`, "", nil, nil},
		{"S18, in a sub-directory", "sub/behind", `sub\behind`, "extra arguments", nil, []string{"extra", "arguments"}},
		{"S18, interpreted", unicode + "/behind", "sh", `-c &quot;exec './` + unicode + `/behind' extra arguments&quot;`, nil, []string{"extra", "arguments"}},
		{"S18, absolute path", unicode + "/behind", "{dir}/" + unicode + "/behind", "extra arguments", nil, []string{"extra", "arguments"}},
		{"S18, quoted argument", "behind", "behind", "&quot;extra argument&quot;", nil, []string{"extra argument"}},
		{"S19, relative", unicode + "/behind", unicode + `\behind`, "&quot;extra argument&quot; more", nil, []string{"extra argument", "more"}},
		{"S27, the launcher's", "behind", "nope", "nope", []string{"ANCM_LAUNCHER_PATH={dir}/behind", "ANCM_LAUNCHER_ARGS=of the launcher"}, []string{"of", "the", "launcher"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(t *testing.T, hosting string) {
				s := published(t, hosting, "", c.place).with(c.env...)
				s.write("web.config", fmt.Sprintf(`<configuration><system.webServer><aspNetCore processPath="%s" arguments="%s"/></system.webServer></configuration>`,
					strings.ReplaceAll(c.path, "{dir}", s.dir), c.arguments))
				f := s.start()
				var got []string
				if err := json.Unmarshal([]byte(f.ok("/args")), &got); err != nil || !slices.Equal(got, c.want) {
					t.Errorf("the app has the arguments %q, want %q, %v", got, c.want, err)
				}
			})
		})
	}
}

// S4: the module can be switched off for all of an environment.
func TestS4_DoesNotStartIfDisabled(t *testing.T) {
	t.Parallel()
	f := published(t, "OutOfProcess", `<aspNetCore processPath="behind"/>`, "behind").with("GORUN_DISABLE_ANCM=1").
		begin(exec.Command(gorunBinary(t), "-lp", "x"))
	<-f.ended
	if code := f.cmd.ProcessState.ExitCode(); code == 0 || !strings.Contains(f.stderr.String(), "the ASP.NET Core Module is disabled here: GORUN_DISABLE_ANCM is set") ||
		!strings.Contains(f.stderr.String(), "hint: unset GORUN_DISABLE_ANCM") {
		t.Errorf("exit status %d, %s", code, f.stderr.String())
	}
}

// S22, S23, S25: who may read what a program said before it failed.
func TestS22_S23_S25_Details(t *testing.T) {
	t.Parallel()
	const plain = `<aspNetCore processPath="behind"/>`
	for _, c := range []struct {
		name, env, config string
		shown             bool
	}{
		{"S22 Development", "ASPNETCORE_ENVIRONMENT=Development", plain, true},
		{"S22 deVelopment", "DOTNET_ENVIRONMENT=deVelopment", plain, true},
		{"S22 1", "ASPNETCORE_DETAILEDERRORS=1", plain, true},
		{"S22 TRUE", "ASPNETCORE_DETAILEDERRORS=TRUE", plain, true},
		{"S23 web.config", "A=", `<aspNetCore processPath="behind"><environmentVariables><environmentVariable name="ASPNETCORE_DETAILEDERRORS" value="TRUE"/></environmentVariables></aspNetCore>`, true},
		{"S25 nothing", "ASPNETCORE_ENVIRONMENT=Staging", plain, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(t *testing.T, hosting string) {
				f := published(t, hosting, c.config, "behind").with("BEHIND_PANIC=1", c.env).start()
				status, body := f.page("/")
				if shown := strings.Contains(body, "panic: From Configure") && strings.Contains(body, "main.configure"); status < 500 || shown != c.shown {
					t.Errorf("got %d %s", status, body)
				}
				f.within("gorun to tell", func() bool { return strings.Contains(f.stderr.String(), "panic: From Configure") })
			})
		})
	}
}

// S25: callStartupHook=false hides in-process what the environment would show.
func TestS25_StartupHookDisabled(t *testing.T) {
	t.Parallel()
	f := published(t, "InProcess", `<aspNetCore processPath="behind"><handlerSettings><handlerSetting name="callStartupHook" value="false"/></handlerSettings></aspNetCore>`, "behind").
		with("BEHIND_PANIC=1", "ASPNETCORE_ENVIRONMENT=Development").start()
	if status, body := f.page("/"); status != http.StatusInternalServerError || strings.Contains(body, "From Configure") {
		t.Errorf("got %d %s", status, body)
	}
}

// S12, S20, S30, S42: what only handler settings and variables say.
func TestModuleSettings(t *testing.T) {
	t.Parallel()
	handler := func(name, value string) string {
		return fmt.Sprintf(`<aspNetCore processPath="behind" startupTimeLimit="1"><handlerSettings><handlerSetting name="%s" value="%s"/></handlerSettings></aspNetCore>`, name, value)
	}
	t.Run("S12 suppressRecycleOnStartupTimeout", func(t *testing.T) {
		t.Parallel()
		f := published(t, "InProcess", handler("suppressRecycleOnStartupTimeout", "true"), "behind").with("BEHIND_START_WHEN={dir}/now").start()
		if _, body := f.page("/"); !strings.Contains(body, "500.37") {
			t.Errorf("got %s", body)
		}
		f.write("now", "")
		f.within("the app to serve", func() bool {
			_, body := f.page("/")
			return body == "behind"
		})
	})
	t.Run("S20 setCurrentDirectory", func(t *testing.T) {
		t.Parallel()
		s := published(t, "InProcess", handler("setCurrentDirectory", "false"), "behind")
		dir, elsewhere := s.dir, t.TempDir()
		s.dir = elsewhere
		f := s.start("--launch-settings", filepath.Join(dir, "Properties", "launchSettings.json"))
		if got := f.ok("/dir"); got != elsewhere {
			t.Errorf("the app runs in %s, not in %s", got, elsewhere)
		}
		if got := f.ok("/env?name=ASPNETCORE_IIS_PHYSICAL_PATH"); got != dir {
			t.Errorf("the application's folder is %s, not %s", got, dir)
		}
	})
	t.Run("S30 ANCM_ADDITIONAL_ERROR_PAGE_LINK", func(t *testing.T) {
		t.Parallel()
		f := published(t, "OutOfProcess", `<aspNetCore processPath="behind"/>`, "behind").
			with("BEHIND_EXIT=1", "ANCM_ADDITIONAL_ERROR_PAGE_LINK=https://example.com/help").start()
		if status, body := f.page("/"); status != http.StatusBadGateway || !strings.Contains(body, "HTTP Error 502.5") || !strings.Contains(body, "https://example.com/help") {
			t.Errorf("got %d %s", status, body)
		}
	})
	t.Run("S42 forwardResponseConnectionHeader", func(t *testing.T) {
		t.Parallel()
		f := published(t, "OutOfProcess", handler("forwardResponseConnectionHeader", "true"), "behind").start()
		resp, err := f.client.Get(f.url + "/goodbye")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if !resp.Close {
			t.Errorf("the front keeps the field: %v", resp.Header)
		}
	})
}

// L3, L4, L5, L6: the module's own log goes where handler settings or the environment want it.
func TestModuleDebugLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, level, file string   // in web.config
		env               []string // {dir} is the folder
		want              map[string]string
	}{
		{"L3 debugFile", "file", `sub π\debug.txt`, nil, map[string]string{"sub π/debug.txt": "process started successfully"}},
		{"L4 the usual file", "file,info", "", nil, map[string]string{"aspnetcore-debug.log": "process started successfully"}},
		{"L4 environment", "", "", []string{"ASPNETCORE_MODULE_DEBUG=file"}, map[string]string{"aspnetcore-debug.log": "process started successfully"}},
		{"L5 switched", "file", "second.log", []string{"ASPNETCORE_MODULE_DEBUG_FILE={dir}/first.log"},
			map[string]string{"first.log": "switching the log to another file", "second.log": "process started successfully"}},
		{"L6 event log", "file,eventlog", "", nil, map[string]string{"aspnetcore-debug.log": "process started successfully", "stderr": "there is no event log here: EVENTLOG is stderr"}},
		{"L6 console", "warning,console", "", nil, map[string]string{"stderr": "gorun: module: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(t *testing.T, hosting string) {
				f := published(t, hosting, fmt.Sprintf(`<aspNetCore processPath="behind"><handlerSettings><handlerSetting name="debugLevel" value="%s"/><handlerSetting name="debugFile" value="%s"/></handlerSettings></aspNetCore>`, c.level, c.file), "behind").with(c.env...).start()
				f.ok("/")
				f.await(event.ProcessReady, 1) // in-process the app may answer before the front knows
				f.signal(syscall.SIGTERM)
				f.exits(0)
				for file, part := range c.want {
					text := f.stderr.String()
					if file != "stderr" {
						data, err := os.ReadFile(filepath.Join(f.dir, file))
						if err != nil {
							t.Fatal(err)
						}
						text = string(data)
					}
					if !strings.Contains(text, part) || !strings.Contains(text, "the module's log begins") {
						t.Errorf("%s has no %q:\n%s", file, part, text)
					}
				}
			})
		})
	}
}

// A log that cannot be written is a warning, and so is a word that says nothing; the app runs.
func TestModuleDebugLogMistakes(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		`name="debugLevel" value="WARN"`:                "debugLevel has no word \"WARN\"\nhint: it is a list of ERROR, WARNING,",
		`name="debugFile" value="web.config/below.log"`: "the module's log is not written: mkdir ",
	} {
		f := published(t, "OutOfProcess", `<aspNetCore processPath="behind"><handlerSettings><handlerSetting `+setting+`/></handlerSettings></aspNetCore>`, "behind").start()
		f.ok("/")
		f.says(want)
	}
}

// D19: the app goes with gorun, however that ends.
func TestD19_TheAppGoesWithGorun(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"D19 interrupted": syscall.SIGINT, "D19 terminated": syscall.SIGTERM, "D19 killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(t *testing.T, hosting string) {
				env := []string{"BEHIND_CHILD=1"}
				if signal == syscall.SIGKILL {
					env = append(env, "BEHIND_IGNORE_STOP=1")
				}
				f := published(t, hosting, `<aspNetCore processPath="behind"/>`, "behind").with(env...).start()
				pid := f.ok("/pid")
				f.signal(signal)
				<-f.ended
				nothingLeft(t, []string{pid})
			})
		})
	}
}

// T1, T2: the certificate of a client, asked for by web.config or by the profile, and signed by whom the system trusts.
func TestT1_T2_ClientCertificates(t *testing.T) {
	t.Parallel()
	ca := certificateFiles(t)
	inBoth(t, func(t *testing.T, hosting string) {
		for flags, isRequired := range map[string]bool{"Ssl,SslNegotiateCert": false, "Ssl,SslNegotiateCert,SslRequireCert": true} {
			f := published(t, hosting, `<security><access sslFlags="`+flags+`"/></security><aspNetCore processPath="behind"/>`, "behind").
				with("SSL_CERT_FILE="+filepath.Join(ca, "ca.pem"), "GORUN_DATA={dir}/data", "CAROOT=").start("--urls", "https://127.0.0.1:0")
			f.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			resp, err := f.client.Get(f.url + "/certificate")
			if isRefused := err != nil; isRefused != isRequired {
				t.Errorf("%s, without one: %v", flags, err)
			}
			if err == nil {
				text, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(text) != "Disabled" {
					t.Errorf("%s, without one: %s", flags, text)
				}
			}
			certificate, err := tls.LoadX509KeyPair(filepath.Join(ca, "client.pem"), filepath.Join(ca, "client.key"))
			if err != nil {
				t.Fatal(err)
			}
			f.client.CloseIdleConnections()
			f.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}}
			if got, want := f.ok("/certificate"), fmt.Sprintf("%x", sha256.Sum256(certificate.Certificate[0])); got != want {
				t.Errorf("%s: got %s, want %s", flags, got, want)
			}
		}
	})
}

// certificateFiles makes an authority and a client's certificate by openssl, which is what people make them with.
func certificateFiles(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		missing(t, "openssl is not installed: apt-get install openssl")
	}
	dir := t.TempDir()
	for _, args := range []string{
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
		"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -out client.csr -subj /CN=alice",
		"x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out client.pem",
	} {
		cmd := exec.Command("openssl", strings.Fields(args)...)
		var said bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args, err, said.String())
		}
	}
	return dir
}
