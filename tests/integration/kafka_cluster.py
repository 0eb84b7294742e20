"""A real Kafka of the tests' own (deploy/kafka/kafka.sh), and the commands over a log on it.

`with running(directory, brokers=3) as cluster` starts one and always ends it. A KafkaLog is one log on it, apart from
the others by its prefix, with a configuration of its own; its methods are those of harness.py over `--kafka`. A
PacedFeed is a `feed` that gets its file as fast as it is allowed to.
"""

import contextlib
import csv
import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading

import harness
from configs import edited
from harness import ALL_OUTPUTS, PATIENCE, ROOT, eventually, input_of, text_of

KAFKA_SH = ROOT / "deploy" / "kafka" / "kafka.sh"
# The region stage's; all other signals are the reading stage's.
REGION_RULES = {"hour_high", "spike", "warning", "joint_warning"}


def free_ports(count):
    """The first of so many free ports side by side. Others look for some, too, so where it begins is random."""
    while True:
        first = random.SystemRandom().randrange(21000, 31000)
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    s = held.enter_context(socket.socket())
                    s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first


class Cluster:
    def __init__(self, directory, brokers):
        self.directory, self.size, self.port = directory, brokers, free_ports(10 * brokers)

    @property
    def brokers(self):
        return ",".join(f"127.0.0.1:{self.port + 10 * i}" for i in range(self.size))

    def do(self, *args):
        """Its output goes to a file: the brokers inherit it, and a pipe would stay open as long as they live."""
        out = self.directory.parent / f"{self.directory.name}.out"
        with open(out, "a") as file:
            done = subprocess.run([KAFKA_SH, *map(str, args)], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                  timeout=180 * PATIENCE)
        assert done.returncode == 0, f"kafka.sh {args}: {out.read_text()[-4000:]}"

    def start(self):
        self.do("start", self.directory, "--brokers", self.size, "--port", self.port)

    def kill(self, broker):
        self.do("kill", self.directory, broker)

    def end(self):
        if (self.directory / "brokers").exists():
            for broker in range(1, self.size + 1):
                self.kill(broker)

    def tool(self, name, *args):
        done = subprocess.run([KAFKA_SH, "tool", name, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120 * PATIENCE)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def aborted(self, topic):
        """(transactions aborted, records of them) that stand in a topic, out of sight of read-committed readers."""
        files = sorted(map(str, (self.directory / "broker-1" / "data").glob(f"{topic}-*/*.log")))
        text = self.tool("kafka.tools.DumpLogSegments", "--deep-iteration", "--files", ",".join(files))
        transactions, records, open_records = 0, 0, {}
        for line in text.splitlines():
            if line.startswith("Starting offset"):
                open_records = {}
            elif batch := re.search(r"count: (\d+) .*producerId: (\d+) .*isTransactional: true isControl: false", line):
                open_records[batch.group(2)] = open_records.get(batch.group(2), 0) + int(batch.group(1))
            elif control := re.search(r"producerId: (\d+) .*isTransactional: true isControl: true", line):
                producer = control.group(1)
            elif marker := re.search(r"endTxnMarker: (\w+)", line):  # the record of the control batch just above
                ended = open_records.pop(producer, 0)
                if marker.group(1) == "ABORT":
                    transactions, records = transactions + 1, records + ended
        return transactions, records


@contextlib.contextmanager
def running(directory, brokers):
    cluster = Cluster(directory, brokers)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
        if not os.environ.get("QC_KEEP"):
            shutil.rmtree(directory, ignore_errors=True)


class KafkaLog:
    """`edits` of the configuration as in configs.edited; `kafka`: lines of its block `kafka:`."""

    def __init__(self, cluster, directory, prefix, *edits, kafka=""):
        self.cluster, self.prefix = cluster, prefix
        self.config = edited(directory, *edits) / harness.CONFIG.name
        with open(self.config, "a") as out:
            out.write(f"\nkafka:\n  prefix: {prefix}\n{kafka}")
        self.place = ["--kafka", cluster.brokers, "--config", self.config]
        # A feed that is to outlast the loss of a broker, which its cluster takes ten seconds to mend.
        patient = self.config.with_name("patient.yaml")
        patient.write_text(self.config.read_text() + "  transaction_timeout: 60s\n  request_timeout: 60s\n")
        self.patient_place = ["--kafka", cluster.brokers, "--config", patient]

    def run(self, command, *args, **options):
        return harness.run(command, *args, *self.place, **options)

    def create(self, timeline):
        harness.create_log(f"kafka:{self.cluster.brokers}", timeline, self.config)

    def inject(self, records, patiently=False):
        config = self.patient_place[-1] if patiently else self.config
        return harness.inject(f"kafka:{self.cluster.brokers}", records, config)

    def process(self):
        """The processor, to the end of what is there."""
        return self.run("processor", "--until-end", timeout=300).fine()

    def processor(self, services, *args):
        return services("processor", *self.place, "--workers", 1, "--listen", "127.0.0.1:0", *args)

    def tail_json(self, topic):
        out = self.run("tail", topic, "--from-beginning", "--until-end", timeout=300).fine().out
        return [json.loads(line) for line in out.splitlines()]

    def tail_rows(self, topic, latest=True):
        args = ["--from-beginning", "--until-end", "--format", "csv"] + (["--latest"] if latest else [])
        return list(csv.DictReader(io.StringIO(self.run("tail", topic, *args, timeout=300).fine().out)))

    def summary(self):
        return json.loads(self.run("summary", "--format", "json").fine().out)


# ---- what came out ---------------------------------------------------------------------------------------------------

def by_input(tail_json):
    """As harness.outputs, of any log: `tail_json(topic)` gives its records."""
    found = {}
    for topic in ALL_OUTPUTS:
        records = tail_json(topic)
        regions = {(r["partition"], r["offset"]) for r in records
                   if topic == "signals" and r["value"]["signal"]["rule"] in REGION_RULES}
        for record in records:
            of = input_of(topic, record, regions)
            found.setdefault((of, topic), []).append((record["key"], text_of(record["value"], of.startswith("means"))))
    return found


def embedded_by_input(data):
    """The same of an embedded log, where a header says who wrote a signal."""
    signals = harness.tail_json(data, "signals")
    named = {(r["partition"], r["offset"]) for r in signals if r["value"]["signal"]["rule"] in REGION_RULES}
    assert named == harness.written_by_regions(data)
    return by_input(lambda topic: harness.tail_json(data, topic))


def readings_in(records):
    """What stands where in `readings`, without the time of writing."""
    return [(r["partition"], r["offset"], r["key"], r["value"]) for r in sorted(
        records, key=lambda r: (r["partition"], r["offset"]))]


def assert_once(tail_json):
    """No (series, window, end; revision) and no (signal; revision) stands twice; how many there are."""
    seen = set()
    total = 0
    for topic, part in (("means", "mean"), ("signals", "signal"), ("region-means", "mean")):
        for record in tail_json(topic):
            inner = record["value"][part]
            identity = (topic, inner["id"] if part == "signal" else record["key"], inner["revision"])
            assert identity not in seen, f"twice: {identity} at {record['partition']} {record['offset']}"
            seen.add(identity)
            total += 1
    return total


# ---- what a processor says of its partitions -------------------------------------------------------------------------

RESTORED = re.compile(r"processor/processor-0: partition (\d+) restored")


def restored(service, since=0):
    """The partitions of `readings` that went live, in the order of its lines from there on."""
    found = (RESTORED.search(line) for line in service.lines()[since:])
    return [int(m.group(1)) for m in found if m]


def live(service, partitions, since=0, seconds=60.0):
    """Waits until that many partitions, or those of a set, went live."""
    def all_of_them():
        now = set(restored(service, since))
        return now if (len(now) >= partitions if isinstance(partitions, int) else now >= partitions) else None

    return eventually(all_of_them, f"{partitions} partitions live:\n{service.text()[-3000:]}", seconds)


# ---- feeding ---------------------------------------------------------------------------------------------------------

class PacedFeed:
    """`feed` at `speed`, of no more than the allowed part of a file."""

    def __init__(self, services, log, path, speed):
        self.service = services("feed", *log.patient_place, "--format", "csv", "--speed", speed, "-",
                                stdin=subprocess.PIPE)
        self._text = path.read_bytes()
        self._allowed = 0
        self._change = threading.Condition()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def allow(self, part):
        with self._change:
            self._allowed = max(self._allowed, min(len(self._text), int(part * len(self._text))))
            self._change.notify()

    def finish(self, seconds=120):
        self.allow(1.0)
        self._writer.join(seconds * PATIENCE)
        assert self.service.wait(seconds) == 0, self.service.text()

    def running(self):
        return self.service.alive()

    def _write(self):
        done = 0
        try:
            while done < len(self._text):
                with self._change:
                    self._change.wait_for(lambda: self._allowed > done)
                    until = self._allowed
                self.service.process.stdin.write(self._text[done:until])
                self.service.process.stdin.flush()
                done = until
        except BrokenPipeError:
            return  # it ended early: finish() shows its words
        self.service.process.stdin.close()
