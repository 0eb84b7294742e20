"""`replay`: the log folded again gives, byte for byte, what was published; and where it doesn't, or cannot, it says so.

A rough day (late data, resends, contradictions, corrections) goes through processors that are killed at random moments
and restarted with other rules, three times. QC_KILLS: how many kills (default 5; the nightly run takes 50). QC_SEED.
"""

import csv
import io
import os
import random
import re
import shutil
import sqlite3
from datetime import datetime, timedelta

import pytest

import load
import packets
from configs import edited
from harness import Service, count, create_log, feed, inject, partition_of, process, run, tail_json, tail_rows
from oracle import BEIJING, SIX
from test_kill import Moments, raw_outputs
from test_real_files import rows_of

KILLS = int(os.environ.get("QC_KILLS", "5"))
SEED = int(os.environ.get("QC_SEED", "1"))
SIGNALS = "rules/signals.yaml"
# Rule sets that judge otherwise: none of them changes what the log's topics are.
OTHER_RULES = ((), ((SIGNALS, r"on: \[150, 200, 300\]", "on: [120, 180, 280]"),),
               ((SIGNALS, r"on: \[150, 200, 300\]", "on: [100, 200, 300]"),),
               ((SIGNALS, r"on: \[150, 200, 300\]", "on: [151, 201, 301]"),))


def amend(number, site, factor, start, hours, action, value=0, reason="calibration", who="inspector"):
    start_ms = int(start.timestamp() * 1000)
    content = (packets.block(1, f"A{number}") + packets.block(2, site) + packets.number(3, packets.FACTORS[factor])
               + packets.number(4, start_ms) + packets.number(5, start_ms + hours * 3_600_000)
               + packets.number(6, action) + packets.varint(7 << 3) + packets.zigzag(value)
               + packets.block(8, reason) + packets.block(9, who))
    return packets.block(2, content)


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    """Four configurations with checkpoints often enough to be killed in."""
    place = tmp_path_factory.mktemp("configs")
    usual = ("qingchuan.yaml", "checkpoint_interval: 30s", "checkpoint_interval: 1s")
    return [edited(place / f"config{i}", usual, *edits) / "qingchuan.yaml" for i, edits in enumerate(OTHER_RULES)]


class Killer(Moments):
    """The test's own services: the fixture's live as long as one test, this log as long as the module."""

    def __init__(self, data, seed):
        self.running = []
        super().__init__(self._start, data, None, seed)

    def _start(self, command, *args, **options):
        self.running.append(Service(command, *args, **options))
        return self.running[-1]

    def end(self):
        for service in self.running:
            assert not service.alive()
            service.process.stdout.close()
            service.process.stderr.close()


HOURS, PARTS = 34, 4


def feed_part(data, i, config):
    """A quarter of the load."""
    first, last = i * HOURS * 60 // PARTS, (i + 1) * HOURS * 60 // PARTS if i < PARTS - 1 else None
    path = data.parent / f"{data.name}-{i}.csv"
    load.write(path, sites=12, hours=HOURS, first=first, last=last)
    feed(data, "--format", "csv", *(["--resume"] if i else []), path, config=config).fine()
    if i == 2:  # whole hours are corrected, and one of them is put back
        at = load.START + timedelta(hours=4)
        inject(data, [("readings", partition_of(site, 4), site.encode(), record) for site, record in (
            ("S05", amend(1, "S05", "PM2.5", at, 3, 2, 20_000_000)),
            ("S10", amend(2, "S10", "PM10", at, 2, 1)),
            ("S10", amend(3, "S10", "PM10", at, 1, 3)))])


@pytest.fixture(scope="module")
def published(tmp_path_factory, configs):
    """A log of a rough day, its processors killed and their rules switched; beside it the log as it was at half time."""
    data = tmp_path_factory.mktemp("published") / "log"
    killer = Killer(data, SEED)
    for i, config in enumerate(configs):
        if i > 0:
            process(data, config=config).fine()  # it appends the switch behind all that it read
        feed_part(data, i, config)
        killer.config = config
        done = killer.done
        while killer.done - done < max(1, KILLS // 4):
            killer.one(longest=0.6)
        process(data, config=config).fine()
        if i == 1:
            shutil.copytree(data, data.parent / "half")
    killer.end()
    means = [r["value"]["mean"] for r in tail_json(data, "means")]
    assert len({m["origin"]["rules"] for m in means}) == 4
    assert any(m["status"] == "AMENDED_AGAIN" and "calibration" in m["reason"] for m in means)
    print(f"\n{killer.done} kills, 3 switches of rules")
    return data


@pytest.fixture(scope="module")
def outputs(published):
    return raw_outputs(published)


@pytest.fixture
def copy(published, data):
    shutil.copytree(published, data)
    return data


def replay(data, *args):
    return run("replay", "--data", data, "--lang", "en", *args, timeout=600)


def rows(data, *args):
    ended = replay(data, "--format", "csv", *args)
    return ended, list(csv.DictReader(io.StringIO(ended.out)))


def total(found, kind):
    return sum(int(row["records"]) for row in found if row["kind"] == kind)


class Table:
    """The records of one partition in the file, for tests that damage them."""

    def __init__(self, data, topic, number=0):
        self.db = sqlite3.connect(f"file:{data / 'log.sqlite'}?mode=rw", uri=True)
        self.topic = topic
        self.id, = self.db.execute("SELECT p.id FROM partitions p JOIN topics t ON t.id = p.topic "
                                   "WHERE t.name = ? AND p.number = ?", (topic, number)).fetchone()
        self.name = f"records_{self.id}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.db.commit()
        self.db.close()

    def records(self):
        return [(o, bytes(k), v if v is None else bytes(v)) for o, k, v in
                self.db.execute(f"SELECT offset, key, value FROM {self.name} ORDER BY offset")]

    def set_value(self, offset, value):
        assert self.db.execute(f"UPDATE {self.name} SET value = ? WHERE offset = ?", (value, offset)).rowcount == 1

    def delete(self, where, *values):
        return self.db.execute(f"DELETE FROM {self.name} WHERE {where}", values).rowcount

    def may_be_compacted_at_once(self):
        self.db.execute("UPDATE topics SET compaction_lag_ms = 0 WHERE name = ?", (self.topic,))

    def trim(self, start):
        gone = self.delete("offset < ?", start)
        self.db.execute("UPDATE partitions SET start = ? WHERE id = ?", (start, self.id))
        return gone


def test_what_was_published_under_kills_and_other_rules_is_made_again_byte_for_byte(published, outputs):
    ended = replay(published).fine()
    everything = count(outputs)
    equal = int(re.search(r"result: all (\d+) records are equal, byte for byte", ended.out).group(1))
    assert equal == everything
    print(f"\n{ended.out}")


def test_it_changes_nothing(published, outputs):
    replay(published).fine()
    assert raw_outputs(published) == outputs


@pytest.mark.parametrize("topic", ["means", "signals"])
def test_one_flipped_byte_is_found_and_shown(copy, topic):
    record = random.Random(SEED).choice([r for r in tail_json(copy, topic)])
    inner = record["value"]["mean" if topic == "means" else "signal"]
    with Table(copy, topic) as table:
        value = next(v for o, _, v in table.records() if o == record["offset"])
        # Somewhere in its last field but one (origin): a digit of the rules' hash.
        at = value.index(inner["origin"]["rules"].encode()) + 3
        table.set_value(record["offset"], value[:at] + bytes([value[at] ^ 1]) + value[at + 1:])
    ended = replay(copy).refused(2)
    assert re.search(rf"differs {topic}-0 at {record['offset']}, made at readings-\d at \d+|"
                     rf"differs {topic}-0 at {record['offset']}, made at means-0 at \d+", ended.out), ended.out
    assert "origin.rules" in ended.out and "DIFFERENT in 1 records" in ended.out
    assert inner["site" if topic == "means" else "subject"] in ended.out


def test_a_value_that_was_changed_is_shown_with_series_window_and_both_values(copy):
    record = next(r for r in tail_json(copy, "means") if r["value"]["mean"]["window"] == "H1"
                  and r["value"]["mean"]["status"] == "CLOSED" and int(r["value"]["mean"]["value"]) > 1_000_000)
    mean = record["value"]["mean"]
    was = int(mean["value"])
    with Table(copy, "means") as table:
        value = next(v for o, _, v in table.records() if o == record["offset"])
        field = packets.varint(6 << 3) + packets.zigzag(was)
        assert field in value
        table.set_value(record["offset"], value.replace(field, packets.varint(6 << 3) + packets.zigzag(was + 1), 1))
    ended = replay(copy).refused(2)
    assert f"mean.value: {was + 1} -> {was}" in ended.out, ended.out
    assert f"{mean['site']}|" in ended.out and "window: H1" in ended.out
    # Another site's records are none of its business (but the region stage's, which read it).
    other = "S01" if mean["site"] != "S01" else "S02"
    assert replay(copy, "--site", other).code != 2
    assert replay(copy, "--site", mean["site"]).code == 2


def test_what_is_gone_from_or_added_to_the_outputs_is_found(copy):
    signals = tail_json(copy, "signals")
    gone = signals[len(signals) // 2]
    with Table(copy, "signals") as table:
        records = table.records()
        assert table.delete("offset = ?", gone["offset"]) == 1
    ended = replay(copy).refused(2)
    assert f'id: "{gone["value"]["signal"]["id"]}"' in ended.out and "  missing, made at" in ended.out, ended.out
    # A letter that nobody of ours wrote.
    inject(copy, [("signals", 0, records[0][1], b"\x07")])
    ended = replay(copy).refused(2)
    assert "  unreadable signals-0 at" in ended.out, ended.out
    # A record that stands twice.
    with Table(copy, "means") as table:
        _, key, value = next((o, k, v) for o, k, v in table.records() if not k.startswith(b"@"))
    inject(copy, [("means", 0, key, value)])
    ended = replay(copy).refused(2)
    assert "  unexpected means-0 at" in ended.out, ended.out


def test_input_that_retention_took_is_listed_and_never_called_equal(copy):
    before = {row["input"]: row for row in rows(copy)[1] if row["kind"] == "equal" and row["topic"] == "means"}
    with Table(copy, "readings", 1) as table:
        assert table.trim(table.records()[50][0]) == 50
    ended, found = rows(copy)
    assert ended.code == 3, ended.out[-2000:] + ended.err
    equal = {(row["input"], row["topic"]): int(row["records"]) for row in found if row["kind"] == "equal"}
    assert not [of for of in equal if of[0] in ("readings-1", "means-0")]
    unseen = [row for row in found if row["kind"] == "not_recomputed_series" and row["reason"] == "input_trimmed"]
    assert {row["window_or_rule"] for row in unseen} >= {"1h", "8h", "24h", "tick"}
    assert sum(int(row["records"]) for row in unseen if row["topic"] == "means") == int(before["readings-1"]["records"])
    # The region stage read those means beside others: what it said cannot be judged either.
    assert any(row["reason"] == "means_incomplete" for row in found)
    text = replay(copy).refused(3).out
    assert "input trimmed by retention" in text and "readings-1: its beginning is gone" in text
    assert "are equal, byte for byte" in text and "could not" in text


def test_outputs_that_retention_took_are_listed(copy):
    with Table(copy, "signals") as table:
        gone = table.trim(table.records()[40][0])
    ended, found = rows(copy)
    assert ended.code == 3, ended.out[-2000:]
    assert total(found, "different") == 0
    listed = sum(int(r["records"]) for r in found if r["kind"] == "not_recomputed_series"
                 and r["reason"] == "published_trimmed")
    assert listed == gone == 40


def test_revisions_that_compaction_took_are_listed(copy):
    with Table(copy, "means") as table:
        table.may_be_compacted_at_once()
        gone = table.delete(f"offset NOT IN (SELECT max(offset) FROM {table.name} GROUP BY key)")
    assert gone > 1000
    ended, found = rows(copy)
    assert ended.code == 3, ended.out[-2000:]
    assert total(found, "different") == 0
    listed = [r for r in found if r["kind"] == "not_recomputed_series" and r["reason"] == "compacted"]
    assert sum(int(r["records"]) for r in listed) == gone
    # What is not the older revision of anything is missing, compaction or not.
    last = [r for r in tail_json(copy, "means") if r["value"]["mean"]["window"] == "H1"][-1]
    with Table(copy, "means") as table:
        assert table.delete("offset = ?", last["offset"]) == 1
    ended = replay(copy).refused(2)
    assert "  missing, made at" in ended.out and f'site: "{last["value"]["mean"]["site"]}"' in ended.out


def test_young_revisions_are_not_excused_by_compaction(copy):
    """Where the topic keeps all revisions of a week, one of today that is not there is missing."""
    with Table(copy, "means") as table:
        offsets = {}
        for offset, key, _ in table.records():
            offsets.setdefault(key, []).append(offset)
        several = next(o for k, o in offsets.items() if len(o) > 1 and not k.startswith(b"@"))
        assert table.delete("offset = ?", several[0]) == 1
    assert "  missing, made at" in replay(copy).refused(2).out


def test_a_site_a_region_and_an_interval_narrow_what_is_compared(published):
    everything = rows(published)[1]
    by_site = [rows(published, "--site", f"S{i:02d}")[1] for i in (0, 5)]
    means = tail_rows(published, "means", latest=False)
    for i, found in zip((0, 5), by_site):
        n = sum(int(r["records"]) for r in found if r["kind"] == "equal" and r["topic"] == "means")
        assert n == sum(row["site"] == f"S{i:02d}" for row in means)
    at = load.START + timedelta(hours=10)
    found = rows(published, "--from", at.isoformat(), "--until", (at + timedelta(hours=3)).isoformat())[1]
    n = sum(int(r["records"]) for r in found if r["kind"] == "equal" and r["topic"] == "means")
    assert n == sum(at < datetime.fromisoformat(row["end"]) <= at + timedelta(hours=3) for row in means) > 0
    assert total(found, "equal") < total(everything, "equal")
    assert replay(published, "--site", "nobody").code == 4
    assert replay(published, "--from", "soon").refused(2).one_line().startswith("qingchuan replay: E103 --from wants")


def kept(directory):
    return (directory / "qingchuan.snapshot").read_bytes()


def test_a_replay_from_a_snapshot_compares_what_came_after_it(published, copy, tmp_path):
    half, snap = published.parent / "half", tmp_path / "snap"
    taken = replay(half, "snapshot", "--to", snap).fine()
    assert len(taken.out.splitlines()) == 5
    everything = total(rows(published)[1], "equal")
    until_half = total(rows(half)[1], "equal")
    ended = replay(published, "--snapshot", snap).fine()
    assert f"result: all {everything - until_half} records are equal" in ended.out, ended.out
    assert f"{until_half} records were published before the snapshot" in ended.out
    # From there on the fold makes the very state that a fold from the start makes.
    replay(published, "snapshot", "--snapshot", snap, "--to", tmp_path / "later").fine()
    replay(published, "snapshot", "--to", tmp_path / "anew").fine()
    assert kept(tmp_path / "later") == kept(tmp_path / "anew")
    # Retention may take what the snapshot stands for, and no more.
    positions = [int(n) for n in re.findall(r"readings-\d up to (\d+):", taken.out)]
    for partition, position in enumerate(positions):
        with Table(copy, "readings", partition) as table:
            table.trim(position)
    assert replay(copy).code == 3
    assert f"result: all {everything - until_half} records are equal" in replay(copy, "--snapshot", snap).fine().out
    with Table(copy, "readings", 0) as table:
        table.trim(positions[0] + 10)
    assert "later than the snapshot ends" in replay(copy, "--snapshot", snap).refused(3).out


def test_a_snapshot_that_is_damaged_or_of_another_log_is_refused(published, data, tmp_path):
    snap = tmp_path / "snap"
    replay(published, "snapshot", "--to", snap).fine()
    path = snap / "qingchuan.snapshot"
    whole = path.read_bytes()
    at = random.Random(SEED).randrange(8, len(whole))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
    assert "is damaged" in replay(published, "--snapshot", snap).refused().one_line()
    path.write_bytes(whole)
    create_log(data, "fed")
    assert "is of another log" in replay(data, "--snapshot", snap).refused().one_line()
    assert "cannot read" in replay(data, "--snapshot", tmp_path / "none").refused().one_line()


def alarms(data):
    """{(day, site, level): episodes}, from the definition."""
    highest, last = {}, {}
    for record in tail_json(data, "signals"):
        signal = record["value"]["signal"]
        highest[signal["id"]] = max(highest.get(signal["id"], 0), signal["level"])
        last[signal["id"]] = signal
    found = {}
    for id, signal in last.items():
        if signal["state"] == "WITHDRAWN":
            continue
        day = datetime.fromtimestamp(int(signal["beganMs"]) / 1000, BEIJING).date().isoformat()
        of = (day, signal["subject"], highest[id])
        found[of] = found.get(of, 0) + 1
    return found


def test_a_back_test_counts_what_a_log_with_those_rules_would_have_raised(published, configs, data):
    """The same load through an undisturbed processor that has had these rules from the first record."""
    for i in range(PARTS):
        feed_part(data, i, configs[2])
    process(data, config=configs[2]).fine()
    would = alarms(data)
    was = alarms(published)
    ended = run("replay", "--data", published, "--rules", configs[2], "--format", "csv").fine()
    table = {(r["day"], r["site"], int(r["level"])): (int(r["published"]), int(r["recomputed"]))
             for r in csv.DictReader(io.StringIO(ended.out))}
    assert {of: n[0] for of, n in table.items() if n[0]} == was
    assert {of: n[1] for of, n in table.items() if n[1]} == would
    assert was != would
    # The log holds those rules, too.
    rules = {r["key"] for r in tail_json(data, "rules") if len(r["key"]) == 16}
    by_hash = run("replay", "--data", published, "--rules", rules.pop(), "--format", "csv").fine()
    assert by_hash.out == ended.out and not rules
    text = run("replay", "--data", published, "--rules", configs[2], "--lang", "en", "--site", "S05").fine().out
    assert "would" in text and "S05" in text and "S00" not in text
    print(f"\n{sum(was.values())} alarms published, {sum(would.values())} with the other rules")


# ---- the real files --------------------------------------------------------------------------------------------------

# A winter: heavy pollution, gaps. In CI its worst month.
FROM, UNTIL = ("201411", "201501") if KILLS >= 50 else ("201412", "201412")


def packets_of_prsa(shared):
    """(hour, site, {factor: text}) of all stations of the interval."""
    for path in sorted((shared / "beijing_prsa").glob("*.csv*")):
        lines = rows_of(path) if path.suffix == ".zst" else csv.reader(open(path, encoding="utf-8-sig"))
        head = {name: i for i, name in enumerate(next(lines))}
        for row in lines:
            month = f"{row[head['year']]}{int(row[head['month']]):02d}"
            if not FROM <= month <= UNTIL:
                continue
            at = datetime(*(int(row[head[part]]) for part in ("year", "month", "day", "hour")), tzinfo=BEIJING)
            values = {f: row[head[f]] for f in SIX if row[head[f]] not in ("", "NA")}
            if values:
                yield at, row[head["station"]], values


def test_the_files_of_beijing_through_a_shuffle_kills_and_switches_are_made_again(shared, data, configs):
    rng = random.Random(SEED)
    arrivals = []
    sites = set()
    first = last = None
    for at, site, values in packets_of_prsa(shared):
        sites.add(site)
        first, last = min(first or at, at), max(last or at, at)
        # Most come in their hour, some up to four days late, some twice.
        for _ in range(2 if rng.random() < 0.03 else 1):
            late = timedelta(hours=1 + (rng.expovariate(1 / 12) if rng.random() < 0.2 else rng.random() * 0.1))
            arrivals.append((at + late, rng.random(), site, at, values))
    for hour in range(int((last - first) / timedelta(hours=1)) + 30):
        for partition in range(4):
            arrivals.append((first + timedelta(hours=hour + 1, minutes=10), partition, None, None, None))
    arrivals.sort(key=lambda a: a[:2])
    records = []
    for site in sorted(sites):
        records.append(("readings", partition_of(site, 4), site.encode(),
                        packets.register(site, region="city", root="beijing")))
    readings = 0
    for when, order, site, at, values in arrivals:
        ms = int(when.timestamp() * 1000)
        if site is None:
            records.append(("readings", order, packets.tick_key(order), packets.tick(ms)))
            continue
        columns = [packets.column(f, [round(float(v) * (1 if f == "CO" else 10))], decimals=0 if f == "CO" else 1)
                   for f, v in values.items()]
        readings += len(columns)
        records.append(("readings", partition_of(site, 4), site.encode(),
                        packets.batch(site, int(at.timestamp() * 1000), columns, received_ms=ms, source=packets.HOUR,
                                      step_s=3600)))
    create_log(data, "fed", configs[0])
    killer = Killer(data, SEED + 7)
    for i in range(KILLS):
        if killer.config != configs[i * 4 // KILLS]:
            killer.config = configs[i * 4 // KILLS]
            process(data, config=killer.config).fine()  # it appends the switch
        inject(data, records[i * len(records) // KILLS:(i + 1) * len(records) // KILLS])
        killer.one(longest=0.8)
    process(data, config=configs[3]).fine()
    killer.end()
    used = {r["value"]["mean"]["origin"]["rules"] for r in tail_json(data, "means")}
    assert len(used) == 4 and len(sites) >= 8
    ended = replay(data).fine()
    print(f"\n{len(sites)} stations, {readings} readings shuffled, {killer.done} kills, "
          f"{len(used)} rule sets in what was published:\n{ended.out}")
