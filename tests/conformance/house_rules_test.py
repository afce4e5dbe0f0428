"""The rules of the house (design, section 2), held by reading the include lines of the tree.

    python3 house_rules_test.py [SOURCE_DIR]

Prints file:line for each breach. The rules are the tables below; each one is proved to be able to
fail by a test on a made-up tree.
"""

import pathlib
import re
import sys
import tempfile
import unittest

ANY = "any header"

# Which folder may include which other one; beside it a folder includes itself. Where a set of names
# stands, only those headers. Includes point downwards: the tables must have no cycle.
LIBRARY_EDGES = {
    "base": {},
    "body": {"base": ANY},
    "metadata": {"base": ANY},
    "sdp": {"base": ANY},
    "codec": {"base": ANY},
    "assembler": {"base": ANY, "codec": ANY},
    "fork": {"base": ANY},
    "sinks": {"base": ANY, "assembler": ANY, "codec": ANY},
    "srtp": {"base": ANY},
    "rtp": {"base": ANY, "fork": ANY, "srtp": ANY},
    "session": {"base": ANY, "body": ANY, "metadata": ANY, "sdp": ANY},
    "tls": {"base": ANY},
    "websocket": {"base": ANY, "sinks": {"framer.hpp"}, "tls": {"peer_name.hpp"}},
    "sip": {"base": ANY, "tls": ANY, "session": ANY, "body": ANY, "metadata": ANY, "sdp": ANY},
    # Where the signalling wing and the media wing meet.
    "recorder": {
        "base": ANY,
        "sip": ANY,
        # A reload reads the files before the SIP thread gets to see them.
        "tls": {"context.hpp"},
        "session": ANY,
        "body": ANY,
        "metadata": ANY,
        "sdp": ANY,
        "rtp": ANY,
        "fork": ANY,
    },
}

# The live wing (recorder) and the archive wing (archive, render) share capture files and catalogue.
SERVER_EDGES = {
    "config": {},
    "store": {"config": ANY},
    "capture": {"config": ANY, "store": {"files.hpp"}},
    "render": {"capture": ANY, "store": ANY},
    "recorder": {"capture": ANY, "config": ANY, "store": {"files.hpp"}},
    "ops": {"config": ANY, "recorder": {"live_wing.hpp"}},
    # The private PostgreSQL is a child process that the server runs.
    "catalog": {"config": ANY, "ops": {"child_process.hpp", "supervisor.hpp"}},
    # What vendors write, as data: no capture, no catalogue.
    "interop": {"config": ANY},
    "archive": {
        "render": ANY,
        "store": ANY,
        "catalog": ANY,
        "capture": ANY,
        "config": ANY,
        "interop": ANY,
    },
    "portal": {},
    "api": {
        "recorder": {"live_wing.hpp"},
        "catalog": ANY,
        "store": ANY,
        "config": ANY,
        "portal": {"portal.hpp"},
    },
    "cli": {"config": ANY, "store": {"sha256.hpp"}},
    # The files that stand in server/ itself: the program.
    "": {
        "api": ANY,
        "cli": ANY,
        "ops": ANY,
        "config": ANY,
        "recorder": ANY,
        "archive": ANY,
        "interop": ANY,
        "capture": {"layout.hpp"},
        "catalog": ANY,
    },
}

# Each third-party API in one folder: pattern of the header, where it may be included. A place is a
# folder, or a file, seen from the root of the tree.
THIRD_PARTY = [
    (r"sofia-sip/", ["libsiprec/src/sip"]),
    (r"xercesc/", ["libsiprec/src/metadata"]),
    (r"(opus/)?opus[a-z_]*\.h$", ["libsiprec/src/codec", "examples/siprec-src/encoders.cpp"]),
    (r"libav(format|codec|util)/", ["server/render", "libsiprec/src/codec/ilbc.cpp"]),
    (r"(spandsp(\.h$|/)|(bcg729|opencore-amr[nw]b|speex)/)",
     ["libsiprec/src/codec", "examples/siprec-src/encoders.cpp"]),
    (r"sndfile\.(h|hh)$", ["libsiprec/src/sinks"]),
    (r"pqxx/", ["server/catalog"]),
    (r"boost/(asio|beast)(/|\.hpp$)", ["server/api", "server/cli", "libsiprec/src/websocket"]),
    (r"toml(\+\+/|\.hpp$)", ["server/config"]),
    # Patterns of interop profiles meet what strangers sent: RE2 takes linear time for any of them.
    (r"re2/", ["server/interop"]),
    (r"(spdlog|prometheus)/", ["server/ops"]),
    (r"srtp2/", ["libsiprec/src/srtp"]),
    # For SIP in tls/, for media in srtp/, for digests in store/.
    (r"openssl/", ["libsiprec/src/tls", "libsiprec/src/srtp", "server/store", "examples/siprec-src"]),
    (r"CLI/", ["server/cli", "server/main.cpp", "server/command_line.cpp", "examples"]),
    (r"nlohmann/", ["server", "examples", "libsiprec/src/websocket"]),
    (r"fmt/", ["libsiprec/src", "server", "examples"]),
]

# Names that would carry a third-party type into a public header.
THIRD_PARTY_NAMES = re.compile(
    r"\b(fmt|xercesc|pqxx|boost|nlohmann|spdlog|prometheus|toml|CLI|Catch)::"
    r"|\b(nua|nta|sip|msg|tport|url|su)_\w+_t\b"
    r"|\b(SNDFILE|OpusDecoder|OpusEncoder|EVP_\w+)\b"
)

STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv
    chrono cinttypes climits clocale cmath codecvt compare complex concepts condition_variable
    coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar
    cwctype deque exception execution filesystem format forward_list fstream functional future
    initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map
    memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
    regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view strstream syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
    version""".split()
)

# The operating system's own, for sources; not for public headers.
SYSTEM = re.compile(
    r"(sys|netinet|arpa|net|linux)/[a-z0-9_]+\.h$"
    r"|(unistd|fcntl|poll|signal|pthread|errno|dirent|pwd|grp|ifaddrs|netdb|spawn|termios|time|sched"
    r"|stdlib|string|stdio|stdint|stddef|limits|math|endian|ftw|glob|syslog|dlfcn)\.h$"
)

CODE = {".hpp", ".h", ".cpp", ".cc"}
HEADERS = {".hpp", ".h"}
SOURCES = CODE | {".js", ".ts", ".html", ".css"}
PUBLIC = "libsiprec/include/siprec"
INCLUDE = re.compile(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|elifdef|else)\b")


def without_comments(text):
    """The same text with the comments blanked; the lines keep their numbers."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match):
        found = match.group(0)
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)


class Include:
    def __init__(self, line, name, quoted):
        self.line = line
        self.name = name
        self.quoted = quoted


class Source:
    """One file of the tree."""

    def __init__(self, root, path):
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.lines = without_comments(path.read_text(errors="replace")).split("\n")

    def includes(self):
        for number, line in enumerate(self.lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield Include(number, match.group(1) or match.group(2), match.group(2) is not None)

    def breach(self, line, what):
        return f"{self.name}:{line}: {what}"


def sources(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in CODE and path.is_file():
                yield Source(root, path)


def is_under(name, place):
    return name == place or name.startswith(place + "/")


def edge_breach(source, include, folder, wing, edges):
    """The breach of an include of ours, or None."""
    target, _, header = include.name.rpartition("/")
    target = target.split("/")[0] if target else folder
    if ".." in include.name.split("/"):
        return f'"{include.name}" leaves its folder by a relative path'
    if target == folder:
        return None
    if target not in edges:
        return f'"{include.name}" is in no folder of {wing}'
    allowed = edges.get(folder, {}).get(target)
    if allowed is None:
        return f'{folder or "the program"} must not include {target} ("{include.name}")'
    if allowed is not ANY and header not in allowed:
        return (
            f'{folder or "the program"} may include of {target} only '
            f'{", ".join(sorted(allowed))}, not "{include.name}"'
        )
    return None


def check_directions(root):
    """Includes point downwards only."""
    for wing, edges in (("libsiprec/src", LIBRARY_EDGES), ("server", SERVER_EDGES)):
        for source in sources(root, wing):
            inner = source.name[len(wing) + 1 :].split("/")
            folder = inner[0] if len(inner) > 1 else ""
            if folder not in edges:
                yield source.breach(1, f"folder {folder or wing} is not in the table of directions")
                continue
            for include in source.includes():
                if include.quoted:
                    breach = edge_breach(source, include, folder, wing, edges)
                    if breach:
                        yield source.breach(include.line, breach)


def check_public_headers_only(root):
    """server/ and examples/ know of the library what any vendor knows: <siprec/...>."""
    for source in sources(root, "server", "examples"):
        is_server = is_under(source.name, "server")
        for include in source.includes():
            if "libsiprec" in include.name.split("/"):
                yield source.breach(include.line, f"{include.name} reaches into libsiprec")
            elif include.name.startswith("siprec/"):
                if not (root / "libsiprec/include" / include.name).is_file():
                    yield source.breach(include.line, f"<{include.name}> is no public header")
            elif include.quoted:
                include_root = root / "server" if is_server else source.path.parent
                found = (source.path.parent / include.name).is_file() or (
                    include_root / include.name
                ).is_file()
                folder = include.name.split("/")[0]
                if not found and "/" in include.name and (root / "libsiprec/src" / folder).is_dir():
                    yield source.breach(
                        include.line, f'"{include.name}" is a private header of libsiprec/src'
                    )


def check_public_headers(root):
    """Public headers: std and <siprec/...> only, no third-party type, no feature macro."""
    for source in sources(root, PUBLIC):
        for include in source.includes():
            is_ours = include.name.startswith("siprec/") and not include.quoted
            if not is_ours and (include.quoted or include.name not in STANDARD):
                yield source.breach(include.line, f"public header includes {include.name}")
        for number, line in enumerate(source.lines, 1):
            if THIRD_PARTY_NAMES.search(line):
                yield source.breach(number, "third-party type in a public header")
            if CONDITION.match(line) and source.path.name != "export.hpp":
                yield source.breach(number, "feature macro in a public header")


def check_third_party(root):
    """A third-party API is named in one folder only."""
    for source in sources(root, "libsiprec", "server", "examples"):
        for include in source.includes():
            places = next((to for what, to in THIRD_PARTY if re.match(what, include.name)), None)
            if places is None:
                is_known = (
                    include.quoted
                    or include.name.startswith("siprec/")
                    or include.name in STANDARD
                    or SYSTEM.match(include.name)
                )
                if not is_known:
                    yield source.breach(
                        include.line, f"<{include.name}> has no place in the table of third parties"
                    )
            elif not any(is_under(source.name, place) for place in places):
                yield source.breach(
                    include.line, f"<{include.name}> belongs into {' or '.join(places)} only"
                )


def check_folders(root):
    """No empty rooms."""
    for wing in ("libsiprec/src", "server"):
        for folder in sorted((root / wing).iterdir() if (root / wing).is_dir() else []):
            if folder.is_dir() and not any(path.suffix in SOURCES for path in folder.rglob("*")):
                yield f"{folder.relative_to(root).as_posix()}:1: folder without sources"


def check_pragma_once(root):
    """Every header is read once."""
    for source in sources(root, "libsiprec", "server", "examples", "tests"):
        if source.path.suffix in HEADERS and not any(
            re.match(r"\s*#\s*pragma\s+once\b", line) for line in source.lines
        ):
            yield source.breach(1, "header without #pragma once")


def check_tables():
    """The tables themselves point downwards: no cycle, no unknown folder."""
    for edges in (LIBRARY_EDGES, SERVER_EDGES):
        done = set()

        def visit(folder, path, edges=edges, done=done):
            if folder in path:
                yield f"cycle in the table of directions: {' -> '.join([*path, folder])}"
            elif folder not in edges:
                yield f"unknown folder {folder} in the table of directions"
            elif folder not in done:
                done.add(folder)
                for target in edges[folder]:
                    yield from visit(target, [*path, folder])

        for folder in edges:
            yield from visit(folder, [])


CHECKS = [
    check_directions,
    check_public_headers_only,
    check_public_headers,
    check_third_party,
    check_folders,
    check_pragma_once,
]


def breaches(root):
    return [breach for check in CHECKS for breach in check(root)]


class MadeUpTree(unittest.TestCase):
    """A small tree that keeps every rule; each test breaks one."""

    FILES = {
        "libsiprec/include/siprec/export.hpp": "#pragma once\n#if defined(X)\n#endif\n",
        "libsiprec/include/siprec/sdp.hpp": "#pragma once\n#include <string>\n"
        "#include <siprec/export.hpp>\n// #include <fmt/format.h> and nua_handle_t: a comment\n",
        "libsiprec/src/base/mutex.hpp": "#pragma once\n#include <mutex>\n",
        "libsiprec/src/sdp/parse.cpp": '#include <siprec/sdp.hpp>\n#include <fmt/format.h>\n'
        '#include "base/mutex.hpp"\n#include "sdp/text.hpp"\n',
        "libsiprec/src/sdp/text.hpp": "#pragma once\n",
        "libsiprec/src/sip/agent.cpp": '#include <sofia-sip/nua.h>\n#include "sdp/text.hpp"\n',
        "server/config/config.hpp": "#pragma once\n",
        "server/api/api.cpp": "#include <boost/asio/post.hpp>\n#include <nlohmann/json.hpp>\n"
        '#include "config/config.hpp"\n#include <siprec/sdp.hpp>\n#include <unistd.h>\n',
        "server/portal/index.html": "<p>",
        "server/main.cpp": '#include "config/config.hpp"\n#include <CLI/CLI.hpp>\n',
        "examples/minimal/main.cpp": '#include <siprec/sdp.hpp>\n#include "call.hpp"\n',
        "examples/minimal/call.hpp": "#pragma once\n",
        "tests/support/clock.hpp": "#pragma once\n",
    }

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for name, text in self.FILES.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def expect(self, *places):
        found = breaches(self.root)
        self.assertEqual([breach.split(": ")[0] for breach in found], list(places), found)

    def test_a_tree_that_keeps_the_rules_has_no_breach(self):
        self.expect()

    def test_an_include_that_points_upwards_in_the_library(self):
        self.write("libsiprec/src/sdp/text.hpp", '#pragma once\n\n#include "sip/agent.hpp"\n')
        self.expect("libsiprec/src/sdp/text.hpp:3")

    def test_the_two_wings_of_the_library_meet_in_the_recorder_only(self):
        self.write("libsiprec/src/rtp/engine.cpp", '#include "sdp/text.hpp"\n')
        self.write("libsiprec/src/recorder/a.cpp", '#include "sdp/text.hpp"\n#include "rtp/e.hpp"\n')
        self.expect("libsiprec/src/rtp/engine.cpp:1")

    def test_an_include_that_points_upwards_in_the_server(self):
        self.write("server/config/config.hpp", '#pragma once\n#include "api/api.hpp"\n')
        self.expect("server/config/config.hpp:2")

    def test_an_edge_that_is_open_for_one_header_only(self):
        self.write(
            "server/api/api.cpp",
            '#include "recorder/live_wing.hpp"\n#include "recorder/admission.hpp"\n',
        )
        self.expect("server/api/api.cpp:2")

    def test_a_folder_that_is_not_in_the_table(self):
        self.write("libsiprec/src/misc/misc.cpp", "")
        self.write("server/config/load.cpp", '#include "elsewhere/x.hpp"\n')
        self.expect("libsiprec/src/misc/misc.cpp:1", "server/config/load.cpp:1")

    def test_a_relative_path_out_of_a_folder(self):
        self.write("libsiprec/src/sdp/answer.cpp", '#include "../sip/agent.hpp"\n')
        self.expect("libsiprec/src/sdp/answer.cpp:1")

    def test_a_private_header_of_the_library_in_the_server(self):
        self.write("server/store/store.cpp", '#include "sdp/text.hpp"\n')
        found = breaches(self.root)
        self.assertTrue(any("private header of libsiprec/src" in breach for breach in found), found)

    def test_a_private_header_of_the_library_in_an_example(self):
        self.write(
            "examples/minimal/main.cpp",
            '#include "sdp/text.hpp"\n#include "../../libsiprec/src/sdp/text.hpp"\n',
        )
        self.expect("examples/minimal/main.cpp:1", "examples/minimal/main.cpp:2")

    def test_a_public_header_that_does_not_exist(self):
        self.write("examples/minimal/main.cpp", "#include <siprec/secret.hpp>\n")
        self.expect("examples/minimal/main.cpp:1")

    def test_what_a_public_header_must_not_include(self):
        self.write(
            "libsiprec/include/siprec/net.hpp",
            '#pragma once\n#include <netinet/in.h>\n#include "base/mutex.hpp"\n',
        )
        self.expect("libsiprec/include/siprec/net.hpp:2", "libsiprec/include/siprec/net.hpp:3")

    def test_fmt_in_a_public_header(self):
        self.write("libsiprec/include/siprec/net.hpp", "#pragma once\n#include <fmt/format.h>\n")
        self.expect(*["libsiprec/include/siprec/net.hpp:2"] * 2)

    def test_a_third_party_type_in_a_public_header(self):
        self.write("libsiprec/include/siprec/net.hpp", "#pragma once\nstruct S { nua_handle_t* h; };\n")
        self.expect("libsiprec/include/siprec/net.hpp:2")

    def test_a_feature_macro_in_a_public_header(self):
        self.write("libsiprec/include/siprec/net.hpp", "#pragma once\n#ifdef WITH_G729\n#endif\n")
        self.expect("libsiprec/include/siprec/net.hpp:2")

    def test_a_third_party_api_in_a_second_folder(self):
        for place, header in [
            ("libsiprec/src/sdp", "sofia-sip/sdp.h"),
            ("libsiprec/src/sip", "xercesc/sax/SAXException.hpp"),
            ("server/render", "opus/opus.h"),
            ("server/render", "sndfile.h"),
            ("server/api", "pqxx/pqxx"),
            ("server/catalog", "boost/asio.hpp"),
            ("server/api", "toml++/toml.h"),
            ("server/api", "spdlog/spdlog.h"),
            ("server/api", "prometheus/counter.h"),
            ("server/api", "CLI/CLI.hpp"),
            ("libsiprec/src/base", "nlohmann/json.hpp"),
        ]:
            with self.subTest(header):
                self.write(f"{place}/second.cpp", f"#include <{header}>\n")
                self.expect(f"{place}/second.cpp:1")
                self.write(f"{place}/second.cpp", "")

    def test_a_third_party_that_is_not_in_the_table(self):
        self.write("server/store/s3.cpp", "#include <curl/curl.h>\n")
        self.expect("server/store/s3.cpp:1")

    def test_a_folder_without_sources(self):
        self.write("server/vault/README.md", "")
        self.expect("server/vault:1")

    def test_a_header_without_pragma_once(self):
        self.write("tests/support/clock.hpp", "// #pragma once\n#include <chrono>\n")
        self.expect("tests/support/clock.hpp:1")

    def test_an_include_in_a_comment_is_none(self):
        self.write("libsiprec/src/sdp/text.hpp", '#pragma once\n/*\n#include "sip/a.hpp"\n*/\n')
        self.expect()

    def test_the_tables_have_no_cycle(self):
        self.assertEqual(list(check_tables()), [])
        LIBRARY_EDGES["base"]["recorder"] = ANY
        self.addCleanup(LIBRARY_EDGES["base"].pop, "recorder")
        self.assertTrue(any("cycle" in breach for breach in check_tables()))


class ThisTree(unittest.TestCase):
    root = pathlib.Path(__file__).resolve().parents[2]

    def test_keeps_the_rules_of_the_house(self):
        found = breaches(self.root)
        for breach in found:
            print(breach)
        self.assertFalse(found, f"{len(found)} breaches of the rules of the house, listed above")

    def test_is_a_tree_at_all(self):
        self.assertTrue(any(sources(self.root, PUBLIC)), f"no public headers under {self.root}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        ThisTree.root = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
