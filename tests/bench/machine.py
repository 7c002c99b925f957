"""What the figures were measured on and with."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import subprocess

from servers import Binaries

BUSY_LOAD = 0.5


def describe(binaries: Binaries, repository: pathlib.Path) -> dict[str, str]:
    """Name -> text, in the order in which the report prints them."""
    load = os.getloadavg()[0]
    busy = " (**the machine was busy: read the figures with care**)" if load > BUSY_LOAD else ""
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": _proc_field("cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_proc_field('meminfo', 'MemTotal').split()[0]) / 1024 / 1024:.1f} GiB",
        "kernel": platform.release(),
        "system": _os_name(),
        "compiler": _first_line([os.environ.get("CXX", "c++"), "--version"]),
        "load average at start": f"{load:.2f}{busy}",
        "larder": _first_line([binaries.larder, "--version"]),
        "commit": _first_line(["git", "-C", str(repository), "describe", "--always", "--dirty"]),
        "redis-server": _first_line([binaries.redis, "--version"]),
        "redis-benchmark": _first_line([binaries.redis_benchmark, "--version"]),
        "memcached": _first_line([binaries.memcached, "--version"]),
        "go": _first_line([binaries.go, "version"]),
    }
    return {name: text or "not there" for name, text in facts.items()}


def _first_line(command: list[str | None]) -> str:
    if command[0] is None:
        return ""
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout.splitlines() or [""])[0].strip()


def _proc_field(file: str, name: str) -> str:
    for line in pathlib.Path("/proc", file).read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return "0" if file == "meminfo" else platform.machine()


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.system()
