"""Starts the real server, a real PostgreSQL and real SIPp for the integration tests, on loopback and
on free ports, and ends what it started."""

import glob
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SIPREC_BIN", ROOT / "build/release/bin"))
HERE = pathlib.Path(__file__).resolve().parent


def free_port(kind: int = socket.SOCK_DGRAM, host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def free_sip_port(host: str = "127.0.0.1") -> int:
    """Free for UDP and TCP alike."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = free_port(host=host)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
                return port
            except OSError:
                continue


# Held while this process lives: media ports of tests that run at once must not overlap, or one hears
# the other's late packets.
_media_blocks: list[socket.socket] = []


def media_range(pairs: int) -> tuple[int, int]:
    """A stretch of UDP ports of this process alone, below those that the kernel gives out."""
    block, lowest, middle, highest = 64, 10000 // 64, 21000 // 64, 32768 // 64
    blocks = -(-2 * pairs // block)
    if blocks > 4:  # from the bottom of their part up, so that there is room for long ones
        starts = [*range(middle, highest - blocks + 1)]
    else:
        starts = [*range(lowest, middle - blocks + 1)]
        random.shuffle(starts)
    for at in starts:
        claims = [socket.socket(socket.AF_UNIX) for _ in range(blocks)]
        try:
            for offset, claim in enumerate(claims):
                claim.bind(f"\0siprec-test-media-{at + offset}")
        except OSError:
            for claim in claims:
                claim.close()
            continue
        _media_blocks.extend(claims)
        return at * block, at * block + 2 * pairs - 1
    raise RuntimeError("no free stretch of media ports")


def wait_for(condition, what: str, timeout: float = 30.0, interval: float = 0.1):
    """The first true value of `condition`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


class Server:
    """A siprec-server with a data folder of its own."""

    def __init__(self, folder: str, host: str = "127.0.0.1", database: str | None = None,
                 pairs: int = 64, options: tuple[str, ...] = (), config: str = "",
                 media: tuple[int, int] | None = None):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.host = host
        self.sip_port = free_sip_port(host)
        self.http_port = free_port(socket.SOCK_STREAM)
        self.media = media or media_range(pairs)
        self.database = database
        self.options = options
        self.log_path = self.folder / "server.log"
        self.process: subprocess.Popen | None = None
        self.config_path = None
        if config:
            self.config_path = self.folder / "server.toml"
            self.config_path.write_text(config)

    @property
    def sip(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.sip_port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def start(self) -> "Server":
        host = f"[{self.host}]" if ":" in self.host else self.host
        command = [str(BIN / "siprec-server")]
        if self.config_path:
            command += ["--config", str(self.config_path)]
        command += ["--data", str(self.data), "--sip", f"udp:{self.sip}", "--sip", f"tcp:{self.sip}",
                    "--media", f"{host}:{self.media[0]}-{self.media[1]}",
                    "--http", f"127.0.0.1:{self.http_port}", *self.options]
        if self.database:
            command += ["--database", self.database]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.is_ready, "the server is ready", 60)
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
        try:
            with urllib.request.urlopen(self.url + "/healthz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """As a crash would: no warning, no clean-up. What the kernel ends with it is waited for."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log()}") from None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")[-20000:]

    def get(self, path: str) -> tuple[int, dict, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run([str(BIN / "siprecctl"), *arguments, "--server", self.url],
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"siprecctl {' '.join(arguments)}: {done.stderr}\n{self.log()}")
        return done.stdout

    def recordings(self, *filters: str) -> list[dict]:
        rows, cursor = [], ""
        while True:
            page = json.loads(self.ctl("list", "--limit", "500", "--json", *filters,
                                       *(["--cursor", cursor] if cursor else [])))
            rows += page["recordings"]
            cursor = page["next"]
            if not cursor:
                return rows

    def wait_for_recordings(self, count: int, timeout: float = 60, states=("stored", "partial")) -> list[dict]:
        def finished():
            try:
                rows = [row for row in self.recordings() if row["state"] in states]
            except AssertionError:
                return None  # the database may be on its way
            return rows if len(rows) >= count else None
        return wait_for(finished, f"{count} recordings are {' or '.join(states)}", timeout, 0.3)

    def export(self, recording: str, form: str) -> str:
        path = str(self.folder / f"{recording}.{form}")
        self.ctl("export", recording, "--format", form, "-o", path)
        return path


class Database:
    """A PostgreSQL of the test's own, that can be stopped and started again."""

    def __init__(self, folder: str):
        self.folder = pathlib.Path(folder) / "pg"
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.port = free_port(socket.SOCK_STREAM)
        self.folder.mkdir()
        self.user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.user = "postgres"
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", "siprec", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://siprec@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        prefix = ["runuser", "-u", self.user, "--"] if self.user else []
        subprocess.run([*prefix, str(self.bin / program), *arguments], check=True, cwd="/",
                       stdout=subprocess.DEVNULL)

    def start(self) -> "Database":
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o",
                  f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}", "start")
        return self

    def stop(self) -> None:
        if (self.folder / "data/postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")


def run_sipp(scenario: str, server: Server, *, calls: int = 1, at_once: int = 100, rate: int = 10,
             transport: str = "u1", timeout: int = 90, keys: dict[str, str] | None = None,
             expect_failure: bool = False, port: int | None = None, options: tuple[str, ...] = ()) -> str:
    """Runs a scenario of tests/integration/scenarios against the server."""
    host = server.host
    scenario_path = HERE / "scenarios" / scenario
    own = media_range(4)[0]
    command = ["sipp", server.sip, "-sf", str(scenario_path), "-m", str(calls), "-l", str(at_once),
               "-r", str(rate), "-i", host, "-mi", host, "-p", str(port or own),
               "-mp", str(own + 2), "-t", transport, "-nostdin", "-timeout", str(timeout),
               "-timeout_error", "-trace_err", "-error_file", str(server.folder / "sipp-errors.log"),
               "-max_socket", "2000", *options]
    for key, value in (keys or {}).items():
        command += ["-key", key, value]
    if os.geteuid() != 0:  # playing a pcap takes a raw socket
        command = ["sudo", "-n", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout + 30, cwd=server.folder)
    if (done.returncode != 0) != expect_failure:
        errors = server.folder / "sipp-errors.log"
        detail = errors.read_text(errors="replace")[-3000:] if errors.exists() else ""
        raise AssertionError(f"sipp {scenario} ended with {done.returncode}\n{done.stdout[-1500:]}"
                             f"\n{done.stderr[-1500:]}\n{detail}\n{server.log()[-4000:]}")
    return done.stdout


def run_src(server: Server, *arguments: str, timeout: int = 180, check: bool = True) -> dict:
    """siprec-src with --json; its report."""
    done = subprocess.run([str(BIN / "siprec-src"), "--to", f"sip:srs@{server.sip}", "--json", *arguments],
                          capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"siprec-src: {done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{server.log()[-4000:]}")
    return json.loads(done.stdout)


class IntegrationTest(unittest.TestCase):
    """Gives each test a folder, and ends its servers whatever happens."""

    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="siprec-test-")
        os.chmod(self.folder, 0o755)  # the database's user has to get through
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def server(self, **settings) -> Server:
        server = Server(self.folder, **settings)
        self.addCleanup(self._stop, server)
        return server.start()

    def database(self) -> Database:
        database = Database(self.folder)
        self.addCleanup(database.stop)
        return database.start()

    @staticmethod
    def _stop(server: Server) -> None:
        server.stop()


def main() -> None:
    if not (BIN / "siprec-server").exists():
        sys.exit(f"{BIN}/siprec-server is not built")
    unittest.main(verbosity=2)
