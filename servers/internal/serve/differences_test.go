package serve

// differences has the cases in which we answer otherwise than Kestrel, each with the reason why that is as safe or safer.
// Two things that differ in many cases are not compared: the status line of a response to HTTP/1.0 (net/http writes
// HTTP/1.0), and whether a response is framed by its length or in chunks.
var differences = map[string]string{
	"header-name-paren": "stricter: a name that is no token is refused, which net/http would do as well",
	"header-value-ctl":  "stricter: a control character in a value is refused, which net/http would do as well",
	"length-plus":       "stricter: not everybody in front of us reads +5 as 5",
	"te-twice":          "stricter: 501, for we would undo one of two codings",
	"te-gzip-chunked":   "stricter: 501, for the app would get a body that it does not know to be packed",
	"te-http10":         "stricter: RFC 9112, 6.1 calls this framing faulty; the connection ends in both",

	"chunk-size-9-digits":    "400 and not 500: the client is at fault; both close",
	"chunk-size-80000000":    "413 and not 500: the chunk is beyond the limit; both close",
	"chunk-trailer-bad-utf8": "400 and not 500: the client is at fault; both close",

	"time-unread-close-none": "the end of the stream is sent with the response; the body is drained behind it, as long as there",

	"upgrade-h2c": "the app sees the whole Connection field; Kestrel keeps the words that it knows",
}
