#!/usr/bin/env python3
"""The demo's tables, read by `deltalake`, against the plain-Python reference made from what was posted.

Usage: walkthrough.py BINARY   (inside a Python that has deltalake and pyarrow; tests/interop/run makes one)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import deltalake

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import reference  # noqa: E402


def posted_rows(path):
    rows = {name: [] for name in reference.TABLES}
    names = {stream: name for name, stream in reference.STREAMS.items()}
    for line in path.read_text(encoding="utf-8").splitlines():
        post = json.loads(line)
        rows[names[post["StreamName"]]].append(post["Data"])
    return rows


def table_rows(path):
    table = deltalake.DeltaTable(str(path))
    rows = []
    for row in table.to_pyarrow_table().to_pylist():
        rows.append(tuple(tuple(v) if isinstance(v, list) else v for v in row.values()))
    return table, sorted(rows, key=reference.sort_key)


def main():
    binary = sys.argv[1]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sluice-interop-") as folder:
        demo = subprocess.run([binary, "demo", "--data", f"{folder}/demo"], capture_output=True, text=True, timeout=300)
        if demo.returncode != 0:
            print(demo.stdout[-3000:], demo.stderr[-3000:])
            return 1
        posted = posted_rows(pathlib.Path(folder, "demo", "posted.jsonl"))
        for name, rows in posted.items():
            path = pathlib.Path(folder, "demo", "lake", "default", reference.DELTA_TABLES[name])
            table, have = table_rows(path)
            want = reference.expected(name, rows)
            same = want == have
            failed += not same
            print(f"deltalake {deltalake.__version__}: {path.name}: {len(rows)} posts, {len(have)} rows, "
                  f"{len(table.file_uris())} files, version {table.version()}: {'equal' if same else 'DIFFERENT'}")
            if not same:
                have_set, want_set = set(have), set(want)
                print("  missing", [r for r in want if r not in have_set][:2])
                print("  extra", [r for r in have if r not in want_set][:2])
            if len(table.file_uris()) > 8:
                print("  more than 8 files")
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
