#!/usr/bin/env python3
"""A flood of 10,000 new alerts, ours and an Alertmanager's beside each other in one run, to the same receiver.

    tests/bench/alerts_flood.py [--count N] [--together N] [--runs N]      the binaries of build/release

Ours: signals appended to the log in portions -> `qingchuan alerts`, which makes an alert of each, keeps it and
commits it -> our webhook. Alertmanager: alerts posted to its API in the same portions -> its webhook, one group, which is
what suits it best: it sends whole groups. Nothing of it is on disk before it is told; ours is.

Printed of each run: the time from the first one sent to the last one received, the 99th percentile of the time from
sending to receiving each, and the process's greatest memory.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("QINGCHUAN_BIN", str(ROOT / "build" / "release" / "qingchuan"))

from alert_receiver import Receiver  # noqa: E402
from harness import INJECT, Service, create_log, eventually, get  # noqa: E402
from test_alerts_out import Alertmanager, alertmanager_binary, config_with, free_port  # noqa: E402


class Clocked(Receiver):
    """Notes when it had each alert first; reads what it was sent only afterwards, so that reading costs nobody."""

    def __init__(self):
        self.arrived = []
        super().__init__()

    def _answer(self, connection, headers, body):
        with self.lock:
            self.arrived.append((time.time(), body))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    def latencies(self, began):
        """Seconds, of each alert; `began`: the field that says when it was sent."""
        first = {}
        with self.lock:
            arrived = list(self.arrived)
        for at, body in arrived:
            value = json.loads(body)
            for item in value.get("items", value.get("alerts", [])):
                subject = item.get("subject") or item["labels"]["subject"]
                if subject not in first:
                    sent = datetime.fromisoformat(item[began].replace("Z", "+00:00")).timestamp()
                    first[subject] = (at - sent, at)
        return first

    def whole(self, name, count):
        """One body has all of them: Alertmanager sends the whole group each time."""
        with self.lock:
            return any(body.count(name) >= count for _, body in self.arrived[-1:])

    def seen(self, name):
        with self.lock:
            return sum(body.count(name) for _, body in self.arrived)


def memory_mb(pid):
    line = next(l for l in open(f"/proc/{pid}/status") if l.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def report(what, count, began, first, pid):
    assert len(first) == count, f"{what}: {len(first)} of {count} arrived"
    waits = sorted(wait for wait, _ in first.values())
    total = max(at for _, at in first.values()) - began
    p99 = waits[int(len(waits) * 0.99)]
    print(f"{what:13s} {count} alerts: {total:5.2f} s, p50 {waits[len(waits) // 2] * 1e3:4.0f} ms, p99 {p99 * 1e3:4.0f} ms, "
          f"{memory_mb(pid):4.0f} MB", flush=True)


def ours(directory, count, together):
    hook = Clocked()
    config = config_with(directory / "config", f"name: hall, shape: qingchuan, url: '{hook.url}', batch_max: 500")
    data = directory / "log"
    create_log(data, "wall", config)
    service = Service("alerts", "--data", data, "--config", config, "--listen", "127.0.0.1:0")
    try:
        address = service.address()
        eventually(lambda: get(address, "/readyz")[0] == 200, "it is ready")
        began = time.time()
        subprocess.run([INJECT, "signals", data, str(count), str(together)], check=True)
        sent = time.time() - began
        eventually(lambda: hook.seen(b'"type":"alert"') >= count, "all have arrived", 60)
        report("qingchuan", count, began, hook.latencies("began"), service.pid)
        print(f"{'':13s} appending took {sent:.2f} s of it, {len(hook.arrived)} posts", flush=True)
    finally:
        service.stop()
        hook.close()


def theirs(directory, count, together):
    hook = Clocked()
    manager = Alertmanager(alertmanager_binary(), directory / "alertmanager", hook.url, free_port(), wait="50ms")
    manager.start()
    try:
        door = http.client.HTTPConnection("127.0.0.1", manager.port)
        began = time.time()
        for begin in range(0, count, together):
            now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
            alerts = [{"labels": {"alertname": "aqi_level", "factor": "AQI", "level": "2", "region": "C",
                                  "subject": f"S{i}"},
                       "annotations": {"summary": f"▲ S{i} AQI 级别超限 发生 2级: 166 > 150 (HJ 633)"},
                       "startsAt": now} for i in range(begin, min(count, begin + together))]
            door.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})
            answer = door.getresponse()
            answer.read()
            assert answer.status == 200
        sent = time.time() - began
        eventually(lambda: hook.whole(b'"startsAt"', count), "all have arrived", 60)
        report("Alertmanager", count, began, hook.latencies("startsAt"), manager.process.pid)
        print(f"{'':13s} posting took {sent:.2f} s of it, {len(hook.arrived)} posts", flush=True)
    finally:
        manager.kill()
        hook.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--together", type=int, default=500, help="in one append, or one post")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    for _ in range(options.runs):
        for what in (theirs, ours):
            with tempfile.TemporaryDirectory() as directory:
                what(Path(directory), options.count, options.together)


if __name__ == "__main__":
    main()
