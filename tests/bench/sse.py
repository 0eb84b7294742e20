#!/usr/bin/env python3
"""The stream of events, ours and nginx with nchan beside each other in one run: the same number of subscribers, the same
rate, messages of the same size, the same client (sse_load), one machine.

    tests/bench/sse.py [--subscribers 1000,5000] [--runs 3] [--stalled 5] [--only ours|nchan]

Ours: revisions of alerts are appended to a log on disk -> `qingchuan console` in another process reads them there, folds
its model and tells every subscriber. nchan: the message is posted to nginx, which keeps it in memory and tells every
subscriber; nothing of it is on disk, and it filters nothing. Both have one publisher, and one thread that serves sockets.

Latency is from the moment before the publisher hands a message over to the moment when a client has read it; both
clocks are CLOCK_MONOTONIC of this machine, the stamp is the alert's subject. CPU is the serving process's alone, user and
system, for each message that a client got; memory is what it has grown by for each subscriber. With --stalled, that
share of the clients stops reading, and the latency is that of the others.

The binaries of build/release; packages: nginx, libnginx-mod-nchan.
"""

import argparse
import http.client
import json
import os
import re
import resource
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("QINGCHUAN_BIN", str(ROOT / "build" / "release" / "qingchuan"))

from configs import edited  # noqa: E402
from harness import INJECT, Service, create_log, eventually, get, inject_alerts, run  # noqa: E402

LOAD = Path(os.environ.get("QINGCHUAN_SSE_LOAD", ROOT / "build" / "release" / "tests" / "bench" / "sse_load"))
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
NGINX = Path("/usr/sbin/nginx")
FILES = 20_000
DIGITS = 18  # of a stamp


def subject(stamp):
    return f"S{stamp:0{DIGITS}d}"


# ---- ours ------------------------------------------------------------------------------------------------------------

def alert_template(directory):
    """(key, value) of an alert's record as bytes, with the subject of stamp 0: what is appended, but for its subject."""
    create_log(directory, "wall")
    inject_alerts(directory, [f"{subject(0)} 1 2 {int(time.time() * 1000)}"])
    with sqlite3.connect(f"file:{directory / 'log.sqlite'}?mode=rw", uri=True) as db:
        (table,), = db.execute("SELECT p.id FROM partitions p JOIN topics t ON t.id = p.topic "
                               "WHERE t.name = 'alerts' AND p.number = 0").fetchall()
        (record,) = db.execute(f"SELECT key, value FROM records_{table}").fetchall()
    db.close()
    return tuple(map(bytes, record))


class Ours:
    name = "qingchuan"

    def __init__(self, directory):
        self.template = alert_template(directory / "template")
        # The benchmark's clients are one account with one token.
        config = edited(directory / "config", ("qingchuan.yaml", "requests_per_minute: 1200",
                        "requests_per_minute: 1000000\n  streams_per_session_max: 100000")) / "qingchuan.yaml"
        self.data = directory / "data"
        create_log(self.data, "wall", config)
        token = self.token(config)
        self.service = Service("console", "--data", self.data, "--config", config, "--web", "127.0.0.1:0",
                               "--listen", "127.0.0.1:0")
        self.web = self.service.line(r"\burl=\"?http://(127\.0\.0\.1:\d+)").group(1)
        page = self.service.address()
        eventually(lambda: get(page, "/readyz")[0] == 200, "the console is ready")
        self.pid = self.service.pid
        self.client = ["--url", f"{self.web}/api/v1/stream?subjects=alerts",
                       "--header", f"Authorization: Bearer {token}", "--wait-for", "live"]
        self.writer = subprocess.Popen([str(INJECT), "append", str(self.data), str(config)], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, text=True, cwd=ROOT)

    def token(self, config):
        place = ("--data", self.data, "--config", config)
        run("user", "add", "bench", "--full-name", "Benchmark", "--role", "viewer", *place).fine()
        # The first one must be changed before anything else.
        run("user", "password", "bench", "--stdin", *place, stdin=secrets.token_urlsafe(18) + "\n").fine()
        made = run("user", "token", "bench", "--role", "viewer", "--days", "1", "--note", "benchmark", *place).fine()
        return re.search(r"\bqct_\S+", made.out).group(0)

    def publish(self, stamp):
        key, value = (part.replace(subject(0).encode(), subject(stamp).encode()) for part in self.template)
        self.writer.stdin.write(f"alerts 0 {key.hex()} {value.hex()}\n")
        self.writer.stdin.flush()

    def close(self):
        self.writer.stdin.close()
        self.writer.wait(timeout=60)
        self.service.stop()


# ---- nginx with nchan ------------------------------------------------------------------------------------------------

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Nchan:
    name = "nginx + nchan"

    def __init__(self, directory, message_bytes):
        self.filler = "x" * max(0, message_bytes - len(json.dumps({"subject": subject(0), "filler": ""})))
        port = free_port()
        config = (ROOT / "tests" / "bench" / "sse" / "nginx.conf").read_text()
        for name, value in (("MODULE", NCHAN), ("FILES", FILES), ("DIR", directory), ("PORT", port)):
            config = config.replace(f"@{name}@", str(value))
        (directory / "nginx.conf").write_text(config)
        self.process = subprocess.Popen([str(NGINX), "-p", str(directory), "-e", str(directory / "error.log"),
                                         "-c", str(directory / "nginx.conf")])
        eventually(lambda: self.listens(port), "nginx listens")
        # The worker serves, its parent waits.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pid = int(eventually(lambda: children.read_text().split(), "nginx has its worker")[0])
        self.door = http.client.HTTPConnection("127.0.0.1", port)
        self.door.connect()
        self.door.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = ["--url", f"127.0.0.1:{port}/subscribe"]

    def listens(self, port):
        assert self.process.poll() is None, "nginx has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except ConnectionRefusedError:
            return False

    def publish(self, stamp):
        self.door.request("POST", "/publish", json.dumps({"subject": subject(stamp), "filler": self.filler}),
                          {"Content-Type": "application/json"})
        answer = self.door.getresponse()
        answer.read()
        assert answer.status in (200, 201, 202), answer.status

    def close(self):
        self.door.close()
        self.process.terminate()
        self.process.wait(timeout=60)


# ---- one measurement -------------------------------------------------------------------------------------------------

def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid):
    line = next(l for l in Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith("VmRSS"))
    return int(line.split()[1])


def measure(side, subscribers, rate, seconds, stalled):
    before = memory_kb(side.pid)
    load = subprocess.Popen([str(LOAD), *side.client, "--clients", str(subscribers), "--stalled", str(stalled),
                             "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = load.stdout.readline()
        assert line.startswith("connected "), f"{side.name}: the clients are not served: {line!r}"
        time.sleep(1)  # what connecting left to be done is done
        grown = memory_kb(side.pid) - before
        cpu = cpu_seconds(side.pid)
        count = max(1, round(rate * seconds))
        began = time.monotonic()
        for i in range(count):
            time.sleep(max(0.0, began + i / rate - time.monotonic()))
            side.publish(time.monotonic_ns())
        late = time.monotonic() - began - (count - 1) / rate
        time.sleep(2)  # the last ones arrive
        cpu = cpu_seconds(side.pid) - cpu
        out, _ = load.communicate(timeout=60)
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
    seen = json.loads(out)
    readers = subscribers - subscribers * stalled // 100
    assert seen["measured"] > 0, f"{side.name}: nothing arrived: {seen}"
    seen.update(cpu_us=cpu * 1e6 / seen["measured"], kb=grown / subscribers, late_s=late,
                lost=readers * count - seen["measured"], message_bytes=seen["data_bytes"] / max(1, seen["events"]))
    return seen


def show(name, subscribers, stalled, seen):
    lost = f", {seen['lost']} not arrived" if seen["lost"] else ""
    mark = f", {stalled} % stalled" if stalled else ""
    print(f"{name:14s} {subscribers:6d} subscribers{mark}: p50 {seen['p50_ms']:7.1f} ms, p99 {seen['p99_ms']:7.1f} ms, "
          f"CPU {seen['cpu_us']:5.1f} us a delivery, {seen['kb']:5.1f} kB a connection, "
          f"{seen['message_bytes']:.0f} bytes{lost}", flush=True)


def compare(found, subscribers, stalled):
    """The medians of the runs, and ours over theirs."""
    median = {name: {key: statistics.median(run[key] for run in runs) for key in ("p50_ms", "p99_ms", "cpu_us", "kb")}
              for name, runs in found.items()}
    if len(median) < 2:
        return
    ours, theirs = median[Ours.name], median[Nchan.name]
    print(f"{'ratio':14s} {subscribers:6d} subscribers{f', {stalled} % stalled' if stalled else ''}: " + ", ".join(
        f"{what} {ours[key]:.1f} / {theirs[key]:.1f} {unit} = {ours[key] / max(theirs[key], 1e-9):.2f}"
        for what, key, unit in (("p50", "p50_ms", "ms"), ("p99", "p99_ms", "ms"), ("CPU", "cpu_us", "us"),
                                ("memory", "kb", "kB"))), flush=True)


def check_programs(options):
    if not LOAD.exists():
        sys.exit(f"sse: {LOAD} is missing: cmake --build build/release --target sse_load")
    if options.only == "ours":
        return
    for path, package in ((NGINX, "nginx"), (NCHAN, "libnginx-mod-nchan")):
        if not path.exists():
            sys.exit(f"sse: {path} is missing: apt-get install {package} (or --only ours)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", default="1000,5000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stalled", type=int, default=5, help="percent; measured beside 0; 0: not measured")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=20, help="messages a second, each to all subscribers")
    parser.add_argument("--deliveries", type=float, default=20_000,
                        help="a second at most: with many subscribers the rate is less, because client and server share a machine")
    parser.add_argument("--only", choices=("ours", "nchan"))
    parser.add_argument("--bytes", type=int, default=1_000, help="of a message of nchan's where ours is not measured")
    options = parser.parse_args()
    check_programs(options)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    for subscribers in map(int, options.subscribers.split(",")):
        rate = min(options.rate, options.deliveries / subscribers)
        print(f"{subscribers} subscribers, {rate:g} messages a second for {options.seconds:g} s, {options.runs} runs",
              flush=True)
        for stalled in (0, options.stalled) if options.stalled else (0,):
            found, message_bytes = {}, options.bytes
            for _ in range(options.runs):
                for make in (Ours, Nchan):
                    if options.only and options.only != make.__name__.lower():
                        continue
                    with tempfile.TemporaryDirectory(prefix="sse-") as directory:
                        os.chmod(directory, 0o755)  # nginx's worker is another user
                        side = make(Path(directory), *([round(message_bytes)] if make is Nchan else []))
                        try:
                            seen = measure(side, subscribers, rate, options.seconds, stalled)
                        finally:
                            side.close()
                    if make is Ours:
                        message_bytes = seen["message_bytes"]
                    show(side.name, subscribers, stalled, seen)
                    found.setdefault(side.name, []).append(seen)
            compare(found, subscribers, stalled)


if __name__ == "__main__":
    main()
