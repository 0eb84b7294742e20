"""Bad input loses nothing but itself: each piece stands in the dead letters with its reason and position, or in the
counts of `feed`; everything beside it is processed; and the ledger balances."""

import base64
from datetime import datetime, timedelta

import pytest

import packets
from harness import (create_log, eventually, feed, get, inject, metric, partition_of, process, run, summary, tail_json,
                     tail_rows)
from oracle import BEIJING
from packets import HOUR, MG, batch, block, column, register, tick, tick_key

PARTITIONS = 4  # of readings, in config/qingchuan.yaml
MINUTE_MS = 60_000
EIGHT = int(datetime(2026, 3, 2, 8, tzinfo=BEIJING).timestamp() * 1000)


def to_readings(key, value, partition=None):
    partition = partition_of(key, PARTITIONS) if partition is None else partition
    return ("readings", partition, key.encode(), value)


def ticks(now_ms):
    return [("readings", p, tick_key(p), tick(now_ms)) for p in range(PARTITIONS)]


def minutes(site, n=60, factor="SO2", value=200):
    """n good minutes from eight o'clock: a mean of 20."""
    return batch(site, EIGHT, [column(factor, [value] * n)], received_ms=EIGHT + 60 * MINUTE_MS)


def good(site):
    return minutes(site)


# What is wrong -> (key, bytes, reason, readings lost with it, whether the packet's other column must come through).
def spoilt(site):
    mean = column("NO2", [300] * 60)  # the good column of a packet that is bad in part
    at = {"start_ms": EIGHT, "received_ms": EIGHT + 60 * MINUTE_MS}  # five minutes ahead are allowed
    return {
        "garbage": (b"\xff\xfe not a message \x00\x01", "garbage", 1, False),
        "empty": (b"", "garbage", 1, False),
        "truncated": (good(site)[:-7], "truncated", 1, False),
        "oversized record": (b"\x0a" * 1_200_000, "oversized", 1, False),
        "too many readings": (batch(site, columns=[column("SO2", [1] * 20_001)], **at), "oversized", 20_001, False),
        "no grid": (batch(site, columns=[column("SO2", [1, 2])], step_s=61, **at), "bad_shape", 2, False),
        "a record of the future": (block(15, "?"), "not_supported", 1, False),
        "wrong unit": (batch(site, columns=[column("SO2", [1] * 3, unit=4), mean], **at), "wrong_unit", 3, True),
        "unknown factor": (batch(site, columns=[column(0, [1] * 4, code="a99054"), mean], **at), "unknown_factor", 4,
                           True),
        "negative": (batch(site, columns=[column("SO2", [-1, 5]), mean], **at), "negative", 1, True),
        "beyond what air holds": (batch(site, columns=[column("SO2", [10**15]), mean], **at), "out_of_range", 1, True),
        "ahead of its time": (batch(site, columns=[column("NO2", [300] * 120)], **at), "future", 55, True),
    }


@pytest.fixture
def log(data):
    create_log(data, "fed")
    return data


def letters_of(log):
    """The dead letters by where the bad record stands."""
    values = [record["value"] for record in tail_json(log, "dead-letters")]
    return {(v["sourcePartition"], int(v["sourceOffset"])): v for v in values}


def names_of(n):
    """One site a case, so that what one case loses cannot be made good by another."""
    return [f"X{i}" for i in range(n)]


def test_each_kind_of_bad_record_is_a_dead_letter_and_everything_beside_it_is_processed(log):
    kinds = list(spoilt("?"))
    sites = dict(zip(kinds, names_of(len(kinds))))
    inject(log, [to_readings(s, register(s)) for s in sites.values()] + ticks(EIGHT))
    bad = [to_readings(sites[kind], spoilt(sites[kind])[kind][0]) for kind in kinds]
    places = dict(zip(kinds, inject(log, bad)))
    # After each bad record, in the same partition, a good one.
    inject(log, [to_readings(s, good(s)) for s in sites.values()])
    inject(log, ticks(EIGHT + 71 * MINUTE_MS))
    process(log).fine()

    letters = letters_of(log)
    assert len(letters) == len(kinds), [(v["reason"], v["detail"]) for v in letters.values()]
    for kind, place in places.items():
        content, reason, lost, _ = spoilt(sites[kind])[kind]
        letter = letters[place]
        said = (letter["reason"], letter["readings"], letter["sourceTopic"])
        assert said == (reason, lost, "readings"), (kind, letter["detail"])
        assert letter["detail"], kind
        kept = base64.b64decode(letter["value"])
        assert kept == content[:65_536], f"{kind}: the original bytes, up to dead_letter_bytes_max"
        assert base64.b64decode(letter["key"]) == sites[kind].encode()

    rows = {(r["site"], r["factor"]): r for r in tail_rows(log, "means") if "T08:00:00" in r["start"]}
    for kind, site in sites.items():
        assert (rows[site, "SO2"]["value"], rows[site, "SO2"]["count"]) == ("20", "60"), kind
        if spoilt(site)[kind][3]:
            assert (rows[site, "NO2"]["value"], rows[site, "NO2"]["count"]) == ("30", "60"), kind

    lost = {}
    for site, kind in zip(sites.values(), kinds):
        _, reason, n, _ = spoilt(site)[kind]
        lost[reason] = lost.get(reason, 0) + n
    ledger = summary(log)["ledger"]
    assert ledger["malformed"] == lost
    assert ledger["in"] == sum(ledger["accounts"].values()) and ledger["balanced"] is True
    assert ledger["accounts"]["malformed"] == sum(lost.values())
    # Said twice: one of the negative packet's two values is beside the good minute of the same time.
    stored = len(kinds) * 60 + 5 * 60 + 1 + 5  # SO2 of all, NO2 of five, and what was right among the bad
    assert ledger["accounts"]["stored"] + ledger["accounts"]["replaced"] + ledger["accounts"]["duplicate"] == stored


def test_a_site_nobody_knows_and_one_in_the_wrong_partition_are_refused_and_counted(log):
    stray = partition_of("KNOWN", PARTITIONS) ^ 1
    inject(log, [to_readings("KNOWN", register("KNOWN"))] + ticks(EIGHT))
    (unknown,) = inject(log, [to_readings("NOBODY", good("NOBODY"))])
    (wrong,) = inject(log, [to_readings("KNOWN", good("KNOWN"), partition=stray)])
    inject(log, [to_readings("KNOWN", good("KNOWN"))] + ticks(EIGHT + 71 * MINUTE_MS))
    process(log).fine()
    letters = letters_of(log)
    assert letters[unknown]["reason"] == "unknown_site" and letters[unknown]["readings"] == 60
    assert letters[wrong]["reason"] == "wrong_partition" and letters[wrong]["readings"] == 60
    assert len(letters) == 2
    ledger = summary(log)["ledger"]
    assert ledger["accounts"]["unknown"] == 60 and ledger["malformed"] == {"wrong_partition": 60}
    assert ledger["in"] == 180 and ledger["balanced"] is True
    rows = {(r["site"], r["factor"]): r["value"] for r in tail_rows(log, "means")}
    assert rows["KNOWN", "SO2"] == "20" and not any(site == "NOBODY" for site, _ in rows)


def test_the_ledger_on_the_metrics_page_balances_and_survives_a_restart_uncounted(log, services):
    inject(log, [to_readings("A", register("A"))] + ticks(EIGHT))
    inject(log, [to_readings("A", good("A")), to_readings("A", good("A")), to_readings("A", b"\x0f\xfe no message"),
                 to_readings("B", good("B")),
                 to_readings("A", batch("A", EIGHT - 86_400_000, [column("SO2", [1] * 9)], received_ms=EIGHT)),
                 to_readings("A", batch("A", EIGHT, [column("CO", [900] * 3, unit=MG, decimals=3, flags="NDC")]))])
    expected = {"stored": 61, "duplicate": 60, "malformed": 1, "unknown": 60, "late": 9, "flagged": 2, "replaced": 0,
                "suspect": 0}
    for _ in range(2):
        service = services("processor", "--data", log, "--listen", "127.0.0.1:0")
        address = service.address()
        page = eventually(lambda: (lambda text: metric(text, "qingchuan_readings_in_total") == 193 and text)(
            get(address, "/metrics")[1]), "193 readings on the page")
        assert {a: metric(page, "qingchuan_readings_total", account=a) for a in expected} == expected
        assert metric(page, "qingchuan_readings_malformed_total") == 1
        assert metric(page, "qingchuan_readings_malformed_total", reason="garbage") == 1
        assert service.stop() == 0


def test_bad_cells_and_torn_rows_of_a_csv_file_are_counted_and_named_and_lose_nothing_else(data, tmp_path):
    at = datetime(2026, 3, 2, 8, tzinfo=BEIJING)
    torn = 3 + 6 + 3  # their fields: too few, a broken quotation, and the last row, cut off
    lines = ["time,site,factor,value,unit,flag"]
    lines += [f"{(at + timedelta(minutes=m)).isoformat()},S1,SO2,20,ug/m3,N" for m in range(50)]
    lines.insert(10, f"{at.isoformat()},S1,SO2,NaN,ug/m3,N")
    lines.insert(12, f"{at.isoformat()},S1,SO2,inf,ug/m3,N")
    lines.insert(14, f"{at.isoformat()},S1,SO2,12,parsec,N")
    lines.insert(16, f"{at.isoformat()},S1,XYZ,12,ug/m3,N")
    lines.insert(18, f"{at.isoformat()},S1,SO2,12,ug/m3,Z")
    lines.insert(20, "yesterday,S1,SO2,12,ug/m3,N")
    lines.insert(22, f"{at.isoformat()},,SO2,12,ug/m3,N")
    lines.insert(24, f"{at.isoformat()},S1,SO2")
    lines.insert(26, f'{at.isoformat()},"S1,SO2,12,ug/m3,N')
    lines.insert(28, f"{at.isoformat()},S1,SO2,,ug/m3,N")
    lines.insert(30, f"{at.isoformat()},S1,SO2,-5,ug/m3,N")
    lines.insert(32, "x" * 70_000)
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(lines) + "\n" + f"{at.isoformat()},S1,S")  # and the last row was cut off
    fed = feed(data, "--format", "csv", path).fine()
    counts = {words[0]: int(words[1]) for words in (line.split() for line in fed.out.splitlines())
              if len(words) == 2 and words[1].isdigit()}
    assert {k: counts[k] for k in ("not_a_number", "wrong_unit", "unknown_factor", "bad_flag", "bad_time", "bad_site",
                                   "missing", "long_line")} == {
        "not_a_number": 2, "wrong_unit": 1, "unknown_factor": 1, "bad_flag": 1, "bad_time": 1, "bad_site": 1,
        "missing": 1, "long_line": 1}
    assert counts["torn_row"] == torn
    assert counts["reading"] == 51  # the negative one is a number; the processor refuses it
    for line, what in ((11, "NaN"), (15, "parsec"), (17, "XYZ")):
        assert any(f"bad.csv:{line}:" in said and what in said for said in fed.err.splitlines()), fed.err

    process(data).fine()
    (letter,) = [r["value"] for r in tail_json(data, "dead-letters")]
    assert (letter["reason"], letter["readings"]) == ("negative", 1)
    (row,) = [r for r in tail_rows(data, "means") if r["factor"] == "SO2" and r["start"] == at.isoformat()]
    assert (row["value"], row["count"], row["valid"]) == ("20", "50", "true")
    ledger = summary(data)["ledger"]
    assert ledger["in"] == 51 and ledger["accounts"]["stored"] == 50 and ledger["malformed"] == {"negative": 1}


def test_a_file_that_is_not_of_the_format_is_refused_in_one_line_and_leaves_no_readings(data, tmp_path):
    path = tmp_path / "no.csv"
    path.write_text("a,b,c\n1,2,3\n")
    line = feed(data, "--format", "csv", path).refused().one_line()
    assert "no.csv" in line and "E102" in line and "expected" in line
    binary = tmp_path / "binary.csv"
    binary.write_bytes(bytes(range(256)) * 64)
    assert "E102" in feed(data, "--format", "prsa", binary).refused().one_line()
    assert "batch" not in run("tail", "readings", "--data", data, "--from-beginning", "--until-end").fine().out
