package page

import "testing"

func TestClean(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"plain", "plain"},
		{"a\tb\nc", "a\tb\nc"},
		{"a\r\nb\r\n", "a\nb\n"},
		{"\x1b[31mred\x1b[0m", "red"},
		{"\x1b[38;2;1;2;3mred\x1b[m", "red"},
		{"\x1b[?25lcursor\x1b[?25h", "cursor"},
		{"\u009b1mbold", "bold"},
		{"\x1b]0;title\atext", "text"},
		{"\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"\x1b]0;never ends\nnext", "\nnext"},
		{"\x1bP1;2|device\x1b\\text", "text"},
		{"\x1b(Btext\x1b7\x1b8\x1b=", "text"},
		{"\x1b", ""},
		{"\x1b[", ""},
		{"\x1b[31", ""},
		{"\x1b\x1b[1mx", "x"},
		{"\x1bé", "é"},
		{"10%\r50%\r100%\ndone\r", "100%\ndone"},
		{"bell\a, back\b, null\x00, delete\x7f", "bell, back, null, delete"},
		{"over\u202eride\u2066\ufeff", "override"},
		{"line\u2028separator", "lineseparator"},
		{"👩\u200d💻 é ż", "👩\u200d💻 é ż"},
		{"bad \xff\xfe", "bad \uFFFD\uFFFD"},
	} {
		if got := clean(test[0]); got != test[1] {
			t.Errorf("clean(%q) is %q, want %q", test[0], got, test[1])
		}
	}
	if got := oneLine("a\nb\t\x1b[1mc\r\n"); got != "a b c" {
		t.Errorf("on one line it is %q", got)
	}
}
