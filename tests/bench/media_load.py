"""Measures what a received packet costs the whole server, from the socket to the capture file, in CPU of the
server's own /proc accounting, with plain RTP and with SRTP, beside what the kernel and the cipher alone cost in
the same run. Counts the packets in the captures against those sent.

    media_load.py [--bin DIR] [--streams 200,1000,4000] [--seconds 30] [--json FILE]
    media_load.py --to SIP-URI --pid PID[,PID...]    the same load on another recorder that runs on this machine

Two G.711 streams a call, a packet every 20 ms.
"""

import argparse
import json
import os
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAYLOAD = 160
RTP_PACKET = 12 + PAYLOAD
PACKETS_S = 50  # a stream
SETUPS_S = 200  # calls
KEYINGS = {"RTP": (), "SRTP AES_CM_128_HMAC_SHA1_80": ("--srtp", "sdes"),
           "SRTP AEAD_AES_128_GCM": ("--srtp", "sdes", "--suite", "AEAD_AES_128_GCM")}


def cpu_of(pids: list[int]) -> float:
    """Seconds of user and system time of the processes, all threads."""
    total = 0.0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = text[text.rindex(")") + 2:].split()
        total += (int(fields[11]) + int(fields[12])) * TICK_S
    return total


def resident_kib(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def count_packets(folder: pathlib.Path) -> int:
    """RTP packets of our load in all captures below a folder."""
    found = 0
    lengths = {RTP_PACKET + headers for headers in (0, 28, 42, 48)}  # with IP and UDP, Ethernet, or IPv6 in front
    for file in folder.rglob("*.pcapng"):
        data = file.read_bytes()
        at = 0
        while at + 12 <= len(data):
            kind, size = struct.unpack_from("<II", data, at)
            if size < 12 or at + size > len(data):
                break
            if kind == 6 and struct.unpack_from("<I", data, at + 20)[0] in lengths:
                found += 1
            at += size
    return found


def floor_ns(streams: int) -> float:
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([str(harness.BIN / "bench_engine"), "--streams", str(streams), "--seconds", "5", "--json",
                        file.name], check=True, stdout=subprocess.DEVNULL)
        return json.loads(pathlib.Path(file.name).read_text())["floor_ns_per_packet"]


def cipher_ns() -> dict[str, float]:
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([str(harness.BIN / "bench_srtp"), "--json", file.name], check=True, stdout=subprocess.DEVNULL)
        suites = json.loads(pathlib.Path(file.name).read_text())["suites"]
        return {suite["suite"]: suite["openssl_us"] * 1000 for suite in suites}


def load(to: str, pids: list[int], streams: int, seconds: float, keying: tuple[str, ...]) -> dict:
    """Runs the calls; CPU is taken while all of them talk."""
    calls = streams // 2
    set_up_s = calls / SETUPS_S + 2
    idle = resident_kib(pids)
    client = subprocess.Popen(
        [str(harness.BIN / "siprec-src"), "--to", to, "--calls", str(calls), "--rate", str(SETUPS_S), "--duration",
         str(set_up_s + seconds + 2), "--codec", "PCMU", "--no-rtcp", "--json", "--lenient", *keying],
        stdout=subprocess.PIPE, text=True)
    time.sleep(set_up_s)
    began, used = time.monotonic(), cpu_of(pids)
    time.sleep(seconds)
    spent, used = time.monotonic() - began, cpu_of(pids) - used
    held = resident_kib(pids)
    report = json.loads(client.communicate()[0])
    packets = streams * PACKETS_S * spent
    return {"streams": streams, "calls_ok": report["calls_ok"], "failures": report["failures"],
            "sent": report["packets_sent"], "send_errors": report["send_errors"],
            "answer_ms": report["answer_ms"], "worst_lateness_ms": report["worst_lateness_ms"],
            "ns_per_packet": round(used / packets * 1e9), "cpu_s_per_call_minute": round(used / calls / spent * 60, 5),
            "kib_per_stream": round((held - idle) / streams, 1), "cores": round(used / spent, 2)}


def measure_ours(streams: int, seconds: float, name: str) -> dict:
    with tempfile.TemporaryDirectory(prefix="siprec-bench-") as folder:
        server = harness.Server(folder, media=(4000, 31_999), database="postgresql://nobody@127.0.0.1:1/none",
                                options=("--role", "live", "--log-level", "error"))
        server.start()
        try:
            result = load(f"sip:srs@{server.sip}", [server.process.pid], streams, seconds, KEYINGS[name])
            time.sleep(2)
        finally:
            server.stop()
        result["missing"] = result["sent"] - count_packets(server.data)
    return result


def show(name: str, result: dict) -> None:
    line = (f"{name:<30}{result['streams']:>6} streams  {result['ns_per_packet']:>6} ns a packet  "
            f"{result['cpu_s_per_call_minute']:.4f} CPU s a call-minute  {result['cores']:.2f} cores  "
            f"{result['kib_per_stream']:.0f} KiB a stream  answers p99 {result['answer_ms']['p99']:.1f} ms")
    if "ratio" in result:
        line += f"  {result['ratio']:.2f} times the floor of {result['floor_ns']:.0f} ns"
    if "missing" in result:
        line += f"  {result['missing']} of {result['sent']} packets missing"
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--bin")
    parser.add_argument("--streams", default="200,1000,4000")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--to", help="SIP URI of another recorder")
    parser.add_argument("--pid", help="its processes")
    options = parser.parse_args()
    if options.bin:
        harness.BIN = pathlib.Path(options.bin)
    if bool(options.to) != bool(options.pid):
        parser.error("--to and --pid belong together")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    ciphers = cipher_ns()
    results = []
    for streams in (int(text) for text in options.streams.split(",")):
        floor = floor_ns(streams)
        for name in KEYINGS:
            if options.to and name != "RTP":
                continue
            result = measure_ours(streams, options.seconds, name)
            result["name"] = name
            result["floor_ns"] = floor + (ciphers[name.split()[1]] if " " in name else 0)
            result["ratio"] = round(result["ns_per_packet"] / result["floor_ns"], 2)
            show(name, result)
            results.append(result)
        if options.to:
            other = load(options.to, [int(pid) for pid in options.pid.split(",")], streams, options.seconds, ())
            other["name"] = options.to
            show("RTP, the other recorder", other)
            results.append(other)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
