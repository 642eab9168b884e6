package launchsettings

// ModuleKeys are the properties of the "module" object in "gorun". Names, ranges and defaults of those that a
// web.config has too are the reference's (reference: servers.md, 1.1).
func ModuleKeys() []Key {
	return []Key{
		{Name: "processPath", Type: "string", Default: "the Go program; where there is none, web.config's",
			Doc: "The program that an IISExpress or IIS profile starts in place of the Go program. A relative path is tried in the project folder, then a bare name is looked up in PATH. %NAME% is replaced. ANCM_LAUNCHER_PATH in the environment wins."},
		{Name: "arguments", Type: "string", Default: "none",
			Doc: "Arguments for the program, where commandLineArgs has none; split and replaced as those are. ANCM_LAUNCHER_ARGS in the environment wins."},
		{Name: "hostingModel", Type: "string", Enum: []string{InProcess, OutOfProcess}, Default: OutOfProcess,
			Doc: "The same as the profile's ancmHostingModel, which wins."},
		{Name: "startupTimeLimit", Type: "integer", Default: "120", Max: 3600,
			Doc: "How many seconds the program may take to listen. 0 is no time at all, not no limit."},
		{Name: "shutdownTimeLimit", Type: "integer", Default: "10", Max: 600,
			Doc: "How many seconds the program may take to finish its requests and end once it was asked to. Then it is killed."},
		{Name: "requestTimeout", Type: "string", Default: "00:02:00",
			Doc: "How long the program may take to answer, as hh:mm:ss up to 360:00:00. OutOfProcess only."},
		{Name: "rapidFailsPerMinute", Type: "integer", Default: "10", Max: 100,
			Doc: "How often the program may fail in a minute. After more it is not started again until the minute is over."},
		{Name: "processesPerApplication", Type: "integer", Default: "1", Min: 1, Max: 100,
			Doc: "How many processes run the program; requests go to each in turn. InProcess has one."},
		{Name: "stdoutLogEnabled", Type: "boolean", Default: "false",
			Doc: "Whether what the program prints also goes to a file."},
		{Name: "stdoutLogFile", Type: "string", Default: `.\aspnetcore-stdout`,
			Doc: "That file, relative to the project folder; the time and a process id are added to its name. %NAME% is replaced."},
		{Name: "disableStartUpErrorPage", Type: "boolean", Default: "false",
			Doc: "Whether a request gets a plain 502 in place of the page that says why the program did not start."},
		{Name: "forwardWindowsAuthToken", Type: "boolean", Default: "true",
			Doc: "Accepted and without effect: gorun's front knows no Windows authentication."},
		{Name: "environmentVariables", Type: "variables", Default: "none",
			Doc: "Variables for the program. They win over web.config's and over the environment that gorun was started with; the profile's own environmentVariables win over them. %NAME% in a value is replaced."},
		{Name: "handlerSettings", Type: "variables", Default: "none",
			Doc: "The module's finer settings by name, as in web.config: " + joinAnd(handlerSettings) + ". docs/module-settings.md says which of them gorun acts on. Other names are a warning."},
		{Name: "maxAllowedContentLength", Type: "integer", Default: "30000000", Max: 4294967295,
			Doc: "The largest body of a request that the front lets pass, in bytes. In a web.config it stands in requestFiltering."},
		{Name: "clientCertificateMode", Type: "string", Enum: ClientCertificateModes(), Default: "NoCertificate",
			Doc: "Whether clients of https show a certificate: they are not asked, they may show one that the system trusts, or they must. The program sees it out-of-process in MS-ASPNETCORE-CLIENTCERT, and in-process asks for it itself. In a web.config it is sslFlags of <access>: SslNegotiateCert or SslRequireCert."},
		{Name: "applicationPath", Type: "string", Default: "the path of the first address, or /",
			Doc: "The path below which the program answers: \"/\", or such as \"/sub\". gorun's own setting."},
		{Name: "preload", Type: "boolean", Default: "false",
			Doc: "Whether the program is started at once, not by the first request. gorun's own setting."},
		{Name: "protocols", Type: "string", Enum: moduleProtocols(), Default: "Http1AndHttp2",
			Doc: "What the front speaks with clients, in Kestrel's words. gorun's own setting."},
		{Name: "detailedErrors", Type: "boolean", Default: "true in Development, or when ASPNETCORE_DETAILEDERRORS says so; else false",
			Doc: "Whether error pages show the end of what the program printed. gorun's own setting."},
		{Name: "webConfig", Type: "string", Default: "web.config in the project folder, when there is one",
			Doc: "The web.config to read, relative to the project folder; an empty string reads none. gorun's own setting."},
	}
}

func moduleProtocols() []string {
	return []string{"Http1", "Http2", "Http1AndHttp2", "Http1AndHttp2AndHttp3"}
}

// ModuleRange gives the least and the most that an integer of the module may be.
func ModuleRange(name string) (low, high int64) {
	for _, k := range ModuleKeys() {
		if k.Name == name {
			return k.Min, k.Max
		}
	}
	return 0, 0
}
