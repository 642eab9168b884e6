"""The witness on Python's http.server: an app that knows nothing of gorun. See main.go."""
import http.server
import json
import os

seen = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.read_all(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):  # an error where it is cut off
            body += self.read_all(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def read_all(self, size):
        body = self.rfile.read(size)
        if len(body) != size:
            raise EOFError("the body is cut off")
        return body

    def handle_any(self):
        if self.path.startswith("/seen"):
            text = json.dumps(seen)
            if "forget" in self.path:
                seen.clear()
            return self.answer(text)
        fields = {}
        for name, value in self.headers.items():
            fields.setdefault(name.title(), []).append(value)
        seen.append({"method": self.command, "target": self.path, "host": self.headers.get("Host", ""),
                     "fields": fields, "body": self.read_body().decode("latin-1"), "client": ""})
        self.answer("seen")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = handle_any

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
