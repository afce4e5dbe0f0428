"""The call flows of RFC 8068, each a SIPp scenario with media on all its m-lines, all at once against one
server; then recordings, segments, participants, owners of tracks and the places of the cuts."""

import json
import pathlib
import shutil
import socket
import tempfile
import threading
import time

from datetime import datetime

import flow_scenarios as fs
import harness
import media

SECONDS = 6.0  # of audio; each flow ends before
PACKET_S = 0.020


def seconds_of(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def flow_f1(name: str = "F1") -> fs.Flow:
    g, cs, a, b, s1, s2 = fs.ids("F1", "g", "cs", "a", "b", "s1", "s2")
    extension = '<note xmlns="urn:example:flows">kept</note>'
    return fs.Flow(name).begin(fs.document(
        "complete", fs.group(g),
        fs.session(cs, fs.sip_session("a1" * 16, "b1" * 16) + f"<group-ref>{g}\n</group-ref>{extension}"),
        fs.participant(a, "Alice"), fs.participant(b, "Bob"), fs.stream(s1, cs, 1), fs.stream(s2, cs, 2),
        f'<sessionrecordingassoc session_id="{cs}"/>', fs.joins(a, cs), fs.joins(b, cs),
        fs.media(a, (s1,), (s2,)), fs.media(b, (s2,), (s1,)))).pause(1000).bye()


def two_parties(flow: str) -> tuple[str, ...]:
    return fs.ids(flow, "cs", "a", "b", "c", "s1", "s2", "s3", "cs2")


def complete(flow: str) -> str:
    cs, a, b, _, s1, s2, _, _ = two_parties(flow)
    return fs.document("complete", fs.session(cs, fs.sip_session("a2" * 16, "b2" * 16)),
                       fs.participant(a, "Alice"), fs.participant(b, "Bob"),
                       fs.stream(s1, cs, 1), fs.stream(s2, cs, 2), fs.joins(a, cs), fs.joins(b, cs),
                       fs.media(a, (s1,), (s2,)), fs.media(b, (s2,), (s1,)))


def flow_f2() -> fs.Flow:
    _, a, b, _, s1, s2, _, _ = two_parties("F2")
    return (fs.Flow("F2").begin(complete("F2")).pause(800)
            .reinvite(fs.document("partial", fs.media(a, (), (s2,)), fs.media(b, (s2,), ()))).pause(800)
            .reinvite(fs.document("partial", fs.media(a, (s1,), (s2,)), fs.media(b, (s2,), (s1,)))).pause(600).bye())


def flow_f3() -> fs.Flow:
    cs, a, b, c, _, s2, s3, _ = two_parties("F3")
    return (fs.Flow("F3").begin(complete("F3")).pause(900)
            .reinvite(fs.document("partial", fs.session(cs, fs.sip_session("c2" * 16, "b2" * 16)),
                                  fs.participant(c, "Carol"), fs.joins(c, cs), fs.leaves(a, cs),
                                  fs.media(b, (s2,), (s3,)), fs.media(c, (s3,), (s2,)))).pause(900).bye())


def flow_f4() -> fs.Flow:
    cs, a, b, c, _, s2, s3, cs2 = two_parties("F4")
    return (fs.Flow("F4").begin(complete("F4").replace("a2" * 16, "a4" * 16).replace("b2" * 16, "b4" * 16)).pause(900)
            .reinvite(fs.document("partial", fs.session(cs, fs.stop()), fs.leaves(a, cs), fs.leaves(b, cs))).pause(300)
            .reinvite(fs.document("complete", fs.session(cs2, fs.sip_session("c4" * 16, "b4" * 16)),
                                  fs.participant(b, "Bob"), fs.participant(c, "Carol"), fs.stream(s3, cs2, 1),
                                  fs.stream(s2, cs2, 2), fs.joins(b, cs2), fs.joins(c, cs2),
                                  fs.media(b, (s2,), (s3,)), fs.media(c, (s3,), (s2,)))).pause(900).bye())


def flow_f5() -> fs.Flow:
    cs, a, b, *_ = two_parties("F5")
    return fs.Flow("F5").begin(complete("F5")).pause(800).bye(
        fs.document("partial", fs.session(cs, fs.stop()), fs.leaves(a, cs), fs.leaves(b, cs)))


def mixed(flow: str) -> str:
    cs, a, b, _, s1, *_ = two_parties(flow)
    return fs.document("complete", fs.session(cs, fs.sip_session("a6" * 16, "f6" * 16) +
                                              fs.sip_session("b6" * 16, "f6" * 16)),
                       fs.participant(a, "Alice"), fs.participant(b, "Bob"), fs.stream(s1, cs, 1),
                       fs.joins(a, cs), fs.joins(b, cs), fs.media(a, (s1,), (s1,)), fs.media(b, (s1,), (s1,)))


def flow_f6() -> fs.Flow:
    return fs.Flow("F6", (1,)).begin(mixed("F6")).pause(700).bye()


def flow_f7() -> fs.Flow:
    cs, a, b, _, s1, *_ = two_parties("F7")
    return (fs.Flow("F7", (1,)).begin(mixed("F7")).pause(700)
            .reinvite(fs.document("partial", fs.stream(s1, cs, 1), fs.media(a, (), (s1,)),
                                  fs.media(b, (s1,), ()))).pause(700)
            .reinvite(fs.document("partial", fs.stream(s1, cs, 1), fs.media(a, (s1,), (s1,)),
                                  fs.media(b, (s1,), (s1,)))).pause(500).bye())


def flow_f8() -> fs.Flow:
    cs, a, _, c, s1, *_ = two_parties("F8")
    return (fs.Flow("F8", (1,)).begin(mixed("F8")).pause(700)
            .reinvite(fs.document("partial", fs.session(cs), fs.participant(c, "Carol"), fs.joins(c, cs),
                                  fs.media(c, (s1,), (s1,)))).pause(700)
            .reinvite(fs.document("partial", fs.session(cs), fs.leaves(a, cs))).pause(500).bye())


def flow_f9() -> fs.Flow:
    cs, a, b, c, s1, s2, _, cs2 = two_parties("F9")
    return (fs.Flow("F9").begin(complete("F9").replace("a2" * 16, "a9" * 16).replace("b2" * 16, "b9" * 16)).pause(900)
            .offerless(fs.document("partial", fs.session(cs, fs.stop()), fs.leaves(a, cs), fs.leaves(b, cs))).pause(700)
            .update(fs.document("partial", fs.session(cs2, fs.sip_session("c9" * 16, "d9" * 16)),
                                fs.participant(c, "Carol"), fs.stream(s1, cs2, 1), fs.stream(s2, cs2, 2),
                                fs.joins(c, cs2), fs.media(c, (s1,), (s2,)))).pause(900)
            .bye())


def flow_f10() -> fs.Flow:
    cs, a, b, c, s1, _, _, cs2 = two_parties("F10")
    g = fs.ids("F10", "g")[0]
    ref = f"<group-ref>{g}</group-ref>"
    return (fs.Flow("F10", (1,)).begin(fs.document(
        "complete", fs.group(g), fs.session(cs, ref), fs.session(cs2, ref), fs.participant(a, "Alice"),
        fs.participant(b, "Bob"), fs.participant(c, "Carol"), fs.stream(s1, cs, 1), fs.joins(a, cs), fs.joins(b, cs),
        fs.joins(b, cs2), fs.joins(c, cs2), fs.media(a, (s1,), (s1,)), fs.media(b, (s1,), (s1,)),
        fs.media(c, (s1,), (s1,)))).pause(900)
            .update(fs.document("partial", fs.session(cs, fs.stop()))).pause(900).bye())


def flow_r1() -> fs.Flow:
    return fs.Flow("R1").begin("").pause(600).update(complete("R1")).pause(600).bye()


def flow_r5() -> fs.Flow:
    return (fs.Flow("R5").begin(complete("R5")).pause(800).reinvite("", "inactive", "inactive").pause(800)
            .reinvite("").pause(600).bye())


FLOWS = [flow_f1(), flow_f1("F1-other"), flow_f2(), flow_f3(), flow_f4(), flow_f5(), flow_f6(), flow_f7(), flow_f8(),
         flow_f9(), flow_f10(), flow_r1(), flow_r5()]
RECORDINGS = len(FLOWS) + 3  # F4, F9 and F10 have two CSs


class Sender(threading.Thread):
    """Sends every track whose port SIPp has written down, 20 ms a packet. One thread for all: starting a
    player each would take longer than a flow lasts."""

    def __init__(self, folder: str, packets: dict[str, list[bytes]]):
        super().__init__(daemon=True)
        self.folder, self.packets = pathlib.Path(folder), packets
        self.sent: dict[str, list[float]] = {track: [] for track in packets}
        self.done = threading.Event()

    def run(self) -> None:
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        playing: dict[str, tuple[int, float]] = {}
        waiting = set(self.packets)
        while not self.done.is_set():
            for file in self.folder.glob("*.port") if waiting else ():
                track, port, _ = file.name.split(".")
                if track in waiting:
                    playing[track] = (int(port), time.monotonic())
                    waiting.remove(track)
            for track, (port, begun) in playing.items():
                sent, packets = self.sent[track], self.packets[track]
                while len(sent) < len(packets) and time.monotonic() >= begun + len(sent) * PACKET_S:
                    sent.append(time.time())
                    out.sendto(packets[len(sent) - 1], ("127.0.0.1", port))
            time.sleep(0.004)
        out.close()


class Flows(harness.IntegrationTest):
    server_: harness.Server
    shown: dict[str, list[dict]]  # recordings by flow, in order of their start
    audio: dict[str, bytes]

    @classmethod
    def setUpClass(cls) -> None:
        cls.class_folder = tempfile.mkdtemp(prefix="siprec-flows-")
        pathlib.Path(cls.class_folder).chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.class_folder, ignore_errors=True)
        cls.server_ = harness.Server(cls.class_folder)
        cls.addClassCleanup(cls.server_.stop)
        cls.server_.start()
        cls.audio, packets_of, failures = {}, {}, []
        for index, flow in enumerate(FLOWS):
            for label in flow.labels:
                track = f"{flow.name}-{label}"
                cls.audio[track] = media.speech(SECONDS, 1000 + 10 * index + label)
                packets = media.rtp_packets(cls.audio[track], 0x1000 + 16 * index + label)
                packets_of[track] = packets
            (pathlib.Path(cls.class_folder) / f"{flow.name}.xml").write_text(flow.xml())
        cls.sender = Sender(cls.class_folder, packets_of)
        cls.sender.start()

        def run(flow: fs.Flow) -> None:
            try:
                harness.run_sipp(f"{cls.class_folder}/{flow.name}.xml", cls.server_,
                                 options=("-cid_str", f"flow-{flow.name}-%u@%s"))
            except Exception as failure:  # noqa: BLE001: all of them are shown below
                failures.append(f"{flow.name}: {failure}")
        threads = [threading.Thread(target=run, args=(flow,)) for flow in FLOWS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cls.sender.done.set()
        cls.sender.join()
        if failures:
            raise AssertionError("\n".join(failures))
        rows = cls.server_.wait_for_recordings(RECORDINGS)
        cls.shown = {flow.name: [] for flow in FLOWS}
        for row in sorted(rows, key=lambda row: row["start"]):
            name = row["call_id"].split("@")[0].removeprefix("flow-").rsplit("-", 1)[0]
            cls.shown[name].append(json.loads(cls.server_.ctl("show", row["id"], "--json")))

    def only(self, flow: str) -> dict:
        self.assertEqual(len(self.shown[flow]), 1, flow)
        return self.shown[flow][0]

    def names(self, recording: dict) -> list[str]:
        return sorted(p["name"] for p in recording["participants"])

    def owners(self, recording: dict, label: int) -> list[tuple[str, float, float]]:
        """Name of the sender, from and until, in order."""
        names = {p["id"]: p["name"] for p in recording["participants"]}
        track = next(t for t in recording["tracks"] if t["label"] == str(label))
        return [(names[o["participant"]], seconds_of(o["from"]), seconds_of(o["until"])) for o in track["owners"]]

    def received(self, recording: dict, method: str, nth: int = 0) -> float:
        """When a document arrived."""
        times = [d["received"] for d in recording["documents"] if d["method"] == method]
        return seconds_of(times[nth])

    def check_cut(self, flow: str, recording: dict, label: int, since: float | None, until: float | None) -> None:
        """The packets that were sent from `since` to `until` are on record, to the packet at either end."""
        track = next(t for t in recording["tracks"] if t["label"] == str(label))
        _, channels = media.read_wav(self.server_.export(recording["id"], "wav"))
        channel = channels[track["channel"]]
        audio = self.audio[f"{flow}-{label}"]
        sent = self.sender.sent[f"{flow}-{label}"]
        wanted = [i for i, at in enumerate(sent) if (since is None or at >= since) and (until is None or at < until)]
        size = media.PACKET_SAMPLES
        start = media.offset_of(channel, audio[(wanted[0] + 1) * size:(wanted[0] + 4) * size])
        self.assertGreaterEqual(start, 0, f"{flow} label {label}: the beginning is not in it")
        # Sample 0 of the recording is the first packet of any of its streams.
        firsts = [next(at for at in times if since is None or at >= since)
                  for name, times in self.sender.sent.items() if name.rsplit("-", 1)[0] == flow]
        expected = size + (sent[wanted[0]] - min(firsts)) * 8000
        self.assertLessEqual(abs(start - expected), PACKET_S * 8000 + 1, f"{flow} label {label} begins off")
        last = wanted[-1]
        if until is not None:
            self.assertGreaterEqual(media.offset_of(channel, audio[(last - 3) * size:last * size]), 0,
                                    f"{flow} label {label} ends early")
            self.assertEqual(media.offset_of(channel, audio[(last + 2) * size:(last + 3) * size]), -1,
                             f"{flow} label {label} ends late")
        if since is not None and wanted[0] > 2:
            self.assertEqual(media.offset_of(channel, audio[(wanted[0] - 2) * size:(wanted[0] - 1) * size]), -1,
                             f"{flow} label {label} begins early")

    def test_f1_basic_call(self) -> None:
        """proves: 8068-F1, 7865-6.7-4, 7865-6.8-3, 7865-ext-1, 7865-6.3-3"""
        shown = self.only("F1")
        self.assertEqual(self.names(shown), ["Alice", "Bob"])
        self.assertEqual([[o[0] for o in self.owners(shown, n)] for n in (1, 2)], [["Alice"], ["Bob"]])
        self.assertEqual(len(shown["segments"]), 2)
        self.assertEqual(shown["communication_sessions"][0]["sip_session_ids"], ["a1" * 16 + ";remote=" + "b1" * 16])
        self.assertIn("kept", json.dumps(shown["communication_sessions"]))
        for label in (1, 2):
            self.check_cut("F1", shown, label, None, None)

    def test_same_session_in_two_recording_sessions_is_one_conversation(self) -> None:
        """proves: 7865-6.10-4, 7866-9.2-11"""
        first, other = self.only("F1"), self.only("F1-other")
        self.assertNotEqual(first["id"], other["id"])
        self.assertEqual(first["communication_session"], other["communication_session"])
        self.assertEqual(first["conversation"], other["conversation"])
        status, _, body = self.server_.get(f"/api/v1/conversations/{first['conversation']}")
        self.assertEqual(status, 200)
        self.assertEqual({r["id"] for r in json.loads(body)["recordings"]}, {first["id"], other["id"]})
        listed = self.server_.recordings("--conversation", first["conversation"])
        self.assertEqual({r["id"] for r in listed}, {first["id"], other["id"]})
        self.assertEqual(self.server_.get("/api/v1/conversations/none")[0], 404)

    def test_f2_hold_and_resume(self) -> None:
        """proves: 8068-F2, 7865-pu-4"""
        shown = self.only("F2")
        alice, bob = self.owners(shown, 1), self.owners(shown, 2)
        self.assertEqual([o[0] for o in alice], ["Alice", "Alice"])
        self.assertEqual([o[0] for o in bob], ["Bob"])
        self.assertAlmostEqual(alice[0][2], self.received(shown, "INVITE", 1), delta=0.001)
        self.assertAlmostEqual(alice[1][1], self.received(shown, "INVITE", 2), delta=0.001)
        self.assertEqual(len(shown["tracks"]), 2)
        self.check_cut("F2", shown, 1, None, None)

    def test_f3_transfer_in_one_session(self) -> None:
        """proves: 8068-F3, 7865-pu-15"""
        shown = self.only("F3")
        self.assertEqual(self.names(shown), ["Alice", "Bob", "Carol"])
        change = self.received(shown, "INVITE", 1)
        owners = self.owners(shown, 1)
        self.assertEqual([o[0] for o in owners], ["Alice", "Carol"])
        self.assertAlmostEqual(owners[0][2], change, delta=0.001)
        self.assertAlmostEqual(owners[1][1], change, delta=0.001)
        self.assertEqual([o[0] for o in self.owners(shown, 2)], ["Bob"])
        self.check_cut("F3", shown, 1, None, None)

    def test_f4_transfer_to_a_new_session(self) -> None:
        """proves: 8068-F4, 7865-pu-1, 7866-7.1.1-1"""
        self.assertEqual(len(self.shown["F4"]), 2)
        old, new = self.shown["F4"]
        self.assertEqual((self.names(old), self.names(new)), (["Alice", "Bob"], ["Bob", "Carol"]))
        stopped, begun = self.received(old, "INVITE", 1), self.received(new, "INVITE", -1)
        self.assertEqual([o[0] for o in self.owners(old, 1)], ["Alice"])
        self.assertEqual([o[0] for o in self.owners(new, 1)], ["Carol"])
        self.assertEqual([o[0] for o in self.owners(new, 2)], ["Bob"])
        for label in (1, 2):
            self.check_cut("F4", old, label, None, stopped)
            self.check_cut("F4", new, label, begun, None)
        # Bob's half of the Session-ID is in both.
        self.assertIsNotNone(old["conversation"])
        self.assertEqual(old["conversation"], new["conversation"])
        self.assertEqual((old["end_cause"], new["end_cause"]), ("communication-session-ended", "bye"))
        self.assertEqual((old["verdict"], new["verdict"]), ("good", "good"), (old["reasons"], new["reasons"]))

    def test_f5_disconnect(self) -> None:
        """proves: 8068-F5"""
        shown = self.only("F5")
        self.assertTrue(shown["communication_sessions"][0]["stop"].startswith("2026-11-21T10:00:09"))
        self.assertEqual([d["method"] for d in shown["documents"]], ["INVITE", "BYE"])
        self.check_cut("F5", shown, 1, None, None)

    def test_f6_mixed_call(self) -> None:
        """proves: 8068-F6"""
        shown = self.only("F6")
        self.assertEqual(sorted(o[0] for o in self.owners(shown, 1)), ["Alice", "Bob"])
        self.assertEqual(len(shown["communication_sessions"][0]["sip_session_ids"]), 2)

    def test_f7_mixed_hold(self) -> None:
        """proves: 8068-F7"""
        owners = self.owners(self.only("F7"), 1)
        self.assertEqual(sorted(o[0] for o in owners), ["Alice", "Alice", "Bob"])

    def test_f8_join_and_drop(self) -> None:
        """proves: 8068-F8"""
        shown = self.only("F8")
        owners = {o[0]: o for o in self.owners(shown, 1)}
        self.assertEqual(sorted(owners), ["Alice", "Bob", "Carol"])
        self.assertAlmostEqual(owners["Carol"][1], self.received(shown, "INVITE", 1), delta=0.001)
        self.assertAlmostEqual(owners["Alice"][2], self.received(shown, "INVITE", 2), delta=0.001)

    def test_f9_persistent_session(self) -> None:
        """proves: 8068-F9, 7865-6.3-8"""
        self.assertEqual(len(self.shown["F9"]), 2)
        first, second = self.shown["F9"]
        stopped, begun = self.received(first, "INVITE", 1), self.received(second, "UPDATE", -1)
        self.assertGreater(begun - stopped, 0.5)
        for label in (1, 2):
            self.check_cut("F9", first, label, None, stopped)
            self.check_cut("F9", second, label, begun, None)
        self.assertEqual([o[0] for o in self.owners(second, 1)], ["Carol"])
        self.assertNotEqual(first["conversation"], second["conversation"])

    def test_f10_turret(self) -> None:
        """proves: 8068-F10, 7865-6.7-1, 7865-6.2-1"""
        self.assertEqual(len(self.shown["F10"]), 2)
        first, second = sorted(self.shown["F10"], key=lambda shown: shown["end"])
        self.assertEqual((self.names(first), self.names(second)), (["Alice", "Bob"], ["Bob", "Carol"]))
        self.check_cut("F10", first, 1, None, self.received(first, "UPDATE"))
        self.check_cut("F10", second, 1, None, None)
        self.assertEqual(first["conversation"], second["conversation"])

    def test_r1_metadata_that_comes_late_cuts_nothing_off(self) -> None:
        """proves: 7866-9.2-1"""
        shown = self.only("R1")
        self.assertEqual(self.names(shown), ["Alice", "Bob"])
        self.check_cut("R1", shown, 1, None, None)

    def test_r5_pause_cuts_segments(self) -> None:
        """proves: 7866-7.1.1.1-3"""
        shown = self.only("R5")
        self.assertEqual(len(shown["segments"]), 4)
        gap = [s for s in shown["segments"] if s["track"] == shown["tracks"][0]["id"]]
        self.assertAlmostEqual(seconds_of(gap[1]["from"]) - seconds_of(gap[0]["until"]), 0.8, delta=0.2)


if __name__ == "__main__":
    harness.main()
