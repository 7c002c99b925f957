"""redis-cli in its modes, as a pipe's end and on a terminal."""

import json
import re
import shutil
import subprocess

from checks import Skipped
from terminal import Terminal

TIMEOUT_S = 20
USERS = 500
BIG_BYTES = 50_000
HOT_READS = 2000


class Cli:
    def __init__(self, server):
        self.command = ["redis-cli", "-p", str(server.port)]

    def __call__(self, *arguments, stdin=""):
        return subprocess.run(
            self.command + list(arguments), input=stdin, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False,
        )

    def output(self, *arguments, stdin=""):
        done = self(*arguments, stdin=stdin)
        return (done.stdout + done.stderr).rstrip("\n")


def run(checks, server):
    if not shutil.which("redis-cli"):
        raise Skipped("no redis-cli here")
    cli = Cli(server)
    fill(checks, cli)
    scans(checks, cli)
    key_statistics(checks, cli)
    output_formats(checks, cli)
    arguments(checks, cli, server)
    latency(checks, cli)
    statistics_on_a_terminal(checks, cli)
    prompt(checks, cli)


def fill(checks, cli):
    requests = "".join(f"SET user:{i} {'v' * 10}\r\n" for i in range(USERS))
    requests += f"SET big {'b' * BIG_BYTES}\r\n"
    summary = f"errors: 0, replies: {USERS + 1}"
    checks.contains("--pipe inline commands", cli.output("--pipe", stdin=requests), summary)
    encoded = "".join(f"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" for _ in range(100))
    checks.contains("--pipe RESP", cli.output("--pipe", stdin=encoded), "errors: 0, replies: 100")
    done = cli("--pipe", stdin="SET a 1\r\nNONSENSE\r\nDEL a\r\n")
    checks.contains("--pipe counts an error", done.stdout, "errors: 1, replies: 3")
    checks.true("--pipe fails with an error", done.returncode == 1, done.returncode)
    checks.equal("DBSIZE", cli.output("DBSIZE"), str(USERS + 1))


def scans(checks, cli):
    users = {f"user:{i}" for i in range(USERS)}
    listed = cli.output("--scan").split("\n")
    checks.equal("--scan lists every key once", sorted(listed), sorted(users | {"big"}))
    tens = cli.output("--scan", "--pattern", "user:1?").split("\n")
    checks.equal("--scan --pattern", sorted(tens), [f"user:{i}" for i in range(10, 20)])


def key_statistics(checks, cli):
    sampled = f"Sampled {USERS + 1} keys in the keyspace!"
    strings = f"{USERS + 1} strings with {USERS * 10 + BIG_BYTES} bytes (100.00% of keys"
    biggest = f"Biggest string found '\"big\"' has {BIG_BYTES} bytes"
    checks.contains("--bigkeys", cli.output("--bigkeys"), sampled, biggest, strings)

    shown = cli.output("--memkeys")
    checks.contains("--memkeys samples every key", shown, sampled)
    found = re.search(r"Biggest string found '\"big\"' has (\d+) bytes", shown)
    checks.true("--memkeys finds the big key", found and int(found[1]) > BIG_BYTES, shown)

    cli("--pipe", stdin="GET user:7\r\n" * HOT_READS)
    shown = cli.output("--hotkeys")
    ranking = re.findall(r'hot key found with counter: (\d+)\tkeyname: "(.*)"', shown)
    checks.true("--hotkeys ranks keys", len(ranking) == 16, shown)  # as many as it ever shows
    checks.true("--hotkeys puts the hot key first", ranking and ranking[0][1] == "user:7", shown)


def output_formats(checks, cli):
    cli("SET", "odd", 'tab\t"quote"')
    checks.equal("--json", json.loads(cli.output("--json", "GET", "odd")), 'tab\t"quote"')
    limits = json.loads(cli.output("--json", "CONFIG", "GET", "maxclients"))
    checks.equal("--json of a map", limits, {"maxclients": "10000"})
    checks.equal("--csv", cli.output("--csv", "MGET", "user:1", "no"), f'"{"v" * 10}",NULL')
    shown = cli.output("-3", "--no-raw", "CONFIG", "GET", "maxclients")
    checks.equal("-3 shows a map", shown, '1# "maxclients" => "10000"')
    checks.equal("-2 shows an array", cli.output("-2", "--no-raw", "CONFIG", "GET", "maxclients"),
                 '1) "maxclients"\n2) "10000"')
    checks.equal("--no-raw quotes", cli.output("--no-raw", "GET", "odd"), r'"tab\t\"quote\""')
    cli("DEL", "odd")


def arguments(checks, cli, server):
    checks.equal("-n 3", cli.output("-n", "3", "SET", "there", "x"), "OK")
    checks.equal("-u with a database", cli.output("-u", f"redis://127.0.0.1:{server.port}/3",
                                                  "GET", "there"), "x")
    checks.equal("-n 3 is not -n 0", cli.output("EXISTS", "there"), "0")
    value = "two\nlines and \u00fc"
    checks.equal("-x", cli.output("-x", "SET", "from:stdin", stdin=value), "OK")
    checks.equal("-x sent every byte", cli.output("GET", "from:stdin"), value)
    cli("-X", "body", "SET", "from:tag", "body", "EX", "100", stdin="tagged")
    checks.equal("-X", cli.output("GET", "from:tag"), "tagged")
    checks.equal("-r", cli.output("-r", "3", "INCR", "counter"), "1\n2\n3")
    checks.equal("-e", cli("-e", "INCR", "from:tag").returncode, 1)
    checks.equal("-s", cli.output("-s", server.socket_path, "PING"), "PONG")
    cli("CONFIG", "SET", "requirepass", "secret")
    checks.contains("a password is asked for", cli.output("GET", "counter"), "NOAUTH")
    checks.equal("-a", cli.output("--no-auth-warning", "-a", "secret", "GET", "counter"), "3")
    cli("--no-auth-warning", "-a", "secret", "CONFIG", "SET", "requirepass", "")
    transaction = "MULTI\nINCR counter\nINCR counter\nEXEC\n"
    checks.equal("commands on stdin", cli.output(stdin=transaction), "OK\nQUEUED\nQUEUED\n4\n5")


def latency(checks, cli):
    numbers = cli.output("--latency", "-i", "0.2")
    checks.true("--latency", re.fullmatch(r"\d+ \d+ \d+\.\d\d \d+", numbers), numbers)


def statistics_on_a_terminal(checks, cli):
    with Terminal(cli.command + ["--stat", "-i", "0.1"]) as screen:
        shown = screen.read_until(r"(\(\+[1-9]\d*\)[^(]*){3}")
    checks.contains("--stat's heading", shown, "keys", "mem", "clients", "blocked", "requests")
    row = re.search(r"^(\d+) +[\d.]+[KMG]? +\d+ +0 +\d+ \(\+\d+\) +\d+", shown, re.MULTILINE)
    checks.true("--stat's rows", row and int(row[1]) >= USERS, shown)


def prompt(checks, cli):
    with Terminal(cli.command) as screen:
        def enter(line, expected):
            """Types the line; what is shown until the reply and, after it, the prompt are."""
            screen.type(line + "\r")
            return screen.read_until(expected + r"[^\n]*\n(.*\n)*\S+> ")

        checks.contains("the prompt", screen.read_until("> "), "127.0.0.1:")
        checks.contains("HELP SET", enter("HELP SET", "group:"), "SET key value", "EX seconds",
                        "since: 1.0.0", "group: string")
        screen.type("SET ")
        hint = r"key value \[NX\|XX\] \[GET\] \[EX seconds"
        shown = screen.read_until(hint)
        checks.true("a hint follows SET", re.search(hint, shown), shown)
        checks.contains("a typed command runs", enter("typed here", "OK"), "OK")
        screen.type("GETD\t")
        checks.contains("Tab completes a command", screen.read_until("GETDEL"), "GETDEL")
        checks.contains("and it runs", enter(" typed", '"here"'), '"here"')
        checks.contains("HELP @string", enter("HELP @string", "SUBSTR"), "GETEX", "STRLEN")
        checks.contains("the prompt names the database", enter("SELECT 3", "OK"), "[3]> ")
