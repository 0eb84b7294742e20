"""Alerts on their way out: to receivers that fail and through kills, every revision in order and once by its id; to a
real Alertmanager, what fires, is grouped and resolved, whoever is killed.

QC_SEED chooses the receiver's moods and the moments of the kills, QC_KILLS their number.
"""

import json
import os
import random
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from alert_receiver import Receiver
from configs import edited
from harness import GOLDEN, PATIENCE, ROOT, create_log, eventually, get, inject_alerts, metric, run, tail_json
from test_metrics import catalogue

LISTEN = ("--listen", "127.0.0.1:0")
SEED = int(os.environ.get("QC_SEED", "1"))
KILLS = int(os.environ.get("QC_KILLS", "12"))
NOW = int(time.time()) * 1000
# In seconds where a county would say minutes: what is shown is the same.
HASTY = "timeout: 300ms, retry_min: 10ms, retry_max: 100ms"


def config_with(directory, *outs):
    path = edited(directory) / "qingchuan.yaml"
    path.write_text(path.read_text() + "\nalerts:\n  out:\n" + "".join(f"    - {{{out}}}\n" for out in outs))
    return path


def revisions(alerts, each, seed):
    """Lines of `alerts` alerts of `each` revisions, interleaved; the last one ends it. And their ids in that order."""
    left = {f"S{i:03}": 1 for i in range(alerts)}
    chance, lines, ids = random.Random(seed), [], []
    while left:
        subject = chance.choice(list(left))
        revision = left[subject]
        level = 0 if revision == each else chance.choice([1, 1, 2, 3])
        lines.append(f"{subject} {revision} {level} {NOW}")
        ids.append(f"aqi_level/{subject}/AQI#{revision}")
        left[subject] += 1
        if revision == each:
            del left[subject]
    return lines, ids


@pytest.fixture
def receiver():
    made = []

    def make(*args, **options):
        made.append(Receiver(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_receiver_that_fails_sees_every_revision_in_order_and_once_by_its_id(data, services, receiver, tmp_path):
    """Also while our process is killed at random moments: the log's position is the outbox."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    moods = {"ok": 8, "status": 4, "took_500": 2, "took_closed": 2, "hang": 1, "garbage": 2, "reset": 2}
    bad = receiver(moods, seed=SEED, secret=b"s3cret")
    config = config_with(tmp_path / "config",
                         f"name: hall, shape: qingchuan, url: '{bad.url}', secret: 'file:{secret}', batch_max: 7, {HASTY}")
    create_log(data, "wall", config)
    lines, ids = revisions(alerts=60, each=8, seed=SEED)
    chance = random.Random(SEED)
    kills = 0
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    for begin in range(0, len(lines), 40):
        inject_alerts(data, lines[begin:begin + 40])
        # Somewhere on the way through what was just added.
        some = begin + chance.randrange(1, 40)
        eventually(lambda: len(bad.ids()) >= min(some, len(lines)), f"{some} revisions have arrived", 60)
        if kills < KILLS:
            service.kill()
            kills += 1
            service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    eventually(lambda: len(bad.ids()) == len(ids), "all revisions have arrived", 60)
    page = lambda: get(service.address(), "/metrics")[1]
    eventually(lambda: get(service.address(), "/readyz")[0] == 200, "it is ready, whatever the receiver does")
    eventually(lambda: metric(page(), "qingchuan_alerts_out_lag_records") == 0, "nothing is left")
    assert service.stop() == 0
    assert bad.ids() == ids
    assert bad.wrong == []
    assert set(bad.did) == set(moods), "the seed has left a mood out"
    assert tail_json(data, "dead-letters") == []
    # Repeats there were: otherwise this has shown nothing of ids.
    assert len(bad.items) > len(ids)
    # A revision that came again is the same one; newer ones of its alert never came before it.
    last = {}
    for item in bad.items:
        assert item["revision"] <= last.get(item["key"], 0) + 1
        last[item["key"]] = max(last.get(item["key"], 0), item["revision"])
    print(f"{len(ids)} revisions, {kills} kills, {sum(bad.did.values())} posts: {bad.did}; "
          f"{len(bad.items) - len(ids)} repeats")


def test_one_that_is_refused_is_a_dead_letter_and_holds_up_nothing(data, services, receiver, tmp_path):
    class Picky(Receiver):
        def _answer(self, connection, headers, body):
            if b"S001/AQI#2" in body:
                connection.sendall(b"HTTP/1.1 422 x\r\nContent-Length: 0\r\n\r\n")
                return True
            return super()._answer(connection, headers, body)

    picky = Picky()
    config = config_with(tmp_path / "config", f"name: hall, shape: qingchuan, url: '{picky.url}', {HASTY}")
    create_log(data, "wall", config)
    lines, ids = revisions(alerts=3, each=3, seed=SEED)
    inject_alerts(data, lines)
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    expected = [i for i in ids if i != "aqi_level/S001/AQI#2"]
    eventually(lambda: picky.ids() == expected, "the others have arrived")
    eventually(lambda: tail_json(data, "dead-letters"), "the refused one is there")
    letters = [record["value"] for record in tail_json(data, "dead-letters")]
    assert [(l["stage"], l["detail"]) for l in letters] == [("out-hall", "HTTP status 422")], letters
    assert metric(get(service.address(), "/metrics")[1], "qingchuan_alerts_out_refused_total", outlet="hall") == 1
    picky.close()


def test_robots_say_what_asks_for_attention_in_one_message(data, services, receiver, tmp_path, monkeypatch):
    robot = receiver()
    monkeypatch.setenv("QC_ROBOT", robot.url + "?key=SECRET")
    config = config_with(tmp_path / "config", f"name: chat, shape: wecom, url: 'env:QC_ROBOT', per_minute: 0, {HASTY}")
    create_log(data, "wall", config)
    inject_alerts(data, [f"S000 1 3 {NOW}"])
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    # It has its place once nothing is left of what was there before it came.
    page = lambda: get(service.address(), "/metrics")[1]
    eventually(lambda: get(service.address(), "/readyz")[0] == 200, "it has joined")
    eventually(lambda: metric(page(), "qingchuan_alerts_out_lag_records") == 0, "it has begun")
    assert robot.bodies == []
    inject_alerts(data, [f"S001 1 2 {NOW}", f"S002 1 1 {NOW} suppressed", f"S001 2 2 {NOW} quiet", f"S001 3 0 {NOW}"])
    # A 200 without an errcode is none of theirs: it is tried again.
    eventually(lambda: len(robot.bodies) > 1, "it is sent again")
    service.line("errcode")
    text = robot.bodies[0]["markdown"]["content"]
    assert "晴川告警 2 条" in text and "▲ S001 AQI 级别超限 发生 2级" in text and "▽ S001 AQI 级别超限 解除" in text
    assert "S002" not in text
    assert "SECRET" not in service.text()


def test_the_catalogue_of_metrics_is_the_golden_one(data, services, receiver, tmp_path):
    good = receiver()
    config = config_with(tmp_path / "config", f"name: hall, shape: qingchuan, url: '{good.url}', {HASTY}")
    create_log(data, "wall", config)
    inject_alerts(data, [f"S001 1 1 {NOW}"])
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    eventually(lambda: good.ids(), "it has arrived")
    found = "".join(line + "\n" for line in catalogue(get(service.address(), "/metrics")[1]).splitlines()
                    if line.startswith("qingchuan_alerts_out_"))
    golden = GOLDEN / "metrics_alerts_out.txt"
    if os.environ.get("QC_REGENERATE"):
        golden.write_text(found)
    assert found == golden.read_text()


def test_a_configuration_without_ways_out_is_said_in_one_line(data, tmp_path):
    create_log(data, "wall")
    assert "names no way out" in run("alerts-out", "--data", data, "--config", ROOT / "config").refused(2).one_line()


# ---- a real Alertmanager ---------------------------------------------------------------------------------------------

class Alertmanager:
    """As Debian has it, on a port of its own. It is ended by its own process id."""

    def __init__(self, binary, directory, hook, port, wait="300ms"):
        self.binary, self.directory, self.port, self.process = binary, directory, port, None
        directory.mkdir()
        (directory / "alertmanager.yml").write_text(
            f"route:\n  receiver: hook\n  group_by: [region]\n  group_wait: {wait}\n  group_interval: {wait}\n"
            "  repeat_interval: 1h\nreceivers:\n  - name: hook\n    webhook_configs:\n"
            f"      - {{url: '{hook}', send_resolved: true}}\n")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "--config.file", self.directory / "alertmanager.yml", "--storage.path", self.directory / "data",
             "--web.listen-address", f"127.0.0.1:{self.port}", "--cluster.listen-address", ""],
            stdout=subprocess.DEVNULL, stderr=open(self.directory / "log", "ab"))
        eventually(lambda: self._ready(), "Alertmanager is ready", 30)

    def _ready(self):
        try:
            return urllib.request.urlopen(self.url + "/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def alerts(self):
        """{subject: (level, state)} of what fires there now."""
        with urllib.request.urlopen(self.url + "/api/v2/alerts", timeout=5) as answer:
            return {a["labels"]["subject"]: (a["labels"]["level"], a["fingerprint"]) for a in json.load(answer)}

    def firing(self):
        return {subject: level for subject, (level, _) in self.alerts().items()}


def alertmanager_binary():
    return shutil.which("prometheus-alertmanager") or ROOT / "build" / "tools" / "prometheus-alertmanager"


def free_port():
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@pytest.fixture
def alertmanager(tmp_path, receiver):
    binary = alertmanager_binary()
    if not Path(binary).exists():
        pytest.skip("skipped: no prometheus-alertmanager (deploy/install.sh test)")
    hook = receiver()
    made = Alertmanager(binary, tmp_path / "alertmanager", hook.url, free_port())
    made.hook = hook
    try:
        made.start()
        yield made
    finally:
        made.kill()


def told(hook):
    """(status, {subject: status}) of each notification that Alertmanager sent."""
    with hook.lock:
        return [(b["status"], {a["labels"]["subject"]: a["status"] for a in b["alerts"]}) for b in hook.bodies]


def test_a_real_alertmanager_receives_groups_and_resolves(data, services, alertmanager, tmp_path):
    config = config_with(tmp_path / "config",
                         f"name: am, shape: alertmanager, url: '{alertmanager.url}', resend: 1s, {HASTY}")
    create_log(data, "wall", config)
    inject_alerts(data, [f"S001 1 1 {NOW}", f"S002 1 2 {NOW}", f"S003 1 1 {NOW} suppressed"])
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)

    # Firing, and grouped: both stations of the region in one notification; what is suppressed is in none.
    both = {"S001": "firing", "S002": "firing"}
    eventually(lambda: ("firing", both) in told(alertmanager.hook), "both are told together")
    assert alertmanager.firing() == {"S001": "1", "S002": "2"}
    alert = alertmanager.hook.bodies[-1]["alerts"][0]
    assert alert["labels"] == {"alertname": "aqi_level", "factor": "AQI", "level": "1", "region": "C", "subject": "S001"}
    assert alert["annotations"]["summary"].startswith("▲ S001 AQI 级别超限 发生 1级: 166 > 150")
    assert "level exceeded" in alert["annotations"]["summary_en"]

    # It stays longer than the three seconds that one post holds.
    held = time.monotonic() + 4.5
    eventually(lambda: time.monotonic() > held and alertmanager.firing() == {"S001": "1", "S002": "2"},
               "it is said again before it expires", 10)
    assert not any("resolved" in (s, *each.values()) for s, each in told(alertmanager.hook))

    # A higher level: the old label set ends, and only that.
    inject_alerts(data, [f"S001 2 3 {NOW}"])
    eventually(lambda: alertmanager.firing() == {"S001": "3", "S002": "2"}, "the level rose")

    # A kill of ours: what stands is known from the log.
    service.kill()
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    held = time.monotonic() + 4.5
    eventually(lambda: time.monotonic() > held and alertmanager.firing() == {"S001": "3", "S002": "2"},
               "both still fire after a kill of ours", 15)

    # A kill of Alertmanager, which forgets all that fires: it is told again.
    alertmanager.kill()
    eventually(lambda: service.line("alerts do not go out"), "that is said once")
    alertmanager.start()
    eventually(lambda: alertmanager.firing() == {"S001": "3", "S002": "2"}, "both fire again")

    # Resolved, even though both are killed while it happens.
    service.kill()
    inject_alerts(data, [f"S001 3 0 {NOW}"])
    alertmanager.kill()
    alertmanager.start()
    service = services("alerts-out", "--data", data, "--config", config, *LISTEN)
    eventually(lambda: alertmanager.firing() == {"S002": "2"}, "one is over")
    inject_alerts(data, [f"S002 2 0 {NOW}"])
    eventually(lambda: alertmanager.firing() == {}, "the other, too")
    eventually(lambda: any(status == "resolved" and each.get("S002") == "resolved"
                           for status, each in told(alertmanager.hook)), "people are told")
    assert service.stop() == 0


def test_our_fingerprint_is_alertmanagers(data, services, alertmanager, receiver, tmp_path):
    """A receiver of the webhook shape may go by it."""
    good = receiver()
    config = config_with(tmp_path / "config", f"name: am, shape: alertmanager, url: '{alertmanager.url}', {HASTY}",
                         f"name: hook, shape: alertmanager-webhook, url: '{good.url}', {HASTY}")
    create_log(data, "wall", config)
    inject_alerts(data, [f"S001 1 1 {NOW}"])
    services("alerts-out", "--data", data, "--config", config, *LISTEN)
    ours = eventually(lambda: good.items, "the webhook has it")[0]
    eventually(lambda: alertmanager.alerts(), "Alertmanager has it")
    # Without the level, which is no label in that shape: Alertmanager computes the same over the same labels.
    body = [{"labels": ours["labels"], "annotations": {}}]
    request = urllib.request.Request(alertmanager.url + "/api/v2/alerts", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=5 * PATIENCE)
    with urllib.request.urlopen(alertmanager.url + "/api/v2/alerts", timeout=5) as answer:
        theirs = {a["fingerprint"]: a["labels"] for a in json.load(answer)}
    assert theirs[ours["fingerprint"]] == ours["labels"]


# ---- warnings as files -----------------------------------------------------------------------------------------------

def test_a_warning_that_people_issue_is_a_cap_file_and_stands_in_the_feed(data, services, tmp_path):
    """The demo's inversion, approved, issued and lifted at the terminal, our process killed in between."""
    files = tmp_path / "warnings"
    config = config_with(tmp_path / "config", f"name: warnings, shape: cap, directory: '{files}', drafts: true, "
                         "sender: sthj.lvliang.example, sender_name: 吕梁市生态环境局")
    simulate = ("simulate", "--data", data, "--config", config, "--scenario", "inversion", "--quiet")
    key = "warning/lvliang/AQI"
    start = lambda service: services(service, "--data", data, "--config", config, *LISTEN)

    def alert():
        out = run("alerts", "list", "--all", "--data", data, "--format", "json").fine().out
        return next((a for a in map(json.loads, out.splitlines()) if a["key"] == key), None)

    def say(*args):
        """Said again where the alert has changed since it was looked at: the service still reads what happened."""
        eventually(lambda: run("alerts", *args, "--data", data, "--who", "张").code == 0, f"{args} is accepted")

    def read(path):
        text = path.read_text()
        one = lambda name: (re.findall(f"<{name}>([^<]*)</{name}>", text) or [""])[0]
        return {name: one(name) for name in ("identifier", "status", "msgType", "references", "headline", "sent")}

    run(*simulate, "--hours", 30).fine()
    start("processor")
    service = start("alerts")
    eventually(lambda: (found := alert()) and found["level"] == 2, "orange is proposed", 90)
    eventually(lambda: list((files / "draft").glob("*.xml")), "the candidate is a draft")
    assert not list(files.glob("*.xml")) and "<entry>" not in (files / "warnings.atom").read_text()
    say("approve", key, "--level", "orange", "--role", "应急指挥部")
    say("issue", key, "--role", "指挥部办公室")
    eventually(lambda: list(files.glob("*.xml")), "what is issued is a file")
    service.kill()
    run(*simulate, "--hours", 96, "--resume").fine()
    start("alerts")
    eventually(lambda: alert()["condition"] == "cleared", "the front is through", 90)
    say("lift", key, "--reason", "冷空气过境", "--role", "指挥部办公室")

    names = lambda: sorted(path.name for path in files.glob("*.xml"))
    eventually(lambda: names() and read(files / names()[-1])["msgType"] == "Cancel", "the lifting is a file")
    messages = [read(files / name) for name in names()]
    assert [m["msgType"] for m in messages] == ["Alert"] + ["Update"] * (len(messages) - 2) + ["Cancel"]
    assert len(messages) > 10 and {m["status"] for m in messages} == {"Actual"}
    assert messages[0]["headline"] == "吕梁市发布重污染天气橙色预警" and messages[0]["references"] == ""
    for before, after in zip(messages, messages[1:]):
        assert after["references"] == f"sthj.lvliang.example,{before['identifier']},{before['sent']}"
    assert "<instruction>" in (files / names()[0]).read_text(), "what is to be done is said"
    # The feed: the newest first, every link a file.
    feed = eventually(lambda: (text := (files / "warnings.atom").read_text()).count("<entry>") == len(messages) and text,
                      "all stand in the feed")
    assert re.findall(r'type="application/cap\+xml" href="([^"]*)"', feed) == names()[::-1]
    if schema := cap_schema():
        every = [*files.glob("*.xml"), *(files / "draft").glob("*.xml")]
        subprocess.run(["xmllint", "--noout", "--schema", schema, *every], check=True, capture_output=True)
    assert subprocess.run(["xmllint", "--noout", files / "warnings.atom"]).returncode == 0
    print(f"{len(messages)} messages, {len(list((files / 'draft').glob('*.xml')))} drafts")


def cap_schema():
    path = Path(os.environ.get("QINGCHUAN_SHARED", ROOT.parent / "shared")) / "reference" / "cap12.xsd"
    return path.absolute() if path.exists() else None
