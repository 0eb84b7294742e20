"""One broker in a directory of its own, and its state put back as it was: both sides of a comparison, and every run of
them, find the same bytes."""
import contextlib
import pathlib
import random
import shutil
import socket
import subprocess

TREE = pathlib.Path(__file__).resolve().parents[3]
KAFKA = TREE / "deploy/kafka/kafka.sh"


class Broker:
    def __init__(self, directory: pathlib.Path, port: int):
        self.directory = directory / "broker"
        self.port = port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return int((self.directory / "broker-1/pid").read_text())

    def start(self) -> None:
        run([KAFKA, "start", self.directory, "--port", self.port])

    def stop(self) -> None:
        if self.directory.exists():
            run([KAFKA, "stop", self.directory])

    def new(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.start()

    def _kept(self, name: str) -> pathlib.Path:
        return self.directory.with_name(f"kept-{name}")

    def keep(self, name: str) -> None:
        self.stop()
        shutil.rmtree(self._kept(name), ignore_errors=True)
        shutil.copytree(self.directory, self._kept(name))

    def put_back(self, name: str) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(self._kept(name), self.directory)
        self.start()

    def forget(self, name: str) -> None:
        shutil.rmtree(self._kept(name), ignore_errors=True)


def free_port() -> int:
    """Of three that are free, the first: plain, secure, controller (kafka.sh)."""
    for _ in range(100):
        # Below the range from which the system takes ports for outgoing connections.
        port = random.randrange(20000, 32000, 10)
        with contextlib.ExitStack() as open_ones, contextlib.suppress(OSError):
            for n in range(port, port + 3):
                open_ones.enter_context(socket.socket()).bind(("127.0.0.1", n))
            return port
    raise SystemExit("bench: no free ports; --port says which to use")


def run(command: list) -> str:
    """Its output; a failure ends the benchmark with what the command said."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(str(c) for c in command)}\n{done.stdout}{done.stderr}")
    return done.stdout
