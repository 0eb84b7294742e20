"""What an operator meets: commands beside a running service, two processors, a full disk, a bad clock, wrong
directories, and words that say what is wrong. Each in one clear line, and nothing lost."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from datetime import datetime, timedelta

import pytest

import load
from harness import (CONFIG, ROOT, assert_database_is_whole, assert_same_outputs, create_log, eventually, feed, get,
                     inject, metric, outputs, process, readings_of, run, tail_rows)
from oracle import BEIJING
from packets import tick, tick_key

PARTITIONS = 4
LISTEN = ("--listen", "127.0.0.1:0")


def small_load(path, hours=8, sites=6):
    load.write(path, seed=7, sites=sites, hours=hours)
    return path


def page_of_up(service):
    return service.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out").group(1)


def now_ms():
    return int(time.time() * 1000)


def closed(data):
    return [r for r in tail_rows(data, "means") if r["status"] != "running"]


# ---- beside a running service ----------------------------------------------------------------------------------------

def test_feed_and_tail_work_beside_a_running_processor(data, services, tmp_path):
    csv = small_load(tmp_path / "load.csv")
    reference = tmp_path / "reference"
    feed(reference, "--format", "csv", csv).fine()
    process(reference).fine()
    create_log(data, "fed")
    processor = services("processor", "--data", data, *LISTEN)
    address = processor.address()
    eventually(lambda: get(address, "/readyz")[0] == 200, "the processor is ready")
    tail = services("tail", "means", "--data", data, "--from-beginning", "--format", "csv")
    feed(data, "--format", "csv", csv).fine()
    expected = outputs(reference)
    last = tail_rows(reference, "means", latest=False)[-1]
    tail.line(rf"^{last['site']},{last['factor']},1h,{last['start']}".replace("+", r"\+"), stream="out")
    eventually(lambda: outputs(data).keys() == expected.keys() and
               all(len(s) == len(outputs(data)[w]) for w, s in expected.items()), "all is published")
    assert processor.stop() == 0 and tail.stop() == 0
    assert_same_outputs(expected, outputs(data))
    hours = [row for row in tail_rows(data, "means", latest=False) if row["window"] == "1h"]
    assert len([line for line in tail.lines("out") if ",1h," in line]) == len(hours)


def test_feed_and_tail_work_beside_up(data, services, tmp_path):
    up = services("up", "--data", data, "--config", CONFIG, "--no-source", "--quiet", *LISTEN)
    address = page_of_up(up)
    eventually(lambda: get(address, "/readyz")[0] == 200, "up is ready")
    # The last whole hours, as a station would have sent them.
    hour = datetime.now(BEIJING).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    csv = tmp_path / "now.csv"
    csv.write_text("time,site,factor,value,unit\n" + "".join(
        f"{(hour + timedelta(minutes=m)).isoformat()},NEW,SO2,{700 + m % 2},ug/m3\n" for m in range(60)))
    feed(data, "--format", "csv", csv).fine()
    row = eventually(lambda: [r for r in tail_rows(data, "means") if (r["site"], r["factor"], r["start"]) == (
        "NEW", "SO2", hour.isoformat())], "its hour is published")[0]
    assert (row["value"], row["count"]) == ("700.5", "60") and row["status"] in ("closed", "amended")
    eventually(lambda: any(r["rule"] == "hour_limit" and r["subject"] == "NEW" and r["value"] == "700.5"
                           for r in tail_rows(data, "signals", latest=False)), "its exceedance is signalled")
    assert up.stop() == 0


def test_up_tells_that_its_readings_are_invented_and_publishes_them(data, services):
    up = services("up", "--data", data, "--config", CONFIG, "--lang", "en", *LISTEN)
    up.line(r"INVENTED", stream="out", seconds=5)
    eventually(lambda: len(closed(data)) > 100, "its back-filled hours are published", seconds=40)
    assert up.stop() == 0
    assert_database_is_whole(data)
    # Once more over the same log: it goes on.
    again = services("up", "--data", data, "--config", CONFIG, "--quiet", *LISTEN)
    address = page_of_up(again)
    eventually(lambda: get(address, "/readyz")[0] == 200, "it is ready again")
    assert again.stop() == 0


# ---- two of them -----------------------------------------------------------------------------------------------------

def test_a_second_processor_stands_by_names_the_first_and_takes_over_when_it_is_killed(data, services, tmp_path):
    csv = small_load(tmp_path / "load.csv")
    reference = tmp_path / "reference"
    feed(reference, "--format", "csv", csv).fine()
    shutil.copytree(reference, data)
    process(reference).fine()
    first = services("processor", "--data", data, *LISTEN)
    eventually(lambda: get(first.address(), "/readyz")[0] == 200, "the first is ready")
    second = services("processor", "--data", data, *LISTEN)
    pid = second.line(r"standing by.*\bpid=\"?(\d+)").group(1)
    assert int(pid) == first.pid
    series = lambda: metric(get(second.address(), "/metrics")[1], "qingchuan_series")
    assert series() is None, "it has no partition"
    assert first.kill() == -9
    began = time.monotonic()
    eventually(lambda: series() == 6 * 6 - 1, "the second has taken over", seconds=5)
    took = time.monotonic() - began
    expected = outputs(reference)
    eventually(lambda: sum(map(len, outputs(data).values())) >= sum(map(len, expected.values())), "all is published")
    assert second.stop() == 0
    assert len([line for line in second.lines() if "standing by" in line]) == 1, second.text()
    assert_same_outputs(expected, outputs(data))
    assert_database_is_whole(data)
    print(f"\ntaken over {took:.2f} s after the SIGKILL; {sum(map(len, expected.values()))} records, none double")


# ---- a full disk -----------------------------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("skipped: mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True,
                             text=True)
    if mounted.returncode != 0:
        pytest.skip(f"skipped: no tmpfs here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_one_clear_line_and_what_waited_is_published_once_there_is_room(small_disk, services, tmp_path):
    csv = small_load(tmp_path / "load.csv", hours=12, sites=12)
    reference = tmp_path / "reference"
    feed(reference, "--format", "csv", csv).fine()
    data = small_disk / "log"
    shutil.copytree(reference, data)
    process(reference).fine()
    filler = small_disk / "filler"
    with open(filler, "wb") as out:  # all the room but what opening the log takes
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        out.write(b"\0" * (free - 600 * 1024))
    processor = services("processor", "--data", data, *LISTEN)
    address = processor.address()
    processor.line(r"E204", seconds=30)
    # One worker may have said so while the other is still restoring.
    eventually(lambda: (lambda answer: answer[0] == 503 and "E204" in answer[1])(get(address, "/readyz")), "not ready")
    said = [line for line in processor.lines() if "E204" in line]
    workers = [re.search(r"(processor|regions)/", line).group() for line in said]
    assert len(workers) == len(set(workers)) >= 1 and all("free some space" in line for line in said), processor.text()
    filler.unlink()
    eventually(lambda: get(address, "/readyz")[0] == 200, "it goes on", seconds=30)
    expected = outputs(reference)
    eventually(lambda: sum(map(len, outputs(data).values())) >= sum(map(len, expected.values())), "all is published")
    assert processor.stop() == 0
    assert_same_outputs(expected, outputs(data))
    assert_database_is_whole(data)


# ---- time ------------------------------------------------------------------------------------------------------------

def old_wall_log(data, days):
    create_log(data, "wall")
    stamp = now_ms() - days * 86_400_000
    inject(data, [("readings", p, tick_key(p), tick(stamp)) for p in range(PARTITIONS)])


@pytest.mark.parametrize("command", ["up", "processor"])
def test_a_clock_that_stands_far_past_the_logs_last_tick_writes_no_time_until_it_is_accepted(data, services, command):
    old_wall_log(data, 31)
    more = ["--no-source", "--quiet"] if command == "up" else []
    service = services(command, "--data", data, "--config", CONFIG, *more, *LISTEN)
    service.line(r"E500.*days past the log's last tick")
    found = [line for line in service.lines() if "E500" in line]
    assert len(found) == 1 and "--accept-clock" in found[0]
    address = page_of_up(service) if command == "up" else service.address()
    status, body = get(address, "/readyz")
    assert status == 503 and "E500" in body
    assert service.stop() == 0
    before = readings_of(data)
    assert before.count('"tick"') == PARTITIONS

    accepted = services(command, "--data", data, "--config", CONFIG, "--accept-clock", *more, *LISTEN)
    eventually(lambda: readings_of(data).count('"tick"') > PARTITIONS,
               "time is written")
    assert accepted.stop() == 0


def test_a_clock_within_thirty_days_of_the_logs_last_tick_is_believed(data, services):
    old_wall_log(data, 29)
    service = services("processor", "--data", data, *LISTEN)
    eventually(lambda: readings_of(data).count('"tick"') > PARTITIONS,
               "time is written")
    assert service.stop() == 0 and "E500" not in service.text()


def test_a_fed_log_is_refused_by_up(data, tmp_path):
    feed(data, "--format", "csv", small_load(tmp_path / "load.csv", hours=1)).fine()
    line = run("up", "--data", data, "--config", CONFIG, "--no-source", *LISTEN).refused().one_line()
    assert "E207" in line and str(data) in line


def test_feeding_what_lies_before_the_last_tick_is_refused_and_changes_nothing(data, tmp_path):
    csv = small_load(tmp_path / "load.csv", hours=2)
    feed(data, "--format", "csv", csv).fine()
    before = readings_of(data)
    line = feed(data, "--format", "csv", csv).refused().one_line()
    assert "E207" in line and "load.csv" in line and "last tick" in line
    assert readings_of(data) == before


# ---- wrong places ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", [["processor", "--until-end"], ["tail", "means"], ["summary"]])
def test_a_missing_directory_is_said_in_one_line_and_not_made(data, command):
    line = run(command[0], *command[1:], "--data", data).refused().one_line()
    assert "E200" in line and str(data) in line
    assert not data.exists()


def test_an_unreadable_file_is_said_in_one_line_and_leaves_no_log_behind(data, tmp_path):
    line = feed(data, "--format", "csv", tmp_path / "nowhere.csv").refused().one_line()
    assert "E101" in line and "nowhere.csv" in line
    directory = tmp_path / "directory.csv"
    directory.mkdir()
    assert "E101" in feed(data, "--format", "csv", directory).refused().one_line()
    assert not data.exists()


def test_a_log_of_a_newer_format_is_refused_in_one_line_by_every_command(data, tmp_path):
    csv = small_load(tmp_path / "load.csv", hours=1)
    feed(data, "--format", "csv", csv).fine()
    with sqlite3.connect(data / "log.sqlite") as db:
        db.execute("UPDATE meta SET value = value + 1 WHERE key = 'format'")
    db.close()
    for command in (["processor", "--until-end"], ["tail", "means"], ["summary"], ["up", "--no-source", *LISTEN]):
        line = run(command[0], *command[1:], "--data", data).refused().one_line()
        assert "E206" in line and "format" in line, line
    assert "E206" in feed(data, "--format", "csv", csv).refused().one_line()


def test_a_directory_that_holds_something_else_is_refused(data):
    data.mkdir()
    (data / "log.sqlite").write_text("this is no database, but long enough to be looked at " * 100)
    line = run("processor", "--data", data, "--until-end").refused().one_line()
    assert "E205" in line


def test_a_port_in_use_is_said_in_one_line(data, services):
    create_log(data, "fed")
    first = services("processor", "--data", data, *LISTEN)
    address = first.address()
    line = run("processor", "--data", data, "--listen", address).refused().err.splitlines()[-1]
    assert "E501" in line and address in line
    assert first.stop() == 0


# ---- words -----------------------------------------------------------------------------------------------------------

def test_check_names_file_line_and_column_of_every_problem(tmp_path):
    shutil.copytree(CONFIG.parent, tmp_path / "config")
    path = tmp_path / "config" / "rules" / "signals.yaml"
    text = path.read_text().replace("close_after: 10min", "close_aftre: 10min")
    path.write_text(text.replace("valid_minutes: 45", "valid_minutes: 450"))
    lines = text.splitlines()
    misspelt = next(i for i, line in enumerate(lines, 1) if "close_aftre" in line)
    wrong = next(i for i, line in enumerate(lines, 1) if "valid_minutes" in line)
    said = run("check", tmp_path / "config").refused()
    report = said.out + said.err
    assert f"signals.yaml:{misspelt}:3" in report and "close_after" in report
    assert f"signals.yaml:{wrong}:18" in report
    refused = feed(tmp_path / "log", "--format", "csv", "nothing.csv", config=tmp_path / "config").refused()
    assert "E10" in refused.err and not (tmp_path / "log").exists()


def test_check_finds_the_shipped_configuration_fine():
    assert "is fine" in run("check", "config").fine().out


OPTIONS = {
    "feed": ["--data", "--format", "--speed", "--resume", "--config", "FILE"],
    "processor": ["--data", "--until-end", "--workers", "--listen", "--accept-clock", "--config"],
    "tail": ["--data", "--from-beginning", "--until-end", "--latest", "--format", "TOPIC"],
    "summary": ["--data", "--format", "--lang"],
    "simulate": ["--data", "--scenario", "--seed", "--from", "--hours", "--speed", "--truth", "--resume", "--config"],
    "console": ["--data", "--web", "--listen", "--config"],
    "up": ["--data", "--listen", "--web", "--scenario", "--seed", "--history", "--no-source", "--accept-clock", "--config"],
    "check": ["config"],
}


@pytest.mark.parametrize("command", OPTIONS)
def test_help_names_every_option_with_a_sentence(command):
    out = run(command, "--help").fine().out
    lines = out.splitlines()
    assert len(lines[0].split()) >= 4, "a sentence about the command comes first"
    for option in OPTIONS[command]:
        where = next((i for i, line in enumerate(lines) if line.strip().startswith(option)), None)
        assert where is not None, f"{command} --help doesn't name {option}:\n{out}"
        described = " ".join(lines[where:where + 2]).split()
        assert len(described) >= 5, f"{command} {option} has no sentence: {' '.join(described)}"


def test_the_binarys_own_help_names_every_command_and_a_wrong_option_is_a_usage_error():
    out = run("--help").fine().out
    assert all(any(line.strip().startswith(command) for line in out.splitlines()) for command in OPTIONS)
    assert run("tail", "means").refused(2).err
    assert run("feed", "--speed", "fast", "--data", "nowhere", "x.csv").refused(2).one_line().count("--speed") >= 1
    assert not (ROOT / "nowhere").exists()
