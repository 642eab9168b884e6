package servertest

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// echoFrames is a WebSocket server that sends frames back until it gets one that closes.
func echoFrames(e *env) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			e.Errorf("Hijack: %v", err)
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(limit))
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		for {
			if rw.Flush() != nil {
				return // the client misses it, also when the case has ended
			}
			opcode, payload, err := readFrame(rw.Reader)
			if err != nil || opcode == opClose {
				return
			}
			writeFrame(rw, opcode, payload, false)
		}
	}
}

const (
	opText  = 1
	opClose = 8
)

// writeFrame writes one frame of less than 65,536 bytes (RFC 6455, 5.2). Those of a client are masked.
func writeFrame(w io.Writer, opcode byte, payload []byte, masked bool) {
	head := []byte{0x80 | opcode, 126}
	head = binary.BigEndian.AppendUint16(head, uint16(len(payload)))
	payload = append([]byte(nil), payload...)
	if masked {
		head[1] |= 0x80
		mask := []byte{1, 2, 3, 4}
		head = append(head, mask...)
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
	}
	w.Write(append(head, payload...))
}

// readFrame reads what writeFrame writes.
func readFrame(r *bufio.Reader) (opcode byte, payload []byte, err error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	if head[1]&0x7f != 126 {
		return 0, nil, fmt.Errorf("a frame of %d", head[1])
	}
	mask := make([]byte, 4)
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask); err != nil {
			return 0, nil, err
		}
	}
	payload = make([]byte, binary.BigEndian.Uint16(head[2:]))
	_, err = io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return head[0] & 0xf, payload, err
}

// talk shakes hands and has n messages sent back.
func (w *wire) talk(n int) {
	w.env.Helper()
	w.send("%s", webSocket)
	head := strings.Join(w.head(), "\n")
	const accept = "\nsec-websocket-accept: " // names are in any case (RFC 6455, 4.1)
	at := strings.Index(strings.ToLower(head), accept)
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || at < 0 || !strings.HasPrefix(head[at+len(accept):], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
		w.env.Fatalf("got %s", head)
	}
	for i := range n {
		message := strings.Repeat(fmt.Sprint("message ", i, " "), 1+i*100)
		writeFrame(w, opText, []byte(message), true)
		if opcode, payload, err := readFrame(w.in); err != nil || opcode != opText || string(payload) != message {
			w.env.Fatalf("got %d %.50q, %v, want %.50q", opcode, payload, err, message)
		}
	}
}
