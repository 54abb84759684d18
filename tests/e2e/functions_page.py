#!/usr/bin/env python3
"""docs/compat.md says which functions of Spark are there and which are refused: asks the binary about each.

Usage: functions_page.py BINARY
A function that is there is called without arguments: it may complain about them, but not be refused by name or unknown.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "compat.md"


def names_of(block, title):
    listed = re.search(rf"\*\*{title}\*\* \((\d+)\): (.*?)\.(?:\n\n|\n?$)", block, re.S)
    names = re.findall(r"`([^`]+)`", listed[2])
    if len(names) != int(listed[1]):
        sys.exit(f"{PAGE}: {title}: {listed[1]} in words, {len(names)} in the list")
    return names


def verdicts(binary, names):
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "calls.sql"
        script.write_text(";\n".join(f"SELECT `{name}`()" for name in names))
        done = subprocess.run([binary, "sql", "--data", folder, "--json", "-f", script], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if len(lines) != len(names):
        sys.exit(f"{len(names)} statements, {len(lines)} answers: {done.stderr}")
    for name, line in zip(names, lines):
        error = json.loads(line).get("error", {})
        refused = error.get("class") == "UNSUPPORTED_BY_SLUICE" and f"the function {name}." in error["message"] + "."
        yield name, refused, error


def main():
    block = PAGE.read_text().split("<!-- functions -->")[1].split("<!-- /functions -->")[0]
    there = names_of(block, "Functions that are there")
    refused = names_of(block, "Functions that are refused by name")
    wrong = []
    for name, is_refused, error in verdicts(sys.argv[1], there + refused):
        if is_refused != (name in refused) or error.get("class") == "UNRESOLVED_ROUTINE":
            wrong.append(f"{name}: {error.get('class', 'answers')}: {error.get('message', '')[:100]}")
    print("\n".join(wrong) or f"{len(there)} functions there, {len(refused)} refused, as the page says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
