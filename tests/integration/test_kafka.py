"""The commands over a real Kafka of one broker: the same figures as on the embedded log, topics, security, metrics."""

import os
import re
import shutil
import subprocess

import pytest

import harness
from alert_receiver import Receiver
from configs import edited
from harness import GOLDEN, ROOT, eventually, feed, get, inject_alerts, metric, process, run
from kafka_cluster import KafkaLog, running
from test_alerts_out import HASTY, revisions
from test_metrics import catalogue

FILES = sorted((ROOT / "config" / "demo" / "data" / "beijing-2015-12").glob("*.csv"))[:3]
FEED = ("--format", "prsa", "--quiet", *FILES)
LISTEN = ("--listen", "127.0.0.1:0")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("kafka") / "cluster", brokers=1) as cluster:
        yield cluster


@pytest.fixture
def log(cluster, tmp_path, request):
    """A log of the test's own on the shared broker."""
    return KafkaLog(cluster, tmp_path / "config", re.sub(r"\W", "-", request.node.name)[:60] + ".")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The December excerpt, processed on the embedded log."""
    data = tmp_path_factory.mktemp("embedded") / "log"
    feed(data, *FEED).fine()
    process(data).fine()
    yield data
    shutil.rmtree(data, ignore_errors=True)


def csv_of(run_tail, topic):
    """The lines of `tail --format csv`, sorted: how inputs lie beside one another in an output is chance."""
    args = ["--from-beginning", "--until-end", "--format", "csv"]
    head, *rows = run_tail("tail", topic, *args).fine().out.splitlines()
    assert rows
    return [head, *sorted(rows)]


def test_files_give_the_same_figures_as_on_the_embedded_log(log, embedded):
    fed = log.run("feed", *FEED).fine()
    assert re.search(r"fed \d{5} readings", fed.out)
    log.process()

    def on_embedded(command, *args):
        return run(command, *args, "--data", embedded)

    for topic in ("means", "signals"):
        assert csv_of(log.run, topic) == csv_of(on_embedded, topic), topic
    assert log.summary() == harness.summary(embedded)
    for args in (("day", "--date", "2015-12-08"), ("month", "--month", "2015-12")):
        args = ("report", *args, "--format", "csv")
        assert log.run(*args).fine().out == on_embedded(*args).fine().out
    # Again: nothing is left to do, and nothing is said twice.
    before = csv_of(log.run, "means")
    log.process()
    assert csv_of(log.run, "means") == before


def test_a_feed_is_refused_before_the_logs_end_and_resumes_from_it(log):
    log.run("feed", *FEED).fine()
    assert "E207" in log.run("feed", *FEED).refused().one_line()
    again = log.run("feed", "--resume", *FEED).fine()
    assert "were in the log already" in again.out


def test_up_shows_means_and_stops_cleanly(log, services):
    up = services("up", *log.place, "--seed", 7, *LISTEN)
    address = up.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out", seconds=60).group(1)
    assert up.line(r"log +Kafka 127\.0\.0\.1:\d+", stream="out")
    up.line(r"AQI 1h", stream="out", seconds=90)
    eventually(lambda: get(address, "/readyz")[0] == 200, "it is ready", 60)
    assert len(log.tail_json("means")) > 0
    assert up.stop() == 0
    # A wall log stays one.
    assert "E207" not in log.run("topics", "plan").fine().out
    assert log.summary()["timeline"] == "wall"


def test_up_refuses_a_log_that_was_fed(log):
    log.create("fed")
    ended = log.run("up", "--no-source", "--quiet", *LISTEN).refused()
    assert "E207" in ended.one_line() and "fed" in ended.err


def test_the_metrics_of_kafka_are_the_golden_ones(log, services):
    log.create("fed")
    log.run("feed", *FEED).fine()
    service = log.processor(services)
    address = service.address()
    page = lambda: get(address, "/metrics")[1]
    for client in ("consumer", "producer"):
        eventually(lambda: metric(page(), "qingchuan_kafka_requests_total", client=client), f"statistics of the {client}",
                   60)
    eventually(lambda: metric(page(), "qingchuan_kafka_assigned_partitions", client="consumer") == 6, "all assigned", 60)
    assert metric(page(), "qingchuan_kafka_received_records_total", client="consumer") > 0
    assert metric(page(), "qingchuan_kafka_statistics_malformed_total") == 0
    text = page()
    found = "".join(line + "\n" for line in catalogue(text).splitlines() if line.startswith("qingchuan_kafka_"))
    golden = GOLDEN / "metrics_kafka.txt"
    if os.environ.get("QC_REGENERATE"):
        golden.write_text(found)
    assert found == golden.read_text(), "the catalogue has changed: see the head of test_metrics.py"
    assert "qingchuan_log_" not in text, "what is the embedded log's"
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert service.stop() == 0


# ---- topics ----------------------------------------------------------------------------------------------------------

def with_config(log, directory, *edits):
    """The same log, by a configuration that says something else."""
    return KafkaLog(log.cluster, directory, log.prefix, *edits)


@pytest.mark.parametrize("kind", ["kafka", "embedded"])
def test_topics_are_planned_made_changed_and_a_changed_count_is_refused(kind, log, data, tmp_path):
    def topics(action, config):
        if kind == "kafka":
            return run("topics", action, "--kafka", log.cluster.brokers, "--config", config)
        return run("topics", action, "--data", data, "--config", config)

    first = log.config
    if kind == "embedded":  # what is not there yet cannot be compared
        topics("plan", first).refused(1)
    else:
        planned = topics("plan", first).refused(2)
        assert "0 as configured, 18 missing" in planned.out
    made = topics("apply", first).fine()
    assert "18 missing" in made.out and made.out.endswith("done\n")
    assert "18 as configured\n" in topics("plan", first).fine().out
    assert "done" not in topics("apply", first).fine().out

    other = with_config(log, tmp_path / "other", ("qingchuan.yaml", "retention: 90d", "retention: 30d")).config
    planned = topics("plan", other).refused(2)
    assert re.search(r"dead-letters .*90d -> 30d .*differs", planned.out)
    assert "17 as configured, 1 with other settings" in planned.out
    topics("apply", other).fine()
    topics("plan", other).fine()

    # Refused as a whole: the new topic is not made, the other setting not set.
    wrong = with_config(log, tmp_path / "wrong",
                        ("qingchuan.yaml", "name: readings, partitions: 4", "name: readings, partitions: 5"),
                        ("qingchuan.yaml", "retention: 90d", "retention: 60d"),
                        ("qingchuan.yaml", r"(?m)^topics:$", "topics:\n  - {name: extra, partitions: 1, cleanup: delete}"))
    planned = topics("plan", wrong.config).refused(2)
    assert re.search(r"readings .*4 -> 5 .*REFUSED", planned.out) and "1 missing" in planned.out
    refused = topics("apply", wrong.config).refused(1)
    assert "E210" in refused.one_line()
    assert re.search(r"4 -> 5", refused.out), "the plan is printed first"
    topics("plan", other).fine()

    # A topic that nobody configured any more is shown and left alone.
    fewer = with_config(log, tmp_path / "fewer", ("qingchuan.yaml", "retention: 90d", "retention: 30d"),
                        ("qingchuan.yaml", r"(?m)^  - \{name: users.*\n", "")).config
    planned = topics("plan", fewer).fine()
    assert re.search(r"users .*not configured: left alone", planned.out)


def test_wrong_places_are_wrong_options(cluster, data):
    for args in ([], ["--data", data, "--kafka", cluster.brokers], ["--kafka", "localhost"]):
        run("summary", *args).refused(2)
    assert run("topics", "plan", "--kafka", "localhost").code == 1, "2 is a difference"
    nobody = run("tail", "means", "--kafka", "127.0.0.1:1", "--until-end", timeout=60).refused()
    assert "E200" in nobody.err


# ---- check, secrets, security ----------------------------------------------------------------------------------------

def test_check_finds_what_is_wrong_with_settings_and_shows_no_secret(tmp_path):
    def check(settings, env=None):
        directory = edited(tmp_path / f"config{len(list(tmp_path.iterdir()))}")
        with open(directory / "qingchuan.yaml", "a") as out:
            out.write("\nkafka:\n  settings:\n" + "".join(f"    {line}\n" for line in settings))
        ended = run("check", directory, env={**os.environ, **(env or {})})
        assert "hunter2" not in ended.out + ended.err
        return ended

    found = check(["sasl.password: hunter2"]).refused().out
    assert re.search(r"qingchuan.yaml:\d+:5: `sasl.password` is a secret", found)
    assert "`linger.mss`" in check(["linger.mss: 3"]).refused().out
    assert "`group.id`" in check(["group.id: x"]).refused().out
    assert re.search(r"qingchuan.yaml:\d+:5: .*`security.protocol`", check(["security.protocol: hunter2"]).refused().out)
    assert "`QC_NOT_THERE`" in check(["sasl.password: env:QC_NOT_THERE"]).refused().out
    assert "`/nothing/here`" in check(["sasl.password: 'file:/nothing/here'"]).refused().out
    check(["sasl.password: env:QC_SECRET", "client.rack: a"], {"QC_SECRET": "hunter2"}).fine()


def secure(cluster, directory, prefix, password):
    """A log by the secure listener, as the cluster's own client.properties say it."""
    told = dict(line.split("=", 1) for line in (cluster.directory / "client.properties").read_text().splitlines())
    settings = {k: told[k] for k in ("security.protocol", "sasl.mechanism", "sasl.username", "ssl.ca.location")}
    settings["sasl.password"] = password
    log = KafkaLog(cluster, directory, prefix,
                   kafka="  settings:\n" + "".join(f"    {k}: '{v}'\n" for k, v in settings.items()))
    log.place = ["--kafka", told["bootstrap.servers"], "--config", log.config]
    return log, told["sasl.password"]


@pytest.mark.parametrize("source", ["file", "env"])
def test_tls_and_scram_work_with_a_secret_from_a_file_and_from_the_environment(cluster, tmp_path, source):
    told = "file:../secret" if source == "file" else "env:QC_KAFKA_PASSWORD"
    log, password = secure(cluster, tmp_path / "config", f"secure-{source}.", told)
    (tmp_path / "secret").write_text(password + "\n")
    env = {**os.environ, "QC_KAFKA_PASSWORD": password}
    outs = [log.run("feed", *FEED[:3], FILES[0], env=env).fine(),
            log.run("processor", "--until-end", env=env, timeout=300).fine(),
            log.run("tail", "means", "--from-beginning", "--until-end", "--format", "csv", env=env).fine()]
    assert len(outs[-1].out.splitlines()) > 1000
    assert all(password not in ended.out + ended.err for ended in outs)


def test_a_wrong_password_is_said_within_seconds_and_never_shown(cluster, tmp_path):
    log, _ = secure(cluster, tmp_path / "config", "refused.", "env:QC_KAFKA_PASSWORD")
    env = {**os.environ, "QC_KAFKA_PASSWORD": "hunter2-is-wrong"}
    for command in (("tail", "means", "--until-end"), ("topics", "plan"), ("processor", "--until-end"),
                    ("up", "--no-source", *LISTEN)):
        ended = log.run(*command, env=env, timeout=60).refused(1)
        assert "E212" in ended.err, ended.err
        assert "hunter2" not in ended.out + ended.err
        assert ended.seconds < 15 * harness.PATIENCE


def test_alerts_go_out_in_order_and_once_by_their_ids_through_kills(log, services):
    bad = Receiver({"ok": 4, "status": 2, "took_500": 1, "took_closed": 1, "reset": 1}, seed=1)
    with open(log.config, "a") as out:
        out.write(f"alerts:\n  out:\n    - {{name: hall, shape: qingchuan, url: '{bad.url}', batch_max: 7, {HASTY}}}\n")
    log.create("wall")
    lines, ids = revisions(alerts=30, each=6, seed=1)
    start = lambda: services("alerts-out", *log.place, *LISTEN)
    service = start()
    for begin in range(0, len(lines), 90):
        inject_alerts(f"kafka:{log.cluster.brokers}", lines[begin:begin + 90], log.config)
        eventually(lambda: len(bad.ids()) >= begin + 30, "some have arrived", 90)
        service.kill()
        service = start()
    eventually(lambda: len(bad.ids()) == len(ids), "all have arrived", 90)
    assert bad.ids() == ids and len(bad.items) > len(ids)
    assert service.stop() == 0
    bad.close()
