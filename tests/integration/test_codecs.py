"""Each codec through the running server: what other programs encoded is what is heard."""

import json
import struct
import time
import wave

import coded
import harness
import media
from coded import Call, Stream, constant, cut, play, tone


def rtpmap(payload_type: int, encoding: str, parameters: str = "") -> str:
    fmtp = f"\na=fmtp:{payload_type} {parameters}" if parameters else ""
    return f"a=rtpmap:{payload_type} {encoding}{fmtp}"


class Codecs(harness.IntegrationTest):
    def recordings(self, server: harness.Server, calls: dict[str, Call]) -> dict[str, dict]:
        """What became of the calls, by their names."""
        rows = server.wait_for_recordings(len(calls))
        shown = [json.loads(server.ctl("show", row["id"], "--json")) for row in rows]
        by_call = {row["call_id"]: row for row in shown}
        return {name: by_call[call.client.call_id] for name, call in calls.items()}

    def check_tone(self, server: harness.Server, row: dict, name: str, seconds: float = 1.0,
                   quality: float = 8, amplitude: float = 4096) -> list[int]:
        rate, channels = media.read_wav(server.export(row["id"], "wav"))
        samples = channels[0]
        self.assertAlmostEqual(len(samples) / rate, seconds, delta=0.065, msg=name)
        heard, snr = coded.tone_of(samples[rate // 5:], rate)
        self.assertAlmostEqual(heard, amplitude, delta=amplitude * 0.2, msg=name)
        self.assertGreater(snr, quality, name)
        self.assertFalse([reason for reason in row["reasons"] if "undecodable" in reason or "loss" in reason], row)
        return samples

    def test_what_ffmpeg_encodes(self) -> None:
        opus = ("-c:a", "opus", "-strict", "-2", "-b:a", "64k", "-f", "ogg")
        speex = ("-c:a", "libspeex", "-q:a", "8", "-f", "ogg")
        streams = {
            "G722": Stream(constant(cut(tone(16000, "-c:a", "g722", "-f", "g722"), 160), 160), 9),
            "GSM": Stream(constant(cut(tone(8000, "-c:a", "libgsm", "-f", "gsm"), 33), 160), 3),
            "G726-32": Stream(constant(cut(tone(8000, "-c:a", "g726le", "-code_size", "4", "-f", "g726le"), 80), 160),
                              96, sdp=rtpmap(96, "G726-32/8000")),
            "AAL2-G726-24": Stream(constant(cut(tone(8000, "-c:a", "g726", "-code_size", "3", "-f", "g726"), 60), 160),
                                   97, sdp=rtpmap(97, "AAL2-G726-24/8000")),
            "L16": Stream(constant(cut(tone(16000, "-f", "s16be"), 640), 320), 98, 16000, rtpmap(98, "L16/16000")),
            "SPEEX": Stream(constant(coded.ogg_packets(tone(16000, *speex)), 320), 99, 16000,
                            rtpmap(99, "speex/16000")),
            "OPUS": Stream(constant(coded.ogg_packets(tone(48000, *opus)), 960), 100, 48000,
                           rtpmap(100, "opus/48000/2", "useinbandfec=1")),
        }
        server = self.server()
        calls = {name: Call(server, stream) for name, stream in streams.items()}
        for call in calls.values():
            call.invite()
        start = time.monotonic()
        play([event for stream in streams.values() for event in stream.schedule(start)])
        for call in calls.values():
            call.bye()
        for name, row in self.recordings(server, calls).items():
            with self.subTest(name):
                self.assertEqual(row["tracks"][0]["codec"].upper(), name)
                self.check_tone(server, row, name)

    def test_what_only_a_simulator_encodes(self) -> None:
        """Debian's ffmpeg has no encoder for these; the libraries of the telephones have."""
        path = f"{self.folder}/tone.wav"
        with wave.open(path, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(tone(8000, "-f", "s16le"))
        server = self.server()
        for index, codec in enumerate(("G729", "AMR", "OPUS", "G722")):
            harness.run_src(server, "--codec", codec, "--audio", path, "--duration", "1")
            rows = server.wait_for_recordings(index + 1)
            row = next(row for row in rows if row["tracks"][0]["codec"].upper() == codec)
            with self.subTest(codec):
                self.check_tone(server, row, codec)
                self.assertEqual(row["verdict"], "good", row["reasons"])

    def test_codec_and_packet_time_change_within_a_call(self) -> None:
        """PCMU in packets of 10 to 60 ms, then by re-INVITE G.722, then PCMU again unasked."""
        server = self.server()
        ulaw = tone(8000, "-f", "mulaw")
        sizes, at, payloads = [80, 160, 240, 320, 480], 0, []
        while at + sizes[len(payloads) % 5] <= len(ulaw):
            size = sizes[len(payloads) % 5]
            payloads.append((ulaw[at:at + size], size))
            at += size
        stream = Stream(payloads, 0)
        call = Call(server, stream)
        starts = []

        def talk() -> None:
            starts.append(time.monotonic())
            play(stream.schedule(starts[-1]))

        call.invite()
        talk()
        stream.payload_type = 9
        stream.payloads = constant(cut(tone(16000, "-c:a", "g722", "-f", "g722"), 160), 160)
        call.invite()
        talk()
        stream.payload_type = 0
        stream.payloads = constant(cut(ulaw, 160), 160)
        talk()
        call.bye()
        row = self.recordings(server, {"call": call})["call"]
        self.assertEqual(row["tracks"][0]["codec"], "PCMU,G722")
        rate, channels = media.read_wav(server.export(row["id"], "wav"))
        self.assertAlmostEqual(len(channels[0]) / rate, starts[2] + 1 - starts[0], delta=0.1)
        for start in starts:
            at = int((start - starts[0]) * rate)
            amplitude, snr = coded.tone_of(channels[0][at + rate // 4:at + 3 * rate // 4], rate)
            self.assertAlmostEqual(amplitude, 4096, delta=600)
            self.assertGreater(snr, 20)

    def test_red_makes_losses_good(self) -> None:
        server = self.server()
        audio = media.speech(2.0, 5)
        frames = cut(audio, 160)
        payloads = []
        for index, frame in enumerate(frames):
            before = frames[index - 1] if index else b""
            header = struct.pack("!BBH", 0x80, 160 >> 6, (160 & 0x3F) << 10 | len(before)) if before else b""
            payloads.append((header + b"\x00" + before + frame, 160))
        stream = Stream(payloads, 97, sdp="a=rtpmap:97 red/8000\na=fmtp:97 0/0")
        stream.profile = "RTP/AVP 0"
        call = Call(server, stream)
        call.invite()
        play(stream.schedule(time.monotonic(), lost=frozenset(range(3, 100, 7)) - {99}))
        call.bye()
        row = self.recordings(server, {"call": call})["call"]
        _, channels = media.read_wav(server.export(row["id"], "wav"))
        self.assertGreaterEqual(media.offset_of(channels[0], audio), 0, "the losses were not made good bit by bit")

    def test_an_unknown_codec_is_kept_whole(self) -> None:
        server = self.server()
        stream = Stream(constant([bytes([index]) * 40 for index in range(50)], 160), 101,
                        sdp=rtpmap(101, "X-WONDER/8000"))
        call = Call(server, stream)
        call.invite()
        play(stream.schedule(time.monotonic()))
        call.bye()
        row = self.recordings(server, {"call": call})["call"]
        self.assertIn("undecodable-codec:X-WONDER", row["reasons"])
        self.assertEqual(row["tracks"][0]["packets"], 50)
        with open(server.export(row["id"], "pcapng"), "rb") as capture:
            content = capture.read()
        for index in range(50):
            self.assertIn(bytes([index]) * 40, content)


if __name__ == "__main__":
    harness.main()
