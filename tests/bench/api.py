#!/usr/bin/env python3
"""The console's lists, with 10,000 alerts on them: the 99th percentile of an answer and requests per second and core.

    tests/bench/api.py [--alerts N] [--seconds S] [--runs N]      the binaries of build/release; needs wrk (apt-get install wrk)

Asked over loopback with an API token, kept connections, uncompressed: the first page of 100, a page of 1,000, one alert,
a page of 100 of a filter that matches few, and the same page again with its ETag (304), beside a request that is answered
without looking at anything (the reference: /api/v1/openapi.json with its ETag). "per core": by the CPU time that the console used.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("QINGCHUAN_BIN", str(ROOT / "build" / "release" / "qingchuan"))

from configs import edited  # noqa: E402
from harness import CONFIG, Service, create_log, inject_alerts  # noqa: E402
from web_client import Web, add_user, ready, web_of  # noqa: E402

CONNECTIONS = 8
BEGAN_MS = 1_790_000_000_000


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(address, pid, path, headers, seconds):
    """(requests/s, requests per CPU second of the server, p50 ms, p99 ms)"""
    before = cpu_seconds(pid)
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *options,
                          f"http://{address}/api/v1/{path}"], check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(pid) - before
    if failed := re.search(r"Non-2xx or 3xx responses: (\d+)", out):
        raise SystemExit(f"api: {path}: {failed.group(1)} refused\n{out}")
    if errors := re.search(r"Socket errors: .*", out):
        raise SystemExit(f"api: {path}: {errors.group(0)}")

    def milliseconds(rank):
        value, unit = re.search(rf"^\s+{rank}%\s+([\d.]+)(us|ms|s)$", out, re.M).groups()
        return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), requests / used, milliseconds(50), milliseconds(99)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("api: wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="qingchuan-api-") as directory:
        data = Path(directory) / "log"
        settings = edited(Path(directory) / "config",
                          (CONFIG.name, "requests_per_minute: 1200", "requests_per_minute: 100000000")) / CONFIG.name
        create_log(data, "fed", settings)
        inject_alerts(data, (f"B{i} 1 {i % 3 + 1} {BEGAN_MS + i * 1000}" for i in range(options.alerts)))
        token = add_user(data, settings, "bench", "viewer")
        console = Service("console", "--data", data, "--config", settings, "--listen", "127.0.0.1:0")
        try:
            address = web_of(console)
            ready(address)
            web = Web(address, token=token)
            page = web.get("alerts?limit=100")
            assert page["total"] == options.alerts, page["total"]
            auth = {"Authorization": f"Bearer {token}"}
            key = page["items"][0]["key"].replace("/", "%2F")
            tag = lambda path: {**auth, "If-None-Match": web.ask("GET", f"/api/v1/{path}")[1]["ETag"]}
            cases = [("reference: nothing to look at, 304", "openapi.json", tag("openapi.json")),
                     ("100 of them", "alerts?limit=100", auth),
                     ("1,000 of them", "alerts?limit=1000", auth),
                     ("100, a filter that few match", "alerts?limit=100&q=B77", auth),
                     ("100, unchanged, 304", "alerts?limit=100", tag("alerts?limit=100")),
                     ("one alert", f"alerts/{key}", auth)]
            print(f"{options.alerts} alerts; {CONNECTIONS} connections; median of {options.runs} runs of {options.seconds} s\n"
                  f"{'':38}{'requests/s':>12}{'per core':>12}{'p50 ms':>10}{'p99 ms':>10}{'x reference':>13}")
            reference = None
            for name, path, headers in cases:
                runs = [measure(address, console.pid, path, headers, options.seconds) for _ in range(options.runs)]
                rate, per_core, p50, p99 = (statistics.median(column) for column in zip(*runs))
                reference = reference or per_core
                print(f"{name:38}{rate:12.0f}{per_core:12.0f}{p50:10.2f}{p99:10.2f}{per_core / reference:13.3f}", flush=True)
        finally:
            console.stop()


if __name__ == "__main__":
    main()
