"""Fixtures. A directory of the test's own for each log; every service that was started is ended, by its id."""

import os
import shutil
from pathlib import Path

import pytest

import harness


@pytest.fixture
def data(tmp_path):
    """Removed at the end, unless QC_KEEP is set: the real files make logs of half a gigabyte."""
    yield tmp_path / "log"
    if not os.environ.get("QC_KEEP"):
        shutil.rmtree(tmp_path / "log", ignore_errors=True)


@pytest.fixture
def services():
    """services(command, args...) starts one; whatever still runs at the end is killed."""
    started = []

    def start(command, *args, **options):
        service = harness.Service(command, *args, **options)
        started.append(service)
        return service

    yield start
    for service in started:
        if service.alive():
            service.kill()
        service.process.stdout.close()
        service.process.stderr.close()


@pytest.fixture(scope="session")
def shared():
    """The directory of the real files, which are not part of the tree."""
    path = Path(os.environ.get("QINGCHUAN_SHARED", harness.ROOT.parent / "shared")).absolute()
    if not (path / "data" / "beijing_prsa").is_dir():
        pytest.skip(f"skipped: no shared data in {path} (QINGCHUAN_SHARED)")
    return path / "data"


def pytest_configure(config):
    if not harness.BINARY.exists():
        pytest.exit(f"{harness.BINARY} is not built (QINGCHUAN_BIN names another one)", returncode=2)
