"""Our own messages, one or more for every quirk of the field: a formality never costs a call.

proves: 7866-6.1.2-1, 7866-9.1-6, 7866-9.1-7, 7865-4-1, quirk:all
"""

import quirks
import replay

import harness  # noqa: I001 (found by replay's path)


class Quirks(harness.IntegrationTest):
    def test_every_quirk_is_answered_recorded_and_catalogued(self) -> None:
        server = self.server(pairs=1024)
        cases = [case.call() for case in quirks.all_quirks()]
        self.assertEqual(len({case.name for case in cases}), len(cases))
        calls = replay.play_all(server, [(case, "udp") for case in cases])
        failures = [call.failure for call in calls if call.failure]
        recorded = [call for call in calls if not call.failure and call.steps[0].expected["status"] == 200]
        by_call = replay.wait_until_stored(server, recorded)
        for call in recorded:
            failures += [f"{call.name}: lacks {what}" for what in
                         replay.missing(replay.Kept(server, by_call[call.call_id]), call)]
        if failures:
            self.fail("\n".join(failures))
        self.assertIsNone(server.process.poll())


if __name__ == "__main__":
    harness.main()
