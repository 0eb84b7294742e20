"""What is said from outside, into `events`: a centre's forecast from a CSV, orders from above. All or nothing, each bad
line with its place; what stands in the log is what was written."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from harness import CONFIG, feed, run, tail_json, tail_rows
from oracle import BEIJING, iso

ISSUED = datetime(2026, 3, 3, 8, tzinfo=BEIJING)
GOOD = """region,time,aqi,primary
孝义市,2026-03-03T09:00,151,O3
lishi,2026-03-03,80,PM2.5
Fenyang City,2026-03-05,210,PM2.5+PM10
lishi,2026-03-04T01:00,90,
"""


@pytest.fixture
def log(data, tmp_path):
    """A log whose time is that of its file."""
    load = tmp_path / "load.csv"
    load.write_text("time,site,factor,value,unit\n" +
                    "".join(f"{iso(ISSUED + timedelta(hours=h))},A1,SO2,15,ug/m3\n" for h in range(3)))
    feed(data, "--format", "csv", "--interval", "1h", load).fine()
    return data


def event(data, *args, **options):
    return run("event", *args, "--data", data, "--config", CONFIG, **options)


def forecast(data, tmp_path, text, *args):
    path = tmp_path / "forecast.csv"
    path.write_text(text)
    return event(data, "forecast", path, "--centre", "省中心", "--issued", iso(ISSUED), *args)


def order(data, *args, region="平川四县市", number="晋环函 12"):
    return event(data, "order", "--region", region, "--id", number, "--authority", "省生态环境厅", "--issued",
                 iso(ISSUED), *args)


def test_a_forecast_lands_region_by_region(log, tmp_path):
    said = forecast(log, tmp_path, GOOD, "--lang", "en").fine().out.splitlines()
    assert said == [
        "Fenyang City: forecast (省中心, 2026-03-03 08:00): 24 hours, 2026-03-05 01:00 to 2026-03-06 00:00, AQI 210",
        "Lishi District: forecast (省中心, 2026-03-03 08:00): 17 hours, 2026-03-03 09:00 to 2026-03-04 01:00, AQI 80 to 90,"
        " the highest at 2026-03-04 01:00",
        "Xiaoyi City: forecast (省中心, 2026-03-03 08:00): 1 hour, 2026-03-03 09:00 to 2026-03-03 09:00, AQI 151",
        "written: 3 to events-0",
    ]
    records = tail_json(log, "events")
    assert [r["key"] for r in records] == ["fenyang", "lishi", "xiaoyi"]
    assert all(r["value"]["root"] == "lvliang" and r["value"]["source"] == "省中心" for r in records)
    rows = tail_rows(log, "events", latest=False)
    assert len(rows) == 24 + 17 + 1
    assert {(r["issued"], r["received"]) for r in rows} == {(iso(ISSUED), iso(ISSUED))}
    of_lishi = [(r["time"], r["aqi"], r["ozone"]) for r in rows if r["region"] == "lishi"]
    assert of_lishi == [(iso(ISSUED + timedelta(hours=h)), "80", "false") for h in range(1, 17)] + [
        (iso(ISSUED + timedelta(hours=17)), "90", "false")]
    assert [(r["time"], r["aqi"], r["ozone"]) for r in rows if r["region"] == "xiaoyi"] == [
        (iso(ISSUED + timedelta(hours=1)), "151", "true")]


def test_the_same_forecast_has_the_same_id_and_another_one_another(log, tmp_path):
    for text in (GOOD, GOOD, GOOD.replace("151", "152")):
        forecast(log, tmp_path, text).fine()
    ids = [r["value"]["id"] for r in tail_json(log, "events") if r["key"] == "xiaoyi"]
    assert ids[0] == ids[1] != ids[2]


def test_a_forecast_is_withdrawn(log, tmp_path):
    said = event(log, "forecast", "--region", "离石", "--withdraw", "--centre", "省中心", "--issued", iso(ISSUED)).fine()
    assert said.out == "离石区: 预报撤销 (省中心 2026-03-03 08:00)\n已写入: 1 条至 events-0\n"
    (record,) = tail_json(log, "events")
    assert record["key"] == "lishi" and record["value"]["forecast"] == {"hours": []}


BAD = {
    "lishii,2026-03-04,80,": "there is no region `lishii`; did you mean `lishi`?",
    ",2026-03-04,80,": "there is no region",
    "lishi,2026-03-04T03:20,80,": "is not a whole hour",
    "lishi,04.03.2026,80,": "2026-11-28 or 2026-11-28T15:00 expected",
    "lishi,2026-03-02,80,": "had passed when the forecast was issued",
    "lishi,2026-03-03T08:00,80,": "had passed when the forecast was issued",
    "lishi,2036-03-04,80,": "is more than 960 hours after the forecast was issued",
    "lishi,2026-03-04,501,": "a whole number from 0 to 500 expected",
    "lishi,2026-03-04,80,SO5": "pollutants joined by + expected",
    "lishi,2026-03-04,80": "3 fields; 4 expected",
    'lishi,2026-03-04,"80,': "a broken quotation",
    "离石区,2026-03-03T20:00,80,": "is forecast for lishi in line 3 already",
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_told_with_its_place_and_nothing_is_written(log, tmp_path, line):
    refused = forecast(log, tmp_path, GOOD + line + "\n").refused()
    first, last = refused.err.splitlines()
    assert first.startswith(f"{tmp_path / 'forecast.csv'}:6: ") and BAD[line] in first
    assert "1 problem; nothing was written" in last
    assert tail_json(log, "events") == []


def test_every_bad_line_is_told(log, tmp_path):
    refused = forecast(log, tmp_path, "region,time,aqi,primary\n" + "\n".join(BAD) + "\n").refused()
    # The last one contradicts a line that is not there now.
    assert len(refused.err.splitlines()) == len(BAD) - 1 + 1
    assert tail_json(log, "events") == []


def test_an_order_and_its_withdrawal(log):
    said = order(log, "--level", "橙色", "--from", "2026-03-04T12:00", "--until", "2026-03-06T12:00").fine().out
    assert said.splitlines()[0] == ("平川四县市: 调度令 (晋环函 12, 省生态环境厅): 橙色, "
                                    "2026-03-04 12:00 至 2026-03-06 12:00")
    order(log, "--level", "red", "--from", "2026-03-05T00:00", "--lang", "en").fine()
    said = order(log, "--withdraw", "--lang", "en").fine().out
    assert said.splitlines()[0] == "The Plain: order withdrawn (晋环函 12, 省生态环境厅)"
    rows = tail_rows(log, "events", latest=False)
    assert [(r["region"], r["kind"], r["id"], r["level"], r["time"], r["until"]) for r in rows] == [
        ("plain", "order", "晋环函 12", "2", "2026-03-04T12:00:00+08:00", "2026-03-06T12:00:00+08:00"),
        ("plain", "order", "晋环函 12", "3", "2026-03-05T00:00:00+08:00", ""),
        ("plain", "order", "晋环函 12", "0", iso(ISSUED), ""),
    ]


@pytest.mark.parametrize("args, said", [
    (("--level", "orange"), "--level and --from"),
    (("--level", "purple", "--from", "2026-03-04"), "there is no level `purple`"),
    (("--level", "red", "--from", "soon"), "--from soon is not ISO 8601"),
    (("--level", "red", "--from", "2026-03-04T12:30"), "whole hours"),
    (("--level", "red", "--from", "2026-03-04T12:00", "--until", "2026-03-04T12:00"), "it ends before it begins"),
    (("--level", "red", "--from", "2026-03-01T12:00", "--until", "2026-03-03T08:00"), "it is over already"),
    (("--level", "red", "--withdraw"), "--withdraw takes neither"),
])
def test_an_order_that_means_nothing_is_refused(log, args, said):
    assert said in order(log, *args).refused(2).one_line()
    assert tail_json(log, "events") == []


def test_a_region_that_is_not_there_is_refused_with_the_nearest_name(log):
    refused = order(log, "--level", "red", "--from", "2026-03-04T12:00", region="Xiaoyi Citty")
    assert "did you mean `Xiaoyi City`?" in refused.refused(2).one_line()
    withdrawn = event(log, "forecast", "--region", "plian", "--withdraw", "--centre", "c", "--issued", iso(ISSUED))
    assert "did you mean `plain`?" in withdrawn.refused(2).one_line()
    assert tail_json(log, "events") == []


def test_where_the_time_is_that_of_files_it_must_be_said(log, tmp_path):
    path = tmp_path / "forecast.csv"
    path.write_text(GOOD)
    assert "--issued" in event(log, "forecast", path, "--centre", "c").refused(2).one_line()


def test_a_dry_run_writes_nothing(log, tmp_path):
    assert "nothing was written" in forecast(log, tmp_path, GOOD, "--dry-run", "--lang", "en").fine().out
    assert tail_json(log, "events") == []


def test_in_a_log_of_the_wall_clock_now_is_when_it_was_issued(data, tmp_path, services):
    up = services("up", "--data", data, "--config", CONFIG, "--no-source", "--quiet", "--listen", "127.0.0.1:0")
    up.line("metrics", stream="out")
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    tomorrow = (datetime.now(BEIJING) + timedelta(days=1)).date().isoformat()
    path = tmp_path / "forecast.csv"
    path.write_text(f"region,time,aqi\nlishi,{tomorrow},120\n")
    event(data, "forecast", path, "--centre", "c").fine()
    (record,) = tail_json(data, "events")
    at = int(record["value"]["atMs"]) / 1000
    assert before.timestamp() <= at <= datetime.now(timezone.utc).timestamp()
    assert record["value"]["receivedMs"] == record["value"]["atMs"]
    later = iso(datetime.now(BEIJING).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2))
    refused = event(data, "forecast", path, "--centre", "c", "--issued", later).refused(2)
    assert "still to come" in refused.one_line()
    assert len(tail_json(data, "events")) == 1
