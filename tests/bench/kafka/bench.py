#!/usr/bin/env python3
"""Qingchuan and a Kafka Streams job on the same topics and packets; tests/bench/kafka.sh builds and calls this."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import sys
import tempfile

import report
from broker import TREE, Broker, free_port, run
from sides import WEB, Alerts, Console, Qingchuan, Side, Streams

PARTITIONS = 4  # of readings, config/qingchuan.yaml
# The latency's event time: an hour that neither ends nor begins while it is measured (load: minutes 0 to 11).
FILLED_MINUTES = 12
NO_RUNNING = ("rules/signals.yaml", r"running_every: 5min", "running_every: 0")
SPINE_ONLY = (
    ("rules/signals.yaml", r"(?s)  # Legal: a closed natural day.*?(?=\n[a-z]+:)", ""),
    ("qingchuan.yaml", r"  - (standards/(gb3095-validity|hj663|composite)|rules/quality)\.yaml\n", ""),
)


class Bench:
    def __init__(self, options: argparse.Namespace, directory: pathlib.Path):
        self.options = options
        self.directory = directory
        self.tool = options.build / "tests/bench/kafka/kafka_load"
        self.broker = Broker(directory, options.port or free_port())
        self.started: list[Side] = []

    def close(self) -> None:
        for side in self.started:
            side.kill()
        self.broker.stop()

    def load(self, *args) -> dict:
        return json.loads(run([self.tool, "--brokers", self.broker.address, *args]))

    def ours(self, workers: int, config: pathlib.Path = TREE / "config", name: str = report.OURS) -> Side:
        binary = self.options.build / "qingchuan"
        return self._side(Qingchuan(name, self.broker, self.directory, binary, config, workers))

    def theirs(self, threads: int) -> Side:
        return self._side(Streams(report.THEIRS, self.broker, self.directory, threads, self.options.store))

    def wanted(self, sides: list[Side]) -> list[Side]:
        return [s for s in sides if s.kind in self.options.sides.split(",")]

    def _side(self, side: Side) -> Side:
        self.started.append(side)
        return side

    def fill(self, name: str, sites: int, minutes: int, config: pathlib.Path, exceed_every: int) -> None:
        say(f"writing {sites} sites x {minutes} minutes")
        self.broker.new()
        self.load("begin", "--config", config)
        self.load("--sites", sites, "--exceed-every", exceed_every, "load", "--minutes", minutes, "--close")
        self.broker.keep(name)

    def changed(self, name: str, *edits: tuple[str, str, str]) -> pathlib.Path:
        """A copy of the configuration in which each (file, pattern, text) is replaced, at least once."""
        config = self.directory / name
        shutil.rmtree(config, ignore_errors=True)
        shutil.copytree(TREE / "config", config)
        for file, pattern, text in edits:
            before = (config / file).read_text()
            after, times = re.subn(pattern, text, before)
            if times == 0:
                raise SystemExit(f"bench: no {pattern} in {config / file}")
            (config / file).write_text(after)
        return config

    def closed_only(self) -> pathlib.Path:
        """The configuration without running means. In a backlog and in the latency's load event time runs many times as
        fast as the clock, so that every five minutes is every few thousand packets; the peer has no such means."""
        return self.changed("closed", NO_RUNNING)

    def spine(self) -> pathlib.Path:
        """Of that the spine's rules alone: hour means, AQI 1h, hour_limit, reading_over_limit, aqi_level. Nearest to what
        the peer does."""
        return self.changed("spine", NO_RUNNING, *SPINE_ONLY)

    def backlog(self, sites: int, minutes: int) -> dict:
        """From the start of the process until the last closed hour is committed; every mean and signal is checked."""
        closed, spine = self.closed_only(), self.spine()
        self.fill("closed", sites, minutes, closed, self.options.exceed_every)
        self.fill("spine", sites, minutes, spine, self.options.exceed_every)
        self.fill("running", sites, minutes, TREE / "config", self.options.exceed_every)
        runs = [("closed", side) for side in self.wanted([self.ours(1, closed), self.theirs(1), self.theirs(2)])]
        runs += [("spine", side) for side in self.wanted([self.ours(1, spine, report.OURS_SPINE)])]
        runs += [("running", side) for side in self.wanted([self.ours(1, name=report.OURS_RUNNING)])]
        results: dict[str, list[dict]] = {}
        for number in range(self.options.runs):
            for log, side in runs:
                results.setdefault(label(side), []).append(self._backlog_run(log, side, sites, minutes))
                say(f"run {number + 1} of {label(side)}: {report.backlog_line(results[label(side)][-1])}")
        for log in ("closed", "spine", "running"):
            self.broker.forget(log)
        return {"sites": sites, "minutes": minutes, "sides": {k: medians(v) for k, v in results.items()}}

    def watch(self, side: Side, pid: int, sites: int, minutes: int) -> dict:
        return self.load("--sites", sites, "watch", "--means", side.means, "--minutes", minutes, "--pid", pid,
                         "--broker-pid", self.broker.pid, "--timeout", self.options.timeout)  # fmt: skip

    def _backlog_run(self, name: str, side: Side, sites: int, minutes: int) -> dict:
        self.broker.put_back(name)
        side.forget()
        pid = side.start("throughput")
        found = self.watch(side, pid, sites, minutes)
        checked = self.load("--sites", sites, "--exceed-every", self.options.exceed_every, "check",
                            "--means", side.means, "--signals", side.signals, "--minutes", minutes)  # fmt: skip
        side.stop()
        readings = found["readings"]
        return {
            "readings_per_s": readings / found["wall_s"],
            "readings_per_cpu_s": readings / found["cpu_s"],
            "cpu_s_per_million": found["cpu_s"] / readings * 1e6,
            "broker_cpu_s_per_million": found["broker_cpu_s"] / readings * 1e6,
            "warm_readings_per_s": found["warm_readings"] / found["warm_wall_s"],
            "warm_readings_per_cpu_s": found["warm_readings"] / found["warm_cpu_s"],
            "peak_mb": found["peak_bytes"] / 1e6,
            "mean_records": checked["mean_records"],
            "signal_records": checked["signal_records"],
        }

    def latency(self, sites: int) -> dict:
        config = self.closed_only()
        self.fill("latency", sites, FILLED_MINUTES, config, 0)
        results: dict[str, list[list[dict]]] = {}
        for number in range(self.options.runs):
            for side in self.wanted([self.ours(1, config), self.theirs(1)]):
                self.broker.put_back("latency")
                side.forget()
                pid = side.start("latency")
                found = self.load("--sites", sites, "--exceed-every", 0, "latency", "--signals", side.signals,
                                  "--rates", self.options.rates, "--seconds", self.options.seconds, "--first-minute",
                                  FILLED_MINUTES, "--pid", pid, "--broker-pid", self.broker.pid)  # fmt: skip
                side.stop()
                results.setdefault(label(side), []).append(found["rates"])
                say(f"run {number + 1} of {label(side)}: {report.latency_line(found['rates'])}")
        self.broker.forget("latency")
        return {
            "sites": sites,
            "sides": {k: [medians(list(of_rate)) for of_rate in zip(*v)] for k, v in results.items()},
        }

    def alerts(self, sites: int) -> dict:
        """Of the same exceedances: to the signal, to the alert that another process makes of it, and to the event that a
        client of a console's stream reads."""
        config = self.closed_only()
        self.fill("alerts", sites, FILLED_MINUTES, config, 0)
        runs = []
        for number in range(self.options.runs):
            self.broker.put_back("alerts")
            side = self.ours(1, config)
            beside = self._side(Alerts(self.broker, self.directory, self.options.build / "qingchuan", config))
            console = self._side(Console(self.broker, self.directory, self.options.build / "qingchuan", config))
            console.account()
            os.environ["QINGCHUAN_TOKEN"] = console.token  # no argument: those are printed
            pid = side.start("latency")
            beside.start("latency")
            console.start("latency")
            found = self.load("--sites", sites, "--exceed-every", 0, "latency", "--signals", side.signals, "--alerts",
                              "alerts", "--console", WEB, "--rates", self.options.rates, "--seconds", self.options.seconds,
                              "--signals-per-s", self.options.signals_per_s, "--first-minute", FILLED_MINUTES,
                              "--pid", pid, "--broker-pid", self.broker.pid)  # fmt: skip
            side.stop()
            beside.stop()
            console.stop()
            runs.append(found["rates"])
            say(f"run {number + 1}: {report.alerts_line(runs[-1])}")
        self.broker.forget("alerts")
        return {"sites": sites, "rates": [medians(list(of_rate)) for of_rate in zip(*runs)]}

    def restore(self, sites: int) -> dict:
        """The state of six open hours, after SIGKILL."""
        minutes = 6 * 60 + 30
        self.fill("restore", sites, minutes, TREE / "config", self.options.exceed_every)
        results: dict[str, list[dict]] = {}
        for number in range(self.options.runs):
            for side in self.wanted([self.ours(1), self.theirs(1)]):
                self.broker.put_back("restore")
                side.forget()
                pid = side.start("throughput")
                found = self.watch(side, pid, sites, minutes)
                side.saved()
                side.kill()
                side.start("throughput")
                took, since_start = side.restored(PARTITIONS, self.options.timeout)
                side.stop()
                one = {"restore_s": took, "since_start_s": since_start, "peak_mb": found["peak_bytes"] / 1e6}
                results.setdefault(label(side), []).append(one)
                say(f"run {number + 1} of {label(side)}: {report.restore_line(one)}")
        self.broker.forget("restore")
        return {"sites": sites, "sides": {k: medians(v) for k, v in results.items()}}


def label(side: Side) -> str:
    if isinstance(side, Streams):
        return f"{side.name}, {side.threads} thread{'s' if side.threads > 1 else ''}"
    return side.name


def medians(runs: list[dict]) -> dict:
    return {key: statistics.median(r[key] for r in runs) for key in runs[0]}


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=TREE / "build/release", help="where the programs are")
    parser.add_argument("--runs", type=int, default=3, help="of everything; the medians are printed")
    parser.add_argument("--only", default="backlog,wide,latency,restore", help="parts, joined by commas; alerts: ours alone")
    parser.add_argument("--sides", default="qingchuan,streams", help="joined by commas; one alone: JSON, no table")
    parser.add_argument("--sites", type=int, default=1000, help="of the backlog; 8 series each")
    parser.add_argument("--minutes", type=int, default=2880, help="of the backlog; whole hours")
    parser.add_argument("--wide-sites", type=int, default=12500, help="of the wide backlog, the latency, the restore")
    parser.add_argument("--wide-minutes", type=int, default=240)
    parser.add_argument("--exceed-every", type=int, default=5000, help="one of so many packets is over a limit; backlog")
    parser.add_argument("--rates", default="1000,10000,50000", help="readings/s of the latency")
    parser.add_argument("--signals-per-s", type=int, default=50, help="exceedances that begin, of the alerts")
    parser.add_argument("--seconds", type=int, default=20, help="that a rate is measured, after 5 s of warm-up")
    parser.add_argument("--store", choices=["memory", "rocksdb"], default="memory", help="of Kafka Streams")
    parser.add_argument("--timeout", type=int, default=600, help="s, of any one run")
    parser.add_argument("--port", type=int, help="of the broker (default: a free one)")
    parser.add_argument("--directory", type=pathlib.Path, help="for broker and logs, kept (default: a temporary one)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures there")
    options = parser.parse_args()
    for minutes in (options.minutes, options.wide_minutes):
        if minutes % 60 != 0 or minutes < 240:
            parser.error("minutes: whole hours, at least four")
    unknown = set(options.only.split(",")) - {"backlog", "wide", "latency", "restore", "alerts"}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = parse()
    directory = options.directory or pathlib.Path(tempfile.mkdtemp(prefix="qingchuan-kafka-bench-"))
    directory.mkdir(parents=True, exist_ok=True)
    bench = Bench(options, directory.resolve())
    parts = options.only.split(",")
    found: dict = {"machine": report.machine(), "runs": options.runs, "cores": os.cpu_count()}
    done = False
    # So that what was started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if "backlog" in parts:
            found["backlog"] = bench.backlog(options.sites, options.minutes)
        if "wide" in parts:
            found["wide"] = bench.backlog(options.wide_sites, options.wide_minutes)
        if "latency" in parts:
            found["latency"] = bench.latency(options.wide_sites)
        if "restore" in parts:
            found["restore"] = bench.restore(options.wide_sites)
        if "alerts" in parts:
            found["alerts"] = bench.alerts(options.wide_sites)
        done = True
    finally:
        bench.close()
        if done and options.directory is None:
            shutil.rmtree(directory)
        elif not done:
            say(f"logs of broker and programs: {directory}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))
    if options.sides.count(",") == 1 or parts == ["alerts"]:
        print(report.text(found))
    else:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
