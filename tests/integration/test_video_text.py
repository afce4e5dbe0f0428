"""Video and real-time text: captured whole, rendered beside the sound, in step with it."""

import collections
import json
import struct
import subprocess
import time

import harness
import pcapng
from coded import Call, Stream, constant, cut, play, tone
from srtp import Encoder

RATE, FRAMES = 25, 50
TICKS = 90000 // RATE
AVPF = {"kind": "video", "profile": "RTP/AVPF", "clock": 90000, "marker_last": True}
X264 = ("-c:v", "libx264", "-bf", "0", "-g", "25", "-b:v", "600k", "-threads", "1",
        "-x264-params", "slices=1:repeat-headers=1", "-f", "h264")
VPX = ("-c:v", "libvpx", "-b:v", "600k", "-g", "25", "-deadline", "realtime", "-cpu-used", "8",
       "-auto-alt-ref", "0", "-lag-in-frames", "0", "-f", "ivf")
MOVING = f"testsrc=size=320x240:rate={RATE}:duration={FRAMES / RATE}"
# Black for a second, then white.
FLASH = f"color=black:size=160x120:rate={RATE}:duration=1[a];color=white:size=160x120:rate={RATE}:duration=1[b];[a][b]concat"


def picture(*encode: str, scene: str = MOVING) -> bytes:
    """A scene, encoded by ffmpeg."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", scene, "-pix_fmt", "yuv420p",
                           *encode, "-"], capture_output=True, check=True)
    return done.stdout


def h264_payloads(stream: bytes) -> list[tuple[bytes, int]]:
    """RFC 6184: parameter sets together in a STAP-A, large units in FU-A, the rest alone."""
    units = [unit for unit in stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01") if unit]
    payloads, sets = [], []
    for unit in units:
        kind = unit[0] & 0x1F
        if kind in (6, 9):
            continue
        if kind in (7, 8):
            sets.append(unit)
            continue
        if sets:
            payloads.append((b"\x78" + b"".join(struct.pack("!H", len(one)) + one for one in sets), 0))
            sets = []
        if len(unit) <= 1200:
            payloads.append((unit, TICKS))
            continue
        pieces = [unit[at:at + 1100] for at in range(1, len(unit), 1100)]
        for index, piece in enumerate(pieces):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0) | kind
            payloads.append((bytes([unit[0] & 0xE0 | 28, flags]) + piece, TICKS if flags & 0x40 else 0))
    return payloads


def vp8_payloads(ivf: bytes) -> list[tuple[bytes, int]]:
    """RFC 7741, with a PictureID of 15 bits."""
    payloads, at, number = [], 32, 0
    while at < len(ivf):
        size, = struct.unpack_from("<I", ivf, at)
        frame = ivf[at + 12:at + 12 + size]
        at += 12 + size
        number += 1
        pieces = [frame[start:start + 1100] for start in range(0, size, 1100)]
        for index, piece in enumerate(pieces):
            descriptor = struct.pack("!BBH", 0x90 if index == 0 else 0x80, 0x80, 0x8000 | number)
            payloads.append((descriptor + piece, TICKS if index == len(pieces) - 1 else 0))
    return payloads


class Reports:
    """The RTCP beside a stream: a sender report and a CNAME (RFC 3550 6.4.1, 6.5.1)."""

    def __init__(self, stream: Stream, cname: str):
        self.stream, self.cname = stream, cname.encode()
        self.socket = stream.socket

    @property
    def remote(self) -> tuple[str, int]:
        return self.stream.remote[0], self.stream.remote[1] + 1

    def compound(self, sampled: float, sender_clock: float) -> bytes:
        """@param sampled  seconds from the stream's first packet, which is `sender_clock` for the sender"""
        ssrc = self.stream.ssrc
        ntp = round((sender_clock + 2208988800) * 2**32) & (2**64 - 1)
        stamp = (self.stream.timestamp + round(sampled * self.stream.clock)) & 0xFFFFFFFF
        items = struct.pack("!BB", 1, len(self.cname)) + self.cname
        items += bytes(4 - len(items) % 4)
        return (struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, stamp, 0, 0) +
                struct.pack("!BBHI", 0x81, 202, 1 + len(items) // 4, ssrc) + items)


def picture_requests(compound: bytes) -> list[str]:
    """What an RTCP compound asks of a video sender (RFC 5104 4.3.1, RFC 4585 6.3.1)."""
    asked, at = [], 0
    while at + 4 <= len(compound):
        first, kind, words = struct.unpack_from("!BBH", compound, at)
        if kind == 206:
            asked.append({1: "PLI", 4: "FIR"}.get(first & 0x1F, "?"))
        at += 4 * (words + 1)
    return asked


class VideoText(harness.IntegrationTest):
    def record(self, server: harness.Server, *streams: Stream, events=None) -> dict:
        """What became of a call. @param events  when to send what, from a start; else all streams at once"""
        call = Call(server, *streams)
        call.invite()
        start = time.monotonic() + 0.05
        play(events(start) if events else [event for stream in streams for event in stream.schedule(start)])
        call.bye()
        return self.row_of(server, call)

    def row_of(self, server: harness.Server, call: Call) -> dict:
        rows = harness.wait_for(lambda: [row for row in server.wait_for_recordings(1)
                                         if row["call_id"] == call.client.call_id], "the recording is stored")
        return json.loads(server.ctl("show", rows[0]["id"], "--json"))

    def fetch(self, server: harness.Server, row: dict, what: str) -> str:
        status, _, content = server.get(f"/api/v1/recordings/{row['id']}/{what}")
        self.assertEqual(status, 200, content)
        path = f"{self.folder}/{what}"
        with open(path, "wb") as out:
            out.write(content)
        return path

    def probe(self, path: str, *what: str) -> dict:
        done = subprocess.run(["ffprobe", "-v", "error", *what, "-of", "json", path],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def streams(self, path: str) -> dict[str, dict]:
        found = self.probe(path, "-count_frames", "-show_streams")["streams"]
        self.assertEqual(len(found), 2)
        return {stream["codec_type"]: stream for stream in found}

    def voice(self, audio: bytes | None = None) -> Stream:
        return Stream(constant(cut(audio or tone(8000, "-f", "mulaw", seconds=2.5), 160), 160), 0)

    def video(self, payloads: list[tuple[bytes, int]], name: str) -> Stream:
        return Stream(payloads, 97, sdp=f"a=rtpmap:97 {name}/90000", **AVPF)

    def check_picture(self, payloads: list[tuple[bytes, int]], name: str) -> None:
        server = self.server()
        voice, video = self.voice(), self.video(payloads, name)
        row = self.record(server, voice, video,
                          events=lambda start: voice.schedule(start) + video.schedule(start + 0.4))
        path = self.fetch(server, row, "video")
        found = self.streams(path)
        self.assertEqual(found["video"]["codec_name"], name.lower())
        self.assertEqual((found["video"]["width"], found["video"]["height"]), (320, 240))
        self.assertEqual(int(found["video"]["nb_read_frames"]), FRAMES)
        self.assertEqual(found["audio"]["codec_name"], "pcm_s16le")
        self.assertAlmostEqual(float(found["audio"].get("start_time", 0)), 0, delta=0.001)

        packets = self.probe(path, "-select_streams", "v", "-show_packets")["packets"]
        times = [float(packet["pts_time"]) for packet in packets]
        self.assertAlmostEqual(times[0], 0.4, delta=0.15)  # by arrival, on a machine that may be busy
        for index, when in enumerate(times):
            self.assertAlmostEqual(when - times[0], index / RATE, delta=0.0021)
        self.assertEqual([index for index, packet in enumerate(packets) if "K" in packet["flags"]], [0, 25])

        self.assertEqual(row["reasons"], ["metadata-missing"])
        track = next(track for track in row["tracks"] if track["media_type"] == "video")
        self.assertEqual((track["packets"], track["codec"]), (len(payloads), name))
        self.check_loss(server, name, payloads)

    def check_loss(self, server: harness.Server, name: str, payloads: list[tuple[bytes, int]]) -> None:
        """A packet is missing inside a frame: that frame is, the rest plays."""
        first = next(index for index, (_, ticks) in enumerate(payloads) if index > len(payloads) // 2 and ticks == 0
                     and payloads[index - 1][1] == 0)
        video = self.video(payloads, name)
        voice = self.voice()
        row = self.record(server, voice, video, events=lambda start: voice.schedule(start) + video.schedule(
            start, lost=frozenset((first,))))
        path = self.fetch(server, row, "video")
        packets = self.probe(path, "-select_streams", "v", "-show_packets")["packets"]
        self.assertEqual(len(packets), FRAMES - 1)
        played = subprocess.run(["ffmpeg", "-nostdin", "-v", "fatal", "-i", path, "-f", "null", "-"],
                                capture_output=True, text=True)
        self.assertEqual((played.returncode, played.stderr), (0, ""))
        self.assertIn("video-frames-lost", row["reasons"])

    def test_h264(self) -> None:
        self.check_picture(h264_payloads(picture(*X264)), "H264")

    def test_vp8(self) -> None:
        self.check_picture(vp8_payloads(picture(*VPX)), "VP8")

    def beep_and_flash(self, path: str) -> tuple[float, float]:
        """When the sound begins and the picture turns white, by the file."""
        decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", path]
        raw = subprocess.run([*decode, "-map", "0:a", "-f", "s16le", "-"], capture_output=True, check=True).stdout
        found = self.streams(path)["audio"]
        channels, rate = found["channels"], int(found["sample_rate"])
        samples = struct.unpack(f"<{len(raw) // 2}h", raw)[::channels]
        beep = next(at for at, sample in enumerate(samples) if abs(sample) > 1000) / rate
        grey = subprocess.run([*decode, "-map", "0:v", "-fps_mode", "passthrough", "-vf", "scale=1:1,format=gray",
                               "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
        packets = self.probe(path, "-select_streams", "v", "-show_packets")["packets"]
        self.assertEqual(len(grey), len(packets))
        flash = next(float(packet["pts_time"]) for packet, level in zip(packets, grey) if level > 128)
        return float(found.get("start_time", 0)) + beep, flash

    def test_in_step(self) -> None:
        """The picture takes 300 ms longer than the sound. Both senders' reports tell, each by its own RTP clock.
        Somebody else's sound, whose clock would say otherwise, is no measure."""
        scene = vp8_payloads(picture(*VPX, scene=FLASH))
        beep = bytes([0xFF]) * 8000 + tone(8000, "-f", "mulaw", seconds=1.5)
        server = self.server()
        apart = {}
        for reported in (False, True):
            voice, other, video = self.voice(beep), self.voice(bytes([0xFF]) * 20000), self.video(scene, "VP8")

            def events(start: float):
                sent = voice.schedule(start) + other.schedule(start) + video.schedule(start + 0.3)
                if reported:
                    # The clock of the sender is not ours; that of the other is such that video seems in time.
                    clock = time.time() + 12345.678
                    sound, noise, light = Reports(voice, "alice"), Reports(other, "bob"), Reports(video, "alice")
                    sent += [(start + 0.35, sound, sound.compound(0.35, clock + 0.35)),
                             (start + 0.45, noise, noise.compound(0.45, clock - 0.3 + 0.45)),
                             (start + 0.55, light, light.compound(0.25, clock + 0.25))]
                return sent

            row = self.record(server, voice, other, video, events=events)
            heard, seen = self.beep_and_flash(self.fetch(server, row, "video"))
            apart[reported] = seen - heard
        print(f"apart without reports {apart[False] * 1000:.1f} ms, with {apart[True] * 1000:.1f} ms", flush=True)
        self.assertAlmostEqual(apart[False], 0.3, delta=0.15)
        self.assertAlmostEqual(apart[True], 0, delta=0.02)

    def test_what_is_not_rendered_is_kept_whole(self) -> None:
        server = self.server()
        for name in ("H265", "VP9", "X-WONDER"):
            with self.subTest(name):
                payloads = [(bytes([index]) * (60 + index), TICKS) for index in range(40)]
                voice, video = self.voice(tone(8000, "-f", "mulaw")), self.video(payloads, name)
                # What belongs to no format at all, and what is nothing but a header.
                odd = Stream([(b"odd", TICKS), (b"", TICKS)], 126, clock=90000)
                odd.socket.close()
                odd.socket = video.socket
                sent = []

                def events(start: float):
                    odd.remote = video.remote
                    sent.extend(video.schedule(start) + odd.schedule(start + 2))
                    return voice.schedule(start) + sent

                row = self.record(server, voice, video, events=events)
                track = next(track for track in row["tracks"] if track["media_type"] == "video")
                self.assertEqual(track["packets"], len(sent))
                self.assertIn(name, track["codec"].split(","))
                self.assertIn(f"not-rendered:{name}", row["reasons"])
                self.assertEqual(row["verdict"], "degraded")
                self.assertEqual({artefact["kind"] for artefact in row["artefacts"]}, {"wav", "capture"})
                kept = collections.Counter(packet for _, packet in pcapng.datagrams(server.export(row["id"], "pcapng")))
                for _, _, packet in sent:
                    self.assertEqual(kept[packet], 1)

    def test_encrypted_with_feedback(self) -> None:
        """RTP/SAVPF with SDES: the capture is in the clear, the picture is there."""
        payloads = h264_payloads(picture(*X264))
        keys = Encoder(), Encoder()
        voice, video = self.voice(), self.video(payloads, "H264")
        voice.profile, video.profile = "RTP/SAVP", "RTP/SAVPF"
        for stream, key in zip((voice, video), keys):
            stream.sdp += f"\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {key.inline}"
        video.sdp += "\na=rtcp-fb:97 nack pli\na=rtcp-mux"
        clear = []

        def events(start: float):
            sealed = []
            for stream, key in zip((voice, video), keys):
                for when, _, packet in stream.schedule(start):
                    clear.append(packet)
                    sealed.append((when, stream, key.protect(packet)))
            return sealed

        server = self.server()
        row = self.record(server, voice, video, events=events)
        kept = collections.Counter(packet for _, packet in pcapng.datagrams(server.export(row["id"], "pcapng")))
        self.assertEqual([packet for packet in clear if kept[packet] != 1], [])
        found = self.streams(server.export(row["id"], "mkv"))
        self.assertEqual((found["video"]["codec_name"], int(found["video"]["nb_read_frames"])), ("h264", FRAMES))
        self.assertEqual(row["reasons"], ["metadata-missing"])

    def test_a_picture_is_asked_for(self) -> None:
        """A video that is joined in the middle: the recorder asks for a key frame, and shows from there."""
        payloads = vp8_payloads(picture(*VPX))
        middle = [payload for payload in payloads[5:] if payload[0][0] & 0x10][:10]
        self.assertTrue(all(payload[4] & 1 for payload, _ in middle))  # none is a key frame
        server = self.server()
        for feedback, wanted, voices in (("ccm fir", "FIR", [self.voice()]), ("nack pli", "PLI", [])):
            with self.subTest(feedback):
                video = self.video(payloads, "VP8")
                video.sdp += f"\na=rtcp-fb:* {feedback}\na=rtcp-mux"
                call = Call(server, *voices, video)
                call.invite()
                video.payloads = [(payload, TICKS) for payload, _ in middle]
                play(video.schedule(time.monotonic()))
                video.socket.settimeout(5)
                asked = []
                while not asked:
                    asked = picture_requests(video.socket.recv(2048))
                self.assertEqual(asked, [wanted])
                video.payloads = payloads
                resumed = time.monotonic()
                play([event for stream in (*voices, video) for event in stream.schedule(resumed)])
                call.bye()
                row = self.row_of(server, call)
                path = server.export(row["id"], "mkv")
                self.assertEqual(len(self.probe(path, "-show_streams")["streams"]), 1 + len(voices))
                packets = self.probe(path, "-select_streams", "v", "-show_packets")["packets"]
                self.assertEqual(len(packets), FRAMES)
                self.assertIn("K", packets[0]["flags"])
                if not voices:  # of the picture alone
                    self.assertAlmostEqual(row["duration_s"], (FRAMES - 1) / RATE, delta=0.01)
                track = next(track for track in row["tracks"] if track["media_type"] == "video")
                self.assertEqual(track["packets"], len(middle) + len(payloads))

    def test_text(self) -> None:
        """RFC 4103 with two generations of redundancy; every second packet is lost."""
        words = ["Hel", "lo ", "Bob", "\u2028", "fish ", "& ", "chips"]
        payloads, sent = [], []
        for word in words:
            before = sent[-2:]
            header = b"".join(struct.pack("!BHB", 0x80 | 98, (300 * (len(before) - index)) << 2, len(one))
                              for index, one in enumerate(before))
            sent.append(word.encode())
            payloads.append((header + b"\x62" + b"".join(before) + sent[-1], 300))
        text = Stream(payloads, 99, 1000, "a=rtpmap:99 red/1000\na=fmtp:99 98/98/98\na=rtpmap:98 t140/1000",
                      kind="text")
        text.profile = "RTP/AVP 98"
        server, voice = self.server(), self.voice()
        row = self.record(server, voice, text, events=lambda start: voice.schedule(start) + text.schedule(
            start + 0.5, lost=frozenset((1, 3, 5))))
        with open(self.fetch(server, row, "text"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        self.assertEqual(lines[0], "WEBVTT")
        begin, end = lines[2].split(" --> ")
        self.assertAlmostEqual(float(begin[6:]), 0.5, delta=0.15)
        # From the first word to the last, and it stays a while.
        self.assertAlmostEqual(float(end[6:]) - float(begin[6:]), 0.6 + 2, delta=0.01)
        self.assertTrue(lines[3].endswith("Hello Bob"), lines)
        self.assertTrue(lines[6].endswith("fish &amp; chips"), lines)
        self.assertFalse([reason for reason in row["reasons"] if reason.startswith("not-rendered")], row["reasons"])


if __name__ == "__main__":
    harness.main()
