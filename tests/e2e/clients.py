#!/usr/bin/env python3
"""The walkthrough's API by unmodified boto3 and AWS CLI: import and export, the same API built call by call, deployment, posts,
reading back. The streams themselves: tests/conformance/kinesis.

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


def cli_of(server, aws):
    def run(*arguments):
        done = subprocess.run([aws, "--endpoint-url", server.endpoint, "--region", "us-east-1", *arguments],
                              capture_output=True, text=True, timeout=120, check=False,
                              env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    return run


def with_cli(server, aws):
    run = cli_of(server, aws)
    api = run("apigateway", "import-rest-api", "--body", f"fileb://{sluice.EXAMPLE / 'api.yaml'}")
    run("apigateway", "create-deployment", "--rest-api-id", api["id"], "--stage-name", "Prod")
    assert api["id"] in [a["id"] for a in run("apigateway", "get-rest-apis")["items"]]
    assert set(post(server, api["id"], {"index": 2})) == {"SequenceNumber", "ShardId"}
    print("AWS CLI: API imported, deployed, used")


def shown(gateway, api_id):
    """All methods of an API without ids: what one API says and another of the same making must say too."""
    out = {}
    for resource in gateway.get_resources(restApiId=api_id, embed=["methods"], limit=500)["items"]:
        for method in resource.get("resourceMethods", {}).values():
            assert method["methodIntegration"]["cacheNamespace"] == resource["id"]
            del method["methodIntegration"]["cacheNamespace"]
        out[resource["path"]] = resource.get("resourceMethods", {})
    return out


def parts_of(integration):
    """What get-integration says as what put-integration takes."""
    out = {k: v for k, v in integration.items() if k not in ("integrationResponses", "cacheKeyParameters")}
    if "httpMethod" in out:
        out["integrationHttpMethod"] = out.pop("httpMethod")
    return out


def build(gateway, name, model):
    """An API by the calls for single parts, as `model` (of shown()) says."""
    api = gateway.create_rest_api(name=name)
    ids = {"/": api["rootResourceId"]}
    for path in sorted(model, key=lambda p: p.count("/")):
        if path not in ids:
            parent, part = path.rsplit("/", 1)
            ids[path] = gateway.create_resource(restApiId=api["id"], parentId=ids[parent or "/"], pathPart=part)["id"]
        for verb, method in model[path].items():
            at = {"restApiId": api["id"], "resourceId": ids[path], "httpMethod": verb}
            gateway.put_method(**at, authorizationType="NONE", requestParameters=method.get("requestParameters", {}))
            for code, response in method.get("methodResponses", {}).items():
                gateway.put_method_response(**at, **response)
            gateway.put_integration(**at, **parts_of(method["methodIntegration"]))
            for response in method["methodIntegration"].get("integrationResponses", {}).values():
                gateway.put_integration_response(**at, **response)
    return api["id"]


def call_by_call(server):
    """The walkthrough's whole API without OpenAPI; export and import of it."""
    gateway = boto3.client("apigateway", endpoint_url=server.endpoint, **KEYS)
    imported = gateway.import_rest_api(body=(sluice.EXAMPLE / "api.yaml").read_bytes())["id"]
    want = shown(gateway, imported)
    assert len(want) >= 6, want
    built = build(gateway, "by hand", want)
    assert shown(gateway, built) == want
    deployment = gateway.create_deployment(restApiId=built)["id"]
    stage = gateway.create_stage(restApiId=built, stageName="Prod", deploymentId=deployment, variables={"color": "red"})
    assert stage["variables"] == {"color": "red"}, stage
    operation = {"op": "replace", "path": "/variables/color", "value": "blue"}
    stage = gateway.update_stage(restApiId=built, stageName="Prod", patchOperations=[operation])
    assert stage["variables"] == {"color": "blue"}, stage
    assert set(post(server, built, {"index": 3})) == {"SequenceNumber", "ShardId"}
    for kind in "oas30", "swagger":
        for accepts in "application/json", "application/yaml":
            text = gateway.get_export(restApiId=built, stageName="Prod", exportType=kind, accepts=accepts,
                                      parameters={"extensions": "apigateway"})["body"].read()
            again = gateway.import_rest_api(body=text)["id"]
            assert {p: m for p, m in shown(gateway, again).items() if m} == {p: m for p, m in want.items() if m}, text
    gateway.put_rest_api(restApiId=again, mode="merge", body=b"openapi: 3.0.1\ninfo: {title: merged}\npaths: {/more: {}}")
    assert set(shown(gateway, again)) == set(want) | {"/more"}
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{built}"
    gateway.tag_resource(resourceArn=arn, tags={"team": "red"})
    assert gateway.get_tags(resourceArn=arn)["tags"] == {"team": "red"}
    gateway.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert gateway.get_rest_api(restApiId=built)["tags"] == {}
    try:
        gateway.get_rest_api(restApiId="xyz")
        raise AssertionError("an API that is not there")
    except gateway.exceptions.NotFoundException as error:
        assert "Invalid API identifier specified 000000000000:xyz" in str(error), error
    print("boto3: API built call by call, exported, merged, tagged")


def cli_call_by_call(server, aws):
    """The way of one record, as the walkthrough's steps go."""
    run = cli_of(server, aws)

    def gateway(*arguments):
        return run("apigateway", *arguments)

    api = gateway("create-rest-api", "--name", "cli", "--endpoint-configuration", "types=REGIONAL")
    at = ["--rest-api-id", api["id"]]
    parent = gateway("get-resources", *at)["items"][0]["id"]
    for part in "streams", "{stream-name}", "record":
        parent = gateway("create-resource", *at, "--parent-id", parent, "--path-part", part)["id"]
    of = [*at, "--resource-id", parent, "--http-method", "PUT"]
    gateway("put-method", *of, "--authorization-type", "NONE")
    template = ('{"StreamName": "$input.params(\'stream-name\')", "Data": "$util.base64Encode($input.json(\'$.Data\'))", '
                '"PartitionKey": "$input.path(\'$.PartitionKey\')"}')
    made = gateway("put-integration", *of, "--type", "AWS", "--integration-http-method", "POST",
                   "--uri", "arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",
                   "--credentials", "arn:aws:iam::000000000000:role/r",
                   "--request-templates", json.dumps({"application/json": template}))
    assert (made["timeoutInMillis"], made["passthroughBehavior"], made["cacheNamespace"]) == (29000, "WHEN_NO_MATCH", parent), made
    gateway("put-method-response", *of, "--status-code", "200", "--response-models", '{"application/json": "Empty"}')
    gateway("put-integration-response", *of, "--status-code", "200", "--response-templates", "{}")
    gateway("create-deployment", *at, "--stage-name", "Prod")
    assert set(post(server, api["id"], {"index": 4})) == {"SequenceNumber", "ShardId"}
    gateway("update-rest-api", *at, "--patch-operations", "op=replace,path=/name,value=renamed")
    assert gateway("get-rest-api", *at)["name"] == "renamed"
    gateway("delete-rest-api", *at)
    print("AWS CLI: API built call by call, used, renamed, deleted")


def main():
    binary, aws = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="sluice-clients-") as folder:
        with sluice.Server(binary, f"{folder}/data") as server:
            with_boto3(server)
            call_by_call(server)
            with_cli(server, aws)
            cli_call_by_call(server, aws)
            assert server.stop() == 0
    print("clients: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
