#!/usr/bin/env python3
"""Generated templates rendered by Sluice and by the Java engines: the same bytes, or a difference that known.txt explains.
AWS' release of JsonPath is not known: Sluice must do as one of those given.

run.py DRIVER NAME=CLASSPATH... [--cases N] [--seed S] [--only NUMBER] [--show N]"""
import argparse
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import generate

HERE = pathlib.Path(__file__).parent


def line_of(case):
    return "\t".join(base64.b64encode(field.encode()).decode() for field in case)


def reading(answer):
    """What must be the same: the text; or that it was refused, and whether the payload was at fault."""
    parts = answer.split("\t")
    return ("=", base64.b64decode(parts[1])) if parts[0] == "=" else ("!", parts[1])


def plain(answer):
    parts = answer.split("\t")
    return base64.b64decode(parts[1]).decode("utf-8", "replace") if parts[0] == "=" else " ".join(parts)


def shown(answer):
    return repr(plain(answer)) if answer.startswith("=") else plain(answer)


class Engine:
    def __init__(self, name, command):
        self.name = name
        self.command = command

    def start(self, cases_file):
        """Everything at once, into a file: neither waits for the other."""
        self.out = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=open(cases_file, "rb"), stdout=self.out)

    def answers(self):
        if self.process.wait() != 0:
            sys.exit(f"{self.name} ended with {self.process.returncode}")
        self.out.seek(0)
        return self.out.read().decode("utf-8", "replace").split("\n")[:-1]

    def talk(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, case):
        self.process.stdin.write((line_of(case) + "\n").encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode("utf-8", "replace").rstrip("\n")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Known:
    """known.txt: blocks of 'name:', 'reason:' and patterns that must all be found: of the template, body, path ($p), java's
    or sluice's answer."""

    def __init__(self, path):
        self.entries = []
        for block in path.read_text().split("\n\n"):
            lines = [line for line in block.split("\n") if line and not line.startswith("#")]
            if lines:
                self.entries.append({key: value.strip() for key, value in (line.split(":", 1) for line in lines)})
        self.counts = {entry["name"]: 0 for entry in self.entries}

    def explains(self, case, answers):
        """The name of the first entry whose pattern is in what it looks at, or None."""
        texts = {"template": case[0], "body": case[1], "path": json.loads(case[2]).get("p", ""), "java": "\n".join(map(plain, answers[1:])),
                 "sluice": plain(answers[0])}
        for entry in self.entries:
            if all(re.search(pattern, texts[where]) for where, pattern in entry.items() if where in texts):
                return entry["name"]
        return None


def variants(case, size):
    """The case with one piece of `size` characters less, in its template, its body or the path that it asks for."""
    for field in (0, 1):
        for at in range(0, len(case[field]), size):
            yield case[:field] + (case[field][:at] + case[field][at + size:],) + case[field + 1:]
    variables = json.loads(case[2])
    path = variables.get("p", "")
    for at in range(0, len(path), size):
        yield case[:2] + (json.dumps(dict(variables, p=path[:at] + path[at + size:])),) + case[3:]


def shrunk(case, differs):
    """A short case that differs in the same way."""
    size = max(len(case[0]), len(case[1])) // 2 or 1
    while size:
        for smaller in variants(case, size):
            if differs(smaller):
                case = smaller
                break
        else:
            size //= 2
    return case


def show(number, case, engines, explained):
    def kind(case):
        answers = [engine.ask(case) for engine in engines]
        if explained(case, answers):
            return None
        return [re.sub(r"'[^']*'|[0-9]+|\[.*", "", answer.split("\t", 1)[1]) if answer[0] == "!" else "=" for answer in answers]

    wanted = kind(case)
    small = shrunk(case, lambda candidate: kind(candidate) == wanted)
    print(f"-- case {number}: {small[0]!r}")
    if "$p" in small[0]:
        print("   $p:", repr(json.loads(small[2]).get("p")))
    if "$input" in small[0]:
        print(f"   body: {small[1]}")
    for engine in engines:
        print(f"   {engine.name}: {shown(engine.ask(small))}", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("driver")
    options.add_argument("classpaths", nargs="+")
    options.add_argument("--cases", type=int, default=30_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int, help="the case of this number alone")
    options.add_argument("--show", type=int, default=10, help="differences to make small and print")
    given = options.parse_args()
    numbers = [given.only] if given.only is not None else range(given.cases)
    cases = [generate.case(given.seed, number) for number in numbers]
    engines = [Engine("sluice", [given.driver])]
    for name, classpath in (pair.split("=", 1) for pair in given.classpaths):
        engines.append(Engine(name, ["java", "-Xss4m", "-XX:+UseSerialGC", "-cp", classpath, "Oracle"]))
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines(line_of(case) + "\n" for case in cases)
        file.flush()
        for engine in engines:
            engine.start(file.name)
        answers = [engine.answers() for engine in engines]
    for engine, got in zip(engines, answers):
        if len(got) != len(cases):
            sys.exit(f"{len(cases)} cases, {len(got)} answers of {engine.name}")
    known = Known(HERE / "known.txt")
    same = [0] * len(engines)
    differences = []
    for number, case, *got in zip(numbers, cases, *answers):
        for n in range(1, len(engines)):
            if reading(got[0]) == reading(got[n]):
                same[n] += 1
                break
        else:
            name = known.explains(case, got)
            if name is None:
                differences.append((number, case))
            else:
                known.counts[name] += 1

    def explained(case, got):
        return any(reading(got[0]) == reading(a) for a in got[1:]) or known.explains(case, got)

    for engine in engines:
        engine.talk()
    for number, case in differences[:given.show]:
        show(number, case, engines, explained)
    for engine in engines:
        engine.end()
    refused = sum(a.startswith("!") for a in answers[1])
    print(f"{len(cases)} cases of seed {given.seed}, {refused} of them refused: "
          + ", ".join(f"{n} as {e.name}" for e, n in list(zip(engines, same))[1:])
          + f", {sum(known.counts.values())} known differences, {len(differences)} others")
    for name, count in known.counts.items():
        print(f"   {count:5} {name}")
    if differences:
        print(f"again: run --seed {given.seed} --only {differences[0][0]}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
