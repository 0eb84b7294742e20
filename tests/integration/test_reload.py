"""SIGHUP: other rules are told in words and judge from then on, by their hash; a broken file changes nothing; what needs
a restart is named and left."""

import os
import re
import signal
from datetime import datetime, timedelta

from configs import edited
from harness import eventually, feed, get, metric, run, summary, tail_json, tail_rows
from oracle import BEIJING, iso

LISTEN = ("--listen", "127.0.0.1:0")
START = datetime(2026, 3, 2, 8, tzinfo=BEIJING)
SITES = ("R1", "R2", "R3", "R4", "R5", "R6")
LIMIT = "standards/gb3095-2026.yaml"
SO2_1H = r"(factor: SO2, window: 1h, class_1: 150, class_2: )500(, unit: ug/m3, from: 2026-03-01)"
PARTITIONS = 4


def hours(path, first, count):
    """Hour values: SO2 of 400 ug/m3, below the limit of 500 and above one of 300."""
    path.write_text("time,site,factor,value,unit\n" + "".join(
        f"{iso(START + timedelta(hours=h))},{site},SO2,400,ug/m3\n" for h in range(first, first + count) for site in SITES))
    return path


def feed_hours(data, config, tmp_path, first, count):
    feed(data, "--format", "csv", "--interval", "1h", *(("--resume",) if first else ()),
         hours(tmp_path / f"h{first}.csv", first, count), config=config).fine()


def change(config, name, pattern, text):
    path = config / name
    changed, times = re.subn(pattern, text, path.read_text())
    assert times > 0, f"{name}: {pattern} was expected"
    path.write_text(changed)


def hang_up(service):
    os.kill(service.pid, signal.SIGHUP)


def hour_rows(data, h):
    return [r for r in tail_rows(data, "means")
            if (r["factor"], r["window"], r["start"]) == ("SO2", "1h", iso(START + timedelta(hours=h)))
            and r["status"] == "closed"]


def wait_for_hour(data, h):
    return eventually(lambda: (lambda rows: rows if len(rows) == len(SITES) else None)(hour_rows(data, h)),
                      f"hour {h} is closed")


def reloads(address, outcome):
    return metric(get(address, "/metrics")[1], "qingchuan_config_reloads_total", outcome=outcome)


def switches(data):
    """The Rules records of `readings`: {partition: [hash]}."""
    found = {}
    for r in tail_json(data, "readings"):
        if "rules" in r["value"]:
            found.setdefault(r["partition"], []).append(r["value"]["rules"]["hash"])
    return found


def test_a_changed_limit_is_told_in_words_and_judges_from_then_on(data, services, tmp_path):
    config = edited(tmp_path / "config")
    feed_hours(data, config, tmp_path, 0, 2)
    service = services("processor", "--data", data, "--config", config, *LISTEN)
    address = service.address()
    before = wait_for_hour(data, 1)
    old = before[0]["rules"]
    assert {(r["limit"], r["exceeds"], r["rules"]) for r in before} == {("500", "false", old)}

    change(config, LIMIT, SO2_1H, r"\g<1>300\g<2>")
    change(config, "rules/signals.yaml", r"(?m)^  running_every: \S+", "  running_every: 10min")
    change(config, "qingchuan.yaml", "workers: 1", "workers: 2")
    hang_up(service)
    service.line(r'rule changed what="Limit GB 3095-2026 SO2 1h 2026-03-01: class_2: 500 -> 300"')
    service.line(r'rule changed what="horizons\.running_every: 5min -> 10min"')
    service.line(r'needs a restart what="processor\.workers: 1 -> 2"')
    new = service.line(rf"configuration reloaded changes=2 from={old} rules=(\w+)").group(1)
    service.line(rf"rules switched .*hash={new}", count=PARTITIONS)
    feed_hours(data, config, tmp_path, 2, 1)
    after = wait_for_hour(data, 2)
    assert {(r["limit"], r["exceeds"], r["multiple"], r["rules"]) for r in after} == {("300", "true", "0.33", new)}
    assert hour_rows(data, 1) == before, "what was judged before stays"
    began = [r for r in tail_rows(data, "signals") if r["rule"] == "hour_limit"]
    assert {r["subject"] for r in began} == set(SITES) and {r["rules"] for r in began} == {new}
    assert switches(data) == {p: [old, new] for p in range(PARTITIONS)}
    assert reloads(address, "applied") == 1 and reloads(address, "refused") == 0

    # The same again changes nothing and writes nothing.
    hang_up(service)
    service.line("the rules are the same")
    eventually(lambda: reloads(address, "unchanged") == 1, "it is counted")
    assert service.stop() == 0
    assert switches(data) == {p: [old, new] for p in range(PARTITIONS)}

    # The log says it all: the rule sets, and what changed between them.
    listed = run("rules", "list", "--data", data).fine().out
    assert [line.split()[0] for line in listed.splitlines()] == [old, new]
    said = run("rules", "diff", old, new, "--data", data).fine().out.splitlines()
    assert said == ["Limit GB 3095-2026 SO2 1h 2026-03-01: class_2: 500 -> 300", "horizons.running_every: 5min -> 10min"]
    assert '"class_2": "300000000"' in run("rules", "show", new[:6], "--data", data).fine().out


def test_a_broken_file_changes_nothing(data, services, tmp_path):
    config = edited(tmp_path / "config")
    feed_hours(data, config, tmp_path, 0, 2)
    service = services("processor", "--data", data, "--config", config, *LISTEN)
    address = service.address()
    old = wait_for_hour(data, 1)[0]["rules"]
    good = (config / LIMIT).read_text()
    change(config, LIMIT, SO2_1H, r"\g<1>3oo\g<2>")
    line = next(n for n, text in enumerate((config / LIMIT).read_text().splitlines(), 1) if "3oo" in text)
    hang_up(service)
    service.line(rf"error configuration not reloaded.*gb3095-2026\.yaml:{line}:\d+: `class_2` is `3oo`; expected a number")
    eventually(lambda: reloads(address, "refused") == 1, "it is counted")
    # A file that is gone, too; and whole again it is the old rules.
    (config / LIMIT).unlink()
    hang_up(service)
    service.line(r"there is no file `\S*gb3095-2026\.yaml`")
    (config / LIMIT).write_text(good)
    hang_up(service)
    service.line("the rules are the same")
    feed_hours(data, config, tmp_path, 2, 1)
    assert {(r["limit"], r["rules"]) for r in wait_for_hour(data, 2)} == {("500", old)}
    assert service.stop() == 0
    assert switches(data) == {p: [old] for p in range(PARTITIONS)}


def test_of_two_processors_the_owner_switches_each_partition_once(data, services, tmp_path):
    config = edited(tmp_path / "config")
    feed_hours(data, config, tmp_path, 0, 2)
    first = services("processor", "--data", data, "--config", config, *LISTEN)
    first.address()
    old = wait_for_hour(data, 1)[0]["rules"]
    second = services("processor", "--data", data, "--config", config, *LISTEN)
    second.line("standing by")
    change(config, LIMIT, SO2_1H, r"\g<1>300\g<2>")
    for service in (second, first):
        hang_up(service)
    new = first.line(r"configuration reloaded .*rules=(\w+)").group(1)
    assert second.line(r"configuration reloaded .*rules=(\w+)").group(1) == new
    first.line("rules switched", count=PARTITIONS)
    feed_hours(data, config, tmp_path, 2, 1)
    wait_for_hour(data, 2)
    assert first.kill() == -9
    feed_hours(data, config, tmp_path, 3, 1)
    assert {(r["limit"], r["rules"]) for r in wait_for_hour(data, 3)} == {("300", new)}
    assert second.stop() == 0
    assert switches(data) == {p: [old, new] for p in range(PARTITIONS)}
    assert not [line for line in second.lines() if "rules switched" in line]


def test_a_reload_while_the_history_is_played_outlives_the_hand_over(data, services, tmp_path):
    config = edited(tmp_path / "config")
    up = services("up", "--data", data, "--config", config, "--history", 96, "--quiet", *LISTEN)
    address = up.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out").group(1)  # then the log is there
    published = lambda: metric(get(address, "/metrics")[1], "qingchuan_worker_published_records_total", topic="means")
    eventually(published, "some history", 60)
    change(config, "demo/sites.yaml", "name: 兴县城区,", "name: 兴县新城区,")
    hang_up(up)
    up.line("rules switched", count=PARTITIONS)
    eventually(lambda: reloads(address, "applied") == 1, "it is counted")
    assert not [line for line in up.lines() if "the history is played" in line]
    up.line("the history is played", 120)
    eventually(lambda: summary(data)["timeline"] == "wall", "the hand-over")
    assert up.stop() == 0
    for said in switches(data).values():
        first, *rest = said
        assert len(rest) == 2 and set(rest) == {rest[0]} and rest[0] != first, said  # the reload, the hand-over


def test_up_reloads_too(data, services, tmp_path):
    config = edited(tmp_path / "config")
    up = services("up", "--data", data, "--config", config, "--no-source", "--quiet", *LISTEN)
    address = up.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out").group(1)
    eventually(lambda: get(address, "/readyz")[0] == 200, "up is ready")
    change(config, "demo/sites.yaml", "name: 兴县城区,", "name: 兴县新城区,")
    hang_up(up)
    up.line(r'rule changed what="Site LL0601: name: 兴县城区 -> 兴县新城区"')
    up.line("rules switched", count=PARTITIONS)
    eventually(lambda: reloads(address, "applied") == 1, "it is counted")
    assert up.stop() == 0
