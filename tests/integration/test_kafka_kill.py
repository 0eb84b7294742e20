"""Exactly once on a real Kafka of three brokers: two processors of one group, killed at random moments under load, and
the brokers, too; beside them the service `alerts`, while people send commands. What a read-committed reader finds in
the end is each mean and signal once, the same bytes that an undisturbed run over the embedded log gives, which in turn
equals the naive computation; each command is answered once, and a replay gives what was published of alerts.

QC_KILLS: how many kills (default 25; the nightly run takes 200). QC_SEED: of the moments. QC_TAKEOVERS: how many
takeovers of each kind are timed (default 4).
"""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import load
import people
from configs import edited
from harness import (CONFIG, PATIENCE, assert_same_outputs, count, create_log, eventually, feed, process, run, tail_json,
                     tail_rows)
from kafka_cluster import (KafkaLog, PacedFeed, assert_once, by_input, embedded_by_input, live, readings_in, restored,
                           running)
from test_kill import check_by_oracle

KILLS = int(os.environ.get("QC_KILLS", "25"))
SEED = int(os.environ.get("QC_SEED", "1"))
TAKEOVERS = int(os.environ.get("QC_TAKEOVERS", "4"))
SITES = 16
HOURS = max(34, KILLS // 2)
KILL_EVERY_S = 3.2  # on the average
BROKER_EVERY = 10   # kills of processors for one of a broker
ALERTS_EVERY = 4    # for one of `alerts`
AT_ONCE = 25        # commands
# Commits and checkpoints so often that kills land inside of them; a dead member is noticed soon.
OFTEN = (("qingchuan.yaml", "checkpoint_interval: 30s", "checkpoint_interval: 1s"),
         ("qingchuan.yaml", "commit_interval: 200ms", "commit_interval: 20ms"), load.IN_THE_PLAIN)
SOON = "  session_timeout: 2s\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    began = time.monotonic()
    with running(tmp_path_factory.mktemp("kafka") / "cluster", brokers=3) as started:
        print(f"\nthree brokers ready after {time.monotonic() - began:.1f} s; seed {SEED}")
        yield started


class Undisturbed:
    """A load and what an undisturbed run over the embedded log makes of it."""

    def __init__(self, place, hours, sites):
        self.csv = place / "load.csv"
        self.hours = hours
        self.readings = load.write(self.csv, sites=sites, hours=hours)
        data = place / "log"
        config = edited(place / "embedded", load.IN_THE_PLAIN) / CONFIG.name
        create_log(data, "fed", config)
        load.say(lambda *args: run(*args, "--data", data, "--config", config), place)
        feed(data, "--format", "csv", self.csv, config=config).fine()
        process(data, config=config).fine()
        self.input = readings_in(tail_json(data, "readings"))
        self.outputs = embedded_by_input(data)
        self.rows = tail_rows(data, "means")
        rules = {r["value"]["signal"]["rule"] for r in tail_json(data, "signals")}
        assert hours < 26 or {"warning", "joint_warning"} <= rules, rules

    @staticmethod
    def begin(log, place):
        """A log of Kafka for the same load, begun as the embedded one was."""
        log.create("fed")
        load.say(log.run, place)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    made = Undisturbed(tmp_path_factory.mktemp("undisturbed"), HOURS, SITES)
    check_by_oracle(made.readings, made.rows)
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Undisturbed(tmp_path_factory.mktemp("small"), 26, 8)


def assert_equal(undisturbed, log):
    """Of all that was committed; the log must have been processed to its end."""
    assert readings_in(log.tail_json("readings")) == undisturbed.input
    once = assert_once(log.tail_json)
    found = by_input(log.tail_json)
    found.pop(("commands-0", "dead-letters"), None)  # what people say has its own checks
    assert_same_outputs(undisturbed.outputs, found, log.prefix)
    assert len(log.tail_rows("means")) == len(undisturbed.rows)
    return f"{count(found)} records equal, byte for byte; {once} means and signals, each once"


class Pair:
    """Two processors of one group, of one worker each."""

    def __init__(self, services, log):
        self.services, self.log = services, log
        self.refused = 0
        self.both = [self.begin(), self.begin()]

    def begin(self):
        return self.log.processor(self.services)

    def well(self, broker_down=False):
        for i, processor in enumerate(self.both):
            if refused_at_start(processor, "processor started", broker_down):
                self.refused += 1
                self.both[i] = self.begin()

    def settled(self, broker_down):
        """Both have started: before that, a SIGTERM ends one as it ends anything."""
        def started():
            self.well(broker_down)
            return all("processor started" in processor.text() for processor in self.both)

        eventually(started, "both processors have started", 60)

    def stop(self):
        for processor in self.both:
            assert processor.stop() == 0, processor.text()


def refused_at_start(service, started, broker_down):
    """A start that meets a partition without a leader is refused in one line (E200); as a supervisor would, it is to be
    begun again. One that has started goes on through everything."""
    if service.alive():
        return False
    service.wait()
    refused = "E200" in service.text() and started not in service.text()
    assert broker_down and refused, f"it ended by itself:\n{service.text()}"
    return True


class ControlRoom:
    """The service `alerts`, and who sends commands to it."""

    def __init__(self, services, log):
        self.services, self.log = services, log
        self.said, self.sent, self.kills = people.People(SEED), 0, 0
        self.service = self.begin()

    def begin(self):
        return self.services("alerts", *self.log.place, "--listen", "127.0.0.1:0")

    def kill(self):
        assert self.service.kill() == -signal.SIGKILL
        self.kills += 1
        self.service = self.begin()

    def well(self, broker_down):
        if refused_at_start(self.service, "alerts started", broker_down):
            self.service = self.begin()

    def say(self):
        """On a thread, so that some are read before a kill and some after."""
        listed = self.log.run("alerts", "list", "--all", "--format", "json")
        alerts = [json.loads(line) for line in listed.out.splitlines()] if listed.code == 0 else []
        saying = threading.Thread(target=self.log.inject, args=(self.said.say(alerts, AT_ONCE), True))
        saying.start()
        self.sent += AT_ONCE
        return saying

    def end(self):
        """After the last signal: all is answered; what was found."""
        self.say().join()
        self.service.line("alerts started", 60)
        assert self.service.stop() == 0, self.service.text()
        self.log.run("alerts", "--until-end").fine()
        commands, answers = people.check_commands(self.log.tail_json)
        keys, tellings = people.check_revisions(self.log.tail_json)
        assert commands == self.sent and answers.keys() >= {"accepted", "nonsense", "stale_revision"}, answers
        replayed = self.log.run("replay", "--lang", "en", timeout=300).fine()
        return (f"{self.kills} kills of alerts: {commands} commands {answers}; {keys} alerts {tellings}; "
                f"{replayed.out.splitlines()[-1]}")


class Brokers:
    """Kills one at a time; it comes back on a thread of its own, because that takes a while."""

    def __init__(self, cluster, rng):
        self.cluster, self.rng = cluster, rng
        self.down, self.coming, self.failed, self.kills = None, None, [], 0

    def kill(self):
        self.wait()
        self.down = self.rng.randint(1, self.cluster.size)
        self.cluster.kill(self.down)
        self.kills += 1

    def start(self):
        if self.down is None:
            return

        def begin():
            try:
                self.cluster.start()
            except BaseException as error:  # told by wait()
                self.failed.append(error)

        self.down = None
        self.coming = threading.Thread(target=begin)
        self.coming.start()

    def unsettled(self):
        """One is down, or has come back in this test: leaders move about for a while."""
        return self.kills > 0

    def wait(self):
        self.start()
        if self.coming is not None:
            self.coming.join()
        assert not self.failed, self.failed


def test_processors_and_brokers_killed_under_load_publish_everything_exactly_once(
        undisturbed, cluster, services, tmp_path):
    rng = random.Random(SEED)
    log = KafkaLog(cluster, tmp_path / "config", "kills.", *OFTEN, kafka=SOON)
    undisturbed.begin(log, tmp_path)
    feeding = PacedFeed(services, log, undisturbed.csv, undisturbed.hours * 3600 / (KILLS * KILL_EVERY_S))
    feeding.allow(1 / KILLS)
    pair = Pair(services, log)
    room = ControlRoom(services, log)
    brokers = Brokers(cluster, rng)
    owners = under_load = 0
    saying = None
    began = time.monotonic()
    for kill in range(KILLS):
        feeding.allow((kill + 1.5) / (KILLS + 1))  # so that it goes on at the last kill, however long they take
        victim = rng.randrange(2)
        # Some while the group still shares out, most of them at work; the moment is random, so it is no condition.
        try:
            pair.both[victim].process.wait(timeout=KILL_EVERY_S * rng.choice((0.4, 1.0, 2.0, 4.0)) * rng.random())
        except subprocess.TimeoutExpired:
            pass
        pair.well(brokers.unsettled())
        room.well(brokers.unsettled())
        if kill % ALERTS_EVERY == ALERTS_EVERY - 1 and brokers.down is None:
            saying = room.say()
        owners += bool(restored(pair.both[victim]))
        under_load += feeding.running()
        assert pair.both[victim].kill() == -signal.SIGKILL
        pair.both[victim] = pair.begin()
        if kill % ALERTS_EVERY == ALERTS_EVERY - 1:
            room.kill()
        if saying is not None:
            saying.join()
            saying = None
        if kill % BROKER_EVERY == BROKER_EVERY - 1:
            brokers.kill()
        elif kill % BROKER_EVERY == 2:  # three kills of processors later
            brokers.start()
    brokers.wait()
    took = time.monotonic() - began
    feeding.finish()
    pair.settled(brokers.unsettled())
    pair.stop()
    log.process()
    said = assert_equal(undisturbed, log)
    room.well(brokers.unsettled())
    of_alerts = room.end()
    aborted, hidden = cluster.aborted("kills.means")
    assert under_load == KILLS and owners > KILLS // 4
    print(f"\n{KILLS} kills in {took:.0f} s, seed {SEED}, {owners} of them of an owner of partitions, and "
          f"{brokers.kills} of brokers ({pair.refused} starts refused meanwhile): {said}; {aborted} transactions were "
          f"aborted, whose {hidden} means are in the log and never seen; {of_alerts}")


def test_a_processor_that_sleeps_through_its_takeover_publishes_nothing_of_its_own(small, cluster, services, tmp_path):
    rng = random.Random(SEED + 1)
    log = KafkaLog(cluster, tmp_path / "config", "zombie.", *OFTEN, kafka=SOON)
    small.begin(log, tmp_path)
    rounds = 3
    feeding = PacedFeed(services, log, small.csv, small.hours * 3600 / (rounds * 8.0))
    feeding.allow(1 / (rounds + 1))
    pair = Pair(services, log)
    for n in range(rounds):
        feeding.allow((n + 2) / (rounds + 1))
        zombie, other = rng.sample(pair.both, 2)
        live(zombie, 1)
        try:
            zombie.process.wait(timeout=2 * rng.random())  # at a random moment of its work
        except subprocess.TimeoutExpired:
            pass
        mark, others = len(zombie.lines()), len(other.lines())
        zombie.process.send_signal(signal.SIGSTOP)
        live(other, {0, 1, 2, 3}, since=others)
        means = len(log.tail_json("means"))
        eventually(lambda: len(log.tail_json("means")) > means or not feeding.running(), "the other one goes on", 40)
        zombie.process.send_signal(signal.SIGCONT)
        # It finds out, by a commit that is refused or by its group, and takes its share again.
        live(zombie, 1, since=mark)
        pair.well()
        said = [line for line in zombie.lines()[mark:] if "put out of the group" in line]
        print(f"\nzombie {n + 1}: {said[0][-160:] if said else 'told by its group, with nothing to commit'}")
    feeding.finish()
    pair.stop()
    log.process()
    print(f"\n{rounds} zombies, seed {SEED + 1}: {assert_equal(small, log)}")


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def test_takeover_is_within_ten_seconds_of_a_kill_and_a_second_of_a_clean_stop(small, cluster, services, tmp_path):
    """With the usual session timeout of 6 s: from the signal to the other one having all four partitions live."""
    log = KafkaLog(cluster, tmp_path / "config", "takeover.")
    log.create("fed")
    moments = 2 * TAKEOVERS
    feeding = PacedFeed(services, log, small.csv, small.hours * 3600 / (moments * 8.0))
    feeding.allow(1 / (moments + 1))
    pair = Pair(services, log)
    times, ended = {"kill": [], "stop": []}, []
    for n in range(moments):
        feeding.allow((n + 2) / (moments + 1))
        for processor in pair.both:
            eventually(lambda: shared(processor), "two partitions each", 60)
        leaver, stayer = pair.both if n % 4 < 2 else reversed(pair.both)
        how = "kill" if n % 2 == 0 else "stop"
        since = len(stayer.lines())
        began = time.monotonic()
        leaver.process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
        if how == "stop":
            eventually(lambda: not leaver.alive(), "a clean stop", 60)
            ended.append(time.monotonic() - began)
        live(stayer, {0, 1, 2, 3}, since=since)
        times[how].append(time.monotonic() - began)
        assert leaver.wait() == (-signal.SIGKILL if how == "kill" else 0)
        since = len(stayer.lines())
        pair.both = [stayer, pair.begin()]
        live(pair.both[1], 2)
        live(stayer, 2, since=since)
    feeding.finish()
    pair.stop()
    for how, seconds in times.items():
        what = "SIGKILL" if how == "kill" else "a clean stop"
        print(f"\ntakeover after {what}: p50 {percentile(seconds, 50):.2f} s, "
              f"p99 {percentile(seconds, 99):.2f} s, of {len(seconds)}: {' '.join(f'{s:.2f}' for s in seconds)}")
    print(f"\nof a clean stop, until the process has ended: p50 {percentile(ended, 50):.2f} s")
    assert percentile(times["kill"], 99) <= 10 * PATIENCE
    assert percentile(times["stop"], 99) <= 1 * PATIENCE


def shared(processor):
    """Whether the last that it was given is two partitions: one more is on its way otherwise."""
    return len(restored(processor)) >= 2
