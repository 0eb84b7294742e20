"""What a person writes into the configuration and what `qingchuan check` answers: every row of
tests/golden/config_errors.txt, every message of the code in one of the rows, and docs/configuration-errors.md made of
them.

After a wanted change: QC_REGENERATE=1 with this test; then read the difference.
"""

import os
import re

from harness import GOLDEN, ROOT, run

TABLE = GOLDEN / "config_errors.txt"
PAGE = ROOT / "docs" / "configuration-errors.md"
REGENERATE = bool(os.environ.get("QC_REGENERATE"))

SYSTEM = "rules: [{}]\ntopics: [{{name: readings, partitions: 1, cleanup: delete}}]\n"
SOURCES = [ROOT / "services" / "platform" / name for name in
           ("yaml_loader.cc", "yaml_schema.cc", "yaml_tree.cc", "config.cc", "config_alerts.cc", "config_checks.cc", "config_console.cc", "config_kafka.cc",
            "config_secrets.cc")]
SOURCES += [ROOT / "services" / "alerts" / "out_config.cc"]
SOURCES += [ROOT / "services" / "wire" / name for name in
            ("rules_standards.cc", "rules_indices.cc", "rules_signals.cc", "rules_alerts.cc", "rules_warnings.cc",
             "rules_places.cc", "rules_emergency.cc", "rules_builder.h")]

# Texts of the code that no row brings about, each with its reason.
UNREACHABLE = {
    # Limits: no file in this repository is that large; yaml_loader_test reaches them with smaller ones.
    "the file is larger than ", " bytes", " bytes of text in one file (aliases count at every use)",
    "there are more problems from here on; mend the first ones",
    # It is gone, or becomes unreadable, between looking for it and reading it.
    "cannot be read; expected a YAML file",
    # Where no configuration is found there is no place to name.
    ": there is no configuration at `", "` (a file, or a directory with ", "no configuration found; looked in ",
    "there is no configuration at `",
    # The line that counts, and an assertion.
    " problem in ", " problems in ", " files", "a message is no scalar",
}
# Of wire/rules_*: what the loader's own checks have said before; the rule set is judged again because it may come from a log.
BY_THE_LOADER = re.compile(
    r" must lie before |is not defined| stands twice$|: factor expected|two limits hold|: two rules hold|"
    r"two percentiles hold|two composite indices|two editions are|: `percent`: 1 to 99|a negative |: kind expected|"
    r": class expected|two classes hold|an id of its own|a name of its own|its alias |is its own ancestor|`lon` and `lat` expected|: `above` expected|"
    r": window expected$|dead_band_percent|must lie below|the factor has two|`radius_m`|at least an hour|"
    r"`valid_minutes`: 1|is longer than `hours_kept`|: `check` expected|belongs to the kind suspect|means nothing for this|"
    r"`month_at_least`: 0 to 31|: `factors` expected|: `items` expected|its parent |rising concentrations|: 2 to |"
    r": the item stands twice|: the region is not defined|: rating expected|: level expected|: confidence expected|"
    r"` is out of range$|`close_after` is longer|two or more rising numbers|^1 to 3 rising levels|"
    r"evaluation stations; at most |^ make its mean$|an index of 500 at most|`all`: 1 to 4 conditions|: 1 to 4 alternatives|two criteria hold")


class Case:
    def __init__(self, section, title):
        self.section, self.title, self.files, self.answer = section, title, [], []


def read_table():
    """(the comment at its head, its cases)"""
    head, cases, section, into = [], [], "", None
    for line in TABLE.read_text().splitlines():
        if line.startswith("=== "):
            cases.append(Case(section, line[4:]))
            into = None
        elif line.startswith("## ") and (not cases or into is cases[-1].answer):
            section = line[3:]
        elif not cases:
            head.append(line)
        elif (m := re.fullmatch(r"--- (rules\.yaml|qingchuan\.yaml)", line)) and not cases[-1].files:
            cases[-1].files.append((m.group(1), []))
            into = cases[-1].files[-1][1]
        elif (m := re.fullmatch(r"---- (\w+)", line)):
            cases[-1].files.append((m.group(1) + ".yaml", []))
            into = cases[-1].files[-1][1]
        elif line == "----":
            into = cases[-1].answer
        elif into is not cases[-1].answer or line:
            into.append(line)
    return "\n".join(head).rstrip(), cases


def answer_of(case, directory):
    directory.mkdir()
    (directory / "rules.yaml").write_text("")
    names = ["rules.yaml"] + [name for name, _ in case.files[1:]]
    (directory / "qingchuan.yaml").write_text(SYSTEM.format(", ".join(names)))
    for name, lines in case.files:
        (directory / name).write_text("\n".join(lines) + "\n")
    done = run("check", directory).refused()
    assert done.err == "", f"{case.title}: {done.err}"
    lines = done.out.replace(f"{directory}/", "").splitlines()
    assert re.fullmatch(r"\d+ problems? in .*", lines[-1]), f"{case.title}: {lines}"
    return lines[:-1]


def text_of(head, cases):
    out, section = [head], None
    for case in cases:
        if case.section != section:
            section = case.section
            out.append(f"\n## {section}")
        out.append(f"\n=== {case.title}")
        for i, (name, lines) in enumerate(case.files):
            out += [f"--- {name}" if i == 0 else f"---- {name.removesuffix('.yaml')}", *lines]
        out += ["----", *case.answer]
    return "\n".join(out) + "\n"


def page_of(cases):
    out = ["# What is wrong with a configuration", "",
           "`qingchuan check` prints every problem as `file:line:column: what was wrong, what was expected, the nearest name`;",
           "`up`, `feed` and `processor` print the same and do not start, SIGHUP keeps the rules that are in force. Here is every",
           "message with something that brings it about. This page is made by `tests/integration/test_config_errors.py` from",
           "`tests/golden/config_errors.txt` and is compared with what the binary says."]
    section = None
    for case in cases:
        if case.section != section:
            section = case.section
            out += ["", f"## {section}"]
        out += ["", f"**{case.title[0].upper()}{case.title[1:]}**", ""]
        out += [f"    {line}" for i, (_, lines) in enumerate(case.files) for line in (["# and in another file"] if i else []) + lines]
        out += [""] + [f"> `` {line} ``  " for line in case.answer]
    return "\n".join(out) + "\n"


def test_every_row_is_answered_as_the_table_says(tmp_path):
    head, cases = read_table()
    assert len(cases) > 100 and len({c.title for c in cases}) == len(cases)
    wrong = []
    for i, case in enumerate(cases):
        answer = answer_of(case, tmp_path / str(i))
        for line in answer:
            assert re.match(r"[\w.]+(:\d+:\d+)?: .", line), f"{case.title}: no place: {line}"
        if REGENERATE:
            case.answer = answer
        elif answer != case.answer:
            wrong.append(f"{case.title}:\n  table:  {case.answer}\n  answer: {answer}")
    assert not wrong, "\n".join(wrong)
    if REGENERATE:
        TABLE.write_text(text_of(head, cases))
        PAGE.write_text(page_of(cases))


def test_the_page_is_made_of_the_table():
    _, cases = read_table()
    assert PAGE.read_text() == page_of(cases)


def literals(path):
    """The texts in the code, adjacent ones joined, that are words for a person."""
    code = re.sub(r"(?m)^\s*//.*$|^#include.*$", "", path.read_text())
    code = re.sub(r"R\"\(.*?\)\"", "", code, flags=re.S)
    for m in re.finditer(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', code):
        text = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', m.group(0)))
        text = text.replace('\\"', '"').replace("\\\\", "\\")
        if re.search(r"[a-z]{2,} [a-z`]|^ [a-z]{2,}|[a-z]{2,}: ?$", text):
            yield text


def test_every_message_of_the_code_has_a_row():
    _, cases = read_table()
    said = "\n".join(line for case in cases for line in case.answer)
    missing = []
    for path in SOURCES:
        for text in literals(path):
            if text in said or text in UNREACHABLE:
                continue
            if path.parent.name == "wire" and BY_THE_LOADER.search(text):
                continue
            missing.append(f"{path.name}: {text!r}")
    assert not missing, "no row of tests/golden/config_errors.txt brings these about:\n" + "\n".join(missing)


def test_the_shipped_configuration_is_right():
    assert "is fine" in run("check", ROOT / "config").fine().out
    assert "is fine" in run("check", ROOT / "config" / "beijing").fine().out
