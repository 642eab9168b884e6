//go:build linux || darwin

package httpsys_test

import (
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reference are the rows of servers.md that are about HTTP.sys: the tables of 4.1 to 4.3, the rule of 4.4, the tests that 4.5 names, what
// users ask about (7.3), and two of the quirks (9). One row may have several ids.
var reference = map[string]string{
	"H4.1-": `AllowSynchronousIO Authentication.AllowAnonymous Authentication.Schemes Authentication.AutomaticAuthentication
		ClientCertificateMethod EnableResponseCaching EnableKernelResponseBuffering Http503Verbosity MaxAccepts MaxConnections MaxConnections-change
		MaxRequestBodySize RequestQueueLimit RequestQueueName RequestQueueMode RequestQueueSecurityDescriptor ThrowWriteExceptions
		UseLatin1RequestHeaders UnsafePreferInlineScheduling Timeouts.EntityBody Timeouts.DrainEntityBody Timeouts.RequestQueue
		Timeouts.IdleConnection Timeouts.HeaderWait Timeouts.MinSendBytesPerSecond UrlPrefixes platform`,
	"H4.2-": `form punycode port-text missing path-base order sharing port-0 default precedence hot unmatched wildcard-warning`,
	"H4.3-": `urlacl sslcert busy attach delegation disconnect exception shutdown HTTP2 HTTP3 Windows-authentication headers read-chunk`,
	"H4.4-": `status max-age max-age-huge s-maxage s-maxage-preferred Expires Set-Cookie Vary Pragma no-Cache-Control only-public
		no-Content-Type flushed Expires-0 Expires-minus-1 Expires-past Expires-without-public SendFile-without-length per-URL authenticated`,
	"H4.5-": `Server_200OK Server_ConnectExistingQueueName-Attach Server_ConnectExistingQueueName-CreateOrAttach Server_SetQueueName
		Server_SendHelloWorld Server_EchoHelloWorld Server_ShutdownDuringRequest Server_DisposeWithoutStopDuringRequest_Aborts
		Server_ShutdownDuringLongRunningRequest Server_AppException Server_BadHttpRequestException Server_MultipleOutstandingAsyncRequests
		Server_ClientDisconnects Server_Abort Server_SetQueueLimit Server_SetHttp503VerbosityHittingThrottle
		Server_SetConnectionLimitArgumentValidation Server_SetConnectionLimitInfinite Server_MultipleStopAsyncCallsWaitForRequests
		Server_MultipleStopAsyncCallsCompleteOnCancellation-same-token Server_MultipleStopAsyncCallsCompleteOnCancellation-first-token
		Server_MultipleStopAsyncCallsCompleteOnCancellation-later-token Server_DisposeContinuesPendingStopAsyncCalls
		Server_StopAsyncCalledWithNoRequests Server_AttachToExistingQueue_NoDefault-Attach
		Server_AttachToExistingQueue_NoDefault-CreateOrAttach Server_UnsafePreferInlineScheduling

		Request_SimpleGet Request_FieldsCanBeSet Request_FieldsCanBeSetToNull Request_PathSplitting Request_PathSplitting-slashes
		Request_DoubleEscapingAllowed Request_FullUriInRequestLine Request_FullUriInRequestLineWithSlashesInQuery Request_MultiplePrefixes
		Request_UrlUnescaping Latin1UrlIsRejected Request_WithDoubleSlashes_LeftAlone Request_WithNavigation_Removed
		Request_WithEscapedNavigation_Removed Request_ControlCharacters_400 Request_EscapedControlCharacters_400
		RequestAborted_AfterAccessingProperty RequestAbortedDuringRead

		Caching_NoCacheControl Caching_JustPublic Caching_WithoutContentType Caching_WithoutContentType-Windows-7 Caching_MaxAge
		Caching_MaxAgeHuge Caching_SMaxAge Caching_SMaxAgeAndMaxAge Caching_Expires Caching_DisallowedResponseHeaders-cookie
		Caching_DisallowedResponseHeaders-vary Caching_DisallowedResponseHeaders-pragma Caching_InvalidExpires-0
		Caching_InvalidExpires-minus-1 Caching_ExpiresWithoutPublic Caching_MaxAgeAndExpires Caching_Flush Caching_WriteFullContentLength
		Caching_SendFileNoContentLength Caching_SendFileWithFullContentLength Caching_VariousStatusCodes

		ContentLengthEqualsLimit_ReadSync ContentLengthEqualsLimit_ReadAsync ContentLengthEqualsLimit_ReadBeginEnd
		ChunkedEqualsLimit_ReadSync ChunkedEqualsLimit_ReadAsync ChunkedEqualsLimit_ReadBeginEnd
		ContentLengthExceedsLimit_ReadSync ContentLengthExceedsLimit_ReadAsync ContentLengthExceedsLimit_ReadBeginEnd
		ChunkedExceedsLimit_ReadSync ChunkedExceedsLimit_ReadAsync ChunkedExceedsLimit_ReadBeginEnd
		Chunked_ReadSyncPartialBodyUnderLimit Chunked_ReadAsyncPartialBodyUnderLimit
		AdjustLimitPerRequest_ContentLength AdjustLimitPerRequest_Chunked

		DelegateRequestTest DelegateAfterWriteToResponseBodyShouldThrow WriteToBodyAfterDelegateShouldNoOp
		DelegateAfterRequestBodyReadShouldThrow DuplicateDelegationRuleTest DelegationFeaturesAreNull

		AuthTypes_AllowAnonymous_NoChallenge AuthType_RequireAuth_ChallengesAdded AuthType_AllowAnonymousButSpecify401_ChallengesAdded
		MultipleAuthTypes_AllowAnonymousButSpecify401_ChallengesAdded AuthTypes_AllowAnonymousButSpecify401_Success
		AuthTypes_RequireAuth_Success AuthTypes_AccessUserInOnCompleted_Success AuthTypes_AuthenticateWithNoUser_NoResults
		AuthTypes_AuthenticateWithUser_OneResult AuthTypes_ChallengeWithoutAuthTypes_AllChallengesSent
		AuthTypes_ChallengeWithAllAuthTypes_AllChallengesSent AuthTypes_OneChallengeSent AuthTypes_ChallengeWillAskForAllEnabledSchemes
		AuthTypes_Forbid_Forbidden AuthTypes_UnathorizedAuthenticatedAuthType_Unauthorized AuthTypes_DisableAutomaticAuthentication

		OpaqueUpgrade_DownLevel_FeatureIsAbsent OpaqueUpgrade_SupportKeys_Present OpaqueUpgrade_AfterHeadersSent_Throws
		OpaqueUpgrade_GetUpgrade OpaqueUpgrade_GetUpgrade_NotAffectedByMaxRequestBodyLimit OpaqueUpgrade_WithOnStarting
		OpaqueUpgrade_VariousMethods OpaqueUpgrade_InvalidMethodUpgrade`,
	"H7.3-": `1 2 3 4 5 6 7 8 9 10`,
	"Q":     `17 18`,
}

// ids gives all that the reference has.
func ids() []string {
	var all []string
	for section, names := range reference {
		for name := range strings.FieldsSeq(names) {
			all = append(all, section+name)
		}
	}
	return all
}

var (
	inNames = regexp.MustCompile(`(?m)^\s*(?:all\[)?"((?:H4\.\d|H7\.3|Q1)[^"]*)"(?::|\] =)`)
	oneTest = regexp.MustCompile(`^(\S+) (Test\w+)$`)
)

// TestRowsAreAllTested counts the rows.
func TestRowsAreAllTested(t *testing.T) {
	t.Parallel()
	own := ownRows(t)
	tested, others, count := 0, 0, map[string]int{}
	for _, id := range ids() {
		byOthers, reason := shownBy[id], reasonOf(id)
		switch {
		case count[id] > 0:
			t.Errorf("%s is twice in the reference", id)
		case own[id] != "" && reason != "":
			t.Errorf("%s has a test in %s, so it can exist", id, own[id])
		case byOthers != "" && (reason != "" || own[id] != ""):
			t.Errorf("%s is shown by %s, and more is said of it", id, byOthers)
		case own[id] != "":
			tested++
		case byOthers != "":
			isThere(t, id, byOthers)
			others++
		case reason == "":
			t.Errorf("%s has no test, and no reason why it cannot have one", id)
		}
		count[id]++
	}
	for id, file := range own {
		if count[id] == 0 {
			t.Errorf("%s has a test for %s, which the reference has not", file, id)
		}
	}
	for _, said := range []iter.Seq[string]{maps.Keys(shownBy), maps.Keys(different), maps.Keys(impossible)} {
		for id := range said {
			begin, more := strings.CutSuffix(id, "*")
			if count[id] == 0 && !(more && slices.ContainsFunc(ids(), func(id string) bool { return strings.HasPrefix(id, begin) })) {
				t.Errorf("%s is no row of the reference", id)
			}
		}
	}
	fmt.Printf("count: section 4 and 7.3 of servers.md: %d rows, of which %d are tested here, %d by other tests, %d differ and %d cannot exist, with reasons\n",
		len(count), tested, others, len(different), len(count)-tested-others-len(different))
}

// ownRows gives the ids that rows of this package's tests have, with their file.
func ownRows(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("rows_*_test.go")
	if err != nil || len(files) < 8 {
		t.Fatalf("got %v, %v", files, err)
	}
	found := map[string]string{}
	for _, file := range files {
		if file == "rows_count_test.go" || file == "rows_reasons_test.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range inNames.FindAllStringSubmatch(string(text), -1) {
			for id := range strings.SplitSeq(match[1], ", ") {
				if found[id] != "" {
					t.Errorf("%s has two tests", id)
				}
				found[id] = file
			}
		}
	}
	return found
}

// isThere says when one of the tests "file TestName; ..." is not there.
func isThere(t *testing.T, id, tests string) {
	t.Helper()
	for test := range strings.SplitSeq(tests, "; ") {
		parts := oneTest.FindStringSubmatch(test)
		if parts == nil {
			t.Errorf("%s: %q names no test", id, test)
			continue
		}
		text, err := os.ReadFile(parts[1])
		if err != nil || !strings.Contains(string(text), "\nfunc "+parts[2]+"(") {
			t.Errorf("%s: there is no %s in %s (%v)", id, parts[2], parts[1], err)
		}
	}
}
