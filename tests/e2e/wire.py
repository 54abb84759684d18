#!/usr/bin/env python3
"""Calls of AWS byte by byte, with nothing but the standard library: what is no call, CORS, and a server with keys.

Usage: wire.py BINARY
"""

import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

JSON, CBOR = "application/x-amz-json-1.1", "application/x-amz-cbor-1.1"
LIST = {"X-Amz-Target": "Kinesis_20131202.ListStreams"}
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION = ("ASIAEXAMPLE", "another+secret", "a session token")
KEYS = f"""[default]
aws_access_key_id = {KEY}
aws_secret_access_key = {SECRET}
[session]
aws_access_key_id = {SESSION[0]}
aws_secret_access_key = {SESSION[1]}
aws_session_token = {SESSION[2]}
"""


def cbor(kind):
    """{"__type": kind} as this server writes it."""
    return b"\xa1" + b"".join(b"\x79" + len(t).to_bytes(2, "big") + t.encode() for t in ("__type", kind))


def error(kind, message=None):
    return json.dumps({"__type": kind, **({"message": message} if message else {})}, separators=(",", ":")).encode()


DENIED = (403, None, b"<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n"
                     b"</AccessDeniedException>\n")
INCOMPLETE = ("Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
              "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
              "'X-Amz-Date' or a 'Date' header. Authorization=X")
# Method, path, headers, body → status, content type, body: as recorded against AWS.
RECORDED = [
    ("POST", "/", {}, "", (400, CBOR, cbor("UnknownOperationException"))),
    ("POST", "/", LIST, "", (400, CBOR, cbor("SerializationException"))),
    ("POST", "/", {"X-Amz-Target": "Whatever.Whatever"}, "", (400, CBOR, cbor("UnknownOperationException"))),
    ("POST", "/", {"X-Amz-Target": "Kinesis_20131202."}, "", (400, CBOR, cbor("UnknownOperationException"))),
    ("POST", "/", {"Content-Type": JSON}, "", (400, JSON, error("UnknownOperationException"))),
    ("POST", "/", {"Content-Type": JSON, **LIST}, "", (400, JSON, error("SerializationException"))),
    ("POST", "/", {"Content-Type": "  " + JSON + "  ;x", **LIST}, "hello", (400, JSON, error("SerializationException"))),
    ("POST", "/", {"Content-Type": "application/json", **LIST}, "{}",
     (404, "application/json", b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}')),
    ("POST", "/", {"Content-Type": "text/plain", **LIST}, "{}", (404, None, b"<UnknownOperationException/>\n")),
    ("POST", "/", {"Authorization": "X"}, "{}", DENIED),
    ("PUT", "/", {}, "{}", DENIED),
    ("DELETE", "/", {}, "", DENIED),
    ("GET", "/", {"Authorization": "X"}, "", DENIED),
    ("POST", "/", {"Content-Type": JSON, "Authorization": "X", **LIST}, "{}",
     (400, JSON, error("IncompleteSignatureException", INCOMPLETE))),
    ("POST", "/?X-Amz-Algorithm", {"Content-Type": JSON, "Authorization": "X", **LIST}, "{}",
     (400, JSON, error("InvalidSignatureException", "Found both 'X-Amz-Algorithm' as a query-string param and "
                                                    "'Authorization' as HTTP header."))),
]
MISSING = (400, JSON, error("MissingAuthenticationTokenException", "Missing Authentication Token"))


def ask(server, method, path, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def what_is_no_call(server):
    for method, path, headers, body, (status, kind, text) in RECORDED:
        answer, got = ask(server, method, path, headers, body)
        assert (answer.status, answer.headers["Content-Type"], got) == (status, kind, text), (method, path, headers, got)
        assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-RequestId"])
        assert len(answer.headers["x-amz-id-2"]) == 96
    answer, got = ask(server, "POST", "/", {"Content-Type": JSON, **LIST}, "{}")
    assert answer.status == 200 and json.loads(got)["StreamNames"] == [], got
    print(f"{len(RECORDED)} answers as recorded")


def cors(server):
    """`cors = "aws"`: any page may ask, and is told without a key what everybody is told."""
    origin = {"Origin": "https://page.example"}
    answer, got = ask(server, "OPTIONS", "/", {**origin, "Access-Control-Request-Headers": "a, b",
                                               "Access-Control-Request-Method": "POST"}, "")
    told = {name[21:]: value for name, value in answer.headers.items() if name.startswith("Access-Control-Allow-")}
    assert (answer.status, got, told) == (200, b"", {"Origin": "*", "Headers": "a, b", "Methods": "POST"}), (answer.status, told)
    assert answer.headers["Access-Control-Max-Age"] == "172800"
    answer, got = ask(server, "POST", "/", {**origin, "Content-Type": JSON, **LIST}, "{}")
    assert (answer.status, answer.headers["Content-Type"], got) == MISSING, got
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"].startswith("x-amzn-RequestId,")
    assert ask(server, "GET", "/restapis", origin, "")[0].status == 403


def unsigned(server):
    answer, got = ask(server, "POST", "/", {"Content-Type": JSON, **LIST}, "{}")
    assert (answer.status, answer.headers["Content-Type"], got) == MISSING, got
    answer, got = ask(server, "GET", "/restapis", {}, "")
    assert (answer.status, json.loads(got)) == (403, {"message": "Missing Authentication Token"}), got
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    runs = ask(server, "GET", "/_sluice/api/pipelines/runs", {"X-Sluice-Request": "1"}, "")[0]
    assert runs.status == 403, runs.status
    for path in ("/_sluice/health", "/_sluice/metrics"):
        assert ask(server, "GET", path, {}, "")[0].status == 200


def commands(server, binary, home):
    def run(*arguments, **environment):
        return subprocess.run([binary, *arguments, "--data", server.data], capture_output=True, text=True, timeout=60,
                              check=False, env={"HOME": home, "PATH": "/usr/bin:/bin", **environment})

    right = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    for arguments in (("streams", "create", "orders"), ("streams", "put", "orders", "hello"), ("apis", "list")):
        done = run(*arguments, **right)
        assert done.returncode == 0, (arguments, done.stderr)
    assert "orders" in run("streams", "list", **right).stdout
    none = run("streams", "list")
    assert none.returncode == 1 and "the server asks for a signature" in none.stderr, none.stderr
    wrong = run("streams", "list", **{**right, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert wrong.returncode == 1 and "InvalidSignatureException" in wrong.stderr, wrong.stderr
    file = pathlib.Path(home, "credentials")
    file.write_text(KEYS)
    assert "orders" in run("streams", "list", AWS_SHARED_CREDENTIALS_FILE=str(file), AWS_PROFILE="session").stdout
    print("sluice's own commands sign when the server asks")


def start_is_refused(binary, folder, keys):
    def start(*settings):
        done = subprocess.run([binary, "serve", "--data", f"{folder}/refused", "--port", "0",
                               *(a for s in settings for a in ("--set", s))],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0, settings
        assert SECRET not in done.stderr
        return done.stderr

    keys.chmod(0o640)
    assert "chmod 600" in start(f"keys_file={keys}")
    keys.chmod(0o600)
    assert "insecure_remote_http" in start("host=0.0.0.0", f"keys_file={keys}")
    assert "keys_file must be set" in start("host=0.0.0.0", "insecure_remote_http=true")


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="sluice-wire-") as folder:
        with sluice.Server(binary, f"{folder}/open") as server:
            what_is_no_call(server)
            answer, _ = ask(server, "OPTIONS", "/", {"Origin": "https://page.example"}, "")
            assert answer.status == 403 and answer.headers["Access-Control-Allow-Origin"] is None
            assert server.stop() == 0
        keys = pathlib.Path(folder, "keys")
        keys.write_text(KEYS)
        start_is_refused(binary, folder, keys)
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text(f'keys_file = "{keys}"\ncors = "aws"\n')
        with sluice.Server(binary, f"{folder}/data", config=config) as server:
            unsigned(server)
            cors(server)
            commands(server, binary, folder)
            assert server.stop() == 0
        log = pathlib.Path(f"{folder}/data.log").read_text()
        assert SECRET not in log and SESSION[1] not in log and SESSION[2] not in log
    print("wire: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
