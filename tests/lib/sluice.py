"""Starts the binary as a user would, and speaks to it over HTTP with nothing but the standard library."""

import http.client
import json
import pathlib
import select
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "pinterest"


class Server:
    """`sluice serve` on a data folder; the port stays the same over restarts."""

    def __init__(self, binary, data, port=0, config=None):
        self.binary, self.data, self.port, self.process = binary, data, port, None
        self.config = ["--config", str(config)] if config else []

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.data), "--port", str(self.port), *self.config],
            stdout=subprocess.PIPE, stderr=open(f"{self.data}.log", "ab"), text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else ""
        if "http://" not in line:
            raise RuntimeError(f"the server did not start: {line!r}, see {self.data}.log")
        self.port = int(line.split("http://", 1)[1].split()[0].rstrip("/").rsplit(":", 1)[1])
        return self

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.kill()

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kinesis(self, action, **arguments):
        status, body = self.request("POST", "/", json.dumps(arguments), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{action}"})
        if status != 200:
            raise RuntimeError(f"{action}: {status} {body!r}")
        return json.loads(body) if body else {}

    def run(self, *arguments, check=True, endpoint=True, timeout=120):
        """A command of the CLI against this server; its standard output."""
        where = ["--endpoint", self.endpoint] if endpoint else ["--data", str(self.data)]
        done = subprocess.run([self.binary, *arguments, *where], text=True, capture_output=True, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def wait_until(self, what, seconds=30):
        """Polls until `what()` is true; nothing is assumed about how long it takes."""
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.02)
