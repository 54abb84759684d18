#!/usr/bin/env python3
"""HTTP by hand against the whole server: keep-alive, pipelining, chunked bodies, Expect, foreign hosts and pages, a post of the
gateway that is sent again, a stop with a put under way.

Usage: raw_http.py BINARY
"""

import json
import pathlib
import signal
import socket
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import reference  # noqa: E402
import sluice  # noqa: E402


class Connection:
    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.reader = self.socket.makefile("rb")

    def send(self, *parts):
        self.socket.sendall(b"".join(part if isinstance(part, bytes) else part.encode() for part in parts))

    def answer(self):
        """(status, body) of the next answer."""
        status = int(self.reader.readline().split()[1])
        headers = dict(line.decode().strip().lower().split(": ", 1) for line in iter(self.reader.readline, b"\r\n"))
        return status, self.reader.read(int(headers.get("content-length", 0)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.socket.close()


def head(length="", host="localhost", more="", action="PutRecord"):
    length = f"Content-Length: {length}\r\n" if length != "" else ""
    return (f"POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: Kinesis_20131202.{action}\r\n"
            f"Content-Type: application/x-amz-json-1.1\r\n{length}{more}\r\n")


def put(data):
    return json.dumps({"StreamName": "s", "PartitionKey": "k", "Data": data})


def stored(server, stream="s"):
    records = []
    for shard in server.kinesis("ListShards", StreamName=stream)["Shards"]:
        iterator = server.kinesis("GetShardIterator", StreamName=stream, ShardId=shard["ShardId"],
                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        records += server.kinesis("GetRecords", ShardIterator=iterator)["Records"]
    return records


def framing(server):
    with Connection(server) as one:
        bodies = [put(data) for data in ("YQ==", "Yg==", "Yw==")]
        one.send(*(head(len(body)) + body for body in bodies))  # pipelined
        answers = [one.answer() for _ in bodies]
        assert [status for status, _ in answers] == 3 * [200], answers
        numbers = [json.loads(body)["SequenceNumber"] for _, body in answers]
        body = put("ZA==")
        half = len(body) // 2
        one.send(head(more="Transfer-Encoding: chunked\r\n"), f"{half:x}\r\n{body[:half]}\r\n",
                 f"{len(body) - half:x};extension\r\n{body[half:]}\r\n0\r\n\r\n")
        status, answer = one.answer()
        assert status == 200, answer
        numbers.append(json.loads(answer)["SequenceNumber"])
        body = put("ZQ==")
        one.send(head(len(body), more="Expect: 100-continue\r\n"))
        assert one.answer() == (100, b"")
        one.send(body)
        status, answer = one.answer()
        numbers.append(json.loads(answer)["SequenceNumber"])
    records = stored(server)
    assert [r["SequenceNumber"] for r in records] == numbers, (records, numbers)
    assert [r["Data"] for r in records] == ["YQ==", "Yg==", "Yw==", "ZA==", "ZQ=="], records


def hosts_and_pages(server):
    body = put("Zg==")
    before = stored(server)
    for refused, host, more in ((421, "page.example", ""), (421, "localhost.page.example", ""),
                                (403, "localhost", "Origin: https://page.example\r\n"), (403, "localhost", "Origin: null\r\n"),
                                (403, "localhost", "Sec-Fetch-Site: cross-site\r\n")):
        with Connection(server) as page:
            page.send(head(len(body), host, more), body)
            status, answer = page.answer()
            assert status == refused, (status, answer, host, more)
    with Connection(server) as none:
        none.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert none.answer()[0] == 400
    assert stored(server) == before
    for host in (f"127.0.0.1:{server.port}", "[::1]", "x.localhost", "kinesis.us-east-1.amazonaws.com"):
        with Connection(server) as known:
            known.send(head(2, host, action="ListStreams"), "{}")
            assert known.answer()[0] == 200, host


def a_post_sent_again(server):
    """A client of the gateway that names its attempts: the second attempt gets the first one's numbers."""
    stream = reference.STREAMS["pin"]
    server.run("streams", "create", stream)
    server.run("apis", "import", str(sluice.EXAMPLE / "api.yaml"), "--stage", "Prod")
    body = json.dumps({"StreamName": stream, "Data": {"index": 1}, "PartitionKey": "ind"})
    answers = []
    for attempt in range(3):
        if attempt == 2:
            server.kill()
            server.start()
        status, answer = server.request("PUT", f"/Prod/streams/{stream}/record", body, {
            "Content-Type": "application/json", "amz-sdk-invocation-id": "2f6e3a52-6a4f-4a6e-9d55-2f4e7c1b0a11"})
        assert status == 200, answer
        answers.append(json.loads(answer))
    assert answers == 3 * answers[:1], answers
    assert [r["SequenceNumber"] for r in stored(server, stream)] == [answers[0]["SequenceNumber"]]


def a_stop_answers_what_is_under_way(server):
    body = put("Z28=")
    with Connection(server) as slow:
        slow.send(head(len(body), more="Expect: 100-continue\r\n"))
        assert slow.answer() == (100, b"")  # from here on the request is under way
        server.process.send_signal(signal.SIGTERM)
        slow.send(body)
        status, answer = slow.answer()
        assert status == 200, answer
        assert slow.reader.read() == b"", "the connection ends with that answer"
    assert server.process.wait(timeout=60) == 0
    server.start()
    assert stored(server)[-1]["SequenceNumber"] == json.loads(answer)["SequenceNumber"]


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-http-") as folder:
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text('default_api = "0e36c8cd403d"\n', encoding="ascii")
        with sluice.Server(sys.argv[1], f"{folder}/data", config=config) as server:
            server.run("streams", "create", "s", "--shards", "1")
            framing(server)
            hosts_and_pages(server)
            a_post_sent_again(server)
            a_stop_answers_what_is_under_way(server)
            assert server.stop() == 0
    print("raw HTTP: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
