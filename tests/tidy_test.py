"""The rules of this repository that a compiler cannot check; run by ctest and by hand.

Usage: python3 tests/tidy_test.py

Each rule is a function over one file, or over all of them, that yields (path, line, message). It
carries a planted violation, which must be found before the rule is trusted with the sources.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIRECTORIES = ("protocol", "store", "server", "tests")

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 100

# Sources whose behaviour is tested in a file of another name than tests/<directory>/<stem>_test.cc.
TESTED_BY = {
    "server/commands/families.cc": "tests/server/command_table_test.cc",
    "server/connection.cc": "tests/system/connection_life_test.cc",
    "server/info_keyspace.cc": "tests/server/info_test.cc",
    "server/info_memory.cc": "tests/server/info_test.cc",
    "server/info_process.cc": "tests/server/info_test.cc",
    "server/info_stats.cc": "tests/server/info_test.cc",
    "server/io_thread.cc": "tests/system/connection_life_test.cc",
    "server/server.cc": "tests/system/connection_life_test.cc",
    "store/keyspace_databases.cc": "tests/store/transaction_test.cc",
    "store/keyspace_eviction.cc": "tests/store/eviction_test.cc",
    "store/keyspace_maintenance.cc": "tests/store/keyspace_expiry_test.cc",
    "store/map.cc": "tests/store/map_contract_test.cc",
    "store/sync_map.cc": "tests/store/map_contract_test.cc",
    "store/key_editor.cc": "tests/store/map_contract_test.cc",
}

# The files of store/ that may call the allocator and end an object's life by hand.
ALLOCATING = re.compile(r"store/(allocator|entry|epoch|large_value|slab|table)\.(h|cc)$")


class Source:
    """One file, split into code and comments that keep their line numbers."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.split("\n")
        self.is_cpp = path.endswith((".h", ".cc"))
        if self.is_cpp:
            code, comments = split_comments(text)
            self.code = code.split("\n")
            self.comments = comments.split("\n")
        else:
            self.code, self.comments = self.lines, [""] * len(self.lines)

    def in_product(self):
        return self.is_cpp and not self.path.startswith("tests/")

    def includes(self):
        """Yields (line number, header, in angle brackets)."""
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match[2], match[1] == "<"

    def find(self, pattern):
        """Yields (line number, match) wherever C++ code, not a comment or a string, matches."""
        for number, line in enumerate(self.code if self.is_cpp else [], 1):
            for match in re.finditer(pattern, line):
                yield number, match

    def comment_near(self, number, lines_above):
        """The comments above line `number`, on it and, where clang-format put it, just below."""
        return "\n".join(self.comments[max(0, number - 1 - lines_above):number + 1])


TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | R"(?P<mark>[^()\s]*)\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE)


def split_comments(text):
    """Returns the code with comments and string contents blanked, and the comments alone."""
    code, comments, end = [], [], 0
    blank = lambda part: re.sub(r"[^\n]", " ", part)
    for token in TOKEN.finditer(text):
        code.append(text[end:token.start()])
        comments.append(blank(text[end:token.start()]))
        is_comment = token["comment"] is not None
        code.append(blank(token[0]) if is_comment else '"' + blank(token[0][1:-1]) + '"')
        comments.append(token[0] if is_comment else blank(token[0]))
        end = token.end()
    code.append(text[end:])
    comments.append(blank(text[end:]))
    return "".join(code), "".join(comments)


# --- The rules ------------------------------------------------------------------------------------

FILE_RULES = []
TREE_RULES = []


def rule(path, text):
    """Registers a rule over one file; `path` and `text` are a file that breaks it."""
    def register(check):
        FILE_RULES.append((check, Source(path, text)))
        return check
    return register


def tree_rule(*planted):
    """Registers a rule over all files; `planted` are files that break it together."""
    def register(check):
        TREE_RULES.append((check, [Source(path, text) for path, text in planted]))
        return check
    return register


# What each directory may include in angle brackets besides the C++ standard library.
STORE_MAY_USE = {"boost/system/result.hpp", "xxhash.h", "mimalloc.h", "malloc.h", "sys/mman.h",
                 "time.h"}
PROTOCOL_MUST_NOT_USE = {"chrono", "condition_variable", "fstream", "future", "iostream", "mutex",
                         "shared_mutex", "thread"}
COMMANDS_MUST_NOT_USE = {"server/connection.h", "server/io_thread.h", "server/server.h"}


@rule("store/x.cc", '#include "server/call.h"\n')
def arrows(source):
    """tests -> server -> protocol and store; protocol/ and store/ stand on the standard library."""
    home = source.path.split("/")[0]
    may = {"protocol": {"protocol"}, "store": {"store"}, "server": {"protocol", "store", "server"},
           "tests": {"protocol", "store", "server", "tests"}}[home]
    for number, header, angled in source.includes():
        if not angled and header.split("/")[0] not in may:
            yield number, f"{home}/ must not include {header}"
        is_std = re.fullmatch(r"[a-z_0-9]+", header)
        if angled and home == "protocol" and (not is_std or header in PROTOCOL_MUST_NOT_USE):
            yield number, f"protocol/ must not include <{header}>: it does no I/O and has no clock"
        if angled and home == "store" and not is_std and header not in STORE_MAY_USE:
            yield number, f"store/ must not include <{header}>"
        if source.path.startswith("server/commands/") and header in COMMANDS_MUST_NOT_USE:
            yield number, f"a command must not include {header}"


@rule("store/x.h", "using boost::asio::ip::tcp;\n")
def asio_stays_in_server(source):
    """Only server/, and tests that open sockets, name an Asio type."""
    if not source.path.startswith(("server/", "tests/")):
        for number, _ in source.find(r"\basio\b"):
            yield number, "Asio is named outside server/"


@rule("server/call.cc", "CLI::App app;\n")
def cli11_stays_in_config(source):
    """Only server/main.cc and server/config.cc name CLI11."""
    if source.path not in ("server/main.cc", "server/config.cc"):
        for number, _ in source.find(r"\bCLI(::|/)"):
            yield number, "CLI11 is named outside server/main.cc and server/config.cc"


@rule("store/x.cc", '#include <vector>\n#include "store/hash.h"\n#include "store/x.h"\n')
def own_header_first(source):
    """A source includes its own header first, so that every header stands alone."""
    own = source.path[:-3] + ".h"
    headers = [header for _, header, _ in source.includes()]
    if source.path.endswith(".cc") and own in headers and headers[0] != own:
        yield 1, f"{own} is not the first include"


@rule("store/x.h", "#pragma once\n")
def header_comment(source):
    """A header opens with what it is, who may call it from which thread, and what it costs."""
    if source.path.endswith(".h") and not source.lines[0].startswith("//"):
        yield 1, "the header does not open with a comment"


@rule("store/x.h", "// A type.\n")
def pragma_once(source):
    """A header is guarded by #pragma once."""
    if source.path.endswith(".h") and "#pragma once" not in source.lines:
        yield 1, "no #pragma once"


@rule("store/x.cc", "int x;\n" * (FILE_LINES_MAX + 1))
def file_length(source):
    """A file that outgrows the cap is split by verb."""
    length = len(source.lines) - 1
    if length > FILE_LINES_MAX:
        yield length, f"{length} lines, at most {FILE_LINES_MAX}"


@rule("store/x.cc", "int F() {\n" + "  G();\n" * FUNCTION_LINES_MAX + "}\n")
def function_length(source):
    """A function fits a screen."""
    for first, last in functions(source):
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, f"a function of {last - first + 1} lines, at most {FUNCTION_LINES_MAX}"


SCOPE = re.compile(r"^(template\s*<.*>\s*)?(requires\b.*)?(inline\s+)?"
                   r"(namespace|class|struct|union|enum|extern)\b", re.DOTALL)
ACCESS = ("public", "protected", "private")
MEMBER_INITIALISER = re.compile(r"\)[^()]*[^:]:[^:].*[\w>]$", re.DOTALL)


def functions(source):
    """Yields (first line, last line) of every function with a body, lambdas inside it included."""
    if not source.is_cpp:
        return
    code = re.sub(r"^[ \t]*#(\\\n|[^\n])*", "", "\n".join(source.code), flags=re.MULTILINE)
    head, line, head_line = "", 1, 1
    closes_scope = []   # one flag for each open brace: true if declarations go on inside it
    body_line = None    # where the function's body that we are in began
    body_depth = 0
    for char in code:
        if char == "{":
            stripped = head.strip()
            if body_line is None and SCOPE.match(stripped):
                closes_scope.append(True)
                head = ""
            else:
                is_body = "(" in stripped and not stripped.endswith(("=", ",", "("))
                if (body_line is None and is_body and all(closes_scope)
                        and not MEMBER_INITIALISER.search(stripped)):
                    body_line, body_depth = head_line, len(closes_scope)
                closes_scope.append(False)
        elif char == "}":
            if closes_scope:
                is_scope = closes_scope.pop()
                if body_line is not None and len(closes_scope) == body_depth:
                    yield body_line, line
                    body_line, is_scope = None, True
                if is_scope:
                    head = ""
        elif all(closes_scope) and (char == ";" or char == ":" and head.strip() in ACCESS):
            head = ""
        else:
            if not head.strip():
                head_line = line
            head += char
        line += char == "\n"


LOCKS = (r"\bstd::(mutex|recursive_mutex|timed_mutex|shared_mutex|shared_timed_mutex|lock_guard|"
         r"unique_lock|scoped_lock|shared_lock|condition_variable\w*)\b")


@rule("server/x.cc", "std::mutex mutex;\n")
def own_locks(source):
    """Locks are those of store/mutex.h, which clang's analysis and LARDER SHARDS can see."""
    if source.in_product() and not source.path.startswith("store/mutex."):
        for number, match in source.find(LOCKS):
            yield number, f"{match[0]} instead of the wrappers of store/mutex.h"


@rule("store/x.cc", "void F() NO_THREAD_SAFETY_ANALYSIS {}\n")
def analysis_is_not_silenced_silently(source):
    """NO_THREAD_SAFETY_ANALYSIS says why clang cannot see that the code is right."""
    for number, _ in source.find(r"\bNO_THREAD_SAFETY_ANALYSIS\b"):
        if (source.path != "store/thread_annotations.h"
                and not source.comment_near(number, 4).strip()):
            yield number, "NO_THREAD_SAFETY_ANALYSIS without a reason"


@rule("store/x.cc", "void F() {\n  size_.fetch_add(1);\n}\n")
def memory_order_is_named(source):
    """Every atomic operation names its memory order."""
    if not source.in_product():
        return
    operations = r"(\.|->)(load|store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set)\("
    for number, match in source.find(operations):
        rest = "\n".join([source.code[number - 1][match.start():]] + source.code[number:number + 5])
        if not re.search(r"memory_order|\border\b", rest.split(";")[0]):
            yield number, f"{match[2]}() without a memory order"


PAIRING_TAG = re.compile(r"\[(\w+\.\w+)\]")


@rule("store/x.cc", "  ready_.store(true, std::memory_order_release);\n")
def memory_order_is_explained(source):
    """An ordering names its pairing, as in [map.publish]; relaxed says why that is enough."""
    if not source.in_product():
        return
    opening = "\n".join(source.comments[:40])
    for number, match in source.find(r"\bmemory_order_(\w+)"):
        if match[1] == "relaxed":
            near = source.comment_near(number, 12)
            if "relaxed" not in (near + opening).lower():
                yield number, "relaxed without a reason: say 'relaxed: ...' above"
        elif not PAIRING_TAG.search(source.comment_near(number, 8)):
            yield number, f"{match[1]} without the tag of its pairing, such as [map.publish]"


@tree_rule(("store/x.cc", "// release [x.lonely]: pairs with nothing.\n"))
def pairing_has_two_ends(sources):
    """A pairing's tag stands at both of its ends."""
    ends = {}
    for source in sources:
        if source.in_product():
            for number, comment in enumerate(source.comments, 1):
                for tag in PAIRING_TAG.findall(comment):
                    ends.setdefault(tag, []).append((source.path, number))
    for tag, places in ends.items():
        if len(places) == 1:
            yield places[0] + (f"[{tag}] has no other end",)


@rule("store/x.cc", "std::atomic_thread_fence(order);\n")
def no_fences(source):
    """ThreadSanitizer cannot follow a bare fence."""
    for number, _ in source.find(r"\batomic_(thread|signal)_fence\b"):
        yield number, "a bare fence: use a read-modify-write or a seq_cst access"


# Placement new allocates nothing, and `= delete` ends no life.
BY_HAND = r"(?<![<\w])new\b(?!\s*\()|\bdelete\b(?<!= delete)|(?<![.>\w])(malloc|calloc|realloc|free)\s*\(|\bmi_\w+\("


@rule("server/x.cc", "auto* x = new Thing;\n")
def no_naked_new(source):
    """Only the store's allocating files end lifetimes by hand; everything else has an owner."""
    if not source.in_product() or ALLOCATING.match(source.path):
        return
    for number, match in source.find(BY_HAND):
        if "operator " not in source.code[number - 1][:match.start()]:
            yield number, f"'{match[0]}' outside the store's allocating files"


@rule("store/x.cc", "int x;  // TO" + "DO: more\n")
def nothing_left_to_do(source):
    """Work that is left is an issue, not a comment."""
    for number, line in enumerate(source.lines, 1):
        if re.search(r"\b(TO" + r"DO|FIX" + r"ME)\b", line):
            yield number, "a note of work left to do"


@rule("store/x.cc", "\tint x; \n")
def white_space(source):
    """No tabs, no spaces at the end of a line, one newline at the end of a file."""
    for number, line in enumerate(source.lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "a space at the end of the line"
    if source.lines[-1] or (len(source.lines) > 1 and not source.lines[-2]):
        yield len(source.lines), "the file does not end with one newline"


@rule("store/x.cc", "// " + "x" * COLUMNS_MAX + "\n")
def line_width(source):
    """Comments and strings keep to the width that clang-format keeps code to."""
    for number, line in enumerate(source.lines, 1):
        if source.is_cpp and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"


@tree_rule(("store/x.cc", ""))
def every_source_has_its_test(sources):
    """The test of a/b.cc is tests/a/b_test.cc, or stands in TESTED_BY."""
    paths = {source.path for source in sources}
    for path in sorted(paths):
        if path.endswith(".cc") and not path.startswith("tests/"):
            test = TESTED_BY.get(path, f"tests/{path[:-3]}_test.cc")
            if test not in paths:
                yield path, 1, f"its test {test} is missing"


# --- Running them ---------------------------------------------------------------------------------


def read_sources():
    for directory in DIRECTORIES:
        for path in sorted((ROOT / directory).rglob("*")):
            if path.suffix in (".h", ".cc", ".py") and path.is_file():
                yield Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def main():
    sources = list(read_sources())
    runs = []
    for check, planted in FILE_RULES:
        found = [(source.path, *violation) for source in sources for violation in check(source)]
        runs.append((check, list(check(planted)), found))
    for check, planted in TREE_RULES:
        runs.append((check, list(check(planted)), list(check(sources))))

    failed = 0
    for check, found_planted, found in runs:
        if not found_planted:
            print(f"tests/tidy_test.py:1: {check.__name__}: does not see its planted violation")
        for path, line, message in found:
            print(f"{path}:{line}: {check.__name__}: {message}")
        if found or not found_planted:
            print(f"    rule: {check.__doc__}")
            failed += 1
    print(f"tidy: {len(sources)} files, {len(runs) - failed} rules passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
