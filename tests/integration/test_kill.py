"""SIGKILL at any moment loses and doubles nothing.

The same load is processed undisturbed and with processors (and feeds) that are killed at random moments. The committed
outputs, for each pair of input partition and output topic, are the same sequence of bytes; the database is whole.

QC_KILLS: how many kills (default 25; the nightly run takes 500). QC_SEED: of the moments.
"""

import json
import os
import random
import shutil
import sqlite3
import subprocess

import pytest

import load
import oracle
from configs import edited
from harness import (ALL_OUTPUTS, CONFIG, assert_database_is_whole, assert_same_outputs, count, create_log, eventually, feed,
                     input_of, outputs, process, run, tail_json, tail_rows, text_of, written_by_regions)

KILLS = int(os.environ.get("QC_KILLS", "25"))
SAID = 12  # records of events
SEED = int(os.environ.get("QC_SEED", "1"))
FAST = 34 * 3600  # the load's seconds


def raw_outputs(data, said=0):
    """As harness.outputs, but of the very bytes, the forwarded ticks among them. Nothing may have the log open. (Signals
    of the region stage name their place in `means`, where the partitions of `readings` lie by chance: those are compared
    without it.) `said`: how many events there are; where each was read stands there once."""
    origin = {}
    regions = written_by_regions(data)
    for topic in ALL_OUTPUTS:
        for record in tail_json(data, topic):
            of = input_of(topic, record, regions)
            text = text_of(record["value"], True).encode() if of.startswith("means") else None
            origin[topic, record["partition"], record["offset"]] = of, text
    by_input, taken, ticks = {}, [], {"processor": 0, "regions": 0}
    with sqlite3.connect(f"file:{data / 'log.sqlite'}?mode=rw", uri=True) as db:
        tables = db.execute("SELECT t.name, p.number, p.id FROM partitions p JOIN topics t ON t.id = p.topic")
        for topic, number, table in tables.fetchall():
            if topic not in ALL_OUTPUTS:
                continue
            for offset, key, value in db.execute(f"SELECT offset, key, value FROM records_{table} ORDER BY offset"):
                of, text = origin.get((topic, number, offset), (None, None))
                if bytes(key).startswith(b"@taken|"):
                    taken.append(bytes(value))  # where an event was read is chance, but once
                    continue
                if of is None:
                    assert bytes(key).startswith(b"@tick|"), f"{topic}-{number} {offset} is not printed"
                    stage, partition = bytes(key).decode().split("|")[1:]
                    of = f"{'means' if stage == 'regions' else 'readings'}-{partition}"
                    ticks[stage] += 1
                by_input.setdefault((of, topic), []).append((bytes(key), text or bytes(value)))
    db.close()
    assert all(ticks.values()) and regions and origin
    assert len(taken) == len(set(taken)) == said
    return by_input


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The usual one, with checkpoints often enough to be killed in."""
    often = (CONFIG.name, "checkpoint_interval: 30s", "checkpoint_interval: 1s")
    return edited(tmp_path_factory.mktemp("config") / "config", often, load.IN_THE_PLAIN) / CONFIG.name


def begin(data, config):
    """The log, with events that will be received within the load."""
    create_log(data, "fed", config)
    return load.say(lambda *args: run(*args, "--data", data, "--config", config), data.parent)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, config):
    """(csv, the fed log before processing, outputs of the undisturbed run), the outputs checked by the oracle."""
    place = tmp_path_factory.mktemp("undisturbed")
    csv = place / "load.csv"
    readings = load.write(csv)
    fed = place / "fed"
    assert begin(fed, config) == SAID
    feed(fed, "--format", "csv", csv, config=config).fine()
    shutil.copytree(fed, place / "log")
    process(place / "log", config=config).fine()
    outputs = raw_outputs(place / "log", SAID)
    check_by_oracle(readings, tail_rows(place / "log", "means"))
    states = {row["state"] for row in tail_rows(place / "log", "signals", latest=False)}
    rules = {row["rule"] for row in tail_rows(place / "log", "signals", latest=False)}
    assert {"active", "cleared", "stale"} <= states
    assert {"hour_limit", "reading_over_limit", "aqi_level", "no_data", "hour_high", "spike", "warning",
            "joint_warning"} <= rules
    print(f"\nload: {len(readings)} readings; undisturbed outputs: "
          f"{ {topic: sum(len(s) for (_, t), s in outputs.items() if t == topic) for topic in ALL_OUTPUTS} }")
    return csv, fed, outputs


def check_by_oracle(readings, rows):
    """Every closed hour: value, count and validity of the batch computation, and its AQI."""
    expected = oracle.hours(readings)
    by_hour, compared = {}, 0
    for (site, factor, start), (mean, n, valid) in expected.items():
        six = by_hour.setdefault((site, start), {})
        if valid:
            six[factor] = mean
    for row in rows:
        if row["window"] != "1h" or row["factor"] == "AQI_PM24":
            continue  # longer windows have an oracle of their own, beside the core
        start = oracle.datetime.fromisoformat(row["start"])
        if row["factor"] == "AQI":
            index, primary = oracle.aqi(oracle.edition_of(start + oracle.HOUR), by_hour.get((row["site"], start), {}))
            said = ("" if index is None else str(index), "+".join(primary))
            assert (row["value"], row["primary"]) == said, row
        else:
            mean, n, valid = expected.pop((row["site"], row["factor"], start), (None, 0, False))
            assert (row["count"], row["valid"]) == (str(n), "true" if valid else "false"), (row, mean)
            assert row["value"] == (oracle.text_of(mean) if valid else ""), (row, mean)
        assert row["status"] in ("closed", "amended"), row
        compared += 1
    assert not expected, f"{len(expected)} hours have no mean, such as {sorted(expected)[:3]}"
    print(f"\nundisturbed: {compared} hours equal the oracle's")


class Moments:
    """Ends processors at random moments."""

    def __init__(self, services, data, config, seed):
        self.services, self.data, self.config = services, data, config
        self.rng = random.Random(seed)
        self.done = 0

    def one(self, end="kill", longest=1.4):
        processor = self.services("processor", "--data", self.data, "--config", self.config, "--listen", "127.0.0.1:0")
        try:
            # Some before it has opened anything, most of them at work; the moment is random, so it is no condition.
            code = processor.process.wait(timeout=self.rng.choice((0.05, 0.3, longest)) * self.rng.random() + 0.001)
        except subprocess.TimeoutExpired:
            code = None
        assert code is None, f"it ended by itself with {code}:\n{processor.text()}"
        if end == "kill":
            assert processor.kill() == -9
        else:
            stopped = processor.stop()
            # Before it has begun to listen for it, a SIGTERM ends it as it ends anything.
            assert stopped == 0 or (stopped == -15 and not processor.lines()), f"exit {stopped}\n{processor.text()}"
        self.done += 1


def test_processors_killed_while_the_feed_is_running_publish_what_an_undisturbed_one_does(
        undisturbed, services, data, config):
    csv, _, expected = undisturbed
    kills = max(1, KILLS // 2)
    begin(data, config)
    feeding = services("feed", "--data", data, "--config", config, "--format", "csv",
                       "--speed", FAST / max(10.0, kills * 0.6), csv)
    eventually(lambda: run("tail", "readings", "--data", data, "--from-beginning", "--until-end").out, "the log begins")
    moments = Moments(services, data, config, SEED)
    beside = 0
    while moments.done < kills:
        moments.one()
        beside += feeding.alive()
    assert feeding.wait(600) == 0, feeding.text()
    process(data, config=config).fine()
    found = raw_outputs(data, SAID)
    assert_same_outputs(expected, found, f"after {moments.done} kills")
    assert_database_is_whole(data)
    assert beside > 0
    print(f"\n{moments.done} kills, {beside} of them while the feed was running: {count(found)} records equal, "
          "database whole")


def test_processors_killed_over_a_backlog_publish_what_an_undisturbed_one_does(undisturbed, services, data, config):
    _, fed, expected = undisturbed
    shutil.copytree(fed, data)
    moments = Moments(services, data, config, SEED + 1)
    while moments.done < KILLS - max(1, KILLS // 2):
        moments.one()
    process(data, config=config).fine()
    found = raw_outputs(data, SAID)
    assert_same_outputs(expected, found, f"after {moments.done} kills")
    assert_database_is_whole(data)
    print(f"\n{moments.done} kills over a backlog: {count(found)} records equal, database whole")


def test_processors_asked_to_stop_at_any_moment_end_cleanly_and_lose_nothing(undisturbed, services, data, config):
    _, fed, expected = undisturbed
    shutil.copytree(fed, data)
    moments = Moments(services, data, config, SEED + 2)
    for _ in range(8):
        moments.one(end="stop", longest=0.6)
    process(data, config=config).fine()
    found = raw_outputs(data, SAID)
    assert_same_outputs(expected, found, f"after {moments.done} stops")
    assert_database_is_whole(data)
    print(f"\n{moments.done} graceful stops: {count(found)} records equal, database whole")


def without_offsets(by_input):
    """A resumed feed registers its sites again and repeats one instant, so its records stand elsewhere; what the
    processor says of them is the same."""
    plain = {}
    for where, sequence in by_input.items():
        plain[where] = []
        for key, text in sequence:
            value = json.loads(text)
            inner = value.get("mean") or value.get("signal")
            if inner is not None:
                inner["origin"].pop("offset", None)
                inner["origin"].pop("firstOffset", None)
            plain[where].append((key, json.dumps(value, sort_keys=True)))
    return plain


def test_a_feed_that_was_killed_is_resumed_without_a_trace_in_the_outputs(undisturbed, services, data, config):
    csv, fed, _ = undisturbed
    reference = data.parent / "reference"
    shutil.copytree(fed, reference)
    process(reference, config=config).fine()
    begin(data, config)
    rng = random.Random(SEED + 3)
    killed = 0
    while True:
        feeding = services("feed", "--data", data, "--config", config, "--format", "csv", "--resume", csv)
        try:
            assert feeding.process.wait(timeout=rng.uniform(0.02, 0.6) if killed < 6 else 120) == 0, feeding.text()
            break
        except subprocess.TimeoutExpired:
            assert feeding.kill() == -9
            killed += 1
    process(data, config=config).fine()
    found = without_offsets(outputs(data))
    assert_same_outputs(without_offsets(outputs(reference)), found, f"after {killed} kills of feed")
    assert_database_is_whole(data)
    assert killed > 0
    print(f"\n{killed} kills of feed, then resumed: {count(found)} records equal")
