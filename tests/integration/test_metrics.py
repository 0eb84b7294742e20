"""The metrics page: its catalogue is a contract with dashboards and alert rules (tests/golden/metrics.txt).

To write the catalogue anew after a wanted change: QC_REGENERATE=1 with this test; then read the difference.
"""

import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta

import pytest

from harness import CONFIG, GOLDEN, create_log, eventually, feed, get, metric
from oracle import BEIJING

LISTEN = ("--listen", "127.0.0.1:0")


def catalogue(page):
    """name, type, labels and help of every metric, a line each."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", page, re.M))
    types = dict(re.findall(r"^# TYPE (\S+) (.*)$", page, re.M))
    labels = {name: set() for name in helps}
    for name, has in re.findall(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$", page, re.M):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        of = name if name in helps else base
        labels[of] |= set(re.findall(r'(\w+)="', has)) - {"le"}
    return "".join(f"{name} {types[name]} {{{','.join(sorted(labels[name]))}}} {helps[name]}\n"
                   for name in sorted(helps))


def write_csv(path, sites, hours=2):
    """PM2.5 of 40 + the site's number, until five minutes after the last hour."""
    start = datetime(2026, 3, 2, 8, tzinfo=BEIJING)
    with open(path, "w") as out:
        out.write("time,site,factor,value,unit\n")
        for minute in range(hours * 60):
            for site in range(sites):
                out.write(f"{(start + timedelta(minutes=minute)).isoformat()},M{site:02d},PM2.5,{40 + site},ug/m3\n")
    return path


@pytest.fixture
def page_of(data, services, tmp_path):
    """The address of a processor that has read a small fed log to its end."""
    def start(config=CONFIG, sites=5):
        feed(data, "--format", "csv", write_csv(tmp_path / "m.csv", sites), config=config).fine()
        service = services("processor", "--data", data, "--config", config, *LISTEN)
        address = service.address()
        eventually(lambda: get(address, "/readyz")[0] == 200, "it is ready")
        page = lambda: get(address, "/metrics")[1]
        eventually(lambda: metric(page(), "qingchuan_readings_in_total") == sites * 120, "all is read")
        # What is committed only now and then: outputs, and a checkpoint.
        published = "qingchuan_worker_published_records_total"
        eventually(lambda: metric(page(), published, topic="means"), "means are published")
        return address
    return start


def test_health_and_readiness_are_pages_of_their_own(page_of):
    address = page_of()
    status, body = get(address, "/livez")
    assert status == 200 and body.strip() == "live"
    assert get(address, "/readyz")[0] == 200
    assert get(address, "/nothing")[0] == 404
    status, index = get(address, "/")
    assert status == 200 and all(path in index for path in ("/metrics", "/metrics/stations", "/livez", "/readyz"))


def test_the_catalogue_of_metrics_is_the_golden_one(page_of):
    found = catalogue(get(page_of(), "/metrics")[1])
    golden = GOLDEN / "metrics.txt"
    if os.environ.get("QC_REGENERATE"):
        golden.write_text(found)
    assert found == golden.read_text(), "the catalogue has changed: see the head of this file"
    assert all(line.startswith(("qingchuan_", "process_")) for line in found.splitlines())


def test_up_shows_the_same_metrics_as_the_processor(data, services):
    up = services("up", "--data", data, "--config", CONFIG, "--no-source", "--quiet", *LISTEN)
    address = up.line(r"http://(127\.0\.0\.1:\d+)/metrics", stream="out").group(1)
    # It publishes its own time and what is silent; a metric shows once it has a sample.
    names = lambda text: {line.split()[0] for line in text.splitlines()}
    golden = names((GOLDEN / "metrics.txt").read_text())
    eventually(lambda: golden <= names(catalogue(get(address, "/metrics")[1])), "all of the processor's are there")
    found = names(catalogue(get(address, "/metrics")[1]))
    assert all(name.startswith("qingchuan_") for name in found - golden)
    assert up.stop() == 0


def test_the_catalogue_of_the_consoles_metrics_is_the_golden_one(data, services):
    create_log(data, "fed", CONFIG)
    console = services("console", "--data", data, "--config", CONFIG, *LISTEN)
    address = console.address()
    own = lambda: "".join(line for line in catalogue(get(address, "/metrics")[1]).splitlines(True)
                          if line.startswith("qingchuan_console_"))
    found = eventually(own, "the console's metrics")
    golden = GOLDEN / "metrics_console.txt"
    if os.environ.get("QC_REGENERATE"):
        golden.write_text(found)
    assert found == golden.read_text(), "the catalogue has changed: see the head of this file"
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=get(address, "/metrics")[1], capture_output=True,
                              text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert console.stop() == 0, console.text()


def test_promtool_finds_nothing_to_complain_of(page_of):
    if shutil.which("promtool") is None:
        pytest.skip("skipped: no promtool (Debian package prometheus)")
    address = page_of()
    for path in ("/metrics", "/metrics/stations"):
        done = subprocess.run(["promtool", "check", "metrics"], input=get(address, path)[1], capture_output=True,
                              text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), path


def stations(address):
    """The page, once it shows any of them."""
    page = lambda: get(address, "/metrics/stations")[1]
    eventually(lambda: "qingchuan_station_hour_mean{" in page(), "stations are shown")
    return page()


def test_stations_shows_the_last_closed_hour_of_each_series(page_of):
    address = page_of()
    text = stations(address)
    for site in range(5):
        assert metric(text, "qingchuan_station_hour_mean", site=f"M{site:02d}", factor="PM2.5") == 40 + site
    assert metric(text, "qingchuan_station_series_left_out") == 0


def test_stations_shows_no_more_than_station_series_max_and_says_how_many_it_left_out(page_of, tmp_path):
    directory = tmp_path / "config"
    shutil.copytree(CONFIG.parent, directory)
    path = directory / CONFIG.name
    text = re.sub(r"station_series_max: \d+", "station_series_max: 3", path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    address = page_of(config=path, sites=9)
    page = stations(address)
    assert page.count("qingchuan_station_hour_mean{") == 3
    assert metric(page, "qingchuan_station_series_left_out") == 6
