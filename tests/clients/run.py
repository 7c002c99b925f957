#!/usr/bin/env python3
"""Runs real Redis clients against a larder of its own and checks what they see.

    tests/clients/run.py                      all of them
    tests/clients/run.py redis_cli keyv       these

A client that is not installed is skipped, with a line that says what is missing; the exit status is
then 77, or 1 if a check of another client failed. --larder may also name a redis-server: every
check that is not about larder's own holds there as well.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))

import exporter
import node_modules
import python_redis
import redis_cli
import twemproxy
from checks import Checks, Skipped
from server_process import Server

SCRIPT_TIMEOUT_S = 60
SKIPPED_STATUS = 77  # ctest: SKIP_RETURN_CODE


def needed(program):
    if not shutil.which(program):
        raise Skipped(f"no {program} here")
    return program


def script(checks, command, server, environment=None):
    """Runs a script in another language, which prints its checks itself and fails by its status."""
    arguments = command + [str(server.port), server.socket_path]
    status = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, timeout=SCRIPT_TIMEOUT_S, check=False,
        env=os.environ | (environment or {}),
    ).returncode
    if status:
        checks.true(f"{os.path.basename(command[-1])} ends well", False, f"status {status}")


def php_redis(checks, server):
    php = needed("php")
    probe = [php, "-r", "exit(extension_loaded('redis') ? 0 : 1);"]
    if subprocess.run(probe, check=False).returncode:
        raise Skipped("php has no extension 'redis' here")
    script(checks, [php, str(HERE / "php_redis.php")], server)


def ruby_redis(checks, server):
    ruby = needed("ruby")
    probe = [ruby, "-e", "require 'redis'"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skipped("ruby has no gem 'redis' here")
    script(checks, [ruby, str(HERE / "ruby_redis.rb")], server)


def hiredis(checks, server):
    cc = needed("cc")
    probe = subprocess.run(
        [cc, "-E", "-"], input=b"#include <hiredis/hiredis.h>\n", capture_output=True, check=False
    )
    if probe.returncode:
        raise Skipped("no hiredis/hiredis.h here")
    with tempfile.TemporaryDirectory(prefix="larder-test-") as directory:
        program = os.path.join(directory, "hiredis_client")
        source = str(HERE / "hiredis_client.c")
        flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([cc, *flags, source, "-o", program, "-lhiredis"], check=True)
        script(checks, [program], server)


def node(name):
    def run(checks, server):
        needed("node")
        needed("npm")
        modules = node_modules.install(HERE / "node", server.binary)
        command = ["node", "--unhandled-rejections=strict", str(HERE / "node" / name)]
        script(checks, command, server, {"NODE_PATH": str(modules)})

    return run


# What runs each client, and the flags of its larder.
CLIENTS = {
    "redis_cli": (redis_cli.run, ["--maxmemory-policy", "allkeys-lfu"]),
    "python_redis": (python_redis.run, []),
    "ioredis": (node("ioredis.js"), []),
    "node_redis": (node("node_redis.js"), []),
    "keyv": (node("keyv.js"), []),
    "php_redis": (php_redis, []),
    "ruby_redis": (ruby_redis, []),
    "hiredis": (hiredis, []),
    "exporter": (exporter.run, ["--maxmemory", "64mb"]),
    "twemproxy": (twemproxy.run, []),
}


def run_client(name, binary):
    """Returns how many checks failed; raises Skipped."""
    run, flags = CLIENTS[name]
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="larder-test-") as directory:
        socket_path = os.path.join(directory, "socket")
        server = Server(binary, ["--unixsocket", socket_path] + flags)
        server.binary, server.socket_path = binary, socket_path
        try:
            run(checks, server)
            checks.true("the server is still there", server.listens(), server.output()[-2000:])
        except Skipped:
            raise
        except Exception:  # one client's surprise must not hide what the next one finds
            traceback.print_exc()
            checks.true(f"{name} runs to its end", False, server.output()[-2000:])
        finally:
            server.stop()
    return checks.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("clients", nargs="*", metavar="client", help=", ".join(CLIENTS))
    parser.add_argument("--larder", default=os.environ.get("LARDER_BINARY", "build/larder"))
    options = parser.parse_args()
    unknown = set(options.clients) - set(CLIENTS)
    if unknown:
        parser.error(f"no client {', '.join(sorted(unknown))}")

    failed, skipped = 0, 0
    for name in options.clients or CLIENTS:
        print(f"--- {name}", flush=True)
        try:
            failed += run_client(name, options.larder)
        except Skipped as reason:
            skipped += 1
            print(f"SKIPPED {name}: {reason}", flush=True)
    print(f"{failed} checks failed, {skipped} clients skipped")
    return 1 if failed else SKIPPED_STATUS if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
