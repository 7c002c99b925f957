#!/usr/bin/env python3
"""larder's benchmarks, beside redis-server, memcached and a bare epoll loop; writes a report.

    tests/bench/run.py --out build/bench              everything, about 50 minutes on two cores
    tests/bench/run.py --quick                        the same questions in under five minutes
    tests/bench/run.py --only memory,expiry           some of: server, memory, expiry, eviction,
                                                      transactions, fairness, maps, growth,
                                                      threads

Leave the machine alone meanwhile. The exit code is 1 if a section failed; the report says why.
"""

from __future__ import annotations

import argparse
import pathlib
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Callable

import eviction_section
import expiry_section
import fairness_section
import growth_section
import machine
import maps_section
import memory_section
import report
import server_section
import threads_section
import transaction_section
from progress import Progress
from results import Results
from servers import Binaries, Fleet, build_bare_responder

SECTIONS = (
    "server",
    "memory",
    "expiry",
    "eviction",
    "transactions",
    "fairness",
    "maps",
    "growth",
    "threads",
)
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KEYS = 1_000_000
ROUNDS = 3


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    build = REPOSITORY / "build"
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=build / "bench",
        help="where the report goes (%(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="short loads; under five minutes")
    parser.add_argument(
        "--only", default=",".join(SECTIONS), help="sections, separated by commas (%(default)s)"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help="runs a row, of which the median counts (%(default)s)",
    )
    parser.add_argument("--keys", type=int, default=KEYS, help="keys to load (%(default)s)")
    parser.add_argument(
        "--map",
        default="rcu",
        choices=server_section.MAPS,
        help="the map that the targets are about",
    )
    parser.add_argument(
        "--larder", default=str(build / "larder"), help="path of larder (%(default)s)"
    )
    parser.add_argument(
        "--traces",
        type=pathlib.Path,
        help="a directory of traces, NAME.u32.xz: without one no hit ratios are measured",
    )
    parser.add_argument(
        "--bare", help="path of bare_responder (default: beside larder, else it is compiled)"
    )
    parser.add_argument("--redis-server", default="redis-server", help="the peer (%(default)s)")
    parser.add_argument("--memcached", default="memcached", help="the peer (%(default)s)")
    parser.add_argument(
        "--redis-benchmark", default="redis-benchmark", help="the load (%(default)s)"
    )
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    if unknown := set(arguments.only) - set(SECTIONS):
        parser.error(
            f"--only: no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}"
        )
    if arguments.rounds < 1 or arguments.keys < 1_000:
        parser.error("--rounds must be 1 or more, --keys 1,000 or more")
    return arguments


def find_binaries(arguments: argparse.Namespace) -> Binaries:
    """Looks for every program. A missing peer is said and left out; larder must be there."""
    larder = shutil.which(arguments.larder)
    if larder is None:
        sys.exit(f"{arguments.larder} is not there: `make build` makes it, --larder names another")
    beside = [pathlib.Path(larder).parent / part / "bare_responder" for part in ("", "tests")]
    bare = arguments.bare or next((str(path) for path in beside if path.is_file()), None)
    tests = pathlib.Path(larder).resolve().parent / "tests"
    found = {
        "redis": shutil.which(arguments.redis_server),
        "memcached": shutil.which(arguments.memcached),
        "redis_benchmark": shutil.which(arguments.redis_benchmark),
        "map_bench": shutil.which(tests / "map_bench"),
        "go_map_bench": shutil.which(tests / "go_map_bench"),
        "go": shutil.which("go"),
    }
    for name, path in found.items():
        if path is None:
            print(f"{name} is not installed; what needs it is left out", flush=True)
    bare = bare or build_bare_responder(REPOSITORY / "tests/bench/bare_responder.cc", arguments.out)
    return Binaries(
        larder=str(pathlib.Path(larder).resolve()),
        bare=bare and str(pathlib.Path(bare).resolve()),
        **found,
    )


def run_sections(
    arguments: argparse.Namespace, fleet: Fleet, progress: Progress, results: Results
) -> None:
    """Runs the sections asked for. One that fails is noted, and the others go on."""
    quick, keys = arguments.quick, arguments.keys
    maps = (arguments.map,) if quick else server_section.MAPS
    common = {"quick": quick, "keys": keys}
    server, memory, expiry = results.server, results.memory, results.expiry
    todo: dict[str, Callable[[], None]] = {
        "server": lambda: server_section.measure(
            fleet, progress, server, default_map=arguments.map, rounds=arguments.rounds, **common
        ),
        "memory": lambda: memory_section.measure(
            fleet, progress, memory, default_map=arguments.map, maps=maps, **common
        ),
        "expiry": lambda: expiry_section.measure(fleet, progress, expiry, maps=maps, **common),
        "eviction": lambda: eviction_section.measure(
            fleet,
            progress,
            results.eviction,
            default_map=arguments.map,
            traces=arguments.traces,
            rounds=arguments.rounds,
            **common,
        ),
        "transactions": lambda: transaction_section.measure(
            fleet, progress, results.transactions, maps=maps, rounds=arguments.rounds, **common
        ),
        "fairness": lambda: fairness_section.measure(
            fleet,
            progress,
            results.fairness,
            default_map=arguments.map,
            rounds=arguments.rounds,
            **common,
        ),
        "maps": lambda: maps_section.measure(
            fleet.binaries,
            progress,
            results.maps,
            out_dir=arguments.out,
            quick=quick,
            rounds=arguments.rounds,
        ),
        "growth": lambda: growth_section.measure(
            fleet,
            progress,
            results.growth,
            default_map=arguments.map,
            quick=quick,
            rounds=arguments.rounds,
        ),
        "threads": lambda: threads_section.measure(
            fleet, progress, results.threads, quick=quick, rounds=arguments.rounds
        ),
    }
    for name in arguments.only:
        try:
            todo[name]()
        except Exception as error:  # whatever it is, the sections already measured get their report
            results.errors.append(f"section {name}: {error}")
            progress.say(f"FAILED: section {name}")
            traceback.print_exc()
        finally:
            fleet.stop_all()


def main() -> int:
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    log_dir = arguments.out.resolve() / "logs"
    log_dir.mkdir(exist_ok=True)
    # SIGTERM unwinds like Ctrl-C does, so that the fleet's servers end with the benchmark.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    progress = Progress()
    binaries = find_binaries(arguments)
    results = Results(
        machine=machine.describe(binaries, REPOSITORY),
        options={
            "quick": arguments.quick,
            "rounds": arguments.rounds,
            "keys": arguments.keys,
            "command": shlex.join(["python3", *sys.argv]),
        },
        default_map=arguments.map,
    )
    with Fleet(binaries, log_dir) as fleet:
        run_sections(arguments, fleet, progress, results)
    path = report.write(results, arguments.out)
    progress.say(f"report: {path}, raw figures: {path.with_name('raw.json')}")
    return 1 if results.errors else 0


if __name__ == "__main__":
    sys.exit(main())
