"""Which test proves which requirement of the RFCs.

    python3 rfc_coverage.py [--write] [SOURCE_DIR]

Reads tests/data/rfc-requirements.tsv and the marks in the tests, and checks that both agree with
each other, with the reference beside the source tree when it is there (SIPREC_REFERENCE overrides),
and with docs/rfc-coverage.md. --write makes that document anew.

A mark is a tag of a Catch2 test, `[7866-6.2-3]`, or in Python tests, SIPp scenarios and scripts a
comment or docstring with `proves: 7866-6.2-3, 8068-F2`.
"""

import argparse
import ast
import dataclasses
import os
import pathlib
import re
import sys
import tempfile
import unittest

TABLE = "tests/data/rfc-requirements.tsv"
DOCUMENT = "docs/rfc-coverage.md"
REFERENCE_FILES = (
    "rfc7866-srs-requirements.md",
    "rfc7865-metadata-requirements.md",
    "related-rfcs-srs-requirements.md",
)
BINDING = ("MUST", "MUST NOT", "SHALL", "REQ", "SHOULD", "REC")
LEVELS = (*BINDING, "MAY", "info")
TITLES = {
    "7866": "RFC 7866: Session Recording Protocol",
    "7865": "RFC 7865: metadata",
    "8068": "RFC 8068: call flows (F), ladders of RFC 7866 (R), deviations of the examples (T)",
    "3264": "RFC 3264: offer and answer",
    "4574": "RFC 4574: labels",
    "3261": "RFC 3261: SIP",
    "3311": "RFC 3311: UPDATE",
    "5621": "RFC 5621: message bodies",
    "2046": "RFC 2046: MIME",
    "3550": "RFC 3550: RTP",
    "4961": "RFC 4961: symmetric RTP",
    "6263": "RFC 6263: keepalive",
    "5761": "RFC 5761: RTP and RTCP on one port",
    "9143": "RFC 9143: BUNDLE",
    "4568": "RFC 4568: SDES",
    "3711": "RFC 3711: SRTP",
    "5763": "RFC 5763: DTLS-SRTP in SDP",
    "8842": "RFC 8842: DTLS in SDP",
    "5764": "RFC 5764: DTLS-SRTP",
    "7983": "RFC 7983: protocols on one port",
    "8643": "RFC 8643: opportunistic SRTP",
    "4028": "RFC 4028: session timers",
    "3891": "RFC 3891: Replaces",
    "4733": "RFC 4733: telephone-event",
    "9325": "RFC 9325: TLS",
    "5922": "RFC 5922: certificates in SIP",
}

ID = r"\d{4}-[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*(?:-[A-Za-z0-9]+)?"
TEST_CASE = re.compile(
    r'\b(?:TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*'
    r'((?:"(?:[^"\\]|\\.)*"\s*)+)[,)]'
)
PROVES = re.compile(rf"\bproves:[\s#]*({ID}(?:,[\s#]*{ID})*)")


@dataclasses.dataclass
class Requirement:
    id: str
    level: str
    section: str
    text: str

    @property
    def is_not_ours(self):
        return self.text.startswith("n/a: ")

    @property
    def is_open(self):
        return self.text.startswith("open: ")

    @property
    def needs_test(self):
        return self.level in BINDING and not self.is_not_ours


@dataclasses.dataclass(frozen=True, order=True)
class Mark:
    id: str
    file: str
    test: str


def read_table(text):
    """The requirements, and what is wrong with the table."""
    requirements, errors = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or not all(fields):
            errors.append(f"{TABLE}:{number}: not four fields with tabs between them")
            continue
        requirement = Requirement(*fields)
        if requirement.level not in LEVELS:
            errors.append(f"{TABLE}:{number}: unknown level {requirement.level}")
        if requirement.id in requirements:
            errors.append(f"{TABLE}:{number}: {requirement.id} twice")
        if requirement.id.split("-")[0] not in TITLES:
            errors.append(f"{TABLE}:{number}: {requirement.id} is of an RFC without a title here")
        requirements[requirement.id] = requirement
    return requirements, errors


def literals(text):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def marks_of_cpp(file, text):
    for case in TEST_CASE.finditer(text):
        name = literals(case[1])
        for tag in re.findall(r"\[(\d{4}-[^\]]*)\]", literals(case[2])):
            yield Mark(tag, file, name)


def named_ids(text):
    for found in PROVES.finditer(text):
        for identifier in re.findall(ID, found[1]):
            yield found.start(), identifier


def marks_of_python(file, text):
    """A mark belongs to the function around it, or to the next one below it."""
    functions = [
        (min([node.lineno] + [item.lineno for item in node.decorator_list]), node.end_lineno, node.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for position, identifier in named_ids(text):
        line = text.count("\n", 0, position) + 1
        around = [f for f in functions if f[0] <= line <= f[1]]
        below = [f for f in functions if f[0] > line]
        # The innermost one around; a comment in the file's head belongs to the file.
        owner = max(around, default=None) or min(below, default=None)
        is_head = not around and any(
            word in text[position:].split("def ", 1)[0] for word in ("\nimport ", "\nfrom ")
        )
        yield Mark(identifier, file, "" if owner is None or is_head else owner[2])


def marks_of_text(file, text):
    for _, identifier in named_ids(text):
        yield Mark(identifier, file, "")


READERS = {".cpp": marks_of_cpp, ".py": marks_of_python, ".xml": marks_of_text, ".sh": marks_of_text}


def read_marks(source):
    marks = set()
    for folder in ("unit", "integration", "conformance", "package", "fuzz"):
        for path in sorted((source / "tests" / folder).rglob("*")):
            # This file's own words about marks are none.
            if path.suffix in READERS and path.is_file() and path.name != pathlib.Path(__file__).name:
                file = path.relative_to(source).as_posix()
                marks.update(READERS[path.suffix](file, path.read_text(encoding="utf-8", errors="replace")))
    return marks


def reference_ids(folder):
    """Every id of the reference; nothing when it is not there."""
    ids = set()
    for name in REFERENCE_FILES:
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8")
            ids.update(re.findall(rf"^\| ({ID}) \|", text, re.MULTILINE))
    flows = folder / "rfc8068-callflows.md"
    if flows.is_file():
        text = flows.read_text(encoding="utf-8")
        found = re.findall(r"^## (F\d+)\b|^\| ([RT]\d+)\b", text, re.MULTILINE)
        ids.update("8068-" + (flow or row) for flow, row in found)
    return ids


def by_requirement(marks):
    tests = {}
    for mark in sorted(marks):
        tests.setdefault(mark.id, []).append(mark)
    return tests


def check(requirements, marks, reference):
    errors = []
    tests = by_requirement(marks)
    for identifier in sorted(reference - requirements.keys()):
        errors.append(f"{TABLE}: {identifier} of the reference is missing")
    if reference:
        for identifier in sorted(requirements.keys() - reference):
            errors.append(f"{TABLE}: the reference knows no {identifier}")
    for mark in sorted(marks):
        if mark.id not in requirements:
            errors.append(f"{mark.file}: {mark.test or 'the file'} proves {mark.id}, which is no id of {TABLE}")
        elif requirements[mark.id].is_not_ours:
            errors.append(f"{mark.file}: {mark.test or 'the file'} proves {mark.id}, which does not apply")
    for requirement in requirements.values():
        if requirement.needs_test and not requirement.is_open and requirement.id not in tests:
            errors.append(f"{TABLE}: {requirement.id} ({requirement.level}) has no test: {requirement.text}")
    return errors


def cell(text):
    return text.replace("|", "\\|")


def proof(requirement, tests):
    if requirement.is_not_ours:
        return ""
    if requirement.id not in tests:
        return "not yet" if requirement.is_open else ""
    return "<br>".join(
        f"{cell(mark.test)} ([{pathlib.PurePosixPath(mark.file).name}](../{mark.file}))".lstrip()
        for mark in tests[requirement.id]
    )


def summary(requirements, tests):
    binding = [r for r in requirements.values() if r.level in BINDING]
    ours = [r for r in binding if not r.is_not_ours]
    proved = [r for r in ours if r.id in tests]
    return (
        f"{len(requirements)} requirements, {len(binding)} of them with a binding word (MUST, SHALL, "
        f"REQUIRED, SHOULD, RECOMMENDED). Of these {len(ours)} fall on a recorder: {len(proved)} are "
        f"proved by at least one test, {len(ours) - len(proved)} are not yet. Of the others, prose and "
        f"MAY, {sum(1 for r in requirements.values() if r.level not in BINDING and r.id in tests)} are "
        "proved as well."
    )


def document(requirements, marks):
    tests = by_requirement(marks)
    lines = [
        "<!-- Written by tests/conformance/rfc_coverage.py --write; do not edit. -->",
        "# What the RFCs ask, and the test that proves it",
        "",
        summary(requirements, tests),
        "",
        "`info` is prose without a binding word. A row without a test is such prose, or does not apply "
        "and says why.",
    ]
    for number, title in TITLES.items():
        rows = [r for r in requirements.values() if r.id.startswith(number + "-")]
        if not rows:
            continue
        lines += ["", f"## {title}", "", "| Id | Level | Section | What we do | Proved by |", "|---|---|---|---|---|"]
        lines += [
            f"| {r.id} | {r.level} | {r.section} | {cell(r.text.removeprefix('open: '))} | {proof(r, tests)} |"
            for r in rows
        ]
    return "\n".join(lines) + "\n"


def without_stale_open(text, tests):
    """The table without `open:` in rows that a test proves by now."""
    lines = []
    for line in text.splitlines(keepends=True):
        if line.split("\t")[0] in tests:
            line = line.replace("\topen: ", "\t")
        lines.append(line)
    return "".join(lines)


def run(source, write):
    table = source / TABLE
    marks = read_marks(source)
    if write:
        table.write_text(without_stale_open(table.read_text(encoding="utf-8"), by_requirement(marks)), encoding="utf-8")
    requirements, errors = read_table(table.read_text(encoding="utf-8"))
    folder = pathlib.Path(os.environ.get("SIPREC_REFERENCE", source.parent / "shared" / "reference"))
    reference = reference_ids(folder)
    if not reference:
        print("no reference beside the source tree: whether the table is complete was not checked")
    errors += check(requirements, marks, reference)
    text = document(requirements, marks)
    target = source / DOCUMENT
    if write:
        target.write_text(text, encoding="utf-8")
    elif not target.is_file() or target.read_text(encoding="utf-8") != text:
        errors.append(f"{DOCUMENT} is not what the tests say: python3 tests/conformance/rfc_coverage.py --write")
    tests = by_requirement(marks)
    print(summary(requirements, tests))
    unproved = [r.id for r in requirements.values() if r.is_open and r.id not in tests]
    if unproved:
        print(f"open: {len(unproved)}: {' '.join(unproved)}")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


class CheckTest(unittest.TestCase):
    """The check on made-up tables and tests: each of its rules can fail."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.source = pathlib.Path(holder.name)

    def requirements(self, *rows):
        return read_table("\n".join("\t".join(row) for row in rows))[0]

    def test_reads_marks_of_every_language(self):
        unit = self.source / "tests/unit/sdp"
        unit.mkdir(parents=True)
        (unit / "a_test.cpp").write_text('TEST_CASE("sdp: labels "\n  "stay",\n  "[unit][3264-6-1]" "[rfc3264]") {}')
        flows = self.source / "tests/integration"
        flows.mkdir(parents=True)
        (flows / "test_a.py").write_text(
            "# proves: 8068-F1\nimport os\n\n# proves: 8068-F2,\n# 8068-F3\ndef hold():\n    pass\n\n"
            'def resume():\n    """It.\n\n    proves: 4733-pci.\n    """\n'
        )
        (flows / "call.xml").write_text("<!-- proves: 7866-6.2-1 -->")
        self.assertEqual(
            {(mark.id, mark.test) for mark in read_marks(self.source)},
            {("3264-6-1", "sdp: labels stay"), ("8068-F1", ""), ("8068-F2", "hold"), ("8068-F3", "hold"),
             ("4733-pci", "resume"), ("7866-6.2-1", "")},
        )  # fmt: skip

    def test_a_binding_row_needs_a_test(self):
        rows = self.requirements(("1-1", "MUST", "1", "done"), ("1-2", "info", "1", "prose"))
        self.assertEqual(len(check(rows, set(), set())), 1)
        self.assertEqual(check(rows, {Mark("1-1", "f", "t")}, set()), [])

    def test_open_and_not_ours_need_none(self):
        rows = self.requirements(("1-1", "MUST", "1", "open: later"), ("1-2", "MUST", "1", "n/a: theirs"))
        self.assertEqual(check(rows, set(), set()), [])
        self.assertEqual(len(check(rows, {Mark("1-2", "f", "t")}, set())), 1)

    def test_unknown_and_missing_ids_are_errors(self):
        rows = self.requirements(("1-1", "info", "1", "prose"))
        self.assertEqual(len(check(rows, {Mark("1-9", "f", "t")}, set())), 1)
        self.assertEqual(len(check(rows, set(), {"1-1", "1-2"})), 1)
        self.assertEqual(len(check(rows, set(), {"1-2"})), 2)

    def test_open_goes_when_a_test_has_come(self):
        table = "1-1\tMUST\t1\topen: later\n1-2\tMUST\t1\topen: later\n"
        self.assertEqual(
            without_stale_open(table, {"1-1": []}), "1-1\tMUST\t1\tlater\n1-2\tMUST\t1\topen: later\n"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT} anew")
    parser.add_argument("source", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    if not options.write:
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(CheckTest)
        if not unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful():
            return 1
    return run(options.source.resolve(), options.write)


if __name__ == "__main__":
    sys.exit(main())
