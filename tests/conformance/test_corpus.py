"""Every published message of ../shared/corpus, sent to the running server as its client would, over UDP and TCP.

proves: 7866-6.1.2-1, 7866-9.1-6, 7866-9.1-7, 7865-4-1, quirk:corpus
"""

import json
import os
import pathlib
import re
import unittest

import replay
from replay import Call, Step
from sip_text import Message

import harness  # noqa: I001 (found by replay's path)

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = pathlib.Path(os.environ.get("SIPREC_CORPUS", ROOT.parent / "shared/corpus"))
TABLE = ROOT / "tests/data/corpus/expectations.json"


def steps_of_corpus() -> list[Step]:
    return [Step(row["file"], (CORPUS / row["file"]).read_bytes(), row["file"].rsplit(".", 1)[1], row)
            for row in json.loads(TABLE.read_text())]


def calls_of(steps: list[Step]) -> list[Call]:
    """Numbered messages of one leg make one call, in the order of their names."""
    calls: dict[str, Call] = {}
    for step in steps:
        name = re.sub(r"-(\d\d-(invite|reinvite|update)|[12]-(before|after.*|complete|partial-join)|)$", "",
                      step.name.rsplit(".", 1)[0])
        calls.setdefault(name, Call(name, [])).steps.append(step)
    return list(calls.values())


def raw_behind(body: bytes, content: bytes) -> bytes:
    return body[body.index(content) + len(content):]


def metadata_of(step: Step) -> bytes:
    """The document's bytes, cut out of the sample by its own boundary lines."""
    if step.kind == "xml":
        return step.raw
    body = Message(step.raw).body if step.kind == "sip" else step.raw
    if step.kind == "sip" and not Message(step.raw).value("content-type", "c").startswith("multipart"):
        return body if "xml" in step.expected["parts"][0] else b""
    for section in re.split(rb"\r?\n--[^\r\n]*(?=\r\n|$)", b"\r\n" + body):
        head, _, content = section.partition(b"\r\n\r\n")
        if re.search(rb"content-type:\s*application/(rs-metadata| \+xml)", head, re.I):
            return content.removesuffix(b"\r\n") if b"\n--" not in raw_behind(body, content) else content
    return b""


@unittest.skipUnless(CORPUS.is_dir(), f"no corpus at {CORPUS}")
class Corpus(harness.IntegrationTest):
    maxDiff = None

    def test_table_agrees_with_the_published_facts(self) -> None:
        for row in json.loads(TABLE.read_text()):
            facts = (CORPUS / (row["file"] + ".source.txt")).read_text()
            counts = re.search(r"group (\d+), session (\d+), participant (\d+), stream (\d+)", facts)
            if counts and "participants" in row and "broadworks-11" not in row["file"]:
                got = [len(row[key]) for key in ("groups", "sessions", "participants", "streams")]
                self.assertEqual(got, list(map(int, counts.groups())), row["file"])
            aors = re.search(r"; aors: (.*?); labels", facts)
            if aors and aors.group(1) != "none" and not row["file"].startswith("fixture-0"):
                known = {aor for p in row["participants"] for aor in p["aors"]}
                self.assertEqual(known, set(aors.group(1).split(" | ")), row["file"])
            labels = re.findall(r"label=(\S+) dir", facts)
            self.assertEqual([str(m["label"]) for m in row["media"]], labels, row["file"])

    def test_every_message_is_answered_recorded_and_catalogued(self) -> None:
        rows = json.loads(TABLE.read_text())
        self.assertEqual({row["file"] for row in rows},
                         {p.name for p in CORPUS.iterdir() if p.suffix in (".sip", ".mime", ".sdp", ".xml")})
        server = self.server(pairs=512)
        calls = replay.play_all(server, [(call, transport) for transport in ("udp", "tcp")
                                         for call in calls_of(steps_of_corpus())])
        failures = [call.failure for call in calls if call.failure]
        recorded = [call for call in calls if not call.failure and call.steps[0].expected["status"] == 200]
        by_call = replay.wait_until_stored(server, recorded)
        for call in recorded:
            kept = replay.Kept(server, by_call[call.call_id])
            failures += [f"{call.name}: lacks {what}" for what in replay.missing(kept, call)]
            for step in call.steps:
                document = metadata_of(step)
                if document and document not in kept.documents:
                    failures.append(f"{step.name}: the metadata's bytes did not come back")
            if any(m["direction"] == "sendonly" and m["type"] == "audio" and m["port"]
                   for step in call.steps for m in step.expected["media"]) and kept.packets == 0:
                failures.append(f"{call.name}: no packet was recorded")
        if failures:
            self.fail("\n".join(failures))
        self.assertIsNone(server.process.poll())


if __name__ == "__main__":
    harness.main()
