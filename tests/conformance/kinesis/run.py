#!/usr/bin/env python3
"""Runs the scenarios by each client against a server of its own.

Usage: run.py BINARY [--boto3] [--aws PROGRAM] [--go PROGRAM] [--java CLASSPATH] [--only WORD]
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import pathlib
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
import sluice  # noqa: E402

import clients  # noqa: E402
import cutting_proxy  # noqa: E402
import scenarios  # noqa: E402


class Run:
    """One client and one server, with what scenarios have in common."""

    def __init__(self, server, connect):
        self.server, self.connect, self.client, self.made = server, connect, connect(server.endpoint), 0

    def call(self, operation, **arguments):
        return self.client.call(operation, **arguments)

    def fails(self, code, operation, typed=True, **arguments):
        """The call must be refused so; typed: by the SDK's own class for it, which is what people catch."""
        try:
            out = self.call(operation, **arguments)
        except clients.AwsError as error:
            assert error.code == code, error
            assert error.kind == code or not typed, f"{error} came as {error.kind}"
            return error
        raise AssertionError(f"{operation} passed: {out}")

    def stream(self, **arguments):
        """A new stream's name, once it is active."""
        self.made += 1
        name = f"stream-{self.made}"
        self.call("CreateStream", StreamName=name, **arguments)
        self.until_active(name)
        return name

    # These two ask the server directly: the waiters of some clients look every ten seconds only.
    def until_active(self, name):
        self.server.wait_until(lambda: self.server.kinesis("DescribeStreamSummary", StreamName=name)[
            "StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")

    def until_gone(self, name):
        self.server.wait_until(lambda: name not in self.server.kinesis("ListStreams")["StreamNames"])

    def arn(self, name):
        return self.call("DescribeStreamSummary", StreamName=name)["StreamDescriptionSummary"]["StreamARN"]

    def iterator(self, stream, shard, **start):
        return self.call("GetShardIterator", StreamName=stream, ShardId=shard, **start)["ShardIterator"]

    def follow(self, iterator):
        """What an open shard has from there on."""
        records = []
        while True:
            page = self.call("GetRecords", ShardIterator=iterator)
            records += page["Records"] if "Records" in page else []
            iterator = page["NextShardIterator"]
            if page["MillisBehindLatest"] == 0:
                return records

    def read(self, stream, shard, **start):
        return self.follow(self.iterator(stream, shard, **start))

    def read_closed(self, stream, shard):
        """All records of a closed shard, and the children its last page names; only that page does."""
        iterator, records = self.iterator(stream, shard, ShardIteratorType="TRIM_HORIZON"), []
        while True:
            page = self.call("GetRecords", ShardIterator=iterator, Limit=1)
            records += page["Records"]
            iterator = page.get("NextShardIterator")
            assert (iterator is None) == ("ChildShards" in page), page
            if iterator is None:
                return records, page["ChildShards"]

    @contextlib.contextmanager
    def behind_proxy(self):
        proxy = cutting_proxy.CuttingProxy(self.server)
        proxy.client = self.connect(proxy.endpoint)
        try:
            yield proxy
        finally:
            proxy.client.close()
            proxy.close()

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc)

    def next_second(self):
        """A whole second that has just begun: all that was before is older, all that comes is not."""
        second = self.now().replace(microsecond=0) + datetime.timedelta(seconds=1)
        self.server.wait_until(lambda: self.now() >= second)
        return second


def run_client(binary, name, connect, only):
    """The number of scenarios that failed."""
    failed, start = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sluice-conformance-") as folder:
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text('[journal]\nfile_bytes = "4MiB"\n', encoding="utf-8")
        with sluice.Server(binary, f"{folder}/data", config=config) as server:
            run = Run(server, connect)
            chosen = [s for s in scenarios.ALL if only in s.__name__]
            for scenario in chosen:
                try:
                    scenario(run)
                except Exception:  # pylint: disable=broad-except  # the next scenario tells more
                    failed += 1
                    print(f"FAILED {name}: {scenario.__name__}\n{traceback.format_exc()}", flush=True)
            run.client.close()
            if server.stop() != 0:
                failed += 1
                print(f"FAILED {name}: the server did not end well", flush=True)
    print(f"{name}: {len(chosen)} scenarios, {failed} failed, {time.monotonic() - start:.0f} s", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--boto3", action="store_true", help="the interpreter has it")
    parser.add_argument("--aws", help="the AWS CLI's program")
    parser.add_argument("--go", help="the program built from go/")
    parser.add_argument("--java", help="class path with java/ built and its dependencies")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    options = parser.parse_args()
    chosen = []
    with tempfile.TemporaryDirectory(prefix="sluice-clients-") as folder:
        if options.aws:
            chosen.append(("AWS CLI", lambda e: clients.AwsCli(e, options.aws, f"{folder}/aws-config")))
        if options.boto3:
            chosen.append(("boto3", clients.Boto3))
        if options.go:
            chosen.append(("Go v2", lambda e: clients.Program("Go v2", [options.go, e])))
        if options.java:
            chosen.append(("Java v2", lambda e: clients.Program("Java v2", ["java", "-cp", options.java, "Client", e])))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:  # the CLI, a process a call, takes as long as all others
            failed = sum(pool.map(lambda c: run_client(options.binary, *c, options.only), chosen))
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
