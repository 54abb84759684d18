#!/usr/bin/env python3
"""kill -9 of the server in the middle of feed and pipelines, again and again: nothing acknowledged is lost or doubled.

Clients post rows of the walkthrough's source, each until it is acknowledged; pipelines run meanwhile; the server is killed at
random moments and started again on the same folder. Every attempt has a partition key of its own, so that the stream tells
which attempts it holds: the acknowledged ones, each once, with the number, shard and data they were acknowledged with and in
the order of each client; of those whose answer was lost (the kill may have been before or after) at most one copy; nothing
else. The tables hold exactly the cleaned form of the distinct rows posted.
Usage: crash.py BINARY [--rounds N] [--seed N]
"""

import argparse
import base64
import collections
import http.client
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import reference  # noqa: E402
import sluice  # noqa: E402


Acknowledged = collections.namedtuple("Acknowledged", "key name number shard sequence")


class Client(threading.Thread):
    """Posts rows one after another over one connection; sends a row again until it is acknowledged."""

    def __init__(self, server, source, seed, stop):
        super().__init__(daemon=True)
        self.server, self.source, self.random, self.stop = server, source, random.Random(seed), stop
        self.attempts = {}  # partition key: (name, row number); all that was ever sent
        self.acknowledged = []  # in the order of their answers
        self.connection = None

    def run(self):
        while not self.stop.is_set():
            name = self.random.choice(list(reference.TABLES))
            number = self.random.randrange(len(self.source.rows[name]))
            reply = None
            while reply is None:  # a row once begun is seen through, even after stop: the server is up then
                key = f"{self.name}-{len(self.attempts)}"
                self.attempts[key] = (name, number)
                reply = self.post(key, name, number)
            self.acknowledged.append(Acknowledged(key, name, number, reply["ShardId"], int(reply["SequenceNumber"])))

    def post(self, key, name, number):
        body = json.dumps({"StreamName": reference.STREAMS[name], "Data": self.source.rows[name][number], "PartitionKey": key})
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
            self.connection.request("PUT", f"/Prod/streams/{reference.STREAMS[name]}/record", body,
                                    {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
            return json.loads(text) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            self.connection = None
            time.sleep(0.05)
            return None


def set_up(server):
    for stream in reference.STREAMS.values():
        server.run("streams", "create", stream)
    server.run("apis", "import", str(sluice.EXAMPLE / "api.yaml"), "--stage", "Prod")


def stored_records(server, stream):
    """(shard, record) of the whole stream, in the order of each shard."""
    records = []
    for shard in server.kinesis("ListShards", StreamName=stream)["Shards"]:
        iterator = server.kinesis("GetShardIterator", StreamName=stream, ShardId=shard["ShardId"],
                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while True:
            page = server.kinesis("GetRecords", ShardIterator=iterator)
            records += [(shard["ShardId"], record) for record in page["Records"]]
            if not page["Records"] and page["MillisBehindLatest"] == 0:
                break
            iterator = page["NextShardIterator"]
    return records


def table_rows(server, name):
    out = server.run("sql", "--json", "-e", f"SELECT * FROM `{reference.DELTA_TABLES[name]}`", endpoint=False)
    result = json.loads(out)
    if "error" in result:
        raise RuntimeError(result["error"])
    return sorted((reference.from_spark_text(name, row) for row in result["rows"]), key=reference.sort_key)


def rises(numbers):
    return all(a < b for a, b in zip(numbers, numbers[1:]))


def check_stream(name, stored, clients, source):
    """What is wrong with one stream's records."""
    acknowledged = {a.key: a for client in clients for a in client.acknowledged if a.name == name}
    attempts = {key: number for client in clients for key, (n, number) in client.attempts.items() if n == name}
    found, problems, of_shard = {}, [], collections.defaultdict(list)
    for shard, record in stored:
        key, sequence = record["PartitionKey"], int(record["SequenceNumber"])
        of_shard[shard].append(sequence)
        if key in found:
            problems.append(f"{key} is stored twice")
        found[key] = (shard, sequence)
        if key not in attempts:
            problems.append(f"{key} was never sent to {name}")
        elif json.loads(base64.b64decode(record["Data"])) != source.rows[name][attempts[key]]:
            problems.append(f"{key} has other data than was sent")
    lost = [key for key in acknowledged if key not in found]
    moved = [key for key, a in acknowledged.items() if key in found and found[key] != (a.shard, a.sequence)]
    if lost or moved:
        problems.append(f"{len(lost)} acknowledged records are lost ({lost[:3]}), {len(moved)} stand elsewhere ({moved[:3]})")
    problems += [f"{shard} is out of order" for shard, numbers in of_shard.items() if not rises(numbers)]
    for client in clients:
        for shard in of_shard:
            mine = [a.sequence for a in client.acknowledged if a.name == name and a.shard == shard]
            if not rises(mine):
                problems.append(f"{shard}: answers to {client.name} were out of order")
    print(f"  {reference.STREAMS[name]}: {len(attempts)} attempts, {len(acknowledged)} acknowledged, {len(stored)} stored")
    return problems


def check(server, source, clients):
    problems = []
    for name, stream in reference.STREAMS.items():
        problems += [f"{stream}: {p}" for p in check_stream(name, stored_records(server, stream), clients, source)]
        rows = [source.rows[name][a.number] for client in clients for a in client.acknowledged if a.name == name]
        want, have = reference.expected(name, rows), table_rows(server, name)
        if want != have:
            missing = [row for row in want if row not in set(have)]
            extra = [row for row in have if row not in set(want)]
            problems.append(f"{name}: {len(want)} rows expected, {len(have)} there; missing {missing[:2]}, extra {extra[:2]}")
        print(f"  {reference.DELTA_TABLES[name]}: {len(have)} rows")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"crash: seed {options.seed}, {options.rounds} rounds")
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="sluice-crash-") as folder:
        subprocess.run([options.binary, "feed", "--make-source", f"{folder}/source.db", "--seed", "1"], check=True)
        source = reference.Source(f"{folder}/source.db")
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text('default_api = "0e36c8cd403d"\n[journal]\nfile_bytes = "4MiB"\n')
        with sluice.Server(options.binary, f"{folder}/data", config=config) as server:
            set_up(server)
            stop = threading.Event()
            clients = [Client(server, source, options.seed + i, stop) for i in range(4)]
            for client in clients:
                client.start()
            for _ in range(options.rounds):
                pipelines = subprocess.Popen(
                    [options.binary, "pipelines", "run", "--spec", str(sluice.EXAMPLE), "--endpoint", server.endpoint],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0.05, 1.0))  # when to pull the plug: the test's input, not a wait
                server.kill()
                pipelines.wait(timeout=60)
                server.start()
            stop.set()
            for client in clients:
                client.join(timeout=60)
            server.run("pipelines", "run", "--spec", str(sluice.EXAMPLE))
            problems = check(server, source, clients)
    print("\n".join(problems[:20]) or f"crash: {options.rounds} kills, nothing lost, nothing doubled")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
