#!/usr/bin/env python3
"""Reads the tables that `delta_tables` writes with other Delta readers (delta-rs, Polars, DuckDB) and compares them row
for row with what was put in.

  delta_readers.py --tables PROGRAM [--cache FOLDER] [--keep FOLDER]

The readers come from PyPI into a virtual environment below --cache (default: ~/.cache/sluice). Out of reach: says so on
standard error and ends with 77, which CTest counts as skipped. Differences: 1."""
import argparse
import datetime
import decimal
import glob
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

PACKAGES = ["deltalake==1.6.6", "pyarrow==26.0.1", "polars==2.1.0", "duckdb==1.5.5",
            "duckdb_extension_delta==1.5.5", "pytz"]
SKIPPED = 77
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def enter_environment(cache):
    """Runs this script again with the environment's Python, made if it is not there yet."""
    venv = pathlib.Path(cache) / "interop-venv"
    python = venv / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == venv.resolve():
        return
    wanted = "\n".join(PACKAGES)
    stamp = venv / "packages.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        pathlib.Path(cache).mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, stdout=sys.stderr)
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr,
                           timeout=600)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"delta_readers: SKIPPED, the readers cannot be installed from PyPI: {error}", file=sys.stderr)
            sys.exit(SKIPPED)
        stamp.write_text(wanted)
    os.execv(python, [str(python), *sys.argv])


def number(value):
    value = float(value)
    return "f:nan" if math.isnan(value) else f"f:{value!r}"


def micros(value):
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)
    return (value - EPOCH) // datetime.timedelta(microseconds=1)


def entries(value):
    """A map, in any of the forms that readers give."""
    if isinstance(value, dict):
        pairs = zip(value["key"], value["value"]) if set(value) == {"key", "value"} else value.items()
    else:
        pairs = [(e["key"], e["value"]) if isinstance(e, dict) else e for e in value]
    return sorted([canonical(k), canonical(v)] for k, v in pairs)


def canonical(value, name=None):
    if value is None or isinstance(value, (bool, int)):
        return value
    if name == "m":
        return entries(value)
    if isinstance(value, str):
        return number(value[2:]) if value.startswith("f:") else value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, datetime.datetime):
        return micros(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {k: canonical(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(v) for v in value]
    raise TypeError(f"{type(value)}: {value!r}")


def canonical_rows(rows):
    return sorted(json.dumps({k: canonical(v, k) for k, v in row.items()}, sort_keys=True) for row in rows)


def read_deltalake(path):
    import deltalake
    return deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()


def read_polars(path):
    import polars
    return polars.read_delta(path).to_dicts()


def duckdb_connection():
    import duckdb
    import duckdb_extension_delta
    extension = glob.glob(os.path.dirname(duckdb_extension_delta.__file__) + "/extensions/v*/delta.duckdb_extension")[0]
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false")
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone='UTC'")
    return connection


def read_duckdb(path):
    result = duckdb_connection().sql(f"SELECT * FROM delta_scan('{path}')")
    return [dict(zip(result.columns, row)) for row in result.fetchall()]


READERS = {"deltalake": read_deltalake, "polars": read_polars, "duckdb": read_duckdb}

# Polars 2.1 takes partition columns from folders' names as soon as one file lies in such a folder.
EXEMPT = {("long_partition", "polars")}


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return canonical_rows(json.loads(line) for line in file if line.strip())


def difference(expected, found):
    missing = sorted(set(expected) - set(found))[:3]
    extra = sorted(set(found) - set(expected))[:3]
    return f"{len(expected)} rows expected, {len(found)} found\n    missing {missing}\n    extra   {extra}"


# Equality and range filters: a reader that skips files by statistics or partition values must still find the rows.
FILTERS = {
    "types": ["id = 4", "amount > 1e300", "text > 'ÿ'", "at >= TIMESTAMPTZ '9999-12-31 23:59:59.9995+00'",
              "at = TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", "day < DATE '1000-01-01'", "ratio IS NULL",
              "price = -1.10", "huge > 0", "nested.a = 3", "tiny = -128", "isnan(amount)"],
    "partitioned": ["text = 'plain'", "text IS NULL", "day = DATE '1969-07-20'", "n < 0",
                    "at = TIMESTAMPTZ '2024-01-31 10:00:00.000001+00'"],
    "optimized": ["part = 'b'", "part IS NULL", "id BETWEEN 250 AND 260", "id = 100001"],
    "long_partition": ["text = repeat('long', 80)"],
    "checkpointed": ["id = 125", "text = 'row 3'"],
    "evolved": ["added IS NULL", "added = 'three'"],
    "wall_clock": ['"at" = TIMESTAMP \'2024-03-31 02:30:00.25\''],
}


def check_filters(name, path, complaints):
    connection = duckdb_connection()
    for text in FILTERS.get(name, []):
        text = text.replace("at ", '"at" ', 1) if text.startswith("at ") else text
        pruned = connection.sql(f"SELECT count(*) FROM delta_scan('{path}') WHERE {text}").fetchone()[0]
        whole = connection.sql(f"WITH t AS MATERIALIZED (SELECT * FROM delta_scan('{path}')) "
                               f"SELECT count(*) FROM t WHERE {text}").fetchone()[0]
        if pruned != whole or whole == 0:
            complaints.append(f"{name}: WHERE {text}: {pruned} rows with file skipping, {whole} without")


def check_bounds(name, path, complaints):
    """Every value of a file lies within the bounds that its statistics name."""
    import deltalake
    import pyarrow
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    table = deltalake.DeltaTable(path)
    actions = table.get_add_actions(flatten=False)
    for action in pyarrow.table(actions).to_pylist():
        file = pq.ParquetFile(os.path.join(path, urllib.parse.unquote(action["path"]))).read()
        if action["num_records"] != file.num_rows:
            complaints.append(f"{name}: {action['path']}: numRecords {action['num_records']}, rows {file.num_rows}")
        for column, bound in (action.get("min") or {}).items():
            if bound is None or isinstance(bound, dict) or column not in file.column_names:
                continue
            found = pc.min_max(file[column])
            least, most = found["min"].as_py(), found["max"].as_py()
            top = action["max"][column]
            # Readers know that timestamps are cut to milliseconds.
            if least is not None and (least < bound or most > top):
                complaints.append(f"{name}.{column}: {least!r}..{most!r} outside of {bound!r}..{top!r}")


def check_history(folder, complaints):
    import deltalake
    path = str(folder / "checkpointed")
    table = deltalake.DeltaTable(path)
    if table.version() != 23:
        complaints.append(f"checkpointed: version {table.version()}, not 23")
    if table.transaction_version("sluice:checkpointed:1") != 22:
        complaints.append(f"checkpointed: txn {table.transaction_version('sluice:checkpointed:1')}, not 22")
    newest = table.history(1)[0]
    if newest["operation"] != "STREAMING UPDATE":
        complaints.append(f"checkpointed: history says {newest}")
    # Another engine may go on where we stopped.
    import pyarrow
    deltalake.write_deltalake(path, pyarrow.table({"id": pyarrow.array([5000], pyarrow.int64()), "text": ["by delta-rs"]}),
                              mode="append")
    rows = read_duckdb(path)
    if len(rows) != 231 or {"id": 5000, "text": "by delta-rs"} not in rows:
        complaints.append("checkpointed: the row appended by delta-rs is not there")


def check_foreign(program, folder, complaints):
    """We read what delta-rs wrote: checkpoint, removed files, partitions, its own Parquet."""
    import deltalake
    import pyarrow
    path = str(folder / "foreign")

    def rows(start, count):
        ids = range(start, start + count)
        return pyarrow.table({
            "id": pyarrow.array(ids, pyarrow.int64()),
            "part": pyarrow.array([None if i % 5 == 0 else f"a b/{i % 3}%é" for i in ids]),
            "at": pyarrow.array([EPOCH + datetime.timedelta(microseconds=i * 1_000_003) for i in ids]),
            "amount": pyarrow.array([None if i % 7 == 0 else i / 8 for i in ids]),
            "price": pyarrow.array([decimal.Decimal(i) / 4 for i in ids], pyarrow.decimal128(12, 2)),
            "names": pyarrow.array([[str(i), None] for i in ids]),
            "nested": pyarrow.array([{"a": i, "b": {"c": f"x{i}"}} for i in ids]),
        })

    for i in range(14):
        deltalake.write_deltalake(path, rows(i * 10, 10), mode="append", partition_by=["part"])
        if i == 11:
            table = deltalake.DeltaTable(path)
            table.delete("id >= 20 AND id < 25")
            table.optimize.compact()
            table.create_checkpoint()
    logs = sorted(glob.glob(path + "/_delta_log/*.json"))
    for log in logs[:10]:
        os.remove(log)
    subprocess.run([program, "--read", str(folder), "foreign"], check=True)
    expected = canonical_rows(read_deltalake(path))
    found = rows_of(folder / "foreign.own.json")
    if len(expected) != 135 or found != expected:
        complaints.append(f"foreign, sluice: {difference(expected, found)}")
    else:
        print(f"foreign: sluice reads the {len(expected)} rows of delta-rs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", required=True, help="the program delta_tables")
    parser.add_argument("--cache", default=os.path.expanduser("~/.cache/sluice"))
    parser.add_argument("--keep", help="write the tables here and leave them")
    options = parser.parse_args()
    enter_environment(options.cache)
    with tempfile.TemporaryDirectory(prefix="sluice-interop-") as temporary:
        folder = pathlib.Path(options.keep or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([options.tables, str(folder)], check=True)
        complaints = []
        names = sorted(p.name.removesuffix(".rows.json") for p in folder.glob("*.rows.json"))
        for name in names:
            expected = rows_of(folder / f"{name}.rows.json")
            for reader, read in [*READERS.items(), ("sluice", None)]:
                if (name, reader) in EXEMPT:
                    continue
                try:
                    found = canonical_rows(read(str(folder / name))) if read else rows_of(folder / f"{name}.own.json")
                except Exception as error:  # any failure of a reader is what this test looks for
                    complaints.append(f"{name}, {reader}: {type(error).__name__}: {error}")
                    continue
                if found != expected:
                    complaints.append(f"{name}, {reader}: {difference(expected, found)}")
                else:
                    print(f"{name}: {reader} reads the {len(expected)} rows")
            check_filters(name, str(folder / name), complaints)
            check_bounds(name, str(folder / name), complaints)
        check_history(folder, complaints)
        check_foreign(options.tables, folder, complaints)
        for complaint in complaints:
            print(f"DIFFERENT {complaint}")
        sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
