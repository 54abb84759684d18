#!/usr/bin/env python3
"""`sluice streams put` and `tail` against a server: following over splits and merges, times, Ctrl-C, a reader that leaves.

Usage: streams.py BINARY
"""

import datetime
import hashlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

HALF, QUARTER = 2**127, 2**126


class Tail:
    """A running `sluice streams tail`."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen([server.binary, "streams", "tail", "s", "--endpoint", server.endpoint, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def lines(self, count):
        return [self.process.stdout.readline().rstrip("\n") for _ in range(count)]

    def interrupt(self):
        """What it says when Ctrl-C ends it."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0 and out == "", (self.process.returncode, out, err)
        return err


def put(server, *texts, key=None):
    with_key = ["--partition-key", key] if key else []
    subprocess.run([server.binary, "streams", "put", "s", "--endpoint", server.endpoint, *with_key], text=True, check=True,
                   input="".join(t + "\n" for t in texts), capture_output=True, timeout=60)


def until_active(server):
    server.wait_until(lambda: server.kinesis("DescribeStreamSummary", StreamName="s")[
        "StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")


def split(server, shard, hash_key, *texts):
    server.kinesis("SplitShard", StreamName="s", ShardToSplit=f"shardId-00000000000{shard}", NewStartingHashKey=str(hash_key))
    until_active(server)
    put(server, *texts)
    return list(texts)


def follows_splits_and_merges(server):
    """0 becomes 1 and 2, 1 becomes 3 and 4, 4 and 2 become 5."""
    tail = Tail(server, "--json", "--from", "earliest")
    wanted = [f"before {i}" for i in range(20)]
    put(server, *wanted)
    wanted += split(server, 0, HALF, *(f"first {i}" for i in range(20)))
    # More than a page for shard 1: 2 is at its end first, and its child must wait for 4, which nobody knows of yet.
    many = [f"many {i}" for i in range(1_200)]
    assert hashlib.md5(b"low").digest()[0] < 128
    put(server, *many, key="low")
    wanted += many + split(server, 1, QUARTER, *(f"second {i}" for i in range(20)))
    server.kinesis("MergeShards", StreamName="s", ShardToMerge="shardId-000000000004",
                   AdjacentShardToMerge="shardId-000000000002")
    until_active(server)
    merged = [f"merged {i}" for i in range(20)]
    put(server, *merged)
    wanted += merged
    records = [json.loads(line) for line in tail.lines(len(wanted))]
    assert f"s: {len(wanted):,} records" in tail.interrupt()
    assert sorted(r["data"] for r in records) == sorted(wanted)
    assert len({r["shardId"] for r in records}) == 6, {r["shardId"] for r in records}
    # Later, all of it is there in one go: parents before children, each record once.
    again = Tail(server, "--json", "--from", "earliest")
    records = [json.loads(line) for line in again.lines(len(wanted))]
    assert f"s: {len(wanted):,} records" in again.interrupt()
    assert sorted(r["data"] for r in records) == sorted(wanted)
    shards = [r["shardId"] for r in records]
    for parent, child in ((0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (4, 5)):
        last = max(i for i, s in enumerate(shards) if s.endswith(str(parent)))
        assert last < shards.index(f"shardId-00000000000{child}"), (parent, child)


def begins_where_it_is_told(server, folder):
    moment = datetime.datetime.now(datetime.timezone.utc)
    latest = Tail(server, "--count", "2")
    server.wait_until(lambda: latest.process.stderr.readline() != "")  # it says that it follows
    lines = folder / "lines.txt"
    lines.write_text("from a file\nsecond\n", encoding="ascii")
    said = server.run("streams", "put", "s", "--file", str(lines), "--partition-key", "one key")
    assert said == "put 2 records into s\n", said
    assert latest.lines(2) == ["from a file", "second"] and latest.process.wait(timeout=30) == 0
    timed = Tail(server, "--from", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "--count", "2")
    out, err = timed.process.communicate(timeout=30)
    assert (out, timed.process.returncode) == ("from a file\nsecond\n", 0), (out, err)


def ends_when_its_reader_leaves(server):
    tail = Tail(server, "--from", "earliest")
    tail.lines(1)
    tail.process.stdout.close()
    put(server, "for nobody")
    assert tail.process.wait(timeout=30) == 0
    said = tail.process.stderr.read()
    assert "sluice:" not in said and "terminate" not in said, said


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-streams-") as name:
        folder = pathlib.Path(name)
        with sluice.Server(sys.argv[1], folder / "data") as server:
            server.run("streams", "create", "s", "--shards", "1")
            follows_splits_and_merges(server)
            begins_where_it_is_told(server, folder)
            ends_when_its_reader_leaves(server)
            assert server.stop() == 0
    print("streams: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
