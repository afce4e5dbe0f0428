"""Measures how many recording sessions a second are set up on the one SIP thread, over UDP, with metadata of
4 KiB, and what happens at twice what can be taken.

    signalling.py [--json FILE] [--bin DIR] [--rate N]

Server and load generator share the machine, so the server's own CPU a set-up is told beside the rates.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import harness  # noqa: E402

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def metadata(size: int) -> str:
    head = ('<?xml version="1.0" encoding="UTF-8"?><recording xmlns="urn:ietf:params:xml:ns:recording:1">'
            "<datamode>complete</datamode>"
            '<session session_id="hVpd7YQgRW2nD22h7q60JQ=="/>')
    participants, i = "", 0
    while len(head) + len(participants) < size - 200:
        i += 1
        participants += (f'<participant participant_id="{i:022d}=="><nameID aor="sip:agent{i}@example.com">'
                         f'<name xml:lang="en">Agent number {i}</name></nameID></participant>')
    return head + participants + "</recording>"


def threads(pid: int) -> dict[str, float]:
    """CPU of each thread in ms, summed by name."""
    found: dict[str, float] = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        found[task.name + " " + name] = (int(fields[11]) + int(fields[12])) * TICK_MS
    return found


def run(server: harness.Server, document: str, rate: int, seconds: float) -> dict:
    calls = int(rate * seconds)
    before = threads(server.process.pid)
    report = harness.run_src(server, "--calls", str(calls), "--rate", str(rate), "--duration", "0.5", "--ptime", "100",
                             "--no-rtcp", "--metadata", document, "--lenient", "--timeout", "10", check=False)
    after = threads(server.process.pid)
    used = {name: value - before.get(name, 0) for name, value in after.items()}
    total = sum(used.values())
    return {"rate": rate, "calls": calls, "ok": report["calls_ok"], "failed": report["calls_failed"],
            "answer_ms": report["answer_ms"], "refusal_ms": report["refusal_ms"], "failures": report.get("failures"),
            "server_cpu_ms_a_setup": round(total / calls, 3),
            "busiest_thread_ms_a_setup": round(max(used.values()) / calls, 3)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--bin")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if options.bin:
        harness.BIN = pathlib.Path(options.bin)
    results = []
    with tempfile.TemporaryDirectory(prefix="siprec-bench-") as folder:
        document = pathlib.Path(folder) / "metadata.xml"
        document.write_text(metadata(4096))
        server = harness.Server(folder, media=(4000, 31_999), database="postgresql://nobody@127.0.0.1:1/none",
                                options=("--role", "live", "--log-level", "error"))
        server.start()
        try:
            for rate in (options.rate // 2, options.rate, options.rate * 2):
                results.append(run(server, str(document), rate, options.seconds))
                time.sleep(1)
        finally:
            server.stop()
    for result in results:
        print(f"{result['rate']:6d}/s: {result['ok']} of {result['calls']} set up, answer ms {result['answer_ms']}, "
              f"refused in ms {result['refusal_ms']}, server CPU {result['server_cpu_ms_a_setup']} ms a set-up "
              f"(busiest thread {result['busiest_thread_ms_a_setup']} ms)")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
