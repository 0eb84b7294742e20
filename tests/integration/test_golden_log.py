"""A log that an earlier binary left half-way, with a checkpoint, is opened by this one and finished; the outputs are
those of a fresh run. What an earlier binary wrote to the disk must be readable for ever.

tests/golden/log_v1.tar.zst holds the log, the CSV that it was fed from and the configuration. To make one for a new
format (never over an old one): QC_GOLDEN=log_v2 with this test, which then writes it with the binary at hand.
"""

import json
import os
import shutil
import subprocess

import load
from harness import (CONFIG, GOLDEN, assert_database_is_whole, assert_same_outputs, eventually, feed, get, metric,
                     outputs, process, tail_rows)

LOGS = sorted(path.name for path in GOLDEN.glob("log_v*.tar.zst"))


def make(name, services, place):
    """Feeds half of a small load, processes it with a checkpoint, feeds the rest and is killed before that is read."""
    config = place / "config"
    shutil.copytree(CONFIG.parent, config, ignore=shutil.ignore_patterns("data"))
    # Over a midnight, so that a day has closed and a month has begun.
    load.write(place / "first.csv", seed=11, sites=1, hours=26, last=24 * 60 + 30)
    load.write(place / "second.csv", seed=11, sites=1, hours=26, first=24 * 60 + 30)
    feed(place / "log", "--format", "csv", place / "first.csv", config=config).fine()
    service = services("processor", "--data", place / "log", "--config", config, "--listen", "127.0.0.1:0")
    published = "qingchuan_worker_published_records_total"
    eventually(lambda: metric(get(service.address(), "/metrics")[1], published, topic="means"), "the first outputs")
    assert service.stop() == 0
    feed(place / "log", "--format", "csv", "--resume", place / "second.csv", config=config).fine()
    subprocess.run(["tar", "--zstd", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-cf",
                    str(GOLDEN / f"{name}.tar.zst"), "-C", str(place), "log", "first.csv", "second.csv", "config"],
                   check=True)


# Fields of a record that are younger than log_v1.
LATER = {"root", "limit", "clause", "exceeds", "multiple", "marks", "suspect", "unit", "evidence"}


def made_of_gases_alone(mean):
    """The earlier binaries published an AQI_PM24 also where no particles were measured."""
    return mean.get("factor") == "AQI_PM24" and not any(
        s["factor"] in ("PM25", "PM10") for s in mean.get("subIndices", []))


def without_later_fields(by_input, begun):
    """Of the records that the earlier binary wrote, which are the first ones, only what it could say."""
    plain = {}
    for where, sequence in by_input.items():
        earlier = len(begun.get(where, []))
        plain[where] = sequence[earlier:]
        for key, text in reversed(sequence[:earlier]):
            value = json.loads(text)
            for kind in ("mean", "signal"):
                value[kind] = {k: v for k, v in value.get(kind, {}).items() if k not in LATER}
            if made_of_gases_alone(value["mean"]):
                for field in ("valid", "value", "min", "max", "sum", "primary"):
                    value["mean"].pop(field)
            value["signal"].get("origin", {}).pop("firstOffset", None)  # signals of log_v1 did not know theirs
            plain[where].insert(0, (key, json.dumps(value, sort_keys=True)))
    return plain


def test_every_golden_log_is_finished_as_a_fresh_run_would(services, tmp_path):
    wanted = os.environ.get("QC_GOLDEN")
    if wanted and f"{wanted}.tar.zst" not in LOGS:
        (tmp_path / "make").mkdir()
        make(wanted, services, tmp_path / "make")
        LOGS.append(f"{wanted}.tar.zst")
    assert LOGS, "the golden logs are part of the tree"
    for name in LOGS:
        assert (GOLDEN / name).stat().st_size < 400_000
        place = tmp_path / name
        place.mkdir()
        subprocess.run(["tar", "--zstd", "-xf", str(GOLDEN / name), "-C", str(place)], check=True)
        config = place / "config"
        begun = tail_rows(place / "log", "means", latest=False)
        assert len(begun) > 100, "the earlier binary published the first half"
        earlier = outputs(place / "log")
        process(place / "log", config=config).fine()
        fresh = place / "fresh"
        feed(fresh, "--format", "csv", place / "first.csv", config=config).fine()
        feed(fresh, "--format", "csv", "--resume", place / "second.csv", config=config).fine()
        process(fresh, config=config).fine()
        assert_same_outputs(without_later_fields(outputs(fresh), earlier),
                            without_later_fields(outputs(place / "log"), earlier), name)
        ended = tail_rows(fresh, "means", latest=False)
        assert len(ended) > len(begun)
        assert_database_is_whole(place / "log")
        print(f"\n{name}: {len(begun)} means of the earlier binary, {len(ended)} in the end: equal")
