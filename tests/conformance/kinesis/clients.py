"""Four unmodified AWS clients under one face: call an operation, wait for a condition, get AWS' shapes or its error back.

Blobs are bytes and timestamps datetimes on this side. Go and Java run as programs of their own (go/, java/) that take one
call a line as JSON, {"op" or "wait": name, "in": {…}}, and answer {"out": {…}} or {"error": code, "type": class, "message": …};
there blobs are base64 and timestamps ISO 8601.
"""

import base64
import datetime
import json
import os
import re
import subprocess

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
TIMESTAMPS = ("ApproximateArrivalTimestamp", "StreamCreationTimestamp")


class AwsError(Exception):
    """What the service refused: AWS' code, the SDK's class of exception, the message."""

    def __init__(self, code, kind, message):
        super().__init__(f"{code}: {message}")
        self.code, self.kind, self.message = code, kind, message


def to_json(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(type(value))


def from_json(value, key=""):
    """JSON as a client prints it: members that are not there left out, whatever stands for them in its language."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        return {k: from_json(v, k) for k, v in value.items()
                if k != "ResultMetadata" and v is not None and (v != "" or k in ("Data", "Value"))}
    if key == "Data":
        return base64.b64decode(value)
    return datetime.datetime.fromisoformat(value) if key in TIMESTAMPS else value


class Boto3:
    name = "boto3"

    def __init__(self, endpoint):
        import boto3
        self.client = boto3.client("kinesis", endpoint_url=endpoint, region_name="us-east-1",
                                   aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret")

    def call(self, operation, **arguments):
        return self._run(getattr(self.client, snake(operation, "_")), **arguments)

    def wait(self, condition, **arguments):
        waiter = self.client.get_waiter(snake(condition, "_"))
        self._run(waiter.wait, WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **arguments)

    def close(self):
        self.client.close()

    def _run(self, function, **arguments):
        import botocore.exceptions
        try:
            out = function(**arguments) or {}
        except botocore.exceptions.ClientError as error:
            raise AwsError(error.response["Error"]["Code"], type(error).__name__,
                           error.response["Error"]["Message"]) from error
        out.pop("ResponseMetadata", None)
        return out


class AwsCli:
    """One process a call, as people use it."""

    name = "AWS CLI"

    def __init__(self, endpoint, program, config):
        with open(config, "w", encoding="utf-8") as file:
            file.write("[default]\ncli_timestamp_format = iso8601\n")
        self.command = [program, "--endpoint-url", endpoint, "--no-paginate", "--output", "json", "kinesis"]
        self.environment = {**KEYS, "AWS_CONFIG_FILE": config, "PATH": os.environ["PATH"]}

    def call(self, operation, **arguments):
        return self._run([snake(operation, "-")], arguments)

    def wait(self, condition, **arguments):
        self._run(["wait", snake(condition, "-")], arguments)

    def close(self):
        pass

    def _run(self, words, arguments):
        # Version 1 takes a blob in --cli-input-json as plain text and prints it as base64.
        text = json.dumps(arguments, default=lambda v: v.decode() if isinstance(v, bytes) else to_json(v))
        done = subprocess.run([*self.command, *words, "--cli-input-json", text], env=self.environment, text=True,
                              capture_output=True, timeout=120, check=False)
        if done.returncode == 0:
            return from_json(json.loads(done.stdout)) if done.stdout.strip() else {}
        refused = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)", done.stderr, re.DOTALL)
        if not refused:
            raise RuntimeError(f"aws kinesis {words}: exit {done.returncode}\n{done.stderr}")
        raise AwsError(refused[1], refused[1], refused[2].strip())


class Program:
    """The Go or the Java client."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **KEYS, "CBOR_ENABLED": "false"})

    def call(self, operation, **arguments):
        return self._ask({"op": operation, "in": arguments})

    def wait(self, condition, **arguments):
        self._ask({"wait": condition, "in": arguments})

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request, default=to_json) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self.process.wait(timeout=30)}")
        answer = json.loads(line)
        if "error" in answer:
            raise AwsError(answer["error"], answer["type"], answer["message"])
        return from_json(answer["out"])


def snake(name, joint):
    """DescribeStream → describe_stream"""
    return re.sub(r"(?<!^)(?=[A-Z])", joint, name).lower()
