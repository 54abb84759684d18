#!/usr/bin/env python3
"""The walkthrough by unmodified boto3 and AWS CLI: streams, API import, deployment, posts, reading back.

Usage: clients.py BINARY AWS_CLI   (in a Python that has boto3)
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import boto3

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import reference  # noqa: E402
import sluice  # noqa: E402

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}


def with_boto3(server):
    kinesis = boto3.client("kinesis", endpoint_url=server.endpoint, **KEYS)
    stream = reference.STREAMS["pin"]
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    put = kinesis.put_record(StreamName=stream, Data=b"one", PartitionKey="a")
    many = kinesis.put_records(StreamName=stream, Records=[{"Data": b"%d" % i, "PartitionKey": str(i)} for i in range(50)])
    assert many["FailedRecordCount"] == 0
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 2, summary
    read = []
    for page in kinesis.get_paginator("list_shards").paginate(StreamName=stream):
        for shard in page["Shards"]:
            iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"],
                                                  ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            records = kinesis.get_records(ShardIterator=iterator)["Records"]
            assert all(r["SequenceNumber"].isdigit() for r in records)
            read += [r["Data"] for r in records]
    assert sorted(read) == sorted([b"one"] + [b"%d" % i for i in range(50)]), read
    try:
        kinesis.put_record(StreamName="no-such", Data=b"", PartitionKey="a")
        raise AssertionError("a put into no stream passed")
    except kinesis.exceptions.ResourceNotFoundException as error:
        assert "no-such" in str(error), error
    assert put["ShardId"].startswith("shardId-0000000000")
    print(f"boto3 {boto3.__version__}: streams and records")


def with_boto3_gateway(server):
    gateway = boto3.client("apigateway", endpoint_url=server.endpoint, **KEYS)
    api = gateway.import_rest_api(body=(sluice.EXAMPLE / "api.yaml").read_bytes())
    gateway.create_deployment(restApiId=api["id"], stageName="Prod")
    assert api["id"] in [a["id"] for a in gateway.get_rest_apis()["items"]]
    paths = {r["path"] for r in gateway.get_resources(restApiId=api["id"])["items"]}
    assert "/streams/{stream-name}/record" in paths, paths
    stream = reference.STREAMS["pin"]
    url = f"{server.endpoint}/restapis/{api['id']}/Prod/_user_request_/streams/{stream}/record"
    body = json.dumps({"StreamName": stream, "Data": {"index": 1}, "PartitionKey": "ind"}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        reply = json.load(answer)
    assert set(reply) == {"SequenceNumber", "ShardId"}, reply
    print(f"boto3 {boto3.__version__}: API imported, deployed, used")


def with_cli(server, aws):
    def run(*arguments):
        done = subprocess.run([aws, "--endpoint-url", server.endpoint, "--region", "us-east-1", *arguments],
                              capture_output=True, text=True, timeout=120, check=False,
                              env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    stream = reference.STREAMS["geo"]
    run("kinesis", "create-stream", "--stream-name", stream, "--stream-mode-details", "StreamMode=ON_DEMAND")
    run("kinesis", "wait", "stream-exists", "--stream-name", stream)
    put = run("kinesis", "put-record", "--stream-name", stream, "--partition-key", "ind", "--data", "eyJpbmQiOjF9")
    described = run("kinesis", "describe-stream", "--stream-name", stream)["StreamDescription"]
    assert len(described["Shards"]) == 4, described
    iterator = run("kinesis", "get-shard-iterator", "--stream-name", stream, "--shard-id", put["ShardId"],
                   "--shard-iterator-type", "TRIM_HORIZON")["ShardIterator"]
    records = run("kinesis", "get-records", "--shard-iterator", iterator)["Records"]
    assert [r["SequenceNumber"] for r in records] == [put["SequenceNumber"]]
    assert stream in run("kinesis", "list-streams")["StreamNames"]
    run("kinesis", "delete-stream", "--stream-name", stream)
    run("kinesis", "wait", "stream-not-exists", "--stream-name", stream)
    assert run("apigateway", "get-rest-apis")["items"]
    print("AWS CLI: streams and APIs")


def main():
    binary, aws = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="sluice-clients-") as folder:
        with sluice.Server(binary, f"{folder}/data") as server:
            with_boto3(server)
            with_boto3_gateway(server)
            with_cli(server, aws)
            assert server.stop() == 0
    print("clients: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
