"""Every published message, changed in every way of the reference's list, played to the running server.

proves: 7866-6.1.2-1, 7866-9.1-6, 7866-9.1-7, quirk:mutations
"""

import unittest

import mutations
import replay
from replay import Call
from test_corpus import CORPUS, metadata_of, steps_of_corpus

import harness  # noqa: I001 (found by replay's path)

# Some two thousand calls of one client in a few seconds, hundreds of them without any m-line: what
# protects a recorder from that is not at stake here.
CONFIG = """
[render]
workers = 2
[limits.signalling]
max_delay_ms = 0
waste_per_second = 0
"""


@unittest.skipUnless(CORPUS.is_dir(), f"no corpus at {CORPUS}")
class Mutations(harness.IntegrationTest):
    maxDiff = None

    def test_expectations_agree_with_the_table(self) -> None:
        """What a changed SDP is expected to give is worked out here; of the unchanged it must give the table's."""
        for step in steps_of_corpus():
            sdp = mutations.Text.of(mutations.standalone(step)[-1]).sdp()
            if step.kind == "xml" or not sdp:
                continue
            got = [{key: line[key] for key in ("type", "port", "protocol", "label", "direction")}
                   for line in mutations.expected_media(sdp)]
            self.assertEqual(got, [{key: line[key] for key in got[0]} for line in step.expected["media"]], step.name)

    def test_every_change_is_answered_recorded_and_catalogued(self) -> None:
        calls: list[Call] = []
        for step in steps_of_corpus():
            calls += mutations.calls_of(step)
        server = self.server(pairs=1024, config=CONFIG)
        replay.play_all(server, [(call, "udp") for call in calls])
        failures = [call.failure for call in calls if call.failure]
        # A call that broke off may have left a session behind, for which the catalogue would wait in vain.
        self.assertEqual(failures, [])
        recorded = [call for call in calls if call.steps[-1].expected["status"] == 200]
        by_call = replay.wait_until_stored(server, recorded, 150)
        failures = sum(replay.at_once(lambda call: self.lacks(server, call, by_call[call.call_id]), recorded), [])
        if failures:
            self.fail(f"{len(failures)} of {len(calls)} calls:\n" + "\n".join(failures))
        self.assertIsNone(server.process.poll())

    @staticmethod
    def lacks(server: harness.Server, call: Call, rows: list[dict]) -> list[str]:
        kept = replay.Kept(server, rows)
        lacks = [f"{call.name}: lacks {what}" for what in replay.missing(kept, call)]
        document = metadata_of(call.steps[-1])
        if document and document not in kept.documents:
            lacks.append(f"{call.name}: the metadata's bytes did not come back")
        return lacks


if __name__ == "__main__":
    harness.main()
