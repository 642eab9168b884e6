package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tool is a program of the system.
type tool struct {
	path string
	ask  bool // it may ask on the terminal
}

// find finds a program, also in the folders for administrators, which PATH of others often lacks.
func find(name string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/opt/homebrew/opt/nss/bin", "/usr/local/opt/nss/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, true
		}
	}
	return "", false
}

// run runs it to its end and gives what it printed. An error holds the first line of its complaint.
func (t tool) run(ctx context.Context, args ...string) (string, error) {
	limit := patience
	if t.ask {
		limit = patienceAsked
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.WaitDelay = 5 * time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if t.ask {
		cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	}
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	if ctx.Err() != nil {
		err = errors.New("it took too long")
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n"); line != "" {
		return out.String(), fmt.Errorf("%s: %s", filepath.Base(t.path), line)
	}
	return out.String(), fmt.Errorf("%s: %w", filepath.Base(t.path), err)
}

// temporary writes a certificate to a file that done deletes.
func temporary(cert *x509.Certificate) (path string, done func(), err error) {
	f, err := os.CreateTemp("", "gorun-ca-*.pem")
	if err != nil {
		return "", nil, err
	}
	_, err = f.Write(encoded(cert))
	if err := errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return "", nil, err
	}
	return f.Name(), func() { _ = os.Remove(f.Name()) }, nil
}

func encoded(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// decoded reads the certificates of a PEM text, passing over what is none.
func decoded(data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return certs
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
}

func todo(err error) []string {
	if e, ok := errors.AsType[*storeError](err); ok {
		return e.todo
	}
	return nil
}

// quoted makes a word safe to paste into a shell.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func command(words ...string) string {
	for i, word := range words {
		words[i] = quoted(word)
	}
	return strings.Join(words, " ")
}
