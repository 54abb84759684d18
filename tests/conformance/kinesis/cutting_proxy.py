"""A proxy that loses answers: hands each request to the server, takes its whole answer, and may then hang up on the client.

What a client sees is a call of which it cannot know whether it was carried out; the server knows that it was.
"""

import http.client
import http.server
import threading


class CuttingProxy:
    def __init__(self, server):
        self.server = server  # a sluice.Server
        self.cuts = 0  # answers still to be lost
        self.before_next = None  # called once, after a cut
        self.attempts = []  # (invocation id, status, body) of every call, lost or not
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = proxy.forward(self.path, body, dict(self.headers))
                proxy.attempts.append((self.headers.get("amz-sdk-invocation-id"), status, answer))
                if proxy.cuts > 0:
                    proxy.cuts -= 1
                    if proxy.before_next:
                        proxy.before_next()
                        proxy.before_next = None
                    self.close_connection = True
                    return
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.listener.server_port}"

    def forward(self, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()
