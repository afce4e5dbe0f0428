"""The call flows of RFC 8068 and the ladders of RFC 7866, each a SIPp scenario with media on all its m-lines,
all at once; then recordings, segments, participants, owners of tracks and the places of the cuts."""

import json
import pathlib
import re
import shutil
import socket
import tempfile
import threading
import time

from datetime import datetime

import flow_scenarios as fs
import harness
import media
import pcapng
from flow_scenarios import Line

SECONDS = 6.0  # of media; each flow ends before
PACKET_S = 0.020
# media.linger_ms: what a BYE or a port of 0 overtook still belongs to its stream, and a busy machine comes late
# to its end.
LINGER_S = 1.0


def seconds_of(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def two_parties(flow: str) -> tuple[str, ...]:
    return fs.ids(flow, "cs", "a", "b", "c", "s1", "s2", "s3", "cs2")


def complete(flow: str) -> str:
    """Alice and Bob, one stream each."""
    cs, a, b, _, s1, s2, _, _ = two_parties(flow)
    return fs.document("complete", fs.session(cs, fs.sip_session("a2" * 16, "b2" * 16)),
                       fs.participant(a, "Alice"), fs.participant(b, "Bob"),
                       fs.stream(s1, cs, 1), fs.stream(s2, cs, 2), fs.joins(a, cs), fs.joins(b, cs),
                       fs.media(a, (s1,), (s2,)), fs.media(b, (s2,), (s1,)))


class Talk:
    """RFC 8068 3.2: two parties with audio and video, and a third that one of them gives way to."""

    def __init__(self, flow: str, digit: str):
        self.cs, self.cs2, self.group, self.a, self.b, self.c = fs.ids(flow, "cs", "cs2", "g", "a", "b", "c")
        self.s96, self.s97, self.s98, self.s99, self.sx, self.sy = fs.ids(flow, "96", "97", "98", "99", "x", "y")
        self.alice, self.bob, self.carol = (who + digit for who in "abc")

    def complete(self, session: str = "", *more: str) -> str:
        of_alice, of_bob = (self.s97, self.s96), (self.s98, self.s99)
        return fs.document(
            "complete", *more,
            fs.session(self.cs, fs.sip_session(self.alice * 16, self.bob * 16) + session),
            fs.participant(self.a, "Alice"), fs.participant(self.b, "Bob"),
            fs.stream(self.s96, self.cs, 96), fs.stream(self.s97, self.cs, 97), fs.stream(self.s98, self.cs, 98),
            fs.stream(self.s99, self.cs, 99), fs.joins(self.a, self.cs), fs.joins(self.b, self.cs),
            fs.media(self.a, of_alice, of_bob), fs.media(self.b, of_bob, of_alice))

    def sending(self, alice: bool) -> str:
        of_alice, of_bob = (self.s96, self.s97), (self.s98, self.s99)
        return fs.document("partial", fs.media(self.a, of_alice if alice else (), of_bob),
                           fs.media(self.b, of_bob, of_alice if alice else ()))

    def stop(self) -> str:
        return fs.document("partial", fs.session(self.cs, fs.stop()), fs.leaves(self.a, self.cs),
                           fs.leaves(self.b, self.cs))

    def flow(self, name: str) -> fs.Flow:
        return fs.Flow(name, fs.AUDIO_AND_VIDEO, fs.AS_PRINTED)


def flow_f1(name: str = "F1") -> fs.Flow:
    talk = Talk("F1", "1")
    extension = '<note xmlns="urn:example:flows">kept</note>'
    return talk.flow(name).begin(talk.complete(
        f"<group-ref>{talk.group}\n</group-ref>{extension}", fs.group(talk.group),
        f'<sessionrecordingassoc session_id="{talk.cs}"/>')).pause(1000).bye()


def flow_f2() -> fs.Flow:
    talk = Talk("F2", "2")
    return (talk.flow("F2").begin(talk.complete()).pause(800).reinvite(talk.sending(alice=False)).pause(800)
            .reinvite(talk.sending(alice=True)).pause(600).bye())


def flow_f3() -> fs.Flow:
    talk = Talk("F3", "3")
    of_bob, of_carol = (talk.s98, talk.s99), (talk.sx, talk.sy)  # no document of the flow defines Carol's
    return (talk.flow("F3").begin(talk.complete()).pause(900)
            .reinvite(fs.document("partial", fs.session(talk.cs, fs.sip_session(talk.carol * 16, talk.bob * 16)),
                                  fs.participant(talk.c, "Carol"),
                                  fs.joins(talk.c, talk.cs, "2013-12-16T23:41:07Z"), fs.leaves(talk.a, talk.cs),
                                  fs.media(talk.b, of_bob, of_carol), fs.media(talk.c, of_carol, of_bob)), moved=True)
            .pause(900).bye())


def flow_f4() -> fs.Flow:
    talk = Talk("F4", "4")
    of_bob, of_carol = (talk.s98, talk.s99), (talk.sx, talk.sy)
    after = fs.document(
        "complete", fs.session(talk.cs2, fs.sip_session(talk.carol * 16, talk.bob * 16) +
                               "<start-time>2026-11-21T10:00:07Z</start-time>"),
        fs.participant(talk.b, "", "sip:Bob@example.com"), fs.participant(talk.c, "", "sip:carol@example.com"),
        fs.stream(talk.sx, talk.cs2, 96), fs.stream(talk.sy, talk.cs2, 97), fs.stream(talk.s98, talk.cs2, 98),
        fs.stream(talk.s99, talk.cs2, 99), fs.joins(talk.b, talk.cs2, "2026-11-21T09:51:03Z"),
        fs.joins(talk.c, talk.cs2), fs.media(talk.b, of_bob, of_carol), fs.media(talk.c, of_carol, of_bob))
    return (talk.flow("F4").begin(talk.complete()).pause(900).reinvite(talk.stop()).pause(300)
            .reinvite(after, disposition=False).pause(900).bye())


def flow_f5() -> fs.Flow:
    talk = Talk("F5", "5")
    return talk.flow("F5").begin(talk.complete()).pause(800).bye(talk.stop(), disposition=False)


def mixed(flow: str) -> str:
    cs, a, b, _, s1, *_ = two_parties(flow)
    return fs.document("complete", fs.session(cs, fs.sip_session("a6" * 16, "f6" * 16) +
                                              fs.sip_session("b6" * 16, "f6" * 16)),
                       fs.participant(a, "Alice"), fs.participant(b, "Bob"), fs.stream(s1, cs, 1),
                       fs.joins(a, cs), fs.joins(b, cs), fs.media(a, (s1,), (s1,)), fs.media(b, (s1,), (s1,)))


def flow_f6() -> fs.Flow:
    return fs.Flow("F6", fs.MIXED, fs.AS_PRINTED).begin(mixed("F6")).pause(700).bye()


def flow_f7() -> fs.Flow:
    cs, a, b, _, s1, *_ = two_parties("F7")
    return (fs.Flow("F7", fs.MIXED, fs.AS_PRINTED).begin(mixed("F7")).pause(700)
            .reinvite(fs.document("partial", fs.stream(s1, cs, 1), fs.media(a, (), (s1,)),
                                  fs.media(b, (s1,), ()))).pause(700)
            .reinvite(fs.document("partial", fs.stream(s1, cs, 1), fs.media(a, (s1,), (s1,)),
                                  fs.media(b, (s1,), (s1,)))).pause(500).bye())


def flow_f8() -> fs.Flow:
    cs, a, _, c, s1, *_ = two_parties("F8")
    return (fs.Flow("F8", fs.MIXED, fs.AS_PRINTED).begin(mixed("F8")).pause(700)
            .reinvite(fs.document("partial", fs.session(cs), fs.participant(c, "Carol"), fs.joins(c, cs),
                                  fs.media(c, (s1,), (s1,)))).pause(700)
            .reinvite(fs.document("partial", fs.session(cs), fs.leaves(a, cs))).pause(500).bye())


def flow_f9() -> fs.Flow:
    cs, a, b, c, s1, s2, _, cs2 = two_parties("F9")
    return (fs.Flow("F9", spelling=fs.AS_PRINTED)
            .begin(complete("F9").replace("a2" * 16, "a9" * 16).replace("b2" * 16, "b9" * 16)).pause(900)
            .offerless(fs.document("partial", fs.session(cs, fs.stop()), fs.leaves(a, cs), fs.leaves(b, cs)),
                       disposition=False).pause(700)
            .update(fs.document("partial", fs.session(cs2, fs.sip_session("c9" * 16, "d9" * 16)),
                                fs.participant(c, "Carol"), fs.stream(s1, cs2, 1), fs.stream(s2, cs2, 2),
                                fs.joins(c, cs2), fs.media(c, (s1,), (s2,)))).pause(900)
            .bye())


def flow_f10() -> fs.Flow:
    cs, a, b, c, s1, _, _, cs2 = two_parties("F10")
    g = fs.ids("F10", "g")[0]
    ref = f"<group-ref>{g}</group-ref>"
    return (fs.Flow("F10", fs.MIXED, fs.AS_PRINTED).begin(fs.document(
        "complete", fs.group(g), fs.session(cs, ref), fs.session(cs2, ref), fs.participant(a, "Alice"),
        fs.participant(b, "Bob"), fs.participant(c, "Carol"), fs.stream(s1, cs, 1), fs.joins(a, cs), fs.joins(b, cs),
        fs.joins(b, cs2), fs.joins(c, cs2), fs.media(a, (s1,), (s1,)), fs.media(b, (s1,), (s1,)),
        fs.media(c, (s1,), (s1,)))).pause(900)
            .update(fs.document("partial", fs.session(cs, fs.stop()))).pause(900).bye())


def flow_r1() -> fs.Flow:
    return fs.Flow("R1").begin("").pause(600).update(complete("R1")).pause(600).bye()


def flow_r2() -> fs.Flow:
    cs, *_ = two_parties("R2")
    return (fs.Flow("R2").begin(complete("R2")).pause(800)
            .update(fs.document("partial", fs.session(cs, fs.stop()))).pause(800).bye())


def flow_r3() -> fs.Flow:
    cs, a, b, c, s1, s2, *_ = two_parties("R3")
    d = fs.ids("R3", "d")[0]
    snapshot = fs.document("complete", fs.session(cs, fs.sip_session("a3" * 16, "d3" * 16)),
                           fs.participant(a, "Alice"), fs.participant(d, "Dave"), fs.stream(s1, cs, 1),
                           fs.stream(s2, cs, 2), fs.joins(a, cs), fs.joins(d, cs), fs.media(a, (s1,), (s2,)),
                           fs.media(d, (s2,), (s1,)))
    return (fs.Flow("R3").begin(complete("R3")).pause(500)
            .update(fs.document("partial", fs.participant(c, "Carol"), fs.joins(c, cs), fs.leaves(b, cs),
                                fs.media(c, (s2,), (s1,)))).pause(500)
            .update(fs.document("partial", fs.session(cs, fs.sip_session("a3" * 16, "c3" * 16)))).pause(300)
            .prompt().asked_for_a_snapshot().reinvite(snapshot).pause(500)
            .update(fs.document("partial", fs.media(d, (), (s1,)))).pause(500).bye())


def flow_r4() -> fs.Flow:
    return (fs.Flow("R4").begin(complete("R4"), answer="inactive").pause(700).prompt().reinvited("recvonly")
            .pause(900).bye())


def flow_r5() -> fs.Flow:
    return (fs.Flow("R5").begin(complete("R5")).pause(800).reinvite("", "inactive", "inactive").pause(800)
            .reinvite("").pause(600).bye())


def flow_r6() -> fs.Flow:
    cs, a, b, c, s1, s2, s3, _ = two_parties("R6")
    s4 = fs.ids("R6", "s4")[0]
    off = Line(2, is_off=True)
    return (fs.Flow("R6").begin(complete("R6")).pause(600)
            .reinvite(fs.document("partial", fs.leaves(b, cs), fs.media(a, (s1,))), lines=(Line(1), off)).pause(600)
            .reinvite(fs.document("partial", fs.participant(c, "Carol"), fs.joins(c, cs), fs.stream(s3, cs, 3),
                                  fs.media(c, (s3,), (s1,)), fs.media(a, (s1,), (s3,))),
                      lines=(Line(1), off, Line(3))).pause(600)
            .reinvite(fs.document("partial", fs.stream(s4, cs, 4), fs.media(a, (s1, s4), (s3,))),
                      lines=(Line(1), Line(4, "video"), Line(3))).pause(600).bye())


def flow_r7() -> fs.Flow:
    return fs.Flow("R7").called(complete("R7")).pause(900).prompt().hung_up()


FLOWS = [flow_f1(), flow_f1("F1-other"), flow_f2(), flow_f3(), flow_f4(), flow_f5(), flow_f6(), flow_f7(), flow_f8(),
         flow_f9(), flow_f10(), flow_r1(), flow_r2(), flow_r3(), flow_r5(), flow_r6(), flow_r7()]
RECORDINGS = len(FLOWS) + 3  # F4, F9 and F10 have two CSs
FLOWS_OF_PAUSED_SERVER = [flow_r4()]


class Sender(threading.Thread):
    """Sends every track whose port SIPp has written down, 20 ms a packet, from the port that the client's
    description names. One thread for all: starting a player each would take longer than a flow lasts."""

    def __init__(self, folders: list[pathlib.Path], packets: dict[str, list[bytes]]):
        super().__init__(daemon=True)
        self.folders, self.packets = folders, packets
        # When each packet left: between these two, which are far apart when this thread has to wait.
        self.sent: dict[str, list[tuple[float, float]]] = {track: [] for track in packets}
        self.sockets = {track: self._socket() for track in packets}
        self.moved_sockets = {track: self._socket() for track in packets}
        self.moved: set[str] = set()  # flows
        self.done = threading.Event()

    @staticmethod
    def _socket() -> socket.socket:
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind(("127.0.0.1", 0))
        return out

    def keywords(self, flow: fs.Flow) -> dict[str, str]:
        """The ports, as the scenario calls them."""
        return {f"{word}{label}": str(sockets[f"{flow.name}-{label}"].getsockname()[1])
                for word, sockets in (("port", self.sockets), ("moved", self.moved_sockets)) for label in flow.ever}

    def files(self, ending: str) -> list[list[str]]:
        return [file.name.split(".") for folder in self.folders for file in folder.glob("*." + ending)]

    def run(self) -> None:
        playing: dict[str, tuple[int, float]] = {}
        waiting = set(self.packets)
        while not self.done.is_set():
            for track, port, _ in self.files("port") if waiting else ():
                if track in waiting:
                    playing[track] = (int(port), time.monotonic())
                    waiting.remove(track)
            self.moved.update(flow for flow, _ in self.files("moved"))
            for track, (port, begun) in playing.items():
                sent, packets = self.sent[track], self.packets[track]
                while len(sent) < len(packets) and time.monotonic() >= begun + len(sent) * PACKET_S:
                    has_moved = track.rsplit("-", 1)[0] in self.moved
                    out = (self.moved_sockets if has_moved else self.sockets)[track]
                    before = time.time()
                    out.sendto(packets[len(sent)], ("127.0.0.1", port))
                    sent.append((before, time.time()))
            time.sleep(0.004)
        for out in (*self.sockets.values(), *self.moved_sockets.values()):
            out.close()


class Scenario(threading.Thread):
    """Runs a flow, and does the recorder's part of it when SIPp says that it is time."""

    def __init__(self, flow: fs.Flow, server: harness.Server, keywords: dict[str, str]):
        super().__init__(daemon=True)
        self.flow, self.server, self.keywords = flow, server, keywords
        self.call_id = f"flow-{flow.name}-1@{server.host}"
        self.port = harness.media_range(1)[0]  # of this process alone, as the media of SIPp itself
        self.failure = ""

    def run(self) -> None:
        part = threading.Thread(target=self.guarded, args=(self.play_recorder,), daemon=True)
        part.start()
        self.guarded(self.play_client)
        part.join(30)

    def guarded(self, what) -> None:
        try:
            what()
        except Exception as failure:  # noqa: BLE001: all of them are shown together
            self.failure += f"{self.flow.name}: {failure}\n"

    def play_client(self) -> None:
        scenario = f"{self.server.folder}/{self.flow.name}.xml"
        pathlib.Path(scenario).write_text(self.flow.xml())
        # -aa: a picture of video is asked for by INFO (RFC 5168) where the offer has no RTCP feedback.
        harness.run_sipp(scenario, self.server, keys=self.keywords, port=self.port,
                         options=("-aa", "-cid_str", f"flow-{self.flow.name}-%u@%s"))

    def play_recorder(self) -> None:
        if self.flow.is_called:
            harness.wait_for(lambda: self.is_taken(), "SIPp listens")
            uri = f"sip:src@127.0.0.1:{self.port}"
            session = json.loads(self.server.ctl("start", uri, "--json"))["id"]
            self.call_id = next(each["call_id"] for each in self.sessions() if each["id"] == session)
        if self.flow.is_prompted:
            prompt = self.server.folder / f"{self.flow.name}.prompt"
            harness.wait_for(prompt.exists, f"{self.flow.name} asks for the recorder's part", 60, 0.02)
            session = next(each["id"] for each in self.sessions() if each["call_id"] == self.call_id)
            self.server.ctl({"R3": "snapshot", "R4": "resume", "R7": "stop"}[self.flow.name], session)

    def is_taken(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", self.port))
                return False
            except OSError:
                return True

    def sessions(self) -> list[dict]:
        return json.loads(self.server.get("/api/v1/sessions")[2])["sessions"]


class Flows(harness.IntegrationTest):
    server_: harness.Server
    shown: dict[str, list[dict]]  # recordings by flow, in order of their start
    audio: dict[str, bytes]
    of_payload: dict[bytes, tuple[str, int]]  # track and place of a packet

    @classmethod
    def start_server(cls, name: str, config: str = "") -> harness.Server:
        folder = pathlib.Path(cls.class_folder) / name
        folder.mkdir()
        server = harness.Server(str(folder), pairs=192, config=config)
        cls.addClassCleanup(server.stop)
        return server.start()

    @classmethod
    def make_media(cls) -> dict[str, list[bytes]]:
        cls.audio, packets = {}, {}
        for index, flow in enumerate([*FLOWS, *FLOWS_OF_PAUSED_SERVER]):
            for label, line in flow.ever.items():
                track, ssrc = f"{flow.name}-{label}", 0x10000 + 256 * index + label
                if line.kind == "audio":
                    cls.audio[track] = media.speech(SECONDS, 1000 + 256 * index + label)
                    packets[track] = media.rtp_packets(cls.audio[track], ssrc)
                else:
                    packets[track] = media.video_packets(int(SECONDS / PACKET_S), ssrc)
        cls.of_payload = {packet[12:]: (track, i) for track, all_ in packets.items() for i, packet in enumerate(all_)}
        return packets

    @classmethod
    def setUpClass(cls) -> None:
        cls.class_folder = tempfile.mkdtemp(prefix="siprec-flows-")
        pathlib.Path(cls.class_folder).chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.class_folder, ignore_errors=True)
        cls.server_ = cls.start_server("ready")
        cls.paused_server = cls.start_server("paused", "[sip]\nbegin_paused = true\n")
        cls.sender = Sender([cls.server_.folder, cls.paused_server.folder], cls.make_media())
        cls.sender.start()
        scenarios = [Scenario(flow, server, cls.sender.keywords(flow)) for server, flows in (
            (cls.server_, FLOWS), (cls.paused_server, FLOWS_OF_PAUSED_SERVER)) for flow in flows]
        for scenario in scenarios:
            scenario.start()
        for scenario in scenarios:
            scenario.join()
        cls.sender.done.set()
        cls.sender.join()
        if failures := "".join(scenario.failure for scenario in scenarios):
            raise AssertionError(failures)
        flow_of_call = {scenario.call_id: scenario.flow.name for scenario in scenarios}
        cls.server_of = {scenario.flow.name: scenario.server for scenario in scenarios}
        cls.shown = {scenario.flow.name: [] for scenario in scenarios}
        for server, count in ((cls.server_, RECORDINGS), (cls.paused_server, len(FLOWS_OF_PAUSED_SERVER))):
            for row in sorted(server.wait_for_recordings(count), key=lambda row: row["start"]):
                shown = json.loads(server.ctl("show", row["id"], "--json"))
                cls.shown[flow_of_call[row["call_id"]]].append(shown)

    def only(self, flow: str) -> dict:
        self.assertEqual(len(self.shown[flow]), 1, flow)
        return self.shown[flow][0]

    def names(self, recording: dict) -> list[str]:
        return sorted(p["name"] for p in recording["participants"])

    def track(self, recording: dict, label: int) -> dict:
        return next(t for t in recording["tracks"] if t["label"] == str(label))

    def owners(self, recording: dict, label: int) -> list[tuple[str, float, float]]:
        """Name of the sender, from and until, in order."""
        names = {p["id"]: p["name"] for p in recording["participants"]}
        return [(names[o["participant"]], seconds_of(o["from"]), seconds_of(o["until"]))
                for o in self.track(recording, label)["owners"]]

    def check_owners(self, recording: dict, label: int, *expected: tuple[str, float, float]) -> None:
        owners = self.owners(recording, label)
        self.assertEqual([o[0] for o in owners], [o[0] for o in expected], f"label {label}")
        for got, wanted in zip(owners, expected):
            self.assertAlmostEqual(got[1], wanted[1], delta=PACKET_S, msg=f"label {label}: {got[0]}")
            self.assertAlmostEqual(got[2], wanted[2], delta=PACKET_S, msg=f"label {label}: {got[0]}")

    def received(self, recording: dict, method: str, nth: int = 0) -> float:
        """When a document arrived."""
        times = [d["received"] for d in recording["documents"] if d["method"] == method]
        return seconds_of(times[nth])

    def captures(self, flow: str, recording: dict) -> list[pcapng.Datagram]:
        """What was captured of the recording's session, as far as the recording refers to it."""
        found = []
        for number, artefact in enumerate(a for a in recording["artefacts"] if a["kind"] == "capture"):
            status, _, content = self.server_of[flow].get(artefact["url"])
            self.assertEqual(status, 200)
            path = pathlib.Path(self.class_folder) / f"{recording['id']}.{number}.pcapng"
            path.write_bytes(content)
            found += pcapng.read(path)
        return found

    def heard(self, flow: str, recording: dict, start: str, nth: int = 0) -> float:
        """When a SIP message that begins so stood on the wire."""
        times = [d.time for d in self.captures(flow, recording) if re.match(start.encode(), d.payload)]
        return times[nth]

    def packets(self, flow: str, recording: dict, label: int) -> list[tuple[int, pcapng.Datagram]]:
        """Place and capture of the packets of a track, in order of arrival."""
        found = []
        for datagram in self.captures(flow, recording):
            track, place = self.of_payload.get(datagram.payload[12:], ("", 0))
            if track == f"{flow}-{label}":
                found.append((place, datagram))
        return found

    def packets_on_record(self, flow: str, recording: dict, label: int) -> list[tuple[int, pcapng.Datagram]]:
        """Those of the recording's own, in a capture that may have others too."""
        track = self.track(recording, label)
        first, last = seconds_of(track["first_packet"]), seconds_of(track["last_packet"])
        return [(i, d) for i, d in self.packets(flow, recording, label) if first - 1e-5 <= d.time <= last + 1e-5]

    def check_packets(self, flow: str, recording: dict, label: int, since: float | None = None,
                      until: float | None = None, closed: float | None = None) -> list[tuple[int, pcapng.Datagram]]:
        """The packets that were sent from `since` to `until`, to the 20 ms, are captured and counted, and no other
        is. Without `since` the first is the first that was sent; without `until` the last is one of those under
        way when the stream was closed, with the session unless said otherwise."""
        name = f"{flow} label {label}"
        sent = self.sender.sent[f"{flow}-{label}"]
        track = self.track(recording, label)
        first, last = seconds_of(track["first_packet"]), seconds_of(track["last_packet"])
        of_track = self.packets_on_record(flow, recording, label)
        places = [i for i, _ in of_track]
        self.assertEqual(places, list(range(places[0], places[-1] + 1)), f"{name} has gaps")
        self.assertEqual((track["packets"], track["lost"]), (len(places), 0), name)
        for at, place in ((first, places[0]), (last, places[-1])):
            self.assertGreaterEqual(at, sent[place][0] - 0.001, f"{name}: packet {place}")
            self.assertLessEqual(at, sent[place][1] + PACKET_S, f"{name}: packet {place}")
        if since is None:
            captured = [i for i, _ in self.packets(flow, recording, label)]
            self.assertLessEqual(places[0], 1, f"{name} begins late, of {captured[:5]}")
        else:
            self.assertGreaterEqual(sent[places[0]][1], since - PACKET_S, f"{name} begins early")
            self.assertLessEqual(sent[places[0] - 1][0], since + PACKET_S, f"{name} begins late")
        after = sent[places[-1] + 1:places[-1] + 2]  # the first that is not on record
        if until is None:
            end = closed or seconds_of(recording["end"])
            self.assertTrue(not after or after[0][1] >= end - PACKET_S, f"{name} ends early")
            self.assertLessEqual(last, end + LINGER_S, f"{name} ends late")
        else:
            self.assertLessEqual(sent[places[-1]][0], until + PACKET_S, f"{name} ends late")
            self.assertGreaterEqual(after[0][1], until - PACKET_S, f"{name} ends early")
        return of_track

    def check_segments(self, recording: dict, label: int, *expected: tuple[float, float]) -> None:
        track = self.track(recording, label)["id"]
        segments = [(seconds_of(s["from"]), seconds_of(s["until"])) for s in recording["segments"]
                    if s["track"] == track]
        self.assertEqual(len(segments), len(expected), f"label {label}: {segments}")
        for got, wanted in zip(segments, expected):
            for side in (0, 1):
                self.assertAlmostEqual(got[side], wanted[side], delta=PACKET_S, msg=f"label {label}")

    @staticmethod
    def begins_of(packets: list[tuple[int, pcapng.Datagram]]) -> list[float]:
        """When the first packet came, and when it would have come by the arrival of the others."""
        return [datagram.time - (place - packets[0][0]) * PACKET_S for place, datagram in packets]

    def check_cut(self, flow: str, recording: dict, label: int, since: float | None, until: float | None) -> None:
        """What can be heard begins and ends with the same packets, and has them in their place."""
        packets = self.check_packets(flow, recording, label, since, until)
        name = f"{flow} label {label}"
        (first, begun), (last, _) = packets[0], packets[-1]
        _, channels = media.read_wav(self.server_of[flow].export(recording["id"], "wav"))
        channel = channels[self.track(recording, label)["channel"]]

        def place_of(packet: int, count: int = 1) -> int:
            size = media.PACKET_SAMPLES
            return media.offset_of(channel, self.audio[f"{flow}-{label}"][packet * size:(packet + count) * size])
        start = place_of(first + 1, 3)
        self.assertGreaterEqual(start, 0, f"{name}: the beginning is not in it")
        # Sample 0 of the recording is the first packet of any of its audio streams. When the first packets came
        # late, those behind them say where a stream really began.
        begins = [self.begins_of(self.packets_on_record(flow, recording, int(t["label"])))
                  for t in recording["tracks"] if t["first_packet"] and t["media_type"] == "audio"]
        own = self.begins_of(packets)
        lowest = min(own) - min(each[0] for each in begins)
        highest = begun.time - min(min(each) for each in begins)
        self.assertTrue(lowest - PACKET_S <= start / 8000 - PACKET_S <= highest + PACKET_S,
                        f"{name} is out of place: {start / 8000 - PACKET_S} for {lowest} to {highest}")
        self.assertEqual(place_of(last - 3, 3), start + (last - 4 - first) * media.PACKET_SAMPLES, f"{name} ends early")
        self.assertEqual(place_of(last + 1), -1, f"{name} ends late")
        if first > 0:
            self.assertEqual(place_of(first - 1), -1, f"{name} begins early")

    def check_four_tracks(self, flow: str, recording: dict, since: float | None, until: float | None) -> None:
        kinds = {t["label"]: (t["media_index"], t["media_type"]) for t in recording["tracks"]}
        self.assertEqual(kinds, {"96": (0, "audio"), "97": (1, "video"), "98": (2, "audio"), "99": (3, "video")})
        for label in (96, 98):
            self.check_cut(flow, recording, label, since, until)
        for label in (97, 99):
            self.check_packets(flow, recording, label, since, until)

    def test_each_stream_has_one_port_for_all_its_life(self) -> None:
        tracks = [name for name, _, _ in self.sender.files("port")]
        self.assertEqual(sorted(tracks), sorted(self.sender.packets))

    def test_all_are_good(self) -> None:
        for flow, recordings in self.shown.items():
            for recording in recordings:
                # Slices in form, of no picture: what there is of video cannot be shown.
                has_video = any(track["media_type"] == "video" for track in recording["tracks"])
                wanted = ("degraded", ["not-rendered:H.264"]) if has_video else ("good", [])
                self.assertEqual((recording["verdict"], recording["reasons"]), wanted, flow)
                self.assertEqual([d["n"] for d in recording["documents"] if not d["usable"]], [], flow)

    def test_f1_basic_call(self) -> None:
        """proves: 8068-F1, 7865-6.7-4, 7865-6.8-3, 7865-ext-1, 7865-6.3-3, 7866-8.4-2, 7866-8.1.7-2
        proves: 8068-T1, 8068-T2, 8068-T7, 8068-T8, 8068-T10"""
        shown = self.only("F1")
        begun, ended = self.received(shown, "INVITE"), seconds_of(shown["end"])
        self.assertEqual(self.names(shown), ["Alice", "Bob"])
        for label, owner in ((96, "Alice"), (97, "Alice"), (98, "Bob"), (99, "Bob")):
            self.check_owners(shown, label, (owner, begun, ended))
            self.check_segments(shown, label, (begun, ended))
        session = shown["communication_sessions"][0]
        self.assertEqual(session["sip_session_ids"], ["a1" * 16 + ";remote=" + "b1" * 16])
        self.assertEqual(session["group"], shown["groups"][0]["id"])
        self.assertEqual(shown["documents"][0]["content_type"], "application/rs-metadata")
        self.assertIn("kept", json.dumps(shown["communication_sessions"]))
        self.check_four_tracks("F1", shown, None, None)
        asked = [d for d in self.captures("F1", shown) if d.payload.startswith(b"INFO ")]
        self.assertTrue(asked, "no picture was asked for")
        self.assertIn(b"picture_fast_update", asked[0].payload)

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
        """proves: 8068-F2, 7865-pu-4, 8068-T14, 7866-7.1.1.1-4"""
        shown = self.only("F2")
        begun, held, resumed = (self.received(shown, "INVITE", n) for n in range(3))
        ended = seconds_of(shown["end"])
        for label in (96, 97):
            self.check_owners(shown, label, ("Alice", begun, held), ("Alice", resumed, ended))
        for label in (98, 99):
            self.check_owners(shown, label, ("Bob", begun, ended))
        for label in (96, 97, 98, 99):  # the streams themselves went on
            self.check_segments(shown, label, (begun, ended))
        self.check_four_tracks("F2", shown, None, None)

    def test_f3_transfer_in_one_session(self) -> None:
        """proves: 8068-F3, 7865-pu-15, 8068-T9, 8068-T11, 8068-T13"""
        shown = self.only("F3")
        self.assertEqual(self.names(shown), ["Alice", "Bob", "Carol"])
        begun, change, ended = (*(self.received(shown, "INVITE", n) for n in range(2)), seconds_of(shown["end"]))
        for label in (96, 97):
            self.check_owners(shown, label, ("Alice", begun, change), ("Carol", change, ended))
        for label in (98, 99):
            self.check_owners(shown, label, ("Bob", begun, ended))
        self.check_four_tracks("F3", shown, None, None)
        # The client sends from its new ports now: no packet was lost, and the track is the same.
        for label in (96, 97, 98, 99):
            packets = self.check_packets("F3", shown, label)
            ports = list(dict.fromkeys(d.source_port for _, d in packets))
            self.assertEqual(len(ports), 2, f"label {label}")
            moved = next(d.time for _, d in packets if d.source_port == ports[1])
            self.assertAlmostEqual(moved, change, delta=0.5)

    def test_f4_transfer_to_a_new_session(self) -> None:
        """proves: 8068-F4, 7865-pu-1, 7865-pu-17, 7866-7.1.1-1, 8068-T3, 8068-T11, 8068-T12"""
        self.assertEqual(len(self.shown["F4"]), 2)
        old, new = self.shown["F4"]
        begun, stopped = self.received(old, "INVITE", 0), self.received(old, "INVITE", 1)
        again, ended = self.received(new, "INVITE", -1), seconds_of(new["end"])
        self.assertEqual(self.names(old), ["Alice", "Bob"])
        self.assertEqual({(p["id"], p["aor"]) for p in new["participants"]},
                         {(Talk("F4", "4").b, "sip:Bob@example.com"), (Talk("F4", "4").c, "sip:carol@example.com")})
        for label, before, after in ((96, "a", "c"), (97, "a", "c"), (98, "b", "b"), (99, "b", "b")):
            for recording, owner, times in ((old, before, (begun, stopped)), (new, after, (again, ended))):
                owners = self.track(recording, label)["owners"]
                self.assertEqual([o["participant"] for o in owners], [getattr(Talk("F4", "4"), owner)], label)
                self.check_segments(recording, label, times)
        self.check_four_tracks("F4", old, None, stopped)
        self.check_four_tracks("F4", new, again, None)
        # Bob's half of the Session-ID is in both.
        self.assertIsNotNone(old["conversation"])
        self.assertEqual(old["conversation"], new["conversation"])
        self.assertEqual((old["end_cause"], new["end_cause"]), ("communication-session-ended", "bye"))

    def test_f5_disconnect(self) -> None:
        """proves: 8068-F5, 8068-T3, 8068-T4, 8068-T5"""
        shown = self.only("F5")
        self.assertTrue(shown["communication_sessions"][0]["stop"].startswith("2026-11-21T10:00:09"))
        self.assertEqual([d["method"] for d in shown["documents"]], ["INVITE", "BYE"])
        self.assertEqual(shown["end_cause"], "bye")
        bye = self.heard("F5", shown, "BYE ")
        self.assertAlmostEqual(seconds_of(shown["end"]), bye, delta=PACKET_S)
        for label, owner in ((96, "Alice"), (97, "Alice"), (98, "Bob"), (99, "Bob")):
            self.assertEqual([o[0] for o in self.owners(shown, label)], [owner])
            self.check_segments(shown, label, (self.received(shown, "INVITE"), bye))
        self.check_four_tracks("F5", shown, None, None)

    def test_f6_mixed_call(self) -> None:
        """proves: 8068-F6"""
        shown = self.only("F6")
        self.assertEqual(sorted(o[0] for o in self.owners(shown, 1)), ["Alice", "Bob"])
        self.assertEqual(len(shown["communication_sessions"][0]["sip_session_ids"]), 2)
        self.check_segments(shown, 1, (self.received(shown, "INVITE"), seconds_of(shown["end"])))
        self.check_cut("F6", shown, 1, None, None)

    def test_f7_mixed_hold(self) -> None:
        """proves: 8068-F7"""
        shown = self.only("F7")
        begun, held, resumed = (self.received(shown, "INVITE", n) for n in range(3))
        ended = seconds_of(shown["end"])
        owners = sorted(self.owners(shown, 1))
        for got, wanted in zip(owners, (("Alice", begun, held), ("Alice", resumed, ended), ("Bob", begun, ended))):
            self.assertEqual(got[0], wanted[0])
            self.assertAlmostEqual(got[1], wanted[1], delta=PACKET_S)
            self.assertAlmostEqual(got[2], wanted[2], delta=PACKET_S)
        self.assertEqual(len(owners), 3)
        self.check_cut("F7", shown, 1, None, None)

    def test_f8_join_and_drop(self) -> None:
        """proves: 8068-F8"""
        shown = self.only("F8")
        owners = {o[0]: o for o in self.owners(shown, 1)}
        self.assertEqual(sorted(owners), ["Alice", "Bob", "Carol"])
        self.assertAlmostEqual(owners["Carol"][1], self.received(shown, "INVITE", 1), delta=0.001)
        self.assertAlmostEqual(owners["Alice"][2], self.received(shown, "INVITE", 2), delta=0.001)
        self.check_cut("F8", shown, 1, None, None)

    def test_f9_persistent_session(self) -> None:
        """proves: 8068-F9, 7865-6.3-8, 7866-10-2, 8068-T3, 8068-T4, 8068-T6"""
        self.assertEqual(len(self.shown["F9"]), 2)
        first, second = self.shown["F9"]
        stopped, begun = self.received(first, "INVITE", 1), self.received(second, "UPDATE", -1)
        self.assertGreater(begun - stopped, 0.5)
        for label in (1, 2):
            self.check_segments(first, label, (self.received(first, "INVITE"), stopped))
            self.check_segments(second, label, (begun, seconds_of(second["end"])))
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
        """proves: 8068-R1, 7866-9.2-1"""
        shown = self.only("R1")
        self.assertEqual(self.names(shown), ["Alice", "Bob"])
        self.check_segments(shown, 1, (self.heard("R1", shown, "INVITE "), seconds_of(shown["end"])))
        self.check_cut("R1", shown, 1, None, None)

    def test_r2_the_call_ends_before_the_recording_session(self) -> None:
        """proves: 8068-R2, 7865-pu-5"""
        shown = self.only("R2")
        stopped = self.received(shown, "UPDATE")
        self.assertEqual(shown["end_cause"], "communication-session-ended")
        self.assertAlmostEqual(seconds_of(shown["end"]), stopped, delta=PACKET_S)
        for label, owner in ((1, "Alice"), (2, "Bob")):
            self.check_owners(shown, label, (owner, self.received(shown, "INVITE"), stopped))
            self.check_segments(shown, label, (self.received(shown, "INVITE"), stopped))
            self.check_cut("R2", shown, label, None, stopped)
            # Media went on until the BYE, of no call.
            self.assertGreater(self.sender.sent[f"R2-{label}"][-1][0], stopped + 0.5)

    def test_r3_snapshot_request(self) -> None:
        """proves: 8068-R3, 7866-9.2-5, 7866-9.2-7, 7866-9.2-8, 7866-9.2-10, 7866-9.1-8, 7865-7-1"""
        shown = self.only("R3")
        self.assertEqual([d["method"] for d in shown["documents"]], ["INVITE", "UPDATE", "UPDATE", "INVITE", "UPDATE"])
        begun, first, _, snapshot, last = (seconds_of(d["received"]) for d in shown["documents"])
        ended = seconds_of(shown["end"])
        self.assertEqual(self.names(shown), ["Alice", "Bob", "Carol", "Dave"])
        self.check_owners(shown, 1, ("Alice", begun, ended))
        self.check_owners(shown, 2, ("Bob", begun, first), ("Carol", first, snapshot), ("Dave", snapshot, last))
        asked = [d for d in self.captures("R3", shown) if b"requestsnapshot" in d.payload]
        self.assertEqual(len(asked), 1)
        self.assertTrue(asked[0].payload.startswith(b"UPDATE "))
        self.assertLess(asked[0].time, snapshot)
        for label in (1, 2):
            self.check_segments(shown, label, (begun, ended))
            self.check_cut("R3", shown, label, None, None)

    def test_r4_recorder_that_is_not_ready(self) -> None:
        """proves: 8068-R4, 7866-7.2-2, 7866-7.2-3, 7866-7.2-5, 7866-7.1.1.1-3"""
        shown = self.only("R4")
        offered = self.heard("R4", shown, "INVITE ", 1)
        for label, owner in ((1, "Alice"), (2, "Bob")):
            self.assertGreater(offered - self.sender.sent[f"R4-{label}"][0][1], 0.5)  # what came before is not stored
            self.check_segments(shown, label, (offered, seconds_of(shown["end"])))
            self.check_cut("R4", shown, label, offered, None)
            self.assertEqual([o[0] for o in self.owners(shown, label)], [owner])

    def test_r5_pause_cuts_segments(self) -> None:
        """proves: 8068-R5, 7866-7.1.1.1-3"""
        shown = self.only("R5")
        begun, paused, resumed = (self.heard("R5", shown, "INVITE ", n) for n in range(3))
        self.assertAlmostEqual(resumed - paused, 0.8, delta=0.3)
        for label in (1, 2):
            self.check_segments(shown, label, (begun, paused), (resumed, seconds_of(shown["end"])))
            sent = self.sender.sent[f"R5-{label}"]
            places = [i for i, _ in self.packets("R5", shown, label)]
            missing = sorted(set(range(places[0], places[-1] + 1)) - set(places))
            self.assertEqual(missing, list(range(missing[0], missing[-1] + 1)), "more than the pause is missing")
            for place, at in ((missing[0] - 1, paused), (missing[-1], resumed)):
                self.assertLessEqual(sent[place][0], at + PACKET_S)
                self.assertGreaterEqual(sent[place + 1][1], at - PACKET_S)

    def test_r6_streams_go_and_come(self) -> None:
        """proves: 8068-R6, 7866-7.1.1.1-1, 7866-7.1.1.1-2, 7866-9.1-5"""
        shown = self.only("R6")
        begun, removed, added, reused = (self.received(shown, "INVITE", n) for n in range(4))
        ended = seconds_of(shown["end"])
        tracks = {t["label"]: (t["media_index"], t["media_type"]) for t in shown["tracks"]}
        self.assertEqual(tracks, {"1": (0, "audio"), "2": (1, "audio"), "3": (2, "audio"), "4": (1, "video")})
        for label, owner, since, until in ((1, "Alice", begun, ended), (2, "Bob", begun, removed),
                                           (3, "Carol", added, ended), (4, "Alice", reused, ended)):
            self.check_owners(shown, label, (owner, since, until))
            self.check_segments(shown, label, (since, until))
        self.check_cut("R6", shown, 1, None, None)
        self.check_packets("R6", shown, 2, closed=removed)
        self.check_cut("R6", shown, 3, None, None)
        self.check_packets("R6", shown, 4)
        self.assertGreater(self.sender.sent["R6-2"][-1][0], removed + 0.5)  # what came after is not stored

    def test_r7_the_recorder_starts_the_session(self) -> None:
        """proves: 8068-R7, 7866-6.2-4, 7866-7.2-6, 7866-9.1-4"""
        shown = self.only("R7")
        self.assertEqual(self.names(shown), ["Alice", "Bob"])
        self.assertEqual(shown["end_cause"], "local-stop")
        # The client's offer comes in its 200.
        begun, ended = self.heard("R7", shown, "SIP/2.0 200 "), self.heard("R7", shown, "BYE ")
        for label, owner in ((1, "Alice"), (2, "Bob")):
            self.assertEqual([o[0] for o in self.owners(shown, label)], [owner])
            self.check_segments(shown, label, (begun, ended))
            self.check_cut("R7", shown, label, None, None)


if __name__ == "__main__":
    harness.main()
