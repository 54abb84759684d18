#!/usr/bin/env python3
"""Every row of docs/limits.md names a test that hits the limit, and each test named there is in the tree.

A name is Suite.Test (Suite.* for all of a suite), a bare Test of HttpLimits, or a file of the tests. Usage: limits_page.py
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)


def tests_in_the_tree():
    """Names of tests and of test files."""
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "src", "tests"],
                           capture_output=True, text=True, check=True).stdout.split()
    names = {pathlib.Path(f).name for f in files if "/testdata/" in f or f.startswith("tests/") or f.endswith("_test.cc")}
    for file in files:
        if file.endswith("_test.cc"):
            for suite, test in TEST.findall((ROOT / file).read_text(encoding="utf-8")):
                names |= {f"{suite}.{test}", f"{suite}.*"}
    return names


def problems():
    known, found, rows = tests_in_the_tree(), [], 0
    for number, line in enumerate((ROOT / "docs" / "limits.md").read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or cells[0] in ("room", "---"):
            continue
        rows += 1
        named = re.findall(r"`([^`]+)`", cells[-1])
        if len(cells) != 6 or not named:
            found.append(f"line {number}: the row of '{cells[1]}' names no test")
        for name in named:
            if name not in known and f"HttpLimits.{name}" not in known:
                found.append(f"line {number}: there is no test {name}")
    return found if rows else ["docs/limits.md has no rows"]


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) or "docs/limits.md: every row has its test")
    sys.exit(1 if wrong else 0)
