"""Clients of the stream while consoles, the alert service and the processor are killed and the network is cut: after its
snapshot each sees exactly the sequence of revisions that stands in the log, without gap or double, whichever console it
came back to.

QC_KILLS: how many kills (default 6; 50 for docs/shown.md). QC_SEED: of the moments.
"""

import os
import random
import re
import subprocess
import threading

import pytest

import load
import people
from configs import edited
from harness import CONFIG, create_log, eventually, inject, run, tail_json
from test_replay_alerts import listed
from web_client import Proxy, Recorder, add_user, web_of

KILLS = int(os.environ.get("QC_KILLS", "6"))
SEED = int(os.environ.get("QC_SEED", "1"))
HOURS, SITES = 34, 12
EVERY_S = 1.5
CUT_EVERY = 3  # kills for a cut of the network
WEB = re.compile(r"console\s+http://([^/\s]+)/api/v1")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    often = (CONFIG.name, "checkpoint_interval: 30s", "checkpoint_interval: 1s")
    return edited(tmp_path_factory.mktemp("config") / "config", often, load.IN_THE_PLAIN) / CONFIG.name


class Running:
    """Processor, alerts and two consoles; any of them is killed and begun again."""

    def __init__(self, services, data, config):
        self.begin = lambda name: services(name.split("-")[0], "--data", data, "--config", config, "--listen",
                                           "127.0.0.1:0")
        self.services = {name: self.begin(name) for name in ("processor", "alerts", "console-1", "console-2")}
        self.kills = {name: 0 for name in self.services}

    def kill(self, name, within_s):
        victim = self.services[name]
        try:
            code = victim.process.wait(timeout=within_s)  # the moment is random, so it is no condition
        except subprocess.TimeoutExpired:
            code = None
        assert code is None, f"it ended by itself with {code}:\n{victim.text()}"
        assert victim.kill() == -9
        self.kills[name] += 1
        self.services[name] = self.begin(name)

    def console(self, number):
        """Where it listens now; empty while it begins."""
        service = self.services[f"console-{number}"]
        found = [m for m in map(WEB.search, service.lines("out")) if m]
        return found[0].group(1) if found else ""

    def stop(self):
        for service in self.services.values():
            assert service.stop() in (0, -15), service.text()


def revisions(data):
    return [(r["value"]["alert"]["key"], r["value"]["alert"]["revision"]) for r in tail_json(data, "alerts")
            if r["value"] and "alert" in r["value"]]


def assert_exact(recorder, log, where):
    """What it saw is the log's sequence from its snapshot on."""
    assert recorder.snapshots, f"{where}: it never had a snapshot: {recorder.problems[-3:]}"
    assert recorder.seen, f"{where}: it saw no change"
    first = log.index(recorder.seen[0])
    assert recorder.seen == log[first:], f"{where}: {len(recorder.seen)} seen, {len(log) - first} in the log"
    before = {}
    for key, revision in log[:first]:
        before[key] = revision
    for key, revision in recorder.snapshots[-1].items():
        assert before.get(key) == revision, f"{where}: {key} stood at {before.get(key)}, the snapshot said {revision}"


def test_a_client_sees_exactly_the_logs_revisions_whatever_is_killed_or_cut(services, data, config):
    rng = random.Random(SEED)
    create_log(data, "fed", config)
    token = add_user(data, config, "watch", "viewer", tokens=("--days", 1))
    load.say(lambda *args: run(*args, "--data", data, "--config", config), data.parent)
    csv = data.parent / "load.csv"
    load.write(csv, sites=SITES, hours=HOURS)
    running = Running(services, data, config)
    eventually(lambda: running.console(1) and running.console(2), "both consoles listen", 60)
    feeding = services("feed", "--data", data, "--config", config, "--format", "csv",
                       "--speed", HOURS * 3600 / (KILLS * EVERY_S), csv)
    proxy = Proxy(lambda: running.console(1))
    # One at a console, one through a network that is cut, one that comes back to another console each time.
    turn = [0]

    def either():
        turn[0] += 1
        return running.console(1 + turn[0] % 2)

    recorders = {"at one console": Recorder(lambda: running.console(2), token),
                 "through the cut network": Recorder(lambda: proxy.address, token),
                 "from one console to the other": Recorder(either, token)}
    eventually(lambda: all(r.live or r.snapshots for r in recorders.values()), "everybody has a snapshot", 60)
    eventually(lambda: listed(data), "the first alert", 60)
    said, cuts = people.People(SEED), 0
    names = list(running.services)
    for kill in range(KILLS):
        saying = threading.Thread(target=inject, args=(data, said.say(listed(data), 10)))
        saying.start()
        if kill % CUT_EVERY == 1:
            proxy.cut()
            cuts += 1
        running.kill(names[kill % len(names)], rng.choice((0.02, 0.2, EVERY_S)) * rng.random())
        proxy.mend()
        saying.join()
        if kill == KILLS // 2:  # its snapshot holds what all of that has left
            recorders["one that came later"] = Recorder(either, token)
    assert feeding.wait(600) == 0, feeding.text()
    # Until nothing more comes, and everybody has read it.
    quiet = [None, 0]

    def settled():
        now = len(revisions(data))
        quiet[1] = quiet[1] + 1 if now == quiet[0] else 0
        quiet[0] = now
        return quiet[1] >= 3
    eventually(settled, "the log comes to rest", 120)
    log = revisions(data)
    for name, recorder in recorders.items():
        eventually(lambda r=recorder: r.seen and r.seen[-1] == log[-1], f"{name}: the last revision", 60)
        recorder.stop()
    proxy.close()
    running.stop()
    for name, recorder in recorders.items():
        assert_exact(recorder, log, name)
    assert len(log) == len(set(log)), "a revision stands twice in the log"
    assert recorders["one that came later"].snapshots[-1], "by then alerts are listed"
    assert all(count > 0 for count in running.kills.values()) or KILLS < len(names)
    print(f"\n{running.kills} killed, {cuts} cuts; {len(log)} revisions; " +
          "; ".join(f"{name}: {len(r.seen)} seen over {r.connections} connections, {len(r.snapshots)} snapshot(s)"
                    for name, r in recorders.items()))


def test_two_streams_of_a_session_see_the_same_and_a_revoked_token_sees_no_more(services, data, config):
    create_log(data, "fed", config)
    token = add_user(data, config, "watch", "viewer")
    console = services("console", "--data", data, "--config", config, "--listen", "127.0.0.1:0")
    address = web_of(console)
    recorder = Recorder(lambda: address, token)
    eventually(lambda: recorder.live, "live", 30)
    out = run("user", "tokens", "watch", "--data", data, "--config", config).fine().out
    found = [word for line in out.splitlines() for word in line.split() if word in token]
    assert found, out
    run("user", "revoke", "watch", found[0], "--data", data, "--config", config).fine()
    eventually(lambda: recorder.connections >= 1 and any("401" in p for p in recorder.problems),
               "the stream is closed and the next one refused", 30)
    recorder.stop()
    assert console.stop() == 0, console.text()
