"""A county moves: `topics copy` takes an embedded log, with the state and the offsets of its services, into a real Kafka,
and what comes out afterwards is what would have come out without the move: no gap, no double.

The same log goes on in both places, and both are compared. QC_KILLS: how often the copying is killed (default 25, at
most 40). QC_SEED: of the moments.
"""

import os
import random
import re
import shutil
import sqlite3
import subprocess

import pytest

import harness
import load
from configs import edited
from harness import assert_same_outputs, count, eventually, feed, process, tail_json
from kafka_cluster import KafkaLog, REGION_RULES, assert_once, by_input, embedded_by_input, readings_in, running

KILLS = min(40, int(os.environ.get("QC_KILLS", "25")))
SEED = int(os.environ.get("QC_SEED", "1"))
HOURS, SITES, MOVED = 34, 8, 20  # hours of the load; those before the move

# Upkeep at once: every revision but the last one of a mean goes.
UPKEEP = (("qingchuan.yaml", "maintenance_interval: 60s", "maintenance_interval: 1s"),
          ("qingchuan.yaml", r"(name: means,.*) compaction_lag: 7d", r"\1 compaction_lag: 0"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("kafka") / "cluster", brokers=1) as started:
        yield started


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """(whole file, embedded log with its first part, processed)."""
    place = tmp_path_factory.mktemp("moving")
    load.write(place / "first.csv", sites=SITES, hours=HOURS, last=MOVED * 60)
    load.write(place / "whole.csv", sites=SITES, hours=HOURS)
    feed(place / "log", "--format", "csv", place / "first.csv").fine()
    process(place / "log").fine()
    return place / "whole.csv", place / "log"


@pytest.fixture
def source(moving, data):
    shutil.copytree(moving[1], data)
    return data


def copy(log, source, **options):
    return log.run("topics", "copy", "--from-data", source, "--quiet", **options)


def goes_on(source, log, whole):
    """The rest of the file in both places; their outputs, by input."""
    feed(source, "--format", "csv", "--resume", whole).fine()
    process(source).fine()
    log.run("feed", "--format", "csv", "--resume", whole).fine()
    log.process()
    assert assert_once(log.tail_json) > 100
    return embedded_by_input(source), by_input(log.tail_json)


def in_place(records):
    """By partition and offset: how partitions lie beside one another in what `tail` prints is chance."""
    return sorted(records, key=lambda r: (r["partition"], r["offset"]))


def offsets_in(database, topic):
    """{partition: its offsets}; nothing may have the log open."""
    with sqlite3.connect(f"file:{database / 'log.sqlite'}?mode=rw", uri=True) as db:
        tables = db.execute("SELECT p.number, p.id FROM partitions p JOIN topics t ON t.id = p.topic WHERE t.name = ?",
                            (topic,)).fetchall()
        found = {number: [o for (o,) in db.execute(f"SELECT offset FROM records_{table} ORDER BY offset")]
                 for number, table in tables}
    db.close()
    return found


def upkeep(source, services, tmp_path, done, what):
    """A processor that does nothing but look after the log, until `done`."""
    config = edited(tmp_path / "upkeep", *UPKEEP) / harness.CONFIG.name
    harness.run("topics", "apply", "--data", source, "--config", config).fine()
    service = services("processor", "--data", source, "--config", config, "--listen", "127.0.0.1:0")
    eventually(done, what, 60)
    assert service.stop() == 0, service.text()


def test_the_copy_is_the_same_byte_for_byte_and_goes_on_as_the_old_log_would(moving, source, cluster, tmp_path):
    log = KafkaLog(cluster, tmp_path / "config", "plain.")
    said = copy(log, source).fine().out
    assert "no offset of an input changed" in said and "complete" in said and "next:" in said, said
    for topic in ("readings", "means", "signals", "dead-letters"):
        assert in_place(tail_json(source, topic)) == in_place(log.tail_json(topic)), topic  # time of writing and offset among it
    expected, found = goes_on(source, log, moving[0])
    assert_same_outputs(expected, found)
    assert readings_in(tail_json(source, "readings")) == readings_in(log.tail_json("readings"))
    assert count(found) > 1000
    print(f"\n{count(found)} records equal after the move")


def test_a_log_whose_means_were_compacted_moves_with_the_positions_in_them(moving, source, cluster, services, tmp_path):
    everything = len(tail_json(source, "means"))
    upkeep(source, services, tmp_path, lambda: len(tail_json(source, "means")) < everything, "means are compacted")
    kept = offsets_in(source, "means")[0]
    assert kept != list(range(len(kept)))
    log = KafkaLog(cluster, tmp_path / "config", "compacted.")
    said = copy(log, source).fine().out
    assert "have other offsets now" in said, said

    here, there = tail_json(source, "means"), log.tail_json("means")
    assert [r["value"] for r in here] == [r["value"] for r in there]
    assert [kept[r["offset"]] for r in there] == [r["offset"] for r in here]
    # What the region stage compared is found where its signals say.
    names = 0
    where = {r["offset"]: r["key"] for r in here}, {r["offset"]: r["key"] for r in there}
    pairs = [[r["value"]["signal"] for r in records if r["value"]["signal"]["rule"] in REGION_RULES]
             for records in (tail_json(source, "signals"), log.tail_json("signals"))]
    assert len(pairs[0]) == len(pairs[1]) > 0
    for old, new in zip(*pairs):
        first = int(old["origin"].get("firstOffset", 0))
        if first in where[0]:
            names += 1
            assert where[1][int(new["origin"].get("firstOffset", 0))] == where[0][first]
    assert names > 0
    expected, found = goes_on(source, log, moving[0])
    assert_same_outputs(expected, found)


def test_a_log_whose_start_was_trimmed_moves_where_its_state_does_not_need_it(moving, source, cluster, services,
                                                                             tmp_path):
    starts = {number: offsets[len(offsets) // 2] for number, offsets in offsets_in(source, "readings").items()}
    with sqlite3.connect(f"file:{source / 'log.sqlite'}?mode=rw", uri=True) as db:
        for number, start in starts.items():
            (table,) = db.execute("SELECT p.id FROM partitions p JOIN topics t ON t.id = p.topic "
                                  "WHERE t.name = 'readings' AND p.number = ?", (number,)).fetchone()
            db.execute(f"UPDATE records_{table} SET written_ms = 1000 WHERE offset < ?", (start,))
    db.close()
    upkeep(source, services, tmp_path,
           lambda: {r["partition"]: r["offset"] for r in reversed(tail_json(source, "readings"))
                    if r["offset"] < starts[r["partition"]]} == {}, "readings are trimmed")
    log = KafkaLog(cluster, tmp_path / "config", "trimmed.")
    assert "have other offsets now" in copy(log, source).fine().out
    expected, found = goes_on(source, log, moving[0])

    def moved(text):
        """What an output of the old log says in the new one."""
        value = harness.json.loads(text)
        inner = value.get("mean") or value.get("signal")
        origin = inner["origin"]
        if "offset" in origin or "firstOffset" in origin or "mean" in value or inner["rule"] not in REGION_RULES:
            start = starts[origin.get("partition", 0)]
            offset, first = int(origin.get("offset", 0)), int(origin.get("firstOffset", 0))
            offset = offset - start if offset >= start else -1
            if first >= 0:
                first = max(first - start, 0) if offset >= 0 and max(first, start) - start <= offset else -1
            origin["offset"], origin["firstOffset"] = offset, first
        return value

    def plain(text):
        value = harness.json.loads(text)
        inner = value.get("mean") or value.get("signal")
        if inner.get("rule") not in REGION_RULES:
            for name in ("offset", "firstOffset"):
                inner["origin"][name] = int(inner["origin"].get(name, 0))
        return value

    assert expected.keys() == found.keys()
    compared = 0
    for where, sequence in expected.items():
        if where[1] == "dead-letters":
            continue
        assert len(sequence) == len(found[where]), where
        for (key, old), (other, new) in zip(sequence, found[where]):
            # Means keep their place: what the region stage says of them is compared without it.
            old = moved(old) if where[0].startswith("readings") else plain(old)
            assert (key, old) == (other, plain(new)), where
            compared += 1
    assert compared > 1000


def test_killed_at_any_moment_the_same_command_again_makes_it_whole(source, cluster, tmp_path):
    log = KafkaLog(cluster, tmp_path / "config", "killed.")
    rng = random.Random(SEED)
    command = [str(harness.BINARY), "topics", "copy", "--from-data", str(source), "--quiet", *map(str, log.place)]
    undisturbed = KafkaLog(cluster, tmp_path / "other", "undisturbed.")
    whole = copy(undisturbed, source).fine().seconds
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=harness.ROOT)
        try:
            out, err = process.communicate(timeout=rng.uniform(0.02, whole))
            assert process.returncode == 0, err.decode()
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
    said = copy(log, source, timeout=180).fine().out
    table = lambda text: re.findall(r"^(\S+) +\d+ +(\d+) +(\d+) +([0-9a-f]{16})$", text, re.M)
    expected = copy(undisturbed, source).fine().out
    assert "it was complete before" in expected
    assert table(said) == table(expected) and len(table(said)) >= 6, said
    for topic in ("readings", "means", "signals"):
        assert in_place(log.tail_json(topic)) == in_place(tail_json(source, topic))
    assert killed > KILLS // 4
    print(f"\nkilled {killed} times, whole")


def test_what_is_at_work_is_left_alone(moving, source, cluster, services, tmp_path):
    log = KafkaLog(cluster, tmp_path / "config", "work.")
    service = services("processor", "--data", source, "--config", harness.CONFIG, "--listen", "127.0.0.1:0")
    service.line(r"processor-0: partition 3 restored")
    line = copy(log, source).refused().one_line()
    assert "E213" in line and f"process {service.pid}" in line, line
    assert service.stop() == 0
    copy(log, source).fine()

    log.run("feed", "--format", "csv", "--resume", moving[0]).fine()
    line = copy(log, source).refused().one_line()
    assert "E213" in line and "goes on behind offset" in line, line
    log.process()
    assert "offset" in copy(log, source).refused().one_line()

    missing = log.run("topics", "copy", "--from-data", tmp_path / "nowhere").refused().one_line()
    assert "there is no log in" in missing
