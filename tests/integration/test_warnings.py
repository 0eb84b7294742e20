"""`warning` and `joint_warning`: the demo's inversion over the plain, warned of by observation and forecast and lifted after
the front; the same without forecasts, against the episodes judged from what was observed; and a replay of both."""

import csv
import io
import re
import shutil
from datetime import datetime, timedelta

import pytest

from harness import CONFIG, process, run, tail_json

HOURS = 186
START = datetime.fromisoformat("2026-01-12T00:00:00+08:00")
FRONT = START + timedelta(hours=60)  # config/demo/scenarios/inversion.yaml
ORANGE = 2


def simulate(data, config):
    run("simulate", "--data", data, "--config", config, "--scenario", "inversion", "--hours", HOURS, "--quiet").fine()
    process(data, config=config).fine()
    return data


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("warnings") / "log", CONFIG)


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """The same air, and no centre."""
    where = tmp_path_factory.mktemp("warnings")
    shutil.copytree(CONFIG.parent if CONFIG.is_file() else CONFIG, where / "config")
    world = where / "config/demo/world.yaml"
    text, found = re.subn(r"^forecasts:.*\n(?:[ ].*\n)*", "", world.read_text(), flags=re.M)
    assert found == 1
    world.write_text(text)
    return simulate(where / "log", where / "config"), where / "config"


def warnings(data, rule, region):
    """Every revision, in the order of publishing, as (when, level, state, signal)."""
    signals = [r["value"]["signal"] for r in tail_json(data, "signals")]
    return [(datetime.fromtimestamp(int(s["atMs"]) / 1000, START.tzinfo), s["level"], s["state"], s)
            for s in signals if (s["rule"], s["subject"]) == (rule, region)]


def episodes(data, config, *args):
    text = run("episodes", "--data", data, "--config", config, "--region", "plain", "--format", "csv", *args).fine().out
    return list(csv.DictReader(io.StringIO(text)))


def test_the_inversion_is_warned_of_within_three_days_and_lifted_after_the_front(forecast):
    for rule in ("warning", "joint_warning"):
        told = warnings(forecast, rule, "plain")
        first = next(at for at, level, state, _ in told if level >= ORANGE and state == "ACTIVE")
        lifted = next(at for at, _, state, _ in told if state == "CLEARED")
        assert first < START + timedelta(hours=72) and first < FRONT < lifted, (rule, first, lifted)
        print(f"\n{rule} of the plain: orange or more from {first:%m-%d %H:%M}, lifted {lifted:%m-%d %H:%M}", end="")
    joint = [s for *_, s in warnings(forecast, "joint_warning", "plain")]
    assert any(set(s.get("covers", ())) == {"fenyang", "xiaoyi", "jiaocheng", "wenshui"} for s in joint), joint
    rows = episodes(forecast, CONFIG)
    assert rows[0]["basis"] in ("forecast", "both") and rows[0]["state"] == "cleared"
    assert "lowest" in rows[0]["conditions"] and int(rows[0]["lead_hours"]) > 0


def test_without_forecasts_it_begins_when_it_is_observed_and_nobody_lifts_it(observed):
    data, config = observed
    live, judged = episodes(data, config), episodes(data, config, "--observed")
    key = lambda row: (row["level"], row["level_from"], row["level_began"], row["basis"], row["conditions"])
    assert len(live) == len(judged) >= 2
    assert [key(r) for r in live] == [key(r) for r in judged]
    assert {r["state"] for r in live} == {"active"} and judged[0]["state"] == "cleared"
    assert max(level for _, level, _, _ in warnings(data, "joint_warning", "plain")) >= ORANGE


def test_a_replay_makes_all_of_it_again(forecast, observed):
    for data, config in ((forecast, CONFIG), observed):
        said = run("replay", "--data", data, "--config", config, "--lang", "en").fine().out
        assert re.search(r"result: all \d+ records are equal, byte for byte", said), said
