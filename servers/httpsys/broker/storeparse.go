package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// parseStore reads a file of settings. Everything that is wrong is reported, joined, each a *StoreError with its place.
// Fields that are unknown or stand twice are wrong: a word that is misspelt would count for nothing.
func parseStore(file string, data []byte) (*settings, error) {
	p := storeParser{file: file, data: data, decoder: json.NewDecoder(bytes.NewReader(data)), now: &settings{}}
	p.decoder.DisallowUnknownFields()
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil { // the decoder does not say where
		p.wrong(0, err)
	} else {
		p.object()
	}
	if err := errors.Join(p.problems...); err != nil {
		return nil, err
	}
	return p.now, nil
}

// storeParser collects what is in a file and what is wrong with it.
type storeParser struct {
	file     string
	data     []byte
	decoder  *json.Decoder
	now      *settings
	problems []error
}

// wrong notes a problem. Behind a value of the wrong kind reading goes on.
func (p *storeParser) wrong(offset int64, err error) {
	e := &StoreError{File: p.file, Err: err}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = s.Offset - 1
		if offset >= int64(len(p.data))-1 && strings.HasPrefix(s.Error(), "unexpected end") {
			offset, e.Err = int64(len(p.data)), errors.New("the file ends too early")
		}
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Err = fmt.Errorf("%s wants a %s, not a %s", t.Field, t.Type, t.Value)
		if t.Field == "" {
			e.Err = fmt.Errorf("here should be an object, not a %s", t.Value)
		}
	}
	before := p.data[:max(0, min(int(offset), len(p.data)))]
	e.Line = 1 + bytes.Count(before, []byte("\n"))
	e.Column = len(before) - bytes.LastIndexByte(before, '\n')
	p.problems = append(p.problems, e)
}

// next is where the next value or key begins.
func (p *storeParser) next() int64 {
	at := p.decoder.InputOffset()
	return at + int64(len(p.data[at:])-len(bytes.TrimLeft(p.data[at:], " \t\r\n,:")))
}

// delim takes a bracket. An error is noted already.
func (p *storeParser) delim(want json.Delim) error {
	at := p.next()
	token, err := p.decoder.Token()
	if err == nil && token != want {
		err = fmt.Errorf("here should be %v", want)
	}
	if err != nil {
		p.wrong(at, err)
	}
	return err
}

// object reads the whole file, whose syntax is good.
func (p *storeParser) object() {
	if p.delim('{') != nil {
		return
	}
	seen := map[string]bool{}
	for p.decoder.More() {
		at := p.next()
		token, _ := p.decoder.Token() // a string
		key, _ := token.(string)
		if seen[key] {
			p.wrong(at, fmt.Errorf("%q stands twice", key))
		}
		seen[key] = true
		var err error
		switch key {
		case "sslcert":
			err = list(p, p.addCert)
		case "urlacl":
			err = list(p, p.addACL)
		default:
			p.wrong(at, fmt.Errorf("%q is unknown here; there are sslcert and urlacl", key))
			err = p.decoder.Decode(new(json.RawMessage))
		}
		if err != nil {
			return // it is noted
		}
	}
}

// list reads an array, and has each element added. An error is noted already, and ends the reading.
func list[T any](p *storeParser, add func(T) error) error {
	if err := p.delim('['); err != nil {
		return err
	}
	for p.decoder.More() {
		at := p.next()
		var raw json.RawMessage
		if err := p.decoder.Decode(&raw); err != nil {
			p.wrong(at, err)
			return err
		}
		one, err := strictly[T](raw)
		if err == nil {
			err = add(one)
		}
		if err != nil {
			p.wrong(at, err)
		}
	}
	return p.delim(']')
}

// strictly decodes one element. Its syntax is good.
func strictly[T any](raw []byte) (one T, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err = d.Decode(&one)
	if err != nil && strings.HasPrefix(err.Error(), "json: unknown field") {
		err = errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return one, err
}

func (p *storeParser) addCert(c SSLCert) error {
	b, err := parseBinding(c)
	if err != nil {
		return err
	}
	if p.now.certs.byName(b.Name()) != nil {
		return fmt.Errorf("%s is bound twice", b.Name())
	}
	p.now.certs = append(p.now.certs, b)
	return nil
}

func (p *storeParser) addACL(a URLACL) error {
	r, err := parseReservation(a)
	if err != nil {
		return err
	}
	if p.now.acls.same(r.prefix) >= 0 {
		return fmt.Errorf("%s is reserved twice", r.URL)
	}
	p.now.acls = append(p.now.acls, r)
	return nil
}
