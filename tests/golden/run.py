#!/usr/bin/env python3
"""Golden text tests: runs the binary with the arguments of each *.test file and compares what it prints.

A file describes one behaviour. Lines before the first section are its comment. Sections:
    -- file NAME     a file made in the test's own empty folder before the run
    -- args          one argument a line; {dir} is that folder, {source} the checkout
    -- stdin         what the command reads
    -- stdout        expected standard output, whole
    -- stderr        expected standard error, whole
    -- exit          expected exit status (default 0)
In expected text, … at the end or the beginning of a line stands for any rest, and a line of … alone for any lines.
A file may hold several args sections: each starts a new step in the same folder.
Usage: run.py BINARY FOLDER [NAME…]; --update writes what was printed into the files.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

TIMEOUT_S = 60


def parse(path):
    """The file as a list of (kind, argument, text)."""
    sections, text = [], []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("-- "):
            kind, _, argument = line[3:].strip().partition(" ")
            text = []
            sections.append((kind, argument, text))
        elif sections:
            text.append(line)
    return [(kind, argument, "".join(text)) for kind, argument, text in sections]


def steps(sections):
    """Files first, then one dict a step."""
    files, found = {}, []
    for kind, argument, text in sections:
        if kind == "file":
            files[argument] = text
        elif kind == "args":
            found.append({"args": text.splitlines(), "exit": "0"})
        elif kind in ("stdin", "stdout", "stderr", "exit") and found:
            found[-1][kind] = text
        else:
            raise ValueError(f"unknown or misplaced section '-- {kind}'")
    return files, found


def line_matches(want, have):
    if want.startswith("…"):
        return have.endswith(want[1:])
    return have == want or (want.endswith("…") and have.startswith(want[:-1]))


def matches(expected, actual):
    want, have = expected.splitlines(), actual.splitlines()
    if "…" in want:  # any lines there
        at = want.index("…")
        tail = len(want) - at - 1
        return len(have) >= len(want) - 1 and matches("\n".join(want[:at]), "\n".join(have[:at])) and matches(
            "\n".join(want[at + 1:]), "\n".join(have[len(have) - tail:]))
    return len(want) == len(have) and all(map(line_matches, want, have))


def run_step(binary, source, folder, step):
    args = [a.replace("{dir}", folder).replace("{source}", source) for a in step["args"]]
    env = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "SLUICE_DATA": folder + "/data"}
    done = subprocess.run([binary, *args], input=step.get("stdin", ""), cwd=folder, env=env, text=True,
                          encoding="utf-8", capture_output=True, timeout=TIMEOUT_S)
    return {"stdout": done.stdout.replace(folder, "{dir}"), "stderr": done.stderr.replace(folder, "{dir}"),
            "exit": str(done.returncode)}


def run_file(binary, source, path, update):
    """What differs, as text; empty when all is as expected."""
    files, found = steps(parse(path))
    problems, results = [], []
    with tempfile.TemporaryDirectory(prefix="sluice-golden-") as folder:
        for name, text in files.items():
            target = pathlib.Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        for step in found:
            got = run_step(binary, source, folder, step)
            results.append(got)
            for key in ("exit", "stdout", "stderr"):
                if key not in step:
                    continue
                expected = step[key].strip() if key == "exit" else step[key]
                if not matches(expected, got[key]):
                    problems.append(f"{' '.join(step['args'])}\n--- expected {key}\n{expected}\n--- got\n{got[key]}"
                                    + (f"--- stderr\n{got['stderr']}" if key != "stderr" else ""))
    if update and problems:
        rewrite(path, results)
    return "\n".join(problems)


def rewrite(path, results):
    lines, step = [], -1
    source = path.read_text(encoding="utf-8")
    head = source[:source.index("-- ")]
    for kind, argument, text in parse(path):
        if kind == "args":
            step += 1
        if kind in ("stdout", "stderr", "exit"):
            text = results[step][kind].rstrip("\n")
            text += "\n" if text else ""
        lines.append(f"-- {kind} {argument}".rstrip() + "\n" + text)
    path.write_text(head + "".join(lines), encoding="utf-8")


def main():
    update = "--update" in sys.argv
    binary, folder, *names = [a for a in sys.argv[1:] if a != "--update"]
    source = str(pathlib.Path(folder).resolve().parents[1])
    paths = sorted(p for p in pathlib.Path(folder).rglob("*.test") if not names or p.stem in names)
    failed = 0
    for path in paths:
        problem = run_file(os.path.abspath(binary), source, path, update)
        if problem:
            failed += 1
            print(f"FAILED {path.relative_to(folder)}\n{problem}\n")
    print(f"golden: {len(paths) - failed} passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
