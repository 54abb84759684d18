#!/usr/bin/env python3
"""The walkthrough's API with its /{proxy+} led to an older REST endpoint, by the whole server: what arrives there and what comes
back, many calls at once while puts go on, private addresses closed by default.

Usage: http_proxy.py BINARY
"""

import concurrent.futures
import http.server
import json
import pathlib
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

PROXY = """
    x-amazon-apigateway-any-method:
      parameters: [{name: proxy, in: path, required: true, schema: {type: string}}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: ANY
        uri: "ENDPOINT/v1/{proxy}"
        requestParameters: {integration.request.path.proxy: method.request.path.proxy}
"""


class OldEndpoint(http.server.BaseHTTPRequestHandler):
    """Tells what it was asked; waits with /slow until all of them are there."""

    protocol_version = "HTTP/1.1"
    together = threading.Barrier(20)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/v1/slow"):
            self.together.wait(timeout=60)
        told = json.dumps({"method": self.command, "path": self.path, "body": body.decode(),
                           "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(404 if self.path.startswith("/v1/missing") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = answer

    def log_message(self, *_):
        pass


def api_document(endpoint):
    """The example's API, its /{proxy+} ANY replaced."""
    text = (sluice.EXAMPLE / "api.yaml").read_text(encoding="utf-8")
    before, rest = text.split("    x-amazon-apigateway-any-method:\n", 1)
    _, after = rest.split("\ncomponents:", 1)
    return before + PROXY.replace("ENDPOINT", endpoint).lstrip("\n") + "components:" + after


def deploy(server, endpoint):
    typed = {"Content-Type": "application/json"}
    status, body = server.request("POST", "/restapis?mode=import", api_document(endpoint), typed)
    assert status == 201, body
    api = json.loads(body)["id"]
    status, body = server.request("POST", f"/restapis/{api}/deployments", '{"stageName": "Prod"}', typed)
    assert status == 201, body
    return f"/restapis/{api}/Prod/_user_request_"


def calls(server, base):
    status, body = server.request("POST", f"{base}/orders/7%20a?x=1&x=2", '{"n": 1}', {"Content-Type": "application/json"})
    told = json.loads(body)
    assert status == 200 and told["method"] == "POST", body
    assert told["path"] == "/v1/orders/7%20a?x=1&x=2" and told["body"] == '{"n": 1}', told
    assert told["headers"]["content-type"] == "application/json", told
    assert told["headers"]["x-forwarded-for"] == "127.0.0.1", told
    assert server.request("DELETE", f"{base}/missing")[0] == 404
    assert server.request("HEAD", f"{base}/head") == (200, b"")
    assert server.request("OPTIONS", f"{base}/anything")[0] == 200  # the MOCK beside it


def many_at_once(server, base):
    """Twenty calls wait for each other at the endpoint; the loops are free for puts meanwhile."""
    stream = "streaming-0e36c8cd403d-pin"
    server.run("streams", "create", stream, "--shards", "1")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(server.request, "GET", f"{base}/slow/{i}", timeout=60) for i in range(19)]
        for i in range(50):
            status, body = server.request(
                "PUT", f"{base}/streams/{stream}/record",
                json.dumps({"StreamName": stream, "Data": {"i": i}, "PartitionKey": "k"}),
                {"Content-Type": "application/json"})
            assert status == 200 and b"SequenceNumber" in body, body
        assert not any(call.done() for call in waiting)
        waiting.append(pool.submit(server.request, "GET", f"{base}/slow/last", timeout=60))
        assert [call.result()[0] for call in waiting] == [200] * 20


def main():
    old = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldEndpoint)
    old.daemon_threads = True
    threading.Thread(target=old.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{old.server_address[1]}"
    with tempfile.TemporaryDirectory(prefix="sluice-proxy-") as folder:
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text('[egress]\nallow = ["127.0.0.1"]\n', encoding="ascii")
        with sluice.Server(sys.argv[1], f"{folder}/data", config=config) as server:
            base = deploy(server, endpoint)
            calls(server, base)
            many_at_once(server, base)
            assert server.stop() == 0
        with sluice.Server(sys.argv[1], f"{folder}/closed") as server:
            status, body = server.request("GET", deploy(server, endpoint) + "/x")
            assert (status, body) == (500, b'{"message": "Internal server error"}'), body
            assert "is not in egress.allow" in pathlib.Path(f"{folder}/closed.log").read_text(encoding="utf-8")
            assert server.stop() == 0
    old.shutdown()
    print("HTTP proxy: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
