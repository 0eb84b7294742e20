"""The rules of the house, as functions from a tree to a list of violations ("path:line: what is wrong").

Who may include whom is section 2 of the architecture; the rest are the habits that a machine can hold: length of files,
heads of headers, a README in every room, no paths of one machine. No state, no dependencies; house_test.py runs them
over the real tree and over small broken ones.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

LINES_MAX = 500

SERVICES = ("gateway", "processor", "alerts", "dispatch", "console", "simulator")

# A room may include these rooms; `proto` is the generated messages. Every room may include itself and base.
MAY_INCLUDE = {
    "base": set(),
    "core": set(),
    "wire": {"core", "proto"},
    "stream": set(),
    "platform": {"proto"},
    **{service: {"core", "wire", "stream", "platform", "proto"} for service in SERVICES},
    "qingchuan": {"core", "wire", "stream", "platform", "proto", *SERVICES},
}

# Platform reads the configuration by its schema; the messages of the domain are none of its business.
PLATFORM_PROTO = {"qingchuan/v1/schema.pb.h", "qingchuan/v1/config.pb.h"}

# What the pure room has no use for: threads, clocks, files, chance. Its tests may read files and shuffle.
CORE_FORBIDDEN_HEADERS = {
    "atomic", "barrier", "condition_variable", "ctime", "filesystem", "fstream", "future", "iostream",
    "istream", "latch", "mutex", "ostream", "random", "semaphore", "shared_mutex", "stop_token", "syncstream", "thread",
}
CORE_FORBIDDEN_WORDS = re.compile(
    r"\b(?:system_clock|steady_clock|high_resolution_clock|utc_clock|thread_local|getenv|std::cerr|std::cout|std::clog"
    r"|std::rand|std::printf|std::fprintf|printf|fprintf|puts|fputs)\b|[Cc]lock::now\(\)|\btime\((?:nullptr|NULL|0)\)"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
TEXT_SUFFIXES = {
    ".cc", ".h", ".cmake", ".txt", ".md", ".py", ".sh", ".json", ".yaml", ".yml", ".proto", ".service", ".supp", ".scn", ".hex",
    ".toml", ".html", ".js", ".css", "",
}
DATA_FOLDERS = ("config/demo/data/", "tests/fuzz/")


def committed_files(root):
    """Every file that is, or is about to be, committed: relative paths with '/'."""
    try:
        out = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True,
        ).stdout
        names = [n for n in out.decode().split("\0") if n]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive: no git, no build folder of others
        names = []
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "data", "__pycache__")]
            names += [str((Path(folder) / f).relative_to(root)) for f in files]
    return sorted(n for n in set(names) if (Path(root) / n).is_file())


def read(root, name):
    return (Path(root) / name).read_text(encoding="utf-8", errors="replace")


def sources(root, files):
    return [f for f in files if f.startswith("services/") and f.endswith((".h", ".cc"))]


def code_only(line):
    """The line without its `//` comment and its string literals: words in them do nothing."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
    return line.split("//", 1)[0]


def test_files(root, files):
    """The tests, and the helpers that only tests include (with the .cc beside such a header)."""
    includers = {}
    for name in sources(root, files):
        for line in read(root, name).splitlines():
            match = INCLUDE.match(line)
            if match and match.group(1) == '"':
                includers.setdefault(f"services/{match.group(2)}", set()).add(name)
    tests = {f for f in sources(root, files) if f.endswith("_test.cc")}
    while True:
        headers = {header for header, users in includers.items()
                   if header not in tests and users - {header[:-2] + ".cc"} and users - {header[:-2] + ".cc"} <= tests}
        if not headers:
            return tests
        tests |= headers | {header[:-2] + ".cc" for header in headers}


def include_rules(root, files):
    found = []
    tests = test_files(root, files)
    for name in sources(root, files):
        parts = name.split("/")
        room = parts[1]
        test = name in tests
        if len(parts) < 3:
            found.append(f"{name}:1: a source file stands in a room, not beside the rooms")
            continue
        if room not in MAY_INCLUDE:
            found.append(f"{name}:1: no room '{room}' in tests/house/rules.py: say there whom it may include")
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                found += [f"{name}:{number}: {w}" for w in judge_include(root, room, test, *match.groups())]
            elif room == "core" and not test:
                word = CORE_FORBIDDEN_WORDS.search(code_only(line))
                if word:
                    found.append(f"{name}:{number}: core has no clock, thread, file or log line: '{word.group(0)}'")
    return found


def judge_include(root, room, test, bracket, target):
    if bracket == "<":
        if room == "core" and not test:
            if "/" in target or "." in target:
                return [f"core includes the standard library only: <{target}>"]
            if target in CORE_FORBIDDEN_HEADERS:
                return [f"core has no clock, thread, file or chance: <{target}>"]
        return []
    if target.startswith("qingchuan/v1/"):
        if "proto" not in MAY_INCLUDE[room]:
            return [f"{room} may not include the messages: \"{target}\""]
        if room == "platform" and target not in PLATFORM_PROTO:
            return [f"platform knows nothing of the domain: \"{target}\""]
        return []
    other = target.split("/", 1)[0]
    if not (Path(root) / "services" / target).is_file():
        return [f"\"{target}\" is no file below services/: paths begin with the room"]
    if other not in MAY_INCLUDE[room] | {room, "base"}:
        return [f"{room} may not include {other}: \"{target}\""]
    return []


def length_rules(root, files):
    found = []
    for name in sources(root, files):
        lines = read(root, name).count("\n")
        if lines > LINES_MAX:
            found.append(f"{name}:{lines}: {lines} lines; a file holds one idea, {LINES_MAX} lines are the limit")
    return found


def header_rules(root, files):
    found = []
    for name in sources(root, files):
        if not name.endswith(".h"):
            continue
        lines = read(root, name).splitlines()
        if not lines or not lines[0].startswith("//"):
            found.append(f"{name}:1: a header begins with a paragraph: what it is, its lifecycle, its threads")
        code = [line for line in lines if line.strip() and not line.lstrip().startswith("//")]
        if not code or code[0].strip() != "#pragma once":
            found.append(f"{name}:1: '#pragma once' follows the first paragraph")
    return found


def readme_rules(root, files):
    folders = {"/".join(f.split("/")[:depth]) for f in files if f.startswith("services/")
               for depth in range(2, len(f.split("/")))}
    have = set(files)
    return [f"{folder}/README.md:1: every room says on one screen what is in it"
            for folder in sorted(folders) if f"{folder}/README.md" not in have]


# Folders of one machine, the one for temporary files among them: a script asks mktemp, a test asks the library.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:work|root|tmp|home/\w+|Users/\w+)(?=[/\s\"'`),;:]|$)")


def machine_path_rules(root, files):
    found = []
    own = str(Path(root).resolve())
    for name in files:
        if Path(name).suffix not in TEXT_SUFFIXES or name.startswith(DATA_FOLDERS):
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            match = MACHINE_PATH.search(line)
            if match or (own.count("/") > 1 and own in line):
                found.append(f"{name}:{number}: a path of one machine: '{match.group(0) if match else own}'")
    return found


def unfinished_rules(root, files):
    found = []
    for name in files:
        if not name.startswith(("services/", "proto/", "cmake/", "deploy/")) or Path(name).suffix not in TEXT_SUFFIXES:
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            if re.search(r"\b(?:TODO|FIXME)\b", line):
                found.append(f"{name}:{number}: unfinished work belongs into an issue: '{line.strip()}'")
    return found


def shell_scripts(root, files):
    return [f for f in files if f.endswith(".sh") or read_first_line(root, f).startswith(("#!/usr/bin/env bash", "#!/bin/bash"))]


def read_first_line(root, name):
    with open(Path(root) / name, "rb") as file:
        return file.readline(200).decode("utf-8", errors="replace")


def script_rules(root, files):
    """Scripts parse, stop at the first error and can be started; shellcheck has its say where it is installed."""
    found = []
    for name in shell_scripts(root, files):
        path = Path(root) / name
        parsed = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
        if parsed.returncode != 0:
            found.append(f"{name}:1: bash -n: {parsed.stderr.strip()}")
        elif shutil.which("shellcheck"):
            judged = subprocess.run(["shellcheck", "-S", "warning", "-f", "gcc", str(path)], capture_output=True, text=True)
            found += [f"{name}{line[len(str(path)):]}" for line in judged.stdout.splitlines()]
        if not os.access(path, os.X_OK):
            found.append(f"{name}:1: a script is executable (chmod +x)")
        if "set -euo pipefail" not in read(root, name):
            found.append(f"{name}:1: a script stops at the first error: set -euo pipefail")
    return found


def tidy_rules(root, files):
    """Each check that .clang-tidy disables has its reason, on a line of its own, in that file."""
    if ".clang-tidy" not in files:
        return [".clang-tidy:1: is missing"]
    text = read(root, ".clang-tidy")
    disabled = re.findall(r"^\s+(-[a-z0-9.*A-Z-]+),?$", text, re.M)
    return [f".clang-tidy:1: no reason given for '{check}'" for check in disabled
            if check != "-*" and not re.search(rf"^# {re.escape(check)}: \S+ \S+", text, re.M)]


def metric_rules(root, files):
    """Alert rules and dashboards name metrics that the code exports: a renamed metric would be an alert that never fires."""
    exported = set()
    for name in sources(root, files):
        if name.endswith(".cc"):
            exported.update(re.findall(r'"[^"]*?\b(qingchuan_[a-z0-9_]+)', read(root, name)))
    found = []
    for name in files:
        if not name.startswith(("deploy/prometheus/", "deploy/grafana/")) or name.endswith("_test.yml"):
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            for metric in re.findall(r"\bqingchuan_[a-z0-9_]+", line):
                if not {metric, re.sub(r"_(?:bucket|sum|count)$", "", metric)} & exported:
                    found.append(f"{name}:{number}: no code below services/ exports '{metric}'")
    return found


ALL = (include_rules, length_rules, header_rules, readme_rules, machine_path_rules, unfinished_rules, script_rules, tidy_rules,
       metric_rules)
