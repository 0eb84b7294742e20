"""The two programs that are compared, as processes that we start and end by their own pid."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from broker import TREE, Broker

STOP_S = 30
PEER = TREE / "build/peers/streams"


class Side:
    """A program that makes hour means and signals of `readings`."""

    kind = ""
    means = "means"
    signals = "signals"

    def __init__(self, name: str, broker: Broker, directory: pathlib.Path):
        self.name = name
        self.broker = broker
        self.directory = directory / self.name.replace(",", "").replace(" ", "-")
        self.log = self.directory.with_suffix(".log")
        self.process: subprocess.Popen | None = None

    def command(self, purpose: str) -> list:
        raise NotImplementedError

    def forget(self) -> None:
        """What it left on this machine from another run."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, purpose: str) -> int:
        with self.log.open("w") as log:
            command = [str(c) for c in self.command(purpose)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=TREE)
        return self.process.pid

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def restored(self, partitions: int, wait_s: float) -> tuple[float, float]:
        """Seconds that the slowest partition of the readings' state took, and since `start`; waits for all of them."""
        began = time.monotonic()
        while time.monotonic() - began < wait_s:
            if self.process is None or self.process.poll() is not None:
                break
            # Of the restored line's figures the last one with a unit of time is how long it took.
            text = self.log.read_text()
            whole = text[: text.rfind("\n") + 1]  # the last line may be in the making
            took = [seconds(line) for line in whole.splitlines() if self.restored_line(line)]
            if len(took) >= partitions:
                return max(took), time.monotonic() - began
            time.sleep(0.02)
        raise SystemExit(f"bench: {self.name} did not restore its state within {wait_s} s; see {self.log}")

    def restored_line(self, line: str) -> bool:
        return "restored: " in line

    def saved(self) -> None:
        """Returns when its state is where a new process will find it."""


def seconds(line: str) -> float:
    found = re.findall(r"([0-9.]+) (s|ms|us)\b", line)
    if not found:
        raise SystemExit(f"bench: no time in: {line}")
    value, unit = found[-1]
    return float(value) * {"s": 1.0, "ms": 1e-3, "us": 1e-6}[unit]


class Qingchuan(Side):
    kind = "qingchuan"

    def __init__(self, name: str, broker: Broker, directory: pathlib.Path, binary: pathlib.Path, config: pathlib.Path,
                 workers: int):  # fmt: skip
        super().__init__(name, broker, directory)
        self.binary = binary
        self.config = config
        self.workers = workers

    def command(self, purpose: str) -> list:
        return [self.binary, "processor", "--kafka", self.broker.address, "--config", self.config,
                "--workers", self.workers, "--listen", "127.0.0.1:0"]  # fmt: skip

    def restored_line(self, line: str) -> bool:
        # The worker that compares the sites of a region has a partition of its own; its input is `means`.
        return "restored: " in line and " readings " in line

    def saved(self) -> None:
        # The first checkpoint after the last record is at most an interval away (config/qingchuan.yaml).
        text = (self.config / "qingchuan.yaml").read_text()
        interval = int(re.search(r"checkpoint_interval: (\d+)s", text).group(1))
        time.sleep(interval + 5)


WEB = "127.0.0.1:18440"  # of the console


class Alerts(Side):
    """Beside Qingchuan's processor: what makes alerts of its signals."""

    def __init__(self, broker: Broker, directory: pathlib.Path, binary: pathlib.Path, config: pathlib.Path):
        super().__init__("alerts", broker, directory)
        self.binary = binary
        self.config = config

    def command(self, purpose: str) -> list:
        return [self.binary, "alerts", "--kafka", self.broker.address, "--config", self.config,
                "--listen", "127.0.0.1:0"]  # fmt: skip


class Console(Side):
    """Beside both: what shows the alerts to people. Its account is made before it starts."""

    def __init__(self, broker: Broker, directory: pathlib.Path, binary: pathlib.Path, config: pathlib.Path):
        super().__init__("console", broker, directory)
        self.binary = binary
        self.config = config
        self.place = ["--kafka", broker.address, "--config", config]
        self.token = ""

    def account(self) -> None:
        self._run("user", "add", "bench", "--role", "viewer")
        self.token = re.search(r"qct_\S+", self._run("user", "token", "bench", "--days", "1", "--note", "bench")).group(0)

    def _run(self, *args: str) -> str:
        return subprocess.run([self.binary, *args, *self.place], check=True, capture_output=True, text=True).stdout

    def command(self, purpose: str) -> list:
        return [self.binary, "console", *self.place, "--listen", "127.0.0.1:0", "--web", WEB]


class Streams(Side):
    kind = "streams"
    means = "peer-means"
    signals = "peer-signals"

    def __init__(self, name: str, broker: Broker, directory: pathlib.Path, threads: int, store: str):
        super().__init__(name, broker, directory)
        self.threads = threads
        self.store = store

    # Why: tests/bench/peers/README.md.
    SETTINGS = {
        "throughput": ["--commit-ms", "1000", "--linger-ms", "100"],
        "latency": ["--commit-ms", "10", "--linger-ms", "0", "--poll-ms", "5"],
    }

    def command(self, purpose: str) -> list:
        jvm = os.environ.get("QC_PEER_JVM", "-Xms1g -Xmx1g -XX:+UseSerialGC").split()
        extra = os.environ.get(f"QC_PEER_{purpose.upper()}", "").split()
        return ["java", *jvm, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{PEER}/classes:{PEER}/jars/*",
                "qingchuan.peer.StreamsPeer", "--brokers", self.broker.address, "--directory", self.directory,
                "--threads", self.threads, "--store", self.store, *self.SETTINGS[purpose], *extra]  # fmt: skip
