#!/usr/bin/env python3
"""kill -9 of the server in the middle of feed and pipelines, again and again: nothing acknowledged is lost or doubled.

Clients post rows of the walkthrough's source and keep each post until it is acknowledged; pipelines run meanwhile; the
server is killed at random moments and started again on the same folder. At the end the tables hold exactly the cleaned
form of the distinct rows posted, and the streams hold every acknowledged sequence number.
Usage: crash.py BINARY [--rounds N] [--seed N]
"""

import argparse
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


class Client(threading.Thread):
    """Posts rows one after another over one connection; sends a post again until it is acknowledged."""

    def __init__(self, server, source, seed, stop):
        super().__init__(daemon=True)
        self.server, self.source, self.random, self.stop = server, source, random.Random(seed), stop
        self.acknowledged = []  # (name, row number, sequence number)
        self.connection = None

    def run(self):
        while not self.stop.is_set():
            name = self.random.choice(list(reference.TABLES))
            number = self.random.randrange(len(self.source.rows[name]))
            sequence_number = None
            while sequence_number is None:  # a row once begun is seen through, even after stop: the server is up then
                sequence_number = self.post(name, number)
            self.acknowledged.append((name, number, sequence_number))

    def post(self, name, number):
        body = json.dumps({"StreamName": reference.STREAMS[name], "Data": self.source.rows[name][number],
                           "PartitionKey": "ind"})
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
            self.connection.request("PUT", f"/Prod/streams/{reference.STREAMS[name]}/record", body,
                                    {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read()
            return json.loads(text).get("SequenceNumber") if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            self.connection = None
            time.sleep(0.05)
            return None


def set_up(server):
    for stream in reference.STREAMS.values():
        server.run("streams", "create", stream)
    server.run("apis", "import", str(sluice.EXAMPLE / "api.yaml"), "--stage", "Prod")


def stored_numbers(server, stream):
    numbers = []
    for shard in server.kinesis("ListShards", StreamName=stream)["Shards"]:
        iterator = server.kinesis("GetShardIterator", StreamName=stream, ShardId=shard["ShardId"],
                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while True:
            page = server.kinesis("GetRecords", ShardIterator=iterator)
            numbers += [record["SequenceNumber"] for record in page["Records"]]
            if not page["Records"] and page["MillisBehindLatest"] == 0:
                break
            iterator = page["NextShardIterator"]
    return numbers


def table_rows(server, name):
    out = server.run("sql", "--json", "-e", f"SELECT * FROM `{reference.DELTA_TABLES[name]}`", endpoint=False)
    result = json.loads(out)
    if "error" in result:
        raise RuntimeError(result["error"])
    return sorted((reference.from_spark_text(name, row) for row in result["rows"]), key=reference.sort_key)


def check(server, source, acknowledged):
    problems = []
    for name, stream in reference.STREAMS.items():
        mine = [(number, sequence) for n, number, sequence in acknowledged if n == name]
        stored = stored_numbers(server, stream)
        if len(stored) != len(set(stored)):
            problems.append(f"{stream}: a sequence number stands twice")
        lost = {sequence for _, sequence in mine} - set(stored)
        if lost:
            problems.append(f"{stream}: {len(lost)} acknowledged records are lost")
        want = reference.expected(name, [source.rows[name][number] for number, _ in mine])
        have = table_rows(server, name)
        if want != have:
            missing = [row for row in want if row not in set(have)]
            extra = [row for row in have if row not in set(want)]
            problems.append(f"{name}: {len(want)} rows expected, {len(have)} there; missing {missing[:2]}, extra {extra[:2]}")
        print(f"  {stream}: {len(mine)} acknowledged, {len(stored)} stored, {len(have)} rows in the table")
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
            problems = check(server, source, [post for client in clients for post in client.acknowledged])
    print("\n".join(problems) or f"crash: {options.rounds} kills, nothing lost, nothing doubled")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
