#!/usr/bin/env python3
"""The walkthrough's API by unmodified boto3 and AWS CLI: import, deployment, posts, reading back. The streams themselves:
tests/conformance/kinesis.

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


def post(server, api_id, data):
    """One row through the deployed API's mapping template; its answer."""
    stream = reference.STREAMS["pin"]
    url = f"{server.endpoint}/restapis/{api_id}/Prod/_user_request_/streams/{stream}/record"
    body = json.dumps({"StreamName": stream, "Data": data, "PartitionKey": "ind"}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def with_boto3(server):
    kinesis = boto3.client("kinesis", endpoint_url=server.endpoint, **KEYS)
    stream = reference.STREAMS["pin"]
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    gateway = boto3.client("apigateway", endpoint_url=server.endpoint, **KEYS)
    api = gateway.import_rest_api(body=(sluice.EXAMPLE / "api.yaml").read_bytes())
    gateway.create_deployment(restApiId=api["id"], stageName="Prod")
    assert api["id"] in [a["id"] for a in gateway.get_rest_apis()["items"]]
    paths = {r["path"] for r in gateway.get_resources(restApiId=api["id"])["items"]}
    assert "/streams/{stream-name}/record" in paths, paths
    reply = post(server, api["id"], {"index": 1})
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=reply["ShardId"],
                                          ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [(r["SequenceNumber"], json.loads(r["Data"])) for r in records] == [(reply["SequenceNumber"], {"index": 1})], records
    print(f"boto3 {boto3.__version__}: API imported, deployed, used")


def with_cli(server, aws):
    def run(*arguments):
        done = subprocess.run([aws, "--endpoint-url", server.endpoint, "--region", "us-east-1", *arguments],
                              capture_output=True, text=True, timeout=120, check=False,
                              env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    api = run("apigateway", "import-rest-api", "--body", f"fileb://{sluice.EXAMPLE / 'api.yaml'}")
    run("apigateway", "create-deployment", "--rest-api-id", api["id"], "--stage-name", "Prod")
    assert api["id"] in [a["id"] for a in run("apigateway", "get-rest-apis")["items"]]
    assert set(post(server, api["id"], {"index": 2})) == {"SequenceNumber", "ShardId"}
    print("AWS CLI: API imported, deployed, used")


def main():
    binary, aws = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="sluice-clients-") as folder:
        with sluice.Server(binary, f"{folder}/data") as server:
            with_boto3(server)
            with_cli(server, aws)
            assert server.stop() == 0
    print("clients: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
