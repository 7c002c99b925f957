"""A server that a test in Python starts, on a port of its own, and ends by its pid."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

START_TIMEOUT_S = 20
FIRST_PORT = 10000


def free_port():
    """A port that nobody listens on, out of those that the kernel gives to no client: so it stays
    free until our server takes it, and while a server that was killed is away."""
    ephemeral = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    while True:
        port = random.randrange(FIRST_PORT, max(int(ephemeral[0]), FIRST_PORT + 1000))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(condition, timeout_s):
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Process:
    """A program that is to listen on `port` of 127.0.0.1; killed by stop()."""

    def __init__(self, command, port, log_path):
        self.port = port
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(lambda: self.listens() or not self.alive(), START_TIMEOUT_S)
        if not self.alive() or not self.listens():
            output = self.output()
            self.stop()
            raise RuntimeError(f"{self.process.args} does not start:\n{output}")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def alive(self):
        return self.process.poll() is None

    def output(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def terminate(self):
        """Asks it to end; the exit status, negative for a signal."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_TIMEOUT_S)

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Server(Process):
    """larder or redis-server, with a directory of its own for its log and its socket."""

    def __init__(self, binary, flags, port=None):
        self.directory = tempfile.TemporaryDirectory(prefix="larder-test-")
        port = port or free_port()
        command = [binary, "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--enable-debug-command", "yes"] + flags
        if "redis" in os.path.basename(binary):
            command += ["--save", "", "--dir", self.directory.name]
        super().__init__(command, port, os.path.join(self.directory.name, "log"))

    def stop(self):
        super().stop()
        self.directory.cleanup()
