"""`replay` over a simulated stretch of days, and the snapshots that a service keeps of them.

QC_REPLAY_HOURS: how long the stretch is (default 30; `tests/nightly.sh replay-month` takes the 744 of a month).
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from configs import edited
from harness import CONFIG, eventually, process, run
from test_replay import Table, kept

HOURS = int(os.environ.get("QC_REPLAY_HOURS", "30"))
LONG = 6 * 3600


def simulate(data, *args):
    return run("simulate", "--data", data, "--config", CONFIG, "--quiet", *args, timeout=LONG).fine()


def replay(data, *args):
    return run("replay", "--data", data, "--lang", "en", *args, timeout=LONG)


def equal(ended):
    return int(re.search(r"all (\d+) records are equal, byte for byte", ended.fine().out).group(1))


def test_what_was_published_of_a_simulated_stretch_is_made_again_byte_for_byte(data):
    simulated = simulate(data, "--from", "2026-01-01", "--hours", HOURS)
    processed = process(data, timeout=LONG).fine()
    ended = replay(data)
    assert equal(ended) > 1000 * HOURS
    assert "could not" not in ended.out and "waiting" not in ended.out
    print(f"\n{HOURS} h: {simulated.out.strip()}\nsimulated in {simulated.seconds:.1f} s, processed in "
          f"{processed.seconds:.1f} s, replayed in {ended.seconds:.1f} s\n{ended.out}")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three days over the end of a month; after the first two the day's snapshot."""
    place = tmp_path_factory.mktemp("days")
    data, snapshots = place / "log", place / "snapshots"
    there = []
    for day in (1, 2, 3):
        simulate(data, "--from", "2026-01-31", "--hours", 24 * day, *(["--resume"] if day > 1 else []))
        process(data, timeout=LONG).fine()
        if day == 3:
            break
        for _ in (1, 2):  # the second finds it there
            run("replay", "snapshot", "--keep", snapshots, "--data", data, timeout=LONG).fine()
        there.append(sorted(p.name for p in snapshots.iterdir()))
    assert there == [["2026-02-01"], ["2026-02-01", "2026-02-02"]]
    yield place
    shutil.rmtree(place)


@pytest.fixture
def days(made, data, tmp_path):
    shutil.copytree(made / "log", data)
    return data, Path(shutil.copytree(made / "snapshots", tmp_path / "snapshots"))


def of(snapshots, day):
    return kept(snapshots / day)


def test_a_service_keeps_the_state_of_each_months_first_day_and_the_newest(days, services, tmp_path):
    data, snapshots = days
    config = edited(tmp_path / "config", ("qingchuan.yaml", r"(?m)^http:", f"replay: {{snapshots: {snapshots}}}\n\nhttp:"))
    service = services("processor", "--data", data, "--config", config / "qingchuan.yaml", "--listen", "127.0.0.1:0")
    eventually(lambda: (snapshots / "2026-02-03" / "qingchuan.snapshot").exists(), "the third day's snapshot", 60)
    eventually(lambda: not (snapshots / "2026-02-02").exists(), "the second day's is gone", 20)
    service.stop()
    assert sorted(p.name for p in snapshots.iterdir()) == ["2026-02-01", "2026-02-03"]
    # Folded on from day to day it is the state that one fold from the log's beginning makes.
    replay(data, "snapshot", "--to", tmp_path / "whole").fine()
    assert of(snapshots, "2026-02-03") == kept(tmp_path / "whole")
    # What came after the month's first day is compared from there, without the readings before.
    taken = replay(data, "--snapshot", snapshots / "2026-02-01")
    since = equal(taken)
    before = int(re.search(r"(\d+) records were published before the snapshot", taken.out).group(1))
    assert since + before == equal(replay(data))
    assert 0 < before < since


def test_a_region_stage_whose_means_may_be_compacted_is_not_kept_and_not_compared(days, tmp_path):
    data, snapshots = days
    with Table(data, "means") as table:
        table.may_be_compacted_at_once()
    taken = run("replay", "snapshot", "--keep", snapshots, "--data", data).fine()
    assert "means-0: what stands there is not all that the region stage read, so its state is not kept" in taken.out
    assert "means-0 up to" not in taken.out and "readings-3 up to" in taken.out
    simulate(data, "--from", "2026-01-31", "--hours", 73, "--resume")
    process(data).fine()
    ended = replay(data, "--snapshot", snapshots / "2026-02-03").refused(3)
    assert "the snapshot does not hold the region stage" in ended.out
    assert re.search(r"means-0 +signals +0 +0 +\d+", ended.out), ended.out
    assert re.search(r"readings-0 +means +[1-9]\d* +0 +0", ended.out), ended.out
