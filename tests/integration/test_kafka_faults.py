"""Faults of a real Kafka of three brokers under a running processor: what the operator reads, what /readyz and the
metrics say, how soon it goes on after the return, and that nothing is lost or doubled: in the end a read-committed
reader sees each mean and signal once, byte for byte what an undisturbed run over the embedded log gives.

Clients and brokers reach each broker through a Gate, which can be slow or closed; broker 2 has a small disk (root).
QC_OUTAGE_S: how long all brokers are gone (default 25; the nightly run takes 60). docs/kafka-faults.md has the table.
"""

import os
import re
import socket
import subprocess
import threading
import time

import pytest

from harness import eventually, get, metric
from kafka_cluster import KafkaLog, PacedFeed, live, running
from packets import tick, tick_key
from test_kafka_kill import OFTEN, Undisturbed, assert_equal

OUTAGE_S = float(os.environ.get("QC_OUTAGE_S", "25"))
CUT_S = 12.0  # longer than request_timeout
SLOW_S = 0.15  # each way
DISK_MB = 96
BROKERS = 3
LISTEN = ("--listen", "127.0.0.1:0")


# ---- a network that can be slow or cut -------------------------------------------------------------------------------

class Gate:
    """Passes connections on to a broker. Closed, it takes everything and passes nothing: no answer, no refusal."""

    def __init__(self, port, target):
        self.delay, self._open = 0.0, threading.Event()
        self._open.set()
        self._target = target
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._open.clear()

    def open(self):
        self._open.set()

    def end(self):
        self._ended.set()
        self._open.set()
        self._listener.close()

    def _accept(self):
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        self._open.wait()
        try:
            broker = socket.create_connection(("127.0.0.1", self._target), timeout=10)
        except OSError:
            client.close()  # a broker that is down: the client hears so
            return
        broker.settimeout(None)
        for side in (client, broker):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for a, b in ((client, broker), (broker, client)):
            threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while chunk := source.recv(1 << 16):
                if self.delay:
                    self._ended.wait(self.delay)
                self._open.wait()
                sink.sendall(chunk)
        except OSError:
            pass
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()


class Gated:
    """The cluster's brokers behind gates, with an authorizer that lets only the plain listener do everything."""

    def __init__(self, cluster, disk):
        self.cluster, self.directory, self.size, self.disk = cluster, cluster.directory, cluster.size, disk
        self.gates = []
        for i in range(self.size):
            port = cluster.port + 10 * i
            self.gates.append(Gate(port + 5, port))
            properties = self.directory / f"broker-{i + 1}" / "server.properties"
            text = properties.read_text()
            changed = text.replace(f"advertised.listeners=PLAIN://127.0.0.1:{port},",
                                   f"advertised.listeners=PLAIN://127.0.0.1:{port + 5},")
            assert changed != text
            properties.write_text(changed + "authorizer.class.name="
                                  "org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
                                  "super.users=User:ANONYMOUS\n")
        cluster.do("stop", self.directory)
        cluster.start()

    @property
    def brokers(self):
        return ",".join(f"127.0.0.1:{self.cluster.port + 10 * i + 5}" for i in range(self.size))

    def kill_all(self):
        for broker in range(1, self.size + 1):
            self.cluster.kill(broker)

    def each_gate(self, what):
        for gate in self.gates:
            what(gate)

    def tool(self, name, *args):
        return self.cluster.tool(name, "--bootstrap-server", self.cluster.brokers.split(",")[0], *args)

    def acl(self, what, operation, *resource):
        self.tool("kafka.admin.AclCommand", what, "--force", "--allow-principal", "User:qingchuan", "--operation",
                  operation, *resource)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    place = tmp_path_factory.mktemp("kafka")
    directory = place / "cluster"
    disk = directory / "broker-2" / "data"
    disk.mkdir(parents=True)
    small = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk)], capture_output=True).returncode == 0
    gated = None
    try:
        with running(directory, BROKERS) as started:
            try:
                gated = Gated(started, disk if small else None)
                yield gated
            finally:
                if gated is not None:
                    gated.each_gate(Gate.end)
                started.end()
                if small:
                    subprocess.run(["umount", "-l", str(disk)], check=True)
                    small = False
    finally:
        if small:
            subprocess.run(["umount", "-l", str(disk)], check=True)


# ---- faults in a row under one processor -----------------------------------------------------------------------------

class Watched:
    """A processor under observation, and the feed that gives it work."""

    def __init__(self, processor, feeding):
        self.processor, self.feeding, self.address = processor, feeding, processor.address()

    def alive(self):
        assert self.processor.alive(), f"it ended by itself:\n{self.processor.text()[-3000:]}"

    def ready(self):
        self.alive()
        return get(self.address, "/readyz")

    def numbers(self):
        text = get(self.address, "/metrics")[1]
        commits = {o: metric(text, "qingchuan_worker_commits_total", service="processor", outcome=o) or 0
                   for o in ("committed", "aborted", "unavailable", "fenced", "full", "fatal")}
        return {**commits, "retries": metric(text, "qingchuan_worker_retries_total", service="processor") or 0,
                "rejoins": metric(text, "qingchuan_worker_rejoins_total", service="processor") or 0}

    def committed(self):
        return self.numbers()["committed"]

    def goes_on(self, since, seconds):
        """Until it is ready and commits again."""
        def on():
            return self.ready()[0] == 200 and self.committed() > since
        try:
            eventually(on, "ready and committing again", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.numbers()}\n{self.ready()}\n{self.processor.text()[-3000:]}\nfeed:\n"
                                 f"{self.feeding.service.text()[-2000:]}") from None


class Fault:
    """`begin` and `end` of it; `lasts`: seconds between them, None: it must go on before the end."""

    def __init__(self, name, begin, end, lasts=None, says=None):
        self.name, self.begin, self.end, self.lasts, self.says = name, begin, end, lasts, says


def happen(fault, watched, allow):
    """One line of the table."""
    allow()
    base = watched.committed()
    eventually(lambda: watched.committed() > base, f"work before: {fault.name}", 60)
    before, mark = watched.numbers(), len(watched.processor.lines())
    unready, body = None, ""
    began = time.monotonic()
    fault.begin()
    if fault.lasts is None:
        allow()
        watched.goes_on(watched.committed(), 60)
        gone_on = time.monotonic() - began
        fault.end()
    else:
        pause = threading.Event()
        while time.monotonic() - began < fault.lasts:
            status, text = watched.ready()
            if status != 200:
                unready = unready or time.monotonic() - began
                body = text
            pause.wait(0.1)
        allow()
        fault.end()
        ended = time.monotonic()
        watched.goes_on(watched.committed(), 90)
        gone_on = time.monotonic() - ended
    if fault.says:
        assert unready is not None, f"{fault.name}: /readyz said nothing"
        assert any(re.search(fault.says, line) for line in watched.processor.lines()[mark:]), watched.processor.text()
    after = watched.numbers()
    moved = {name: int(after[name] - before[name]) for name in after if after[name] != before[name]}
    lines = [line for line in watched.processor.lines()[mark:] if re.search(r" (warn|error) ", line)]
    print(f"\n{fault.name}: not ready after {'-' if unready is None else f'{unready:.1f} s'}; goes on after {gone_on:.1f} s; "
          f"{moved}; {len(lines)} lines" + "".join(f"\n    {line[:260]}" for line in lines[:6])
          + (f"\n    /readyz: {body.strip()[:200]}" if body else ""))
    return gone_on


def running_process(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_fault_is_seen_and_passes_and_loses_and_doubles_nothing(cluster, services, tmp_path):
    undisturbed = Undisturbed(tmp_path, 26, 8)
    log = KafkaLog(cluster, tmp_path / "config", "faults.", *OFTEN)
    patient = log.patient_place[-1]
    patient.write_text(patient.read_text().replace("_timeout: 60s", "_timeout: 180s"))

    def nothing():
        pass

    def slow(by):
        return lambda: [setattr(gate, "delay", by) for gate in cluster.gates]

    def elect():
        cluster.tool("org.apache.kafka.tools.LeaderElectionCommand", "--election-type", "PREFERRED",
                     "--all-topic-partitions")

    faults = [
        Fault("one broker killed", lambda: cluster.cluster.kill(1), cluster.cluster.start),
        Fault("leaders moved", elect, nothing),
        Fault("slow brokers", slow(SLOW_S), slow(0.0), lasts=6),
        Fault("network cut", lambda: cluster.each_gate(Gate.close), lambda: cluster.each_gate(Gate.open), lasts=CUT_S,
              says="E200|put out of the group"),
        Fault("all brokers gone", cluster.kill_all, cluster.cluster.start, lasts=OUTAGE_S, says="E200|put out of the group"),
    ]
    if cluster.disk is not None:
        filler = cluster.disk / "filler"

        def fill():
            with open(filler, "wb", buffering=0) as out:
                try:
                    while True:
                        out.write(b"\0" * (1 << 16))
                except OSError:
                    pass  # full

        def make_room():
            # A broker whose only disk takes nothing any more ends by itself, at its next write.
            pid = int((cluster.directory / "broker-2" / "pid").read_text())
            eventually(lambda: not running_process(pid), "the broker with the full disk ends", 120)
            filler.unlink()
            cluster.cluster.start()

        faults.append(Fault("disk of a broker full", fill, make_room))
    else:
        print("\nskipped: a full disk needs root")
    parts = 2 * len(faults) + 1
    undisturbed.begin(log, tmp_path)
    feeding = PacedFeed(services, log, undisturbed.csv, undisturbed.hours * 3600 / (parts * 3.0))
    allowed = 1
    feeding.allow(allowed / (parts + 1))
    watched = Watched(log.processor(services), feeding)
    live(watched.processor, 4)

    def allow():
        nonlocal allowed
        allowed += 1
        feeding.allow(allowed / (parts + 1))

    for fault in faults:
        happen(fault, watched, allow)
    feeding.finish(300)
    assert watched.processor.stop() == 0, watched.processor.text()
    log.process()
    print(f"\n{len(faults)} faults: {assert_equal(undisturbed, log)}")


# ---- what waits for a person -----------------------------------------------------------------------------------------

def test_a_missing_topic_is_said_in_one_line(cluster, services, tmp_path):
    log = KafkaLog(cluster, tmp_path / "config", "missing.")
    line = log.run("processor", "--until-end").refused().one_line()
    assert "E208" in line and "topic" in line, line
    print(f"\nno topics: {line}")


def secure_log(cluster, directory, prefix, password):
    """The same log as `qingchuan` of the secure listener, who may do what he is granted."""
    client = dict(line.split("=", 1) for line in (cluster.directory / "client.properties").read_text().splitlines())
    log = KafkaLog(cluster, directory, prefix, *OFTEN, kafka="".join([
        "  settings:\n", "    security.protocol: SASL_SSL\n", "    sasl.mechanism: SCRAM-SHA-512\n",
        f"    sasl.username: {client['sasl.username']}\n", "    sasl.password: env:QC_TEST_PASSWORD\n",
        f"    ssl.ca.location: {client['ssl.ca.location']}\n"]))
    log.place[1] = ",".join(f"localhost:{cluster.cluster.port + 10 * i + 1}" for i in range(cluster.size))
    return log, {**os.environ, "QC_TEST_PASSWORD": password or client["sasl.password"]}


def test_a_wrong_password_is_said_in_one_line_that_does_not_repeat_it(cluster, tmp_path):
    log, env = secure_log(cluster, tmp_path / "config", "refused.", "not-the-password")
    ended = log.run("processor", "--until-end", env=env).refused()
    line = ended.err.strip().splitlines()[-1]  # before it may stand what librdkafka says of single connections
    assert "E212" in line and "not-the-password" not in ended.out + ended.err, line
    print(f"\nwrong password, after {ended.seconds:.1f} s: {line}")


def test_rights_that_are_withdrawn_stop_it_and_given_back_let_it_go_on(cluster, services, tmp_path):
    small = Undisturbed(tmp_path, 6, 4)
    plain = KafkaLog(cluster, tmp_path / "plain", "rights.", *OFTEN)
    small.begin(plain, tmp_path)
    feeding = PacedFeed(services, plain, small.csv, small.hours * 3600 / 12.0)
    feeding.allow(0.3)
    log, env = secure_log(cluster, tmp_path / "config", "rights.", None)
    everything = ("--resource-pattern-type", "prefixed", "--topic", "rights.", "--group", "rights.",
                  "--transactional-id", "rights.")
    cluster.acl("--add", "All", *everything)
    cluster.acl("--add", "DescribeConfigs", "--resource-pattern-type", "prefixed", "--topic", "rights.")
    processor = services("processor", *log.place, *LISTEN, "--workers", 1, env=env)
    watched = Watched(processor, feeding)
    eventually(lambda: watched.committed() > 0, f"it works with its rights:\n{processor.text()[-3000:]}", 60)

    forbidden = ("--topic", "rights.means")
    began, mark = time.monotonic(), len(processor.lines())
    cluster.tool("kafka.admin.AclCommand", "--add", "--deny-principal", "User:qingchuan", "--operation", "Write",
                 *forbidden)
    feeding.allow(0.6)
    processor.line(r"E212", seconds=60)
    seen = time.monotonic() - began
    _, body = eventually(lambda: (lambda answer: answer[0] == 503 and answer)(watched.ready()), "not ready")
    assert "E212" in body, body
    before = watched.numbers()
    cluster.tool("kafka.admin.AclCommand", "--remove", "--force", "--deny-principal", "User:qingchuan", "--operation",
                 "Write", *forbidden)
    feeding.allow(1.0)
    returned = time.monotonic()
    watched.goes_on(before["committed"], 90)
    said = [line for line in processor.lines()[mark:] if "E212" in line]
    print(f"\nno right to write means: seen after {seen:.1f} s; goes on {time.monotonic() - returned:.1f} s after it has "
          f"it back; {len(said)} lines\n    {said[0][:260]}")
    feeding.finish(300)
    assert processor.stop() == 0, processor.text()
    plain.process()
    print(f"\nrights: {assert_equal(small, plain)}")


def test_a_clock_far_past_the_logs_last_tick_writes_no_time_until_it_is_accepted(cluster, services, tmp_path):
    log = KafkaLog(cluster, tmp_path / "config", "clock.")
    log.create("wall")
    stamp = int(time.time() * 1000) - 31 * 86_400_000
    log.inject([("readings", p, tick_key(p), tick(stamp)) for p in range(4)])
    service = log.processor(services)
    service.line(r"E500.*days past the log's last tick", seconds=60)
    status, body = get(service.address(), "/readyz")
    assert status == 503 and "E500" in body
    assert service.stop() == 0
    ticks = lambda: log.run("tail", "readings", "--from-beginning", "--until-end").out.count('"tick"')
    assert ticks() == 4
    accepted = log.processor(services, "--accept-clock")
    eventually(lambda: ticks() > 4, "time is written", 60)
    assert accepted.stop() == 0
