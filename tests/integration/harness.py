"""Runs the binary as a user does: commands that end, services that go on, and what they print.

A Service is always ended by its own process id (see the fixture `services` in conftest.py). Nothing here sleeps for a
fixed time and hopes: `eventually` looks at a condition until it holds or its deadline has passed, and says what it saw.
"""

import csv
import io
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("QINGCHUAN_BIN", ROOT / "build" / "release" / "qingchuan")).absolute()
INJECT = Path(os.environ.get("QINGCHUAN_INJECT", BINARY.parent / "tests" / "integration" / "integration_inject"))
CONFIG = ROOT / "config" / "qingchuan.yaml"
GOLDEN = ROOT / "tests" / "golden"

# Sanitizers and a busy machine make everything slower, never different.
PATIENCE = float(os.environ.get("QC_PATIENCE", "1"))


class Ended:
    """A command that has ended."""

    def __init__(self, args, code, out, err, seconds):
        self.args, self.code, self.out, self.err, self.seconds = args, code, out, err, seconds

    def _said(self):
        return f"{' '.join(map(str, self.args))}\nexit {self.code}\n{self.out[-2000:]}\n{self.err[-4000:]}"

    def fine(self):
        assert self.code == 0, self._said()
        return self

    def refused(self, code=1):
        assert self.code == code, f"not {code}: {self._said()}"
        return self

    def one_line(self):
        """What went wrong, which must be one line (beside the progress of `feed`)."""
        lines = [line for line in self.err.splitlines() if line.strip() and not line.startswith("feeding ")]
        assert len(lines) == 1, f"one clear line expected:\n{self.err}"
        return lines[0]


def arguments(command, args):
    """Services of several tests run at once: their consoles take whatever port is free."""
    more = ["--web", "127.0.0.1:0"] if command in ("up", "console") and "--web" not in args and "--help" not in args else []
    return [str(BINARY), command, *map(str, args), *more]


def run(command, *args, stdin=None, timeout=120, env=None, preexec=None):
    full = arguments(command, args)
    began = time.monotonic()
    done = subprocess.run(full, input=stdin, capture_output=True, text=not isinstance(stdin, bytes), cwd=ROOT,
                          timeout=timeout * PATIENCE, env=env, preexec_fn=preexec)
    out, err = done.stdout, done.stderr
    if isinstance(out, bytes):
        out, err = out.decode(), err.decode()
    return Ended(full, done.returncode, out, err, time.monotonic() - began)


def feed(data, *args, config=CONFIG, **options):
    return run("feed", "--data", data, "--config", config, *args, **options)


def process(data, *args, config=CONFIG, **options):
    """The processor, to the end of what is there."""
    return run("processor", "--data", data, "--config", config, "--until-end", *args, **options)


def tail_rows(data, topic, latest=True):
    """The rows of `tail --format csv` as dictionaries, in order."""
    args = ["--from-beginning", "--until-end", "--format", "csv"] + (["--latest"] if latest else [])
    return list(csv.DictReader(io.StringIO(run("tail", topic, "--data", data, *args).fine().out)))


def tail_json(data, topic):
    out = run("tail", topic, "--data", data, "--from-beginning", "--until-end", "--format", "json").fine().out
    return [json.loads(line) for line in out.splitlines()]


def readings_of(data):
    """The whole input, as `tail` prints it."""
    return run("tail", "readings", "--data", data, "--from-beginning", "--until-end").fine().out


def summary(data):
    return json.loads(run("summary", "--data", data, "--format", "json").fine().out)


def eventually(condition, what, seconds=20.0):
    """The first true value of condition(); a failure that names `what` and the last value after the deadline."""
    deadline = time.monotonic() + seconds * PATIENCE
    pause = threading.Event()
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:.0f} s: {what}; last seen: {seen!r}")
        pause.wait(0.02)


class Service:
    """A command that goes on until it is ended. Its lines are gathered as they come."""

    def __init__(self, command, *args, env=None, stdin=subprocess.DEVNULL):
        self.args = arguments(command, args)
        self.process = subprocess.Popen(self.args, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        cwd=ROOT, env=env)
        self._changed = threading.Condition()
        self._text = {"out": [], "err": []}
        self._readers = [threading.Thread(target=self._read, args=(name, pipe), daemon=True)
                         for name, pipe in (("out", self.process.stdout), ("err", self.process.stderr))]
        for reader in self._readers:
            reader.start()

    def _read(self, name, pipe):
        for line in pipe:
            with self._changed:
                self._text[name].append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def lines(self, stream="err"):
        with self._changed:
            return list(self._text[stream])

    def text(self):
        return "\n".join(self.lines("out") + self.lines("err"))

    def line(self, pattern, seconds=20.0, stream="err", count=1):
        """Waits for the count-th line that matches; the match."""
        found = []

        def enough():
            found[:] = [m for m in (re.search(pattern, text) for text in self._text[stream]) if m]
            return len(found) >= count or not any(r.is_alive() for r in self._readers)

        with self._changed:
            self._changed.wait_for(enough, seconds * PATIENCE)
        assert len(found) >= count, f"{self.args}: no line like {pattern!r} within {seconds} s:\n{self.text()}"
        return found[count - 1]

    def address(self):
        """Where its page is: --listen 127.0.0.1:0 lets the system choose."""
        return self.line(r"\baddress=\"?(127\.0\.0\.1:\d+)").group(1)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self):
        """As an operator would."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds=60.0):
        try:
            code = self.process.wait(timeout=seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.args} does not end within {seconds * PATIENCE:.0f} s:\n{self.text()}") from None
        for reader in self._readers:
            reader.join(timeout=10)
        return code


def get(address, path):
    """(status, body) of a page."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10 * PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metric(text, name, **labels):
    """The sum of the samples of that name that have those labels; None where there is none."""
    found = None
    for line in text.splitlines():
        m = re.match(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
        if not m or m.group(1) != name:
            continue
        has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(2) or ""))
        if all(has.get(k) == v for k, v in labels.items()):
            found = (found or 0.0) + float(m.group(3))
    return found


# ---- raw records -----------------------------------------------------------------------------------------------------

def inject(data, records, *config):
    """Appends (topic, partition, key, value) as they are; value None: a tombstone. `data` may be kafka:HOST:PORT, with
    its configuration."""
    lines = "".join(f"{topic} {partition} {key.hex() or '-'} {'~' if value is None else value.hex() or '-'}\n"
                    for topic, partition, key, value in records)
    command = [str(INJECT), "append", str(data), *map(str, config)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]  # (partition, offset)


def inject_alerts(data, lines, *config):
    """Appends revisions of alerts: "SUBJECT REVISION LEVEL BEGAN_MS [suppressed] [quiet]" each."""
    done = subprocess.run([str(INJECT), "alerts", str(data), *map(str, config)], input="".join(f"{line}\n" for line in lines),
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def create_log(data, timeline, config=CONFIG):
    command = [str(INJECT), "create", str(data), str(config), timeline]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def partition_of(key, partitions):
    """Kafka's default partitioner, written here from its definition."""
    data = key.encode()
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    for i in range(0, len(data) - len(data) % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[len(data) - len(data) % 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    h ^= h >> 15
    return (h & 0x7FFFFFFF) % partitions


# ---- outputs ---------------------------------------------------------------------------------------------------------

OUTPUTS = ("means", "signals", "dead-letters")
ALL_OUTPUTS = OUTPUTS + ("region-means",)


def written_by_regions(data):
    """Where the signals of the region stage stand: {(partition, offset)}. Who wrote a signal is in a header (ce_source),
    which `tail` doesn't print; nor where events were read (`@taken`), which is no signal."""
    import sqlite3
    with sqlite3.connect(f"file:{Path(data) / 'log.sqlite'}?mode=rw", uri=True) as db:
        tables = db.execute("SELECT p.number, p.id FROM partitions p JOIN topics t ON t.id = p.topic "
                            "WHERE t.name = 'signals'").fetchall()
        found = {(number, offset) for number, table in tables
                 for offset, key, headers in db.execute(f"SELECT offset, key, headers FROM records_{table}")
                 if headers is not None and b"/qingchuan/regions" in bytes(headers)
                 and not bytes(key).startswith(b"@taken|")}
    db.close()
    return found


def input_of(topic, record, regions):
    """The partition that a published record was made from, such as "readings-2". `regions`: written_by_regions()."""
    value = record["value"]
    if topic == "dead-letters":
        return f"{value['sourceTopic']}-{value['sourcePartition']}"
    inner = value.get("mean") or value.get("signal")
    by_regions = topic == "region-means" or (record["partition"], record["offset"]) in regions and topic == "signals"
    return f"{'means' if by_regions else 'readings'}-{inner['origin']['partition']}"


def text_of(value, of_means):
    """How the partitions of `readings` lie beside one another in `means` is chance, so where a mean stands there is no
    part of what is compared; all else is."""
    if of_means and (inner := value.get("mean") or value.get("signal")):
        inner["origin"].pop("offset", None)
        inner["origin"].pop("firstOffset", None)
    return json.dumps(value, sort_keys=True)


def outputs(data):
    """The committed outputs as the architecture compares them: for each (input partition, output topic) the sequence of
    what was published, without the time of writing and without where the output stands. The binary's version is in a
    header, which `tail` doesn't print."""
    by_input = {}
    regions = written_by_regions(data)
    for topic in OUTPUTS:
        for record in tail_json(data, topic):
            of = input_of(topic, record, regions)
            by_input.setdefault((of, topic), []).append(
                (record["key"], text_of(record["value"], of.startswith("means"))))
    return by_input


def assert_same_outputs(expected, found, context=""):
    assert expected.keys() == found.keys(), context
    for where, sequence in expected.items():
        other = found[where]
        for i, (a, b) in enumerate(zip(sequence, other)):
            assert a == b, f"{context} {where}: record {i} of {len(sequence)} differs:\n{a}\n{b}"
        assert len(sequence) == len(other), f"{context} {where}: {len(sequence)} records and {len(other)}"


def count(by_input):
    return sum(len(sequence) for sequence in by_input.values())


def assert_database_is_whole(data):
    """After every process that had it open has ended."""
    import sqlite3
    with sqlite3.connect(f"file:{Path(data) / 'log.sqlite'}?mode=rw", uri=True) as db:
        found = db.execute("PRAGMA integrity_check").fetchall()
    db.close()
    assert found == [("ok",)], found
