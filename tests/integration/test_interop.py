"""What clients write beyond the RFCs reaches the catalogue, and whose voice is whose is told and doubted."""

import json
import pathlib
import signal
import subprocess

import harness
import sip_client

OWN_PROFILE = """name = "own_gateway"
rank = 900

[[when]]
header = "X-Own-Gateway"

[fields]
ticket = [{ header = "X-Own-Ticket", transform = ["trim", "upper"] }]
"""


def document(first_sends: str = "st1", second_sends: str = "st2") -> bytes:
    return f"""<?xml version="1.0"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1" xmlns:o="http://acmepacket.com/siprec/extensiondata">
<datamode>complete</datamode>
<session session_id="s1"><o:ucid>00FA08000A13886553F100;encoding=hex</o:ucid></session>
<participant participant_id="ann"><nameID aor="sip:ann@example.com"><name>Ann</name></nameID></participant>
<participant participant_id="bob"><nameID aor="sip:+15550100@example.com"><name>Bob</name></nameID></participant>
<stream stream_id="st1" session_id="s1"><label>1</label></stream>
<stream stream_id="st2" session_id="s1"><label>2</label></stream>
<participantstreamassoc participant_id="ann"><send>{first_sends}</send></participantstreamassoc>
<participantstreamassoc participant_id="bob"><send>{second_sends}</send></participantstreamassoc>
</recording>""".encode()


# RFC 5576: whose source each line carries.
OFFER = sip_client.offer(
    "m=audio 40000 RTP/AVP 0\r\na=label:1\r\na=sendonly\r\na=ssrc:11 cname:ann@example.com",
    "m=audio 40002 RTP/AVP 0\r\na=label:2\r\na=sendonly\r\na=ssrc:22 cname:+15550100@example.com")


class Interop(harness.IntegrationTest):
    def call(self, server: harness.Server, metadata: bytes, extra: str = "") -> None:
        with sip_client.SipClient(server) as client:
            body, content_type = sip_client.multipart(OFFER, metadata)
            status, text = client.invite(body, content_type, f"Require: siprec\r\n{extra}")
            self.assertEqual(status, 200, text)
            self.assertEqual(client.bye(), 200)

    def show(self, server: harness.Server, *filters: str) -> dict:
        rows = server.recordings(*filters)
        self.assertEqual(len(rows), 1, rows)
        return json.loads(server.ctl("show", rows[0]["id"], "--json"))

    def test_fields_and_voices(self) -> None:
        profiles = pathlib.Path(self.folder) / "profiles"
        profiles.mkdir()
        server = self.server(config=f'[interop]\ndirectory = "{profiles}"\n')
        self.call(server, document())
        # Whose document contradicts the sources that SDP describes.
        self.call(server, document("st2", "st1"), "User-Agent: crossed\r\n")
        server.wait_for_recordings(2)

        found = server.recordings("--field", "ucid=00010050001700000000", "--field", "ucid=00fa08*")
        self.assertEqual(len(found), 2)
        self.assertEqual(server.recordings("--field", "ucid=00fa08*", "--field", "agent_id=nobody"), [])
        crossed = self.show(server, "--src", "crossed")
        self.assertIn("parties-look-swapped", crossed["reasons"])
        self.assertTrue(all(voice["contradicted"] for track in crossed["tracks"] for voice in track["voices"]))

        straight = [row for row in server.recordings() if row["id"] != crossed["id"]][0]
        self.assertNotIn("parties-look-swapped", straight["reasons"])
        self.assertEqual(straight["profile"], "oracle")
        self.assertEqual(straight["fields"]["ucid"],
                         ["00FA08000A13886553F100", "000A13886553F100", "00010050001700000000"])
        voices = {track["label"]: track["voices"] for track in straight["tracks"]}
        self.assertEqual([voice["participant"] for voice in voices["1"]], ["ann"])
        self.assertEqual([voice["participant"] for voice in voices["2"]], ["bob"])
        self.assertEqual(voices["1"][0]["certainty"], "certain")
        self.assertEqual({one["kind"] for one in voices["1"][0]["evidence"]}, {"association", "cname"})
        self.assertIn("CONTRADICTED", server.ctl("show", crossed["id"]))

        # A profile of the administrator's, without a restart.
        (profiles / "own.toml").write_text(OWN_PROFILE)
        (profiles / "bad.toml").write_text("name = 7\n")
        server.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: "bad.toml:1: name" in server.log(), "the bad profile is reported")
        self.call(server, document(), "X-Own-Gateway: 1\r\nX-Own-Ticket: t-77\r\n")
        server.wait_for_recordings(3)
        own = self.show(server, "--field", "ticket=T-77")
        self.assertEqual(own["profile"], "own_gateway")
        self.assertEqual(server.get("/api/v1/recordings?field.Ticket=1")[0], 400)
        status, _, body = server.get("/api/v1/recordings?field=*t-7*")
        self.assertEqual((status, len(json.loads(body)["recordings"])), (200, 1))

        checked = subprocess.run([str(harness.BIN / "siprec-server"), "--config", str(server.config_path),
                                  "--check-config"], capture_output=True, text=True, timeout=30)
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn("bad.toml:1: name: wants a text in quotes", checked.stderr)


if __name__ == "__main__":
    harness.main()
