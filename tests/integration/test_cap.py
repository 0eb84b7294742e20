"""CAP messages against OASIS's schema (xmllint) and against what the schema cannot say, checked here apart from the
encoder: identifiers, references, who may issue what, times, polygons, both languages alike.

QC_CAP_MESSAGES says how many, QC_SEED which ones. The schema is in QINGCHUAN_SHARED; without it that part is skipped.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path

import pytest

from harness import BINARY, GOLDEN, ROOT

GENERATOR = Path(os.environ.get("QINGCHUAN_CAP", BINARY.parent / "tests" / "integration" / "integration_cap"))
COUNT = int(os.environ.get("QC_CAP_MESSAGES", "10000"))
SEED = int(os.environ.get("QC_SEED", "1"))
SCHEMA = Path(os.environ.get("QINGCHUAN_SHARED", ROOT.parent / "shared")) / "reference" / "cap12.xsd"
NS = "{urn:oasis:names:tc:emergency:cap:1.2}"
ID = re.compile(r"[!-~]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
BLANK = " \t\n"  # what XML calls white space
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cap")
    subprocess.run([GENERATOR, folder, str(COUNT), str(SEED)], check=True, timeout=300)
    paths = sorted(folder.iterdir(), key=lambda p: int(p.stem))
    assert len(paths) == COUNT
    return paths


def invalid(paths):
    """What xmllint says of those that break the schema."""
    said = []
    for first in range(0, len(paths), 1000):
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SCHEMA, *paths[first:first + 1000]],
                              capture_output=True, text=True, timeout=300)
        said += [line for line in done.stderr.splitlines() if not line.endswith(" validates")]
        assert done.returncode == 0 or said, done.stderr
    return said


def needs_schema():
    if not SCHEMA.is_file():
        pytest.skip(f"no {SCHEMA} (QINGCHUAN_SHARED)")
    if not shutil.which("xmllint"):
        pytest.skip("no xmllint (deploy/install.sh test)")


def when(text):
    assert TIME.fullmatch(text), f"time {text!r}"
    return datetime.fromisoformat(text)


def only(node, name):
    found = node.findall(NS + name)
    assert len(found) == 1, f"{len(found)} of {name}"
    return found[0].text or ""


def maybe(node, name):
    return only(node, name) if node.find(NS + name) is not None else None


def check_id(text):
    assert ID.fullmatch(text) and not set(text) & set(",<&"), f"identifier or sender {text!r}"


def check_references(alert, sent):
    references = maybe(alert, "references")
    assert (references is None) == (only(alert, "msgType") == "Alert"), "references of what follows another, only"
    for triple in (references or "").split(" ") if references is not None else []:
        sender, identifier, at = triple.split(",")
        check_id(sender)
        check_id(identifier)
        assert when(at) <= sent and (sender, identifier) != (only(alert, "sender"), only(alert, "identifier"))


def check_polygon(text):
    points = [tuple(map(float, pair.split(","))) for pair in text.split(" ")]
    assert len(points) >= 4 and points[0] == points[-1], f"open polygon {text}"
    # The latitude comes first: in China it is always the smaller one.
    assert all(3 <= lat <= 54 and 73 <= lon <= 136 for lat, lon in points), f"not lat,lon: {text}"


def check_info(info, alert, sent):
    lifted = only(alert, "msgType") == "Cancel"
    assert info.find(NS + "category") is not None
    for name in ("event", "senderName", "headline", "description"):
        assert only(info, name).strip(BLANK), f"{name} is empty"
    assert (only(info, "responseType") == "AllClear") == lifted == (only(info, "urgency") == "Past")
    assert only(info, "certainty") in ("Observed", "Likely")
    effective, expires = when(only(info, "effective")), maybe(info, "expires")
    assert expires is None or when(expires) > max(sent, effective), "expires before it begins"
    parameters = {only(p, "valueName"): only(p, "value") for p in info.findall(NS + "parameter")}
    severity = {"yellow": "Moderate", "orange": "Severe", "red": "Extreme"}[parameters["qingchuan:level"]]
    assert only(info, "severity") == severity
    areas = info.findall(NS + "area")
    assert areas and all(only(a, "areaDesc").strip(BLANK) for a in areas)
    polygons = [[p.text for p in a.findall(NS + "polygon")] for a in areas]
    for text in (p for of_area in polygons for p in of_area):
        check_polygon(text)
    # What both languages must agree on.
    return severity, only(info, "urgency"), only(info, "certainty"), effective, expires, polygons, parameters


def check(raw):
    text = raw.decode("utf-8")  # and nothing else
    assert not NOT_XML.search(text), "a character that XML does not have"
    alert = ET.fromstring(raw)
    assert alert.tag == NS + "alert"
    status, sent = only(alert, "status"), when(only(alert, "sent"))
    check_id(only(alert, "identifier"))
    check_id(only(alert, "sender"))
    check_references(alert, sent)
    assert status in ("Draft", "Actual", "Exercise")
    assert (only(alert, "scope") == "Restricted") == bool(maybe(alert, "restriction")) == (status != "Actual")
    assert only(alert, "scope") in ("Public", "Restricted") and maybe(alert, "addresses") is None
    approved = bool((maybe(alert, "source") or "").strip(BLANK))
    assert approved or status != "Actual", "nobody approved what is issued"
    assert not approved or status != "Draft", "an approved draft"
    assert (maybe(alert, "note") is not None) == (status == "Exercise")
    infos = alert.findall(NS + "info")
    assert [only(i, "language") for i in infos] == ["zh-CN", "en-US"]
    said = [check_info(i, alert, sent) for i in infos]
    assert said[0] == said[1], "the languages say different things"
    return only(alert, "sender"), only(alert, "identifier"), status, only(alert, "msgType")


def test_messages_are_valid_by_the_schema(messages):
    needs_schema()
    said = invalid(messages)
    assert not said, f"{len(said)} lines, seed {SEED}:\n" + "\n".join(said[:10])
    print(f"\n{len(messages)} messages are valid by cap12.xsd")


def test_messages_keep_the_rules(messages):
    seen, kinds = set(), {}
    for path in messages:
        try:
            sender, identifier, *kind = check(path.read_bytes())
        except (AssertionError, ET.ParseError, UnicodeError) as e:
            raise AssertionError(f"seed {SEED}, message {path.stem}: {e}\n{path.read_text(errors='replace')}") from e
        assert (sender, identifier) not in seen
        seen.add((sender, identifier))
        kinds[tuple(kind)] = kinds.get(tuple(kind), 0) + 1
    assert len(kinds) == 9 or COUNT < 500, kinds
    print(f"\n{len(messages)} messages keep the rules: " + ", ".join(f"{' '.join(k)} {n}" for k, n in sorted(kinds.items())))


GOLDEN_FILES = sorted((GOLDEN / "cap").glob("*.xml"))


def test_the_golden_messages_are_right():
    assert [p.stem for p in GOLDEN_FILES] == ["actual", "cancel", "draft", "exercise", "formal_draft", "formal_issued",
                                              "formal_lifted", "update"]
    for path in GOLDEN_FILES:
        check(path.read_bytes())
    needs_schema()
    assert invalid(GOLDEN_FILES) == []


SPOILED = {
    "a time in UTC": ("+08:00</sent>", "Z</sent>"),
    "an unknown status": ("<status>Actual", "<status>Real"),
    "a blank in the sender": ("<sender>qing", "<sender>qing "),
    "no reference": ("references>", "incidents>"),
    "a reference of two parts": (",14110000000001", "14110000000001"),
    "an open polygon": ("<polygon>37.15,111.3 ", "<polygon>"),
    "longitude first": ("37.15,111.3", "111.3,37.15"),
    "nobody approved it": ("source>", "code>"),
    "severity of another level": ("Extreme", "Minor"),
    "one language": ("en-US", "zh-CN"),
    "not lifted": ("Immediate", "Past"),
    "a control character": ("<description>", "<description>\x01"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_the_check_finds(what):
    before, after = SPOILED[what]
    text = (GOLDEN / "cap" / "update.xml").read_text()
    assert before in text
    with pytest.raises((AssertionError, ET.ParseError, ValueError)):
        check(text.replace(before, after).encode())
