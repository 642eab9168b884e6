package ui

import (
	"bytes"
	"encoding/json"
)

// JSON writes a value to stdout as indented JSON, with a line ending. Characters such as & and < stay readable.
func (u *UI) JSON(v any) error {
	text, err := encoded(v, "  ")
	if err == nil {
		_, err = u.out.w.Write(text)
	}
	return err
}

// JSONLine writes a value to stdout as JSON on one line.
func (u *UI) JSONLine(v any) error {
	text, err := encoded(v, "")
	if err == nil {
		_, err = u.out.w.Write(text)
	}
	return err
}

// encoded ends with a line feed.
func encoded(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return b.Bytes(), err
}
