"""What people in a control room write into `commands`, from a seed, sense and nonsense alike; and what must be true of
`alerts`, `outcomes` and `ledger` afterwards, whatever was killed when. Both read topics as `tail --format json` prints
them, so they go for any log."""

import collections
import random
from datetime import timedelta

import load
import packets

FACTORS = {"": 0, "PM2.5": 1, "PM10": 2, "SO2": 3, "NO2": 4, "CO": 5, "O3": 6, "TSP": 7, "NOx": 8, "Pb": 9, "BaP": 10,
           "AQI": 11, "AQI_PM24": 12}
ROOT = "lvliang"
ROLES = ("应急指挥部", "指挥部办公室", "门卫")  # the last one may not
SOON = int((load.START + timedelta(hours=30)).timestamp() * 1000)
# The command as JSON names it: its field, and its content. `until` is a time that the log may have reached, `level` one
# that may be proposed.
WHAT = {
    "acknowledge": (11, lambda rng, until, level: packets.block(1, rng.choice(("", "seen")))),
    "assign": (12, lambda rng, until, level: packets.block(1, rng.choice(("", "zhao")))),
    "note": (13, lambda rng, until, level: packets.block(1, rng.choice(("", "smoke over the works", "n" * 2001)))),
    "shelve": (14, lambda rng, until, level: (b"" if rng.random() < 0.3 else packets.number(1, until))
               + packets.block(2, rng.choice(("", "under repair")))),
    "unshelve": (15, lambda rng, until, level: b""),
    "takeOutOfService": (16, lambda rng, until, level: packets.number(1, until) + packets.block(2, "calibration")),
    "returnToService": (17, lambda rng, until, level: b""),
    "shown": (18, lambda rng, until, level: packets.block(1, "console-1")),
    "close": (19, lambda rng, until, level: packets.block(1, "looked at")),
    "approve": (20, lambda rng, until, level: packets.number(1, level) + packets.block(2, rng.choice(ROLES))),
    "issue": (21, lambda rng, until, level: packets.block(1, rng.choice(ROLES))),
    "lift": (22, lambda rng, until, level: packets.block(1, rng.choice(ROLES)) + packets.block(2, "the air is clean")),
}
# What comes next, of a formal warning.
NEXT = {"candidate": "approve", "approved": "issue", "issued": "lift"}
# What no reader can take: bytes that are no message, no id, no alert, no root region, nothing to do, a factor nobody
# knows, an id that is not printable.
NONSENSE = (b"", b"\xff\xff", packets.block(1, "x")[:-1],
            packets.block(2, "S01") + packets.block(8, "aqi_level") + packets.block(10, ROOT) + packets.block(11, b""),
            packets.block(1, "x") + packets.block(10, ROOT) + packets.block(11, b""),
            packets.block(1, "x") + packets.block(2, "S01") + packets.block(8, "aqi_level") + packets.block(11, b""),
            packets.block(1, "x") + packets.block(2, "S01") + packets.block(8, "aqi_level") + packets.block(10, ROOT),
            packets.block(1, "x") + packets.block(2, "S01") + packets.block(8, "aqi_level") + packets.number(9, 99)
            + packets.block(10, ROOT) + packets.block(11, b""),
            packets.block(1, "x\n") + packets.block(2, "S01") + packets.block(8, "aqi_level") + packets.block(10, ROOT)
            + packets.block(11, b""))


def command(id, alert, revision, what, content, who="li"):
    rule, subject, factor = alert.split("/")
    field, _ = WHAT[what]
    return (packets.block(1, id) + packets.block(2, subject) + packets.block(4, who) + packets.number(5, revision)
            + packets.block(8, rule) + packets.number(9, FACTORS[factor]) + packets.block(10, ROOT)
            + packets.block(field, content))


class People:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.said = []  # commands with an id

    def say(self, alerts, count):
        """Records for harness.inject. `alerts`: as `alerts list --all --format json` prints them, perhaps a while ago."""
        first = [self._sense(a) for a in alerts if "formal" in a][:count]
        records = first + [self._one(alerts) for _ in range(count - len(first))]
        return [("commands", 0, b"", record) for record in records]

    def _sense(self, warning):
        """What a formal warning waits for."""
        formal = warning["formal"]
        what = NEXT.get(formal["step"], "note")
        level, role = formal.get("proposed", {}).get("level", 0), packets.block(1, ROLES[0])
        content = {"approve": packets.number(1, level) + packets.block(2, ROLES[0]), "issue": role,
                   "lift": role + packets.block(2, "the air is clean"), "note": packets.block(1, "watched")}[what]
        record = command(f"c{len(self.said)}", warning["key"], warning["revision"], what, content)
        self.said.append(record)
        return record

    def _one(self, alerts):
        rng, chance = self.rng, self.rng.random()
        if chance < 0.1:
            return rng.choice(NONSENSE)
        if chance < 0.12:
            return None
        if chance < 0.25 and self.said:
            return rng.choice(self.said)  # sent again
        alert = rng.choice(alerts) if alerts and chance < 0.95 else None
        key = alert["key"] if alert else rng.choice(("aqi_level/nobody/AQI", "no_data/S99/PM2.5", "none/S01/"))
        revision = alert["revision"] if alert else 1
        until = int(alert["change"]["at_ms"]) + rng.choice((-60_000, 60_000, 3_600_000, 30_000_000)) if alert else SOON
        level = rng.choice((1, 2, 3))
        what = rng.choice(sorted(WHAT))
        seen = max(0, revision + rng.choice((0, 0, 0, 0, -1, 5)))
        record = command(f"c{len(self.said)}", key, seen, what, WHAT[what][1](rng, until, level),
                         rng.choice(("li", "wang", "zhao") * 3 + ("",)))
        if self.said and rng.random() < 0.05:  # an id of before, with other words
            record += packets.block(1, f"c{rng.randrange(len(self.said))}")  # the last one counts
        self.said.append(record)
        return record


def is_answered(value):
    """Whether a record of `commands` is one that its sender gets an outcome of: by what alert.proto says."""
    return (value is not None and "hex" not in value and all(value[f] and value[f].isprintable() for f in
                                                            ("id", "rule", "subject", "root"))
            and isinstance(value["factor"], str) and bool(WHAT.keys() & value.keys()))


def check_commands(tail_json):
    """Each command with an id is answered, once, a repeated one as before, and what cannot be read is a dead letter."""
    outcomes, letters, entries = (collections.defaultdict(list) for _ in range(3))
    for record in tail_json("outcomes"):
        outcomes[int(record["value"]["origin"]["commands"]) - 1].append(record["value"])
    for record in tail_json("dead-letters"):
        if record["value"]["sourceTopic"] == "commands":
            letters[int(record["value"]["sourceOffset"])].append(record["value"])
    ids = [record["value"]["id"] for record in tail_json("ledger")]
    assert len(ids) == len(set(ids)), "an entry of the ledger stands twice"
    for id in ids:
        if id.startswith("commands-"):
            entries[int(id.split("/")[1])].append(id)
    told = {(r["value"]["alert"]["key"], r["value"]["alert"]["revision"]): r["value"]["alert"]
            for r in tail_json("alerts") if r["value"] and "alert" in r["value"]}
    first, count = {}, collections.Counter()
    commands = tail_json("commands")
    for record in commands:
        offset, value = record["offset"], record["value"]
        answers = outcomes.pop(offset, [])
        if not is_answered(value):
            assert not answers and len(letters.pop(offset, [])) == (value is not None), record
            count["nothing" if value is None else "nonsense"] += 1
            continue
        assert len(answers) == 1 and offset not in letters, (record, answers)
        answer = answers[0]
        assert answer["command"] == value["id"], (record, answer)
        was = first.get(value["id"])
        if was is not None:
            assert all(answer[f] == was[f] for f in ("alert", "refusal", "revision")), (was, answer)
            assert offset not in entries, record
            count["repeated"] += 1
            continue
        if answer["refusal"] != "too_long":  # that depends on nothing, and is not remembered
            first[value["id"]] = answer
        count[answer["refusal"] or "accepted"] += 1
        assert answer["alert"] == "/".join((value["rule"], value["subject"], factor_of(value))), (record, answer)
        if answer["refusal"]:
            assert offset not in entries, record
        else:
            assert entries.pop(offset), record
            alert = told[answer["alert"], answer["revision"]]
            # That a console has shown it, or what is said of one that is over, makes nobody's revision an old one.
            if "shown" not in value and alert["listed"]:
                assert int(alert["origin"]["commands"]) == offset + 1, (record, alert)
                assert alert["change"]["who"] == value["who"], (record, alert)
        if answer["refusal"] == "stale_revision":
            assert answer["current"]["revision"] == answer["revision"] != value["expectedRevision"], answer
    assert not outcomes and not letters and not entries, "answers that nobody asked for"
    return len(commands), dict(sorted(count.items()))


def factor_of(value):
    name = value["factor"]
    return {"FACTOR_UNSPECIFIED": "", "PM2_5": "PM2.5", "NOX": "NOx", "PB": "Pb", "BAP": "BaP"}.get(name, name)


def check_revisions(tail_json):
    """Revisions of a key rise by one, without a gap or a double; an episode is an Alert, Updates and a Cancel."""
    last, count, rows = {}, collections.Counter(), {}
    for record in tail_json("alerts"):
        value = record["value"]
        if value is None or "row" in value:  # of a flood: grows, closes, is erased
            before = rows.get(record["key"])
            if value is None:
                assert before and not before["open"], record
                before["gone"] = True
            else:
                assert not before or (before["open"] and value["row"]["revision"] == before["revision"] + 1), record
                assert before or value["row"]["revision"] == 1, record
                rows[record["key"]] = value["row"]
            count["rows"] += 1
            continue
        alert = value["alert"]
        before = last.get(alert["key"])
        where = f"{alert['key']} {before and before['revision']} then {alert['revision']}"
        assert alert["revision"] == (before["revision"] + 1 if before else 1), where
        if "formal" in alert:
            count["formal " + alert["formal"]["step"]] += 1
        telling = alert["telling"].removeprefix("TELLING_").lower()
        count[telling] += 1
        begins = before is None or not before["listed"]
        assert (telling == "alert") == begins, where
        assert (telling == "cancel") == (not alert["listed"]), where
        assert int(alert["episode"]) == (int(before["episode"]) if before else 0) + begins, where
        last[alert["key"]] = alert
    assert all(row["open"] or row.get("gone") for row in rows.values()), "a row that is over stands"
    return len(last), dict(count)
