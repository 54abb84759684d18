#!/usr/bin/env python3
"""A server with keys: boto3 and the AWS CLI with the right key and with wrong ones. What needs no client: wire.py.

Usage: keys.py BINARY AWS_CLI   (in a Python that has boto3)
"""

import datetime
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from unittest import mock

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

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


def client(server, service, key, secret, token=None):
    return boto3.client(service, endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, aws_session_token=token,
                        config=botocore.config.Config(retries={"max_attempts": 1}))


def refusal(call, **arguments):
    """HTTP status, code and message of a call that must fail."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        return e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"], e.response["Error"]["Message"]
    raise AssertionError(f"{call.__name__} was let in")


def with_boto3(server):
    kinesis = client(server, "kinesis", KEY, SECRET)
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="orders", WaiterConfig={"Delay": 1})
    data = bytes(range(256)) * 4000
    kinesis.put_record(StreamName="orders", Data=data, PartitionKey="schlüssel ü")
    assert client(server, "kinesis", *SESSION).list_streams()["StreamNames"] == ["orders"]

    unknown = (400, "UnrecognizedClientException", "The security token included in the request is invalid.")
    assert refusal(client(server, "kinesis", "AKIDOTHER", SECRET).list_streams) == unknown
    assert refusal(client(server, "kinesis", KEY, SECRET, "of another").list_streams) == unknown
    status, code, text = refusal(client(server, "kinesis", KEY, "wrong").delete_stream, StreamName="orders")
    assert (status, code) == (400, "InvalidSignatureException") and text.startswith("The request signature we calculated"), text
    for minutes, words in ((-16, "Signature expired: "), (16, "Signature not yet current: ")):
        skewed = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(minutes=minutes)
        with mock.patch("botocore.auth.get_current_datetime", return_value=skewed):
            status, code, text = refusal(kinesis.list_streams)
        assert (status, code) == (400, "InvalidSignatureException") and text.startswith(words), text
    assert kinesis.list_streams()["StreamNames"] == ["orders"]

    gateway = client(server, "apigateway", KEY, SECRET)
    api = gateway.import_rest_api(body=(sluice.EXAMPLE / "api.yaml").read_bytes())
    assert [a["id"] for a in gateway.get_rest_apis()["items"]] == [api["id"]]
    status, code, _ = refusal(client(server, "apigateway", KEY, "wrong").delete_rest_api, restApiId=api["id"])
    assert (status, code) == (403, "InvalidSignatureException"), (status, code)
    print(f"boto3 {boto3.__version__}: let in with its key, refused with any other")


def presigned(server):
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.ListStreams"}
    request = botocore.awsrequest.AWSRequest("POST", server.endpoint + "/", headers=headers)
    key = botocore.credentials.Credentials(KEY, SECRET)
    presigner = botocore.auth.SigV4QueryAuth(key, "kinesis", "us-east-1", expires=60)
    # botocore moves a body into the query, which is for other services; here it is signed as what it is.
    presigner.payload = lambda _: hashlib.sha256(b"{}").hexdigest()
    presigner.add_auth(request)
    sent = urllib.request.Request(request.prepare().url, b"{}", headers, method="POST")
    with urllib.request.urlopen(sent, timeout=30) as answer:
        assert json.load(answer)["StreamNames"] == ["orders"]
    print("a presigned call is let in")


def with_cli(server, aws, home):
    def run(*command, **environment):
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                              env={"HOME": home, "PATH": "/usr/bin:/bin", **environment})

    right = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    listing = (aws, "--endpoint-url", server.endpoint, "--region", "us-east-1", "kinesis", "list-streams")
    assert json.loads(run(*listing, **right).stdout)["StreamNames"] == ["orders"]
    wrong = run(*listing, **{**right, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert wrong.returncode != 0 and "InvalidSignatureException" in wrong.stderr, wrong.stderr

    print("AWS CLI: let in with its key, refused with another")


def main():
    binary, aws = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="sluice-keys-") as folder:
        keys = pathlib.Path(folder, "keys")
        keys.write_text(KEYS)
        keys.chmod(0o600)
        config = pathlib.Path(folder, "sluice.toml")
        config.write_text(f'keys_file = "{keys}"\nhost = "0.0.0.0"\ninsecure_remote_http = true\n')
        with sluice.Server(binary, f"{folder}/data", config=config) as server:
            with_boto3(server)
            presigned(server)
            with_cli(server, aws, folder)
            assert server.stop() == 0
        log = pathlib.Path(f"{folder}/data.log").read_text()
        assert SECRET not in log and SESSION[1] not in log and SESSION[2] not in log
    print("keys: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
