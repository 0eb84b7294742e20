#!/usr/bin/env python3
"""Compares the tree's messages with those of an earlier revision: a log is kept for years, so what was once written must
still be read. Broken is: a field removed without reserving its number, a number that changed its type, label or name, a
field moved into or out of a oneof, an enum value removed or renumbered, a message or enum removed.

  check.py [--repo DIR] [--against REVISION]   compare (default: HEAD; in CI, where the tree is HEAD, HEAD~1 if it is there)
  check.py --self-test                         prove that each kind of breaking change is found

Exit code 0: compatible, or nothing to compare with (said so); 1: broken, one line each; 2: cannot be compared.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

PROTO = "proto"


def run(*command, cwd=None, stdin=None):
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)


class Node:
    """A message in protobuf's text form; protoc itself is all that is needed to read descriptors."""

    def __init__(self):
        self.fields = {}

    def all(self, name):
        return self.fields.get(name, [])

    def get(self, name, default=""):
        return self.all(name)[0] if self.all(name) else default

    def number(self, name, default=0):
        return int(self.get(name, default))

    @property
    def name(self):
        return self.get("name")


def parse_text(text):
    root = Node()
    stack = [root]
    for line in text.splitlines():
        line = line.strip()
        if line == "}":
            stack.pop()
        elif line.endswith(" {"):
            child = Node()
            stack[-1].fields.setdefault(line[:-2], []).append(child)
            stack.append(child)
        elif line:
            name, value = line.split(": ", 1)
            stack[-1].fields.setdefault(name, []).append(value.strip('"'))
    return root


def describe(folder):
    """The descriptors of all .proto files under `folder`."""
    files = sorted(str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "set")
        done = run("protoc", f"--proto_path={folder}", f"--descriptor_set_out={out}", *files)
        if done.returncode == 0:
            done = run("protoc", "--decode=google.protobuf.FileDescriptorSet", "google/protobuf/descriptor.proto",
                       stdin=pathlib.Path(out).read_bytes())
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode().strip())
        return parse_text(done.stdout.decode())


def collect(descriptors):
    """Messages and enums by full name."""
    messages, enums = {}, {}

    def walk(prefix, message):
        name = f"{prefix}.{message.name}"
        messages[name] = message
        for nested in message.all("nested_type"):
            walk(name, nested)
        for enum in message.all("enum_type"):
            enums[f"{name}.{enum.name}"] = enum

    for file in descriptors.all("file"):
        for message in file.all("message_type"):
            walk(file.get("package"), message)
        for enum in file.all("enum_type"):
            enums[f"{file.get('package')}.{enum.name}"] = enum
    return messages, enums


def type_of(field):
    return field.get("type_name").lstrip(".") or field.get("type").removeprefix("TYPE_").lower()


def label_of(field):
    return field.get("label").removeprefix("LABEL_").lower()


def oneof_of(message, field):
    if not field.all("oneof_index") or field.get("proto3_optional") == "true":
        return ""
    return message.all("oneof_decl")[field.number("oneof_index")].name


def numbered(nodes):
    return {n.number("number"): n for n in nodes}


def reserved(node, number, last=0):
    """Of messages the range's end is exclusive; of enums inclusive (last=1)."""
    return any(r.number("start") <= number < r.number("end") + last for r in node.all("reserved_range"))


def compare_message(name, old, new):
    now = numbered(new.all("field"))
    for number, field in numbered(old.all("field")).items():
        where = f"{name}.{field.name} = {number}"
        other = now.get(number)
        if other is None:
            if not reserved(new, number):
                yield f"{where}: removed, and its number is not reserved"
            continue
        if other.name != field.name:
            yield f"{where}: the number now belongs to {other.name}"
        if type_of(other) != type_of(field):
            yield f"{where}: type {type_of(field)} became {type_of(other)}"
        if label_of(other) != label_of(field):
            yield f"{where}: {label_of(field)} became {label_of(other)}"
        if oneof_of(old, field) != oneof_of(new, other):
            yield f"{where}: moved between oneofs ({oneof_of(old, field) or 'none'} to {oneof_of(new, other) or 'none'})"
    for number, field in now.items():
        if reserved(old, number):
            yield f"{name}.{field.name} = {number}: the number was reserved"


def compare_enum(name, old, new):
    now = {v.name: v.number("number") for v in new.all("value")}
    for value in old.all("value"):
        number = value.number("number")
        where = f"{name}.{value.name}"
        if value.name in now:
            if now[value.name] != number:
                yield f"{where}: number {number} became {now[value.name]}"
        elif number in now.values():
            yield f"{where} = {number}: the number now belongs to another value"
        elif not reserved(new, number, last=1):
            yield f"{where} = {number}: removed, and its number is not reserved"
    for value in new.all("value"):
        if reserved(old, value.number("number"), last=1):
            yield f"{name}.{value.name} = {value.number('number')}: the number was reserved"


def compare(old_set, new_set):
    old_messages, old_enums = collect(old_set)
    new_messages, new_enums = collect(new_set)
    problems = []
    for kind, old, new, judge in (("message", old_messages, new_messages, compare_message),
                                  ("enum", old_enums, new_enums, compare_enum)):
        for name, before in sorted(old.items()):
            if name in new:
                problems += judge(name, before, new[name])
            else:
                problems.append(f"{kind} {name}: removed")
    return problems


def extract(repo, revision, folder):
    """Writes the revision's proto files into `folder`; False where there are none."""
    listed = run("git", "ls-tree", "-r", "-z", "--name-only", revision, "--", PROTO, cwd=repo)
    names = [n for n in listed.stdout.decode().split("\0") if n.endswith(".proto")] if listed.returncode == 0 else []
    for name in names:
        content = run("git", "show", f"{revision}:{name}", cwd=repo)
        if content.returncode != 0:
            return False
        target = pathlib.Path(folder) / pathlib.Path(name).relative_to(PROTO)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.stdout)
    return bool(names)


def check(repo, against):
    candidates = [against] if against else (["HEAD~1", "HEAD"] if os.environ.get("CI") else ["HEAD"])
    with tempfile.TemporaryDirectory() as old:
        for revision in candidates:
            if extract(repo, revision, old):
                break
        else:
            print(f"proto_compat: skipped: no earlier messages in the history ({', '.join(candidates)})")
            return 0
        try:
            problems = compare(describe(old), describe(os.path.join(repo, PROTO)))
        except RuntimeError as error:
            print(f"proto_compat: cannot be compared: {error}", file=sys.stderr)
            return 2
    for problem in problems:
        print(f"proto_compat: broken against {revision}: {problem}", file=sys.stderr)
    if not problems:
        print(f"proto_compat: compatible with {revision}")
    return 1 if problems else 0


OLD = """syntax = "proto3"; package t;
enum Color { NONE = 0; RED = 1; GREEN = 2; }
message Part { string id = 1; }
message Gone { string id = 1; }
message Record {
  reserved 9;
  oneof kind { Part part = 1; string text = 2; }
  int32 count = 3; repeated sint64 values = 4; Color color = 5; int64 at_ms = 6;
}"""
# What is changed, what must be said about it (nothing: a change that is allowed).
CASES = [
    ("", "", ""),
    ("int64 at_ms = 6;", "int64 at_ms = 6; string added = 7;", ""),
    ("GREEN = 2;", "GREEN = 2; BLUE = 3;", ""),
    ("int64 at_ms = 6;", "optional int64 at_ms = 6;", ""),
    ("reserved 9;\n  ", "reserved 9, 6;\n  ", "SYNTAX"),
    ("int64 at_ms = 6;", "reserved 6;", ""),
    ("int64 at_ms = 6;", "", "t.Record.at_ms = 6: removed, and its number is not reserved"),
    ("int64 at_ms = 6;", "string name = 6;", "t.Record.at_ms = 6: the number now belongs to name"),
    ("int64 at_ms = 6;", "sint64 at_ms = 6;", "t.Record.at_ms = 6: type int64 became sint64"),
    ("int64 at_ms = 6;", "int64 at_ms = 8;", "t.Record.at_ms = 6: removed"),
    ("repeated sint64 values = 4;", "sint64 values = 4;", "repeated became optional"),
    ("Color color = 5;", "Part color = 5;", "type t.Color became t.Part"),
    ("string text = 2; }", "} string text = 2;", "t.Record.text = 2: moved between oneofs (kind to none)"),
    ("reserved 9;", "string again = 9;", "t.Record.again = 9: the number was reserved"),
    ("GREEN = 2;", "GREEN = 3;", "t.Color.GREEN: number 2 became 3"),
    ("GREEN = 2;", "", "t.Color.GREEN = 2: removed"),
    ("GREEN = 2;", "reserved 2;", ""),
    ("GREEN = 2;", "reserved 3; GREEN = 2;", ""),
    ("GREEN = 2;", "BLUE = 2;", "t.Color.GREEN = 2: the number now belongs to another value"),
    ("message Gone { string id = 1; }\n", "", "message t.Gone: removed"),
]


def self_test():
    """Each case in a repository of its own, through the same door as the real check."""
    failures = 0
    for before, after, expected in CASES:
        if before not in OLD:
            raise AssertionError(before)
        with tempfile.TemporaryDirectory() as repo:
            file = pathlib.Path(repo) / PROTO / "t.proto"
            file.parent.mkdir()
            file.write_text(OLD)
            git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
            for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "old"]):
                if run(*git, *command, cwd=repo).returncode != 0:
                    raise RuntimeError(f"git {command[0]} failed")
            file.write_text(OLD.replace(before, after) if before else OLD)
            done = run(sys.executable, os.path.abspath(__file__), "--repo", repo, "--against", "HEAD")
            said = (done.stdout + done.stderr).decode()
            wanted = {"": 0, "SYNTAX": 2}.get(expected, 1)
            if done.returncode != wanted or (wanted == 1 and expected not in said):
                failures += 1
                print(f"proto_compat self-test: {before!r} -> {after!r}: exit {done.returncode}, {said.strip()!r}")
    with tempfile.TemporaryDirectory() as empty:
        done = run(sys.executable, os.path.abspath(__file__), "--repo", empty)
        if done.returncode != 0 or b"skipped" not in done.stdout:
            failures += 1
            print("proto_compat self-test: a folder without history is not skipped")
    print(f"proto_compat self-test: {len(CASES) + 1 - failures} of {len(CASES) + 1} passed")
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", default=str(pathlib.Path(__file__).resolve().parents[2]))
    parser.add_argument("--against")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    return self_test() if options.self_test else check(options.repo, options.against)


if __name__ == "__main__":
    sys.exit(main())
