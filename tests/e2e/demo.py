#!/usr/bin/env python3
"""A small demo: ends with equal tables, at most 8 files each, and a folder that the other commands read.

Usage: demo.py BINARY
"""

import json
import subprocess
import sys
import tempfile


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="sluice-demo-test-") as folder:
        demo = subprocess.run([binary, "demo", "--data", f"{folder}/d", "--posts", "1200", "--seed", "3"],
                              capture_output=True, text=True, timeout=240, check=False)
        last = demo.stdout.strip().splitlines()[-1] if demo.stdout.strip() else ""
        assert demo.returncode == 0, (demo.returncode, last, demo.stderr[-2000:])
        assert last.startswith("check of 1,200 posts against the tables: pin "), last
        assert last.count("equal") == 3 and "DIFFERENT" not in last, last
        tables = json.loads(subprocess.run([binary, "tables", "list", "--json", "--data", f"{folder}/d"],
                                           capture_output=True, text=True, timeout=60, check=True).stdout)
        assert len(tables) == 3, tables
        for table in tables:
            assert 1 <= table["files"] <= 8, table
            assert table["rows"] > 300, table
    print(last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
