#!/usr/bin/env python3
"""Limits of docs/limits.md that only the whole binary can meet: files that commands read, what they print, pipeline runs.

Usage: limits.py BINARY
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import sluice  # noqa: E402

CONSOLE = {"Content-Type": "application/json", "X-Sluice-Request": "1"}
SCHEMA = json.dumps({"type": "struct", "fields": [{"name": "a", "type": "integer", "nullable": True, "metadata": {}}]})
VIEW = "CREATE TEMPORARY VIEW `{0}` AS SELECT 1 AS a;"
TABLE = "CREATE STREAMING TABLE `{0}` AS SELECT data FROM STREAM read_kinesis(streamName => 's', initialPosition => 'earliest');"


def command(binary, *arguments):
    return subprocess.run([binary, *map(str, arguments)], text=True, capture_output=True, timeout=300, check=False)


def large(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def files_that_are_too_large(binary, folder):
    for size, arguments in ((64 << 20, ("sql", "--data", folder / "none", "-f")),
                            (10 << 20, ("apis", "render")), (10 << 20, ("apis", "import", "--data", folder / "made"))):
        refused = command(binary, *arguments, large(folder / "large", size + 1))
        assert refused.returncode == 1 and f"more than the limit of {size}" in refused.stderr, refused
    template = folder / "template.vtl"
    template.write_text("x", encoding="ascii")
    refused = command(binary, "apis", "render", template, "--body", large(folder / "body", (10 << 20) + 1))
    assert refused.returncode == 1 and f"more than the limit of {10 << 20}" in refused.stderr, refused


def rows_of_a_table(binary, folder):
    query = ("sql", "--data", folder / "none", "-e", "SELECT id FROM range(10007) ORDER BY id")
    table = command(binary, *query).stdout.splitlines()
    assert table[-2:] == ["(10,007 rows)", "(7 more rows not shown; --csv or --json prints all)"], table[-3:]
    assert table[-3].strip() == "9999", table[-3]
    assert len(json.loads(command(binary, *query, "--json").stdout)["rows"]) == 10_007


def versions_of_a_history(binary, folder):
    log = folder / "lake" / "lake" / "default" / "t" / "_delta_log"
    log.mkdir(parents=True)
    first = [{"commitInfo": {"timestamp": 1, "operation": "CREATE TABLE", "operationParameters": {}}},
             {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
             {"metaData": {"id": "00000000-0000-0000-0000-000000000000", "format": {"provider": "parquet", "options": {}},
                           "schemaString": SCHEMA, "partitionColumns": [], "configuration": {}, "createdTime": 1}}]
    for version in range(1_005):
        actions = first if version == 0 else [
            {"commitInfo": {"timestamp": version + 1, "operation": "WRITE", "operationParameters": {}}}]
        (log / f"{version:020}.json").write_text("\n".join(map(json.dumps, actions)), encoding="ascii")
    history = json.loads(command(binary, "tables", "history", "t", "--json", "--data", folder / "lake").stdout)
    assert [history[0]["version"], history[-1]["version"], len(history)] == [1_004, 5, 1_000], history[:1]


def start_run(server, path, files, mode):
    """(status, answer) of a run's start."""
    status, body = server.request("POST", "/_sluice/api/pipelines/runs", json.dumps({
        "specPath": path, "spec": "name: n\nstorage: file:///tmp/s\nlibraries:\n  - glob: {include: t/**}\n",
        "files": {f"t/{name}.sql": text for name, text in files.items()}, "mode": mode}),
        CONSOLE, timeout=120)
    return status, json.loads(body)


def run_status(server, run):
    status, body = server.request("GET", f"/_sluice/api/pipelines/runs/{run}", headers=CONSOLE, timeout=60)
    assert status in (200, 404), (status, body)
    return json.loads(body) if status == 200 else None


def has_ended(server, run):
    return run_status(server, run)["state"] not in ("RUNNING", "STARTING")


def lines_of_a_run(server):
    files = {f"v{i}": VIEW.format(f"v{i}") for i in range(9_999)} | {"t": TABLE.format("t")}
    status, started = start_run(server, "/many", files, "dry-run")
    assert status == 201, started
    server.wait_until(lambda: has_ended(server, started["run"]), 120)
    ended = run_status(server, started["run"])
    texts = [event["text"] for event in ended["events"]]
    assert len(texts) == 10_000, len(texts)
    assert "Creating dataflow graph..." not in texts and texts[-1] == "Run is COMPLETED.", (texts[0], texts[-1])


def runs_that_are_kept(server):
    runs = []
    for i in range(66):
        status, started = start_run(server, f"/p{i}", {"t": TABLE.format("t")}, "dry-run")
        assert status == 201, started
        runs.append(started["run"])
        server.wait_until(lambda: has_ended(server, runs[-1]))
    assert [run_status(server, run) is None for run in runs] == 2 * [True] + 64 * [False]


def runs_at_once(server):
    server.kinesis("CreateStream", StreamName="s", ShardCount=1)
    running = []
    for i in range(8):
        status, started = start_run(server, f"/c{i}", {"t": TABLE.format(f"c{i}")}, "continuous")
        assert status == 201, started
        running.append(started["run"])
    status, refused = start_run(server, "/one-more", {"t": TABLE.format("more")}, "continuous")
    assert status == 409 and "8 pipeline runs are under way" in json.dumps(refused), refused
    for run in running:
        server.request("DELETE", f"/_sluice/api/pipelines/runs/{run}", headers=CONSOLE)
        server.wait_until(lambda: has_ended(server, run), 60)  # pylint: disable=cell-var-from-loop
    status, started = start_run(server, "/one-more", {"t": TABLE.format("more")}, "continuous")
    assert status == 201, started


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="sluice-limits-") as name:
        folder = pathlib.Path(name)
        files_that_are_too_large(binary, folder)
        rows_of_a_table(binary, folder)
        versions_of_a_history(binary, folder)
        with sluice.Server(binary, folder / "data") as server:
            lines_of_a_run(server)
            runs_that_are_kept(server)
            runs_at_once(server)
            assert server.stop() == 0
    print("limits: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
