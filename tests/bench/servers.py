"""Starts, watches and ends the servers that are measured: larder, its peers, the bare responder.

A Fleet owns every process it starts and ends each by its pid, whatever happens. Ports are picked
free on 127.0.0.1.
"""

from __future__ import annotations

import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
MAXCLIENTS = 10_200  # the idle-connection test opens 10,000 and needs a few beside them
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Binaries:
    """Where the programs are; None = not there, its rows are left out."""

    larder: str | None
    bare: str | None
    redis: str | None
    memcached: str | None
    redis_benchmark: str | None
    map_bench: str | None
    go_map_bench: str | None
    go: str | None


@dataclass(frozen=True)
class Spec:
    """Which server: `kind` is larder, redis, memcached or bare; the others are larder's."""

    kind: str
    map: str = ""
    threads: int = 1
    shards: int = 0  # 0: its default

    @property
    def label(self) -> str:
        if self.kind == "larder":
            threads = f", {self.threads} threads" if self.threads != 1 else ""
            shards = f", --shards {self.shards}" if self.shards else ""
            return f"larder {self.map}{threads}{shards}"
        return {"bare": "bare epoll loop", "redis": "redis-server"}.get(self.kind, self.kind)


@dataclass
class Server:
    """A running server. Readings come from /proc and are of the server process alone."""

    spec: Spec
    port: int
    process: subprocess.Popen[bytes]
    start_ms: float  # from starting the process to its first reply
    log: pathlib.Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def rss_bytes(self) -> int:
        return int(_status_field(self.pid, "VmRSS")) * 1024

    def cpu_ns(self) -> int:
        """User and system time of all its threads: exact while they sleep, else a tick behind."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total or self._cpu_ns_from_ticks()

    def context_switches(self) -> int:
        """How often its threads, those that run now, gave up a processor or were made to."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            words = re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text())
            total += sum(map(int, words))
        return total

    def _cpu_ns_from_ticks(self) -> int:
        """For kernels without schedstat: utime + stime, in steps of 10 ms."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_NS


@dataclass
class Fleet:
    """Every running server of a benchmark; a context manager that leaves none behind."""

    binaries: Binaries
    log_dir: pathlib.Path
    running: list[Server] = field(default_factory=list)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def has(self, kind: str) -> bool:
        return getattr(self.binaries, kind) is not None

    def larder_and_redis(self, maps: Iterable[str]) -> list[Spec]:
        """larder with each of the maps, then redis-server: those of them that are installed."""
        specs = [Spec("larder", map) for map in maps] if self.has("larder") else []
        return specs + ([Spec("redis")] if self.has("redis") else [])

    def require_redis_benchmark(self) -> None:
        """For a section whose load it makes; RuntimeError without it."""
        if not self.has("redis_benchmark"):
            raise RuntimeError("redis-benchmark is not installed (Debian: redis-tools)")

    def start(self, spec: Spec) -> Server:
        """Starts a server and waits for its first reply; RuntimeError if that does not come."""
        port = free_port()
        log = self.log_dir / f"{spec.kind}-{spec.map or 'x'}-{spec.threads}-{port}.log"
        argv = self._argv(spec, port)
        with log.open("wb") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.log_dir,
            )
        server = Server(spec, port, process, 0.0, log)
        self.running.append(server)
        if not wait_for(
            lambda: _answers(spec.kind, port) or process.poll() is not None, START_TIMEOUT_S, 0.0005
        ):
            self.stop(server)
            raise RuntimeError(
                f"{spec.label}: no reply within {START_TIMEOUT_S:.0f} s ({' '.join(argv)})"
            )
        server.start_ms = (time.perf_counter() - started) * 1e3
        if process.poll() is not None:
            self.running.remove(server)
            raise RuntimeError(
                f"{spec.label} ended at start: {log.read_text(errors='replace')[-500:]}"
            )
        return server

    def stop(self, server: Server) -> None:
        """Ends one server: larder by SIGTERM, and SIGKILL if it does not follow; a peer at once."""
        server.process.send_signal(
            signal.SIGTERM if server.spec.kind == "larder" else signal.SIGKILL
        )
        try:
            server.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        if server in self.running:
            self.running.remove(server)

    def stop_all(self) -> None:
        for server in list(self.running):
            self.stop(server)

    def _argv(self, spec: Spec, port: int) -> list[str]:
        path = getattr(self.binaries, spec.kind)
        if path is None:
            raise RuntimeError(f"{spec.kind} is not installed")
        if spec.kind == "larder":
            options = {
                "--port": port,
                "--threads": spec.threads,
                "--map": spec.map,
                "--bind": "127.0.0.1",
            }
            options["--maxclients"] = MAXCLIENTS
            if spec.shards:
                options["--shards"] = spec.shards
            return [path] + [str(word) for option in options.items() for word in option]
        if spec.kind == "redis":
            words = f"--port {port} --bind 127.0.0.1 --maxclients {MAXCLIENTS}".split()
            return [path, *words, "--appendonly", "no", "--daemonize", "no", "--save", ""]
        if spec.kind == "memcached":
            user = pwd.getpwuid(os.geteuid()).pw_name  # it refuses to run as root unless told so
            return [path, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "4096", "-u", user]
        return [path, str(port)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], timeout_s: float, step_s: float) -> bool:
    """Polls until `condition` holds; False if it never did."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True


def build_bare_responder(source: pathlib.Path, out_dir: pathlib.Path) -> str | None:
    """Compiles the bare responder into `out_dir`; None without a compiler."""
    target = out_dir / "bare_responder"
    command = [os.environ.get("CXX", "c++"), "-std=c++20", "-O2", str(source), "-o", str(target)]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bare responder: {error}; its rows are left out", flush=True)
        return None
    return str(target)


def _answers(kind: str, port: int) -> bool:
    question, answer = (
        (b"version\r\n", b"VERSION") if kind == "memcached" else (b"*1\r\n$4\r\nPING\r\n", b"+")
    )
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(answer)
    except OSError:
        return False


def _status_field(pid: int, name: str) -> str:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    raise RuntimeError(f"/proc/{pid}/status has no {name}")
