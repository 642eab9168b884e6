package webconfig

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// span is a range of bytes of the text.
type span struct{ start, end int }

// element is an element of the document. encoding/xml says where a tag stands, but not where its attributes do.
type element struct {
	name       string
	at         span // of its name
	attributes []attribute
	children   []*element
}

// attribute is one of an element's attributes, by the name that is written.
type attribute struct {
	name  string
	at    span // of the name
	value string
	place span // of the value, without its quotes
}

func (e *element) named(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

func (e *element) attribute(name string) (attribute, bool) {
	i := slices.IndexFunc(e.attributes, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return e.attributes[i], true
}

// parseXML reads the whole text as one XML document and returns its root, or the first thing that is wrong with it.
func parseXML(text *launchsettings.Text) (*element, *diagnostic.Diagnostic) {
	data := text.Bytes()
	dec := xml.NewDecoder(bytes.NewReader(data))
	// The text is UTF-8 by now, whatever the declaration says that it was.
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	var document tree
	for {
		start := int(dec.InputOffset())
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		end := int(dec.InputOffset())
		wrong := document.add(data, span{start, end}, token)
		if err != nil {
			wrong = fault(data, start, end, err)
		}
		if wrong != nil {
			d := text.Diagnose("xml-syntax", diagnostic.Error, wrong.at.start, wrong.at.end, wrong.message, wrong.suggestion)
			return nil, &d
		}
	}
	if document.root == nil {
		d := text.Diagnose("xml-syntax", diagnostic.Error, 0, 0, "the file has no element", `remove it; "gorun init --web-config" writes a first one`)
		return nil, &d
	}
	return document.root, nil
}

// mistake is what is wrong with a text.
type mistake struct {
	at                  span
	message, suggestion string
}

// tree grows by the tokens of a document.
type tree struct {
	root *element
	open []*element // the innermost last
}

// add adds one token, which stands at at, and says what encoding/xml has let pass.
func (t *tree) add(data []byte, at span, token xml.Token) *mistake {
	switch token := token.(type) {
	case xml.StartElement:
		if t.root != nil && len(t.open) == 0 {
			return &mistake{at, "a second element stands beside the first", ""}
		}
		e := newElement(data, at, token)
		if twice, ok := repeated(e.attributes); ok {
			return &mistake{twice.at, fmt.Sprintf("the attribute %q stands here a second time", twice.name), "remove one of them"}
		}
		if t.root == nil {
			t.root = e
		} else {
			parent := t.open[len(t.open)-1]
			parent.children = append(parent.children, e)
		}
		t.open = append(t.open, e)
	case xml.EndElement:
		t.open = t.open[:len(t.open)-1]
	case xml.CharData:
		if text := bytes.TrimLeft(token, " \t\r\n"); len(t.open) == 0 && len(text) > 0 {
			first := at.start + len(token) - len(text)
			return &mistake{span{first, first + 1}, "text stands outside the root element", ""}
		}
	}
	return nil
}

// fault says where the decoder gave up and why, in a person's words. The decoder had read from start to end.
func fault(data []byte, start, end int, err error) *mistake {
	for _, marker := range []string{"<<<<<<<", "=======", ">>>>>>>"} {
		if rest := data[min(start, len(data)):]; bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(marker)) {
			start += len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
			return &mistake{span{start, start + len(marker)}, "a merge conflict marker stands here", "resolve the conflict and remove the marker lines"}
		}
	}
	message, suggestion := strings.TrimPrefix(err.Error(), "xml: "), ""
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		message = syntax.Msg
	}
	if strings.Contains(message, "unexpected EOF") {
		message = "the file ends, but not all elements are closed"
	}
	if strings.Contains(message, "illegal character code") { // which is looked for at the end of a text
		if i := bytes.IndexFunc(data[start:], func(r rune) bool { return !inXML(r) }); i >= 0 {
			end = start + i + 1
		}
		suggestion = "the file may be damaged, or be no text at all"
	}
	if strings.Contains(message, "closed by") {
		return &mistake{span{start, end}, "this is no XML: " + message, ""}
	}
	if strings.Contains(message, "character entity") {
		suggestion = "an ampersand by itself is written &amp;"
	}
	if strings.Contains(message, "unescaped <") {
		suggestion = "in a value it is written &lt;"
	}
	return &mistake{span{max(0, end-1), end}, "this is no XML: " + message, suggestion}
}

// newElement makes an element of the tag that stands at at.
func newElement(data []byte, at span, token xml.StartElement) *element {
	tag, start := data[at.start:at.end], at.start
	nameEnd := 1 + nameLength(tag[1:])
	e := &element{name: token.Name.Local, at: span{start + 1, start + nameEnd}}
	i := nameEnd
	for _, attr := range token.Attr {
		a := attribute{value: attr.Value}
		i += blanks(tag[i:])
		n := nameLength(tag[i:])
		a.name, a.at = string(tag[i:i+n]), span{start + i, start + i + n}
		i += n
		i += blanks(tag[i:]) + 1 // the equals sign
		i += blanks(tag[i:])
		quote := tag[i]
		i++
		n = bytes.IndexByte(tag[i:], quote)
		a.place = span{start + i, start + i + n}
		i += n + 1
		e.attributes = append(e.attributes, a)
	}
	return e
}

func nameLength(s []byte) int {
	if i := bytes.IndexAny(s, " \t\r\n=/>"); i >= 0 {
		return i
	}
	return len(s)
}

func blanks(s []byte) int { return len(s) - len(bytes.TrimLeft(s, " \t\r\n")) }

// repeated is the first attribute whose name stands before it already, which encoding/xml lets pass.
func repeated(list []attribute) (attribute, bool) {
	for i, a := range list {
		if slices.ContainsFunc(list[:i], func(b attribute) bool { return a.name == b.name }) {
			return a, true
		}
	}
	return attribute{}, false
}
