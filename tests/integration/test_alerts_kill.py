"""SIGKILL of the processor and of the service `alerts` at any moment, while a feed runs and people send commands: every
command with an id is answered once, no revision of an alert is lost or doubled, and what was published is what a fold
of the log gives.

QC_KILLS: how many kills (default 6; the nightly run takes more). QC_SEED: of the moments and of what people say.
"""

import os
import random
import subprocess
import threading

import pytest

import load
import people
from configs import edited
from harness import (CONFIG, PATIENCE, assert_database_is_whole, create_log, eventually, inject, process, run,
                     tail_json)
from test_replay_alerts import fold, listed

KILLS = int(os.environ.get("QC_KILLS", "6"))
SEED = int(os.environ.get("QC_SEED", "1"))
HOURS, SITES = 34, 12
EVERY_S = 1.2  # a kill, on the average
AT_ONCE = 25   # commands
PEOPLE_EVERY = 3  # kills for a command by the command line


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    often = (CONFIG.name, "checkpoint_interval: 30s", "checkpoint_interval: 1s")
    return edited(tmp_path_factory.mktemp("config") / "config", often, load.IN_THE_PLAIN) / CONFIG.name


class Both:
    """The two services; one of them is killed and begun again."""

    def __init__(self, services, data, config):
        self.begin = lambda name: services(name, "--data", data, "--config", config, "--listen", "127.0.0.1:0")
        self.running = {name: self.begin(name) for name in ("processor", "alerts")}
        self.kills = {name: 0 for name in self.running}
        self.at_work = 0  # kills of one that had its partitions

    def kill(self, name, within_s):
        victim = self.running[name]
        try:
            # The moment is random, so it is no condition.
            code = victim.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            code = None
        assert code is None, f"it ended by itself with {code}:\n{victim.text()}"
        self.at_work += "restored" in victim.text()
        assert victim.kill() == -9
        self.kills[name] += 1
        self.running[name] = self.begin(name)

    def stop(self):
        for service in self.running.values():
            # Before it has begun to listen for it, a SIGTERM ends it as it ends anything.
            assert service.stop() in (0, -15), service.text()


def test_commands_are_answered_once_and_alerts_hold_whatever_is_killed(services, data, config):
    rng = random.Random(SEED)
    create_log(data, "fed", config)
    load.say(lambda *args: run(*args, "--data", data, "--config", config), data.parent)
    csv = data.parent / "load.csv"
    load.write(csv, sites=SITES, hours=HOURS)
    feeding = services("feed", "--data", data, "--config", config, "--format", "csv",
                       "--speed", HOURS * 3600 / (KILLS * EVERY_S), csv)
    both = Both(services, data, config)
    eventually(lambda: listed(data), "the first alert", 60)
    said, asked, beside = people.People(SEED), [], 0
    for kill in range(KILLS):
        alerts = listed(data)
        # One after the other, so that some are read before the kill and some after.
        saying = threading.Thread(target=inject, args=(data, said.say(alerts, AT_ONCE)))
        saying.start()
        if kill % PEOPLE_EVERY == 0:
            alert = rng.choice(alerts)["key"]
            asked.append(services("alerts", "note", alert, "--text", "seen", "--who", "chen", "--wait",
                                  round(20 * PATIENCE), "--data", data, "--config", config))
        both.kill(rng.choice(("processor", "alerts")), rng.choice((0.02, 0.2, 2 * EVERY_S)) * rng.random())
        saying.join()
        beside += feeding.alive()
    # Who asked is told, whatever was killed meanwhile.
    for sender in asked:
        assert sender.wait(60) in (0, 1), sender.text()
    assert feeding.wait(600) == 0, feeding.text()
    inject(data, said.say(listed(data), AT_ONCE))
    both.stop()
    process(data, config=config).fine()
    fold(data)

    tail = lambda topic: tail_json(data, topic)
    commands, answers = people.check_commands(tail)
    keys, tellings = people.check_revisions(tail)
    assert commands == len(asked) + AT_ONCE * (KILLS + 1)
    assert answers.keys() >= {"accepted", "nonsense", "repeated", "stale_revision"} and tellings["cancel"] > 0
    rules = {r["value"]["alert"]["rule"] for r in tail("alerts") if r["value"] and "alert" in r["value"]}
    assert rules >= {"hour_limit", "reading_over_limit", "aqi_level", "no_data", "hour_high", "spike", "warning",
                     "joint_warning"}, rules
    replayed = run("replay", "--data", data, "--lang", "en", timeout=600).fine()
    assert_database_is_whole(data)
    assert beside > 0 and both.at_work > 0
    print(f"\n{both.kills} killed, {both.at_work} of them at work, {beside} beside the feed; {commands} commands "
          f"{answers}; {keys} alerts {tellings}\n{replayed.out}")
