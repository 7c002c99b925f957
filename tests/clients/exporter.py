"""prometheus-redis-exporter: what a Prometheus would scrape."""

import os
import re
import shutil
import subprocess
import urllib.request

from checks import Skipped
from server_process import Process, free_port

PROGRAM = "prometheus-redis-exporter"
KEYS = 25
VOLATILE = 5
SCRAPE_TIMEOUT_S = 20


def run(checks, server):
    if not shutil.which(PROGRAM) or not shutil.which("redis-cli"):
        raise Skipped(f"no {PROGRAM} or no redis-cli here")
    fill(server)
    port = free_port()
    command = [PROGRAM, "-redis.addr", f"redis://127.0.0.1:{server.port}",
               "-web.listen-address", f"127.0.0.1:{port}",
               "-check-keys", "db0=key:1*", "-include-config-metrics", "-export-client-list"]
    exporter = Process(command, port, os.path.join(server.directory.name, "exporter.log"))
    try:
        scraped(checks, scrape(port))
        checks.true("it logs no error", "level=error" not in exporter.output(), exporter.output())
    finally:
        exporter.stop()


def fill(server):
    lines = [f"SET key:{i} value{i}" for i in range(KEYS)]
    lines += [f"EXPIRE key:{i} 1000" for i in range(VOLATILE)]
    lines += ["GET key:1", "GET none", "CONFIG SET slowlog-log-slower-than 0", "GET key:2"]
    subprocess.run(["redis-cli", "-p", str(server.port)], input="\n".join(lines), text=True,
                   stdout=subprocess.DEVNULL, check=True)


def scrape(port):
    """Metric with its labels -> value."""
    address = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(address, timeout=SCRAPE_TIMEOUT_S) as response:
        text = response.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(redis_.*) (\S+)$", text, re.M)}


def scraped(checks, metrics):
    checks.equal("redis_up", metrics.get("redis_up"), 1)
    checks.equal("no scrape error", metrics.get('redis_exporter_last_scrape_error{err=""}'), 0)
    expected = {
        'redis_db_keys{db="db0"}': KEYS,
        'redis_db_keys{db="db1"}': 0,
        'redis_db_keys_expiring{db="db0"}': VOLATILE,
        'redis_commands_total{cmd="set"}': KEYS,
        'redis_commands_total{cmd="expire"}': VOLATILE,
        "redis_keyspace_misses_total": 1,
        "redis_memory_max_bytes": 64 * 1024 * 1024,
        "redis_config_maxmemory": 64 * 1024 * 1024,
        "redis_config_maxclients": 10000,
        "redis_rejected_connections_total": 0,
        "redis_evicted_keys_total": 0,
        'redis_key_size{db="db0",key="key:11"}': len("value11"),
    }
    for name, value in expected.items():
        checks.equal(name, metrics.get(name), value)
    for name in (
        "redis_memory_used_bytes", "redis_memory_used_rss_bytes", "redis_commands_processed_total",
        "redis_connected_clients", "redis_connections_received_total", "redis_keyspace_hits_total",
        "redis_net_input_bytes_total", "redis_net_output_bytes_total", "redis_start_time_seconds",
        "redis_slowlog_length", "redis_db_avg_ttl_seconds{db=\"db0\"}",
        'redis_commands_duration_seconds_total{cmd="set"}', "redis_connected_clients_details",
    ):
        values = [value for metric, value in metrics.items() if metric.startswith(name)]
        checks.true(f"{name} is more than 0", values and values[0] > 0, values)
    cpu = [metrics.get(f"redis_cpu_{mode}_seconds_total", 0) for mode in ("sys", "user")]
    checks.true("redis_cpu_*_seconds_total", sum(cpu) > 0, cpu)  # the kernel may put all in one
    versions = [metric for metric in metrics if metric.startswith("redis_instance_info{")]
    checks.contains("redis_instance_info", "".join(versions), 'role="master"', "redis_version=")
