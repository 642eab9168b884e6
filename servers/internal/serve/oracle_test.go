package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// oracleCase is a line of kestrel-http1.jsonl; KESTREL.md beside it explains the fields.
type oracleCase struct {
	ID          string
	Row         string
	Head        []int
	Steps       []oracleStep
	WaitMS      int `json:"wait_ms"`
	Kestrel     oracleAnswer
	KestrelAlso []oracleAnswer `json:"kestrel_also"`
}

type oracleStep struct {
	Send          packed
	ShutdownWrite bool  `json:"shutdown_write"`
	PauseMS       int   `json:"pause_ms"`
	Read          *bool `json:"read"`
}

type oracleAnswer struct {
	Responses  []oracleResponse
	OtherBytes packed `json:"other_bytes"`
	Closed     bool
	AfterMS    int `json:"after_ms"`
}

type oracleResponse struct {
	Status   int
	Headers  map[string]string
	BodyLen  int    `json:"body_len"`
	BodyHead packed `json:"body_head"`
	Times    int
}

func loadOracle(t *testing.T) []oracleCase {
	t.Helper()
	shared := cmp.Or(os.Getenv("GORUN_SHARED"), filepath.FromSlash("../../../../shared"))
	data, err := os.ReadFile(filepath.Join(shared, "oracle", "kestrel-http1.jsonl"))
	if err != nil && os.Getenv("GORUN_CI") == "" {
		t.Skipf("no answers of Kestrel to compare with (set GORUN_SHARED): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var cases []oracleCase
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var c oracleCase
		if err := d.Decode(&c); err == io.EOF {
			return cases
		} else if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
}

// slow reports whether the case takes longer than some seconds, by design.
func (c *oracleCase) slow() bool {
	total := c.WaitMS
	for _, s := range c.Steps {
		total += s.PauseMS
	}
	return total > 4000 || c.Kestrel.AfterMS > 3000
}

// packed is the file's form of bytes: a string, or {"repeat","count"}, or a list of both.
type packed []byte

func (p *packed) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, part := range list {
		part := bytes.TrimSpace(part)
		repeat := struct {
			Repeat string
			Count  int
		}{Count: 1}
		into := any(&repeat.Repeat)
		if part[0] == '{' {
			into = &repeat
		}
		if err := json.Unmarshal(part, into); err != nil {
			return err
		}
		*p = append(*p, bytes.Repeat(latin1(repeat.Repeat), repeat.Count)...)
	}
	return nil
}

func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}
