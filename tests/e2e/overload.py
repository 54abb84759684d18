#!/usr/bin/env python3
"""Twice the load that the server can take, for a minute: throttled in AWS' words, memory flat, answering, nothing lost.

Measures what the server takes (closed loop), then offers far more, whatever the answers (open loop), and large
records beside it that fill the staging limit. Every answer is written down; at the end the stream must hold exactly the
acknowledged records, each with its number and data: what was throttled is not there.
Usage: overload.py BINARY PUT_LOAD [--seconds N]   (PUT_LOAD: bench/put_load)
"""

import argparse
import base64
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

STREAM = "load"
SMALL_BYTES, LARGE_BYTES, LARGE_RATE = 512, 700_000, 50
OFFERED = 5  # times what it takes: twice is what counts, and a machine may have been busy when that was measured
MEMORY_BOUND = 64 << 20
ANSWER_WITHIN_S = 5
THROTTLED = "400 ProvisionedThroughputExceededException"


class Load:
    """put_load with its log of answers."""

    def __init__(self, program, server, folder, name, bytes_each, *arguments):
        self.name, self.bytes, self.log = name, bytes_each, pathlib.Path(folder, f"{name}.log")
        self.process = subprocess.Popen(
            [program, str(server.port), STREAM, "--name", name, "--bytes", str(bytes_each), "--log", str(self.log), *arguments],
            stdout=subprocess.PIPE, text=True)

    def result(self):
        out, _ = self.process.communicate(timeout=600)
        if self.process.returncode != 0:
            raise RuntimeError(f"put_load ended with {self.process.returncode}")
        return json.loads(out)

    def acknowledged(self, sent):
        """The sequence number of each put, by its own number; None: it was refused."""
        numbers = [None] * sent
        with open(self.log, encoding="ascii") as lines:
            for key, status, number in map(str.split, lines):
                if status == "200":
                    numbers[int(key.rpartition("-")[2])] = int(number)
        return numbers

    def data(self, key):
        return (key * (self.bytes // len(key) + 1))[:self.bytes].encode()


class Watch(threading.Thread):
    """Every half second: the server's memory, and how long a simple call takes."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stop, self.memory, self.waits, self.error = server, threading.Event(), [], [], None

    def run(self):
        try:
            while not self.stop.wait(0.5):
                status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii")
                self.memory.append(int(status.split("VmRSS:")[1].split()[0]) << 10)
                start = time.monotonic()
                self.server.kinesis("DescribeStreamSummary", StreamName=STREAM)
                self.waits.append(time.monotonic() - start)
        except Exception as error:  # pylint: disable=broad-except  # handed to the test
            self.error = error


def records_of(port, shard):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(action, **arguments):
        connection.request("POST", "/", json.dumps(arguments), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{action}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{action}: {answer.status} {body!r}")
        return json.loads(body)

    iterator = call("GetShardIterator", StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while True:
        page = call("GetRecords", ShardIterator=iterator)
        yield from page["Records"]
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            connection.close()
            return
        iterator = page["NextShardIterator"]


def check_records(server, loads, results):
    """Reads everything back; what is found is struck off what was acknowledged."""
    want = {load.name: load.acknowledged(result["sent"]) for load, result in zip(loads, results)}
    by_name = {load.name: load for load in loads}
    found, wrong, stored = -1, [], 0
    for shard in server.kinesis("ListShards", StreamName=STREAM)["Shards"]:
        for record in records_of(server.port, shard["ShardId"]):
            stored += 1
            key = record["PartitionKey"]
            name, _, number = key.rpartition("-")
            acknowledged = want[name][int(number)]
            if acknowledged is None:
                wrong.append(f"{key} was refused and is there")
            elif acknowledged == found:
                wrong.append(f"{key} is there twice")
            elif acknowledged != int(record["SequenceNumber"]):
                wrong.append(f"{key} has another number than it was acknowledged with")
            elif base64.b64decode(record["Data"]) != by_name[name].data(key):
                wrong.append(f"{key} has other data")
            want[name][int(number)] = found
    lost = [f"{name}-{i}" for name, numbers in want.items() for i, n in enumerate(numbers) if n not in (None, found)]
    if lost:
        wrong.append(f"{len(lost)} acknowledged records are lost: {lost[:3]}")
    print(f"  {stored} records read back")
    return wrong[:20]


def check_watch(watch):
    problems = [f"the server did not answer: {watch.error}"] if watch.error else []
    half = len(watch.memory) // 2
    first, last = max(watch.memory[:half]), max(watch.memory[half:])
    print(f"  memory: {first >> 20} MiB at most in the first half, {last >> 20} MiB in the last; "
          f"a simple call took {max(watch.waits):.2f} s at most")
    if last > first + MEMORY_BOUND:
        problems.append(f"memory grows: {first} to {last} bytes")
    if max(watch.waits) > ANSWER_WITHIN_S:
        problems.append(f"a simple call took {max(watch.waits):.1f} s")
    return problems


def overload(program, server, folder, seconds):
    """The loads, their results, and what was wrong with the answers."""
    calm = Load(program, server, folder, "calm", SMALL_BYTES, "--seconds", "5")
    taken = calm.result()
    capacity = taken["answers"].get("200", 0) / taken["seconds"]
    watch = Watch(server)
    watch.start()
    small = Load(program, server, folder, "small", SMALL_BYTES, "--seconds", str(seconds), "--connections", "128",
                 "--rate", str(int(capacity * OFFERED)))
    large = Load(program, server, folder, "large", LARGE_BYTES, "--seconds", str(seconds), "--connections", "8",
                 "--rate", str(LARGE_RATE))
    results = [small.result(), large.result()]
    watch.stop.set()
    watch.join(timeout=60)
    print(f"  takes {capacity:.0f} a second; offered {capacity * OFFERED:.0f}: {results[0]}\n  and large ones: {results[1]}")
    answers = set(results[0]["answers"]) | set(results[1]["answers"])
    problems = check_watch(watch)
    if THROTTLED not in answers:
        problems.append("nothing was throttled: the load was too small to prove anything")
    if unknown := answers - {"200", THROTTLED}:
        problems.append(f"answers that no client expects: {unknown}")
    # What a connection's buffers did not take ("withheld") was offered too: the server read no more of it, as it should.
    taken_now = results[0]["answers"].get("200", 0)
    if results[0]["sent"] + results[0]["withheld"] < 2 * max(capacity * seconds, taken_now):
        problems.append(f"less than twice of what it takes was offered: it took {taken_now} in {seconds} s")
    return [calm, small, large], [taken, *results], problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("put_load")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-overload-") as folder:
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text('[journal]\nstaging_bytes = "1MiB"\nfile_bytes = "64MiB"\n', encoding="utf-8")
        with sluice.Server(options.binary, f"{folder}/data", config=config) as server:
            server.kinesis("CreateStream", StreamName=STREAM, ShardCount=4)
            server.wait_until(lambda: server.kinesis("DescribeStreamSummary", StreamName=STREAM)[
                "StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
            loads, results, problems = overload(options.put_load, server, folder, options.seconds)
            problems += check_records(server, loads, results)
            server.kinesis("PutRecord", StreamName=STREAM, PartitionKey="after", Data="eA==")
            if server.stop() != 0:
                problems.append("the server did not end well")
    print("\n".join(problems) or "overload: throttled, flat, nothing lost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
