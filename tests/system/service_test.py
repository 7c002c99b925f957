#!/usr/bin/env python3
"""larder as a service: its Unix socket, the service manager that waits for it, and a configuration
file that it reads, rewrites and reads again."""

import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

for directory in ("differential", "support"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / directory))

import resp
import servers
from server_process import free_port, wait_until

BINARY = os.environ["LARDER_BINARY"]
SOON = 20  # seconds


def text_of(reply):
    """A raw reply as text: the content of a bulk string, else the line."""
    kind, value = resp.parse(reply)
    if kind == "$":
        return value.decode()
    return f"{kind}{value.decode() if isinstance(value, bytes) else value}"


class Client(servers.Connection):
    def read(self):
        return text_of(self.read_replies(1)[0])

    def ask(self, *args):
        self.send(resp.encode([arg.encode() for arg in args]))
        return self.read()


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="larder_")
        self.path = pathlib.Path(self.directory.name)
        self.servers, self.clients = [], []

    def tearDown(self):
        for client in self.clients:
            client.close()
        for server in self.servers:
            if server.poll() is None:
                server.kill()
            server.communicate()
        self.directory.cleanup()

    def start(self, *flags, environment=None, wait_for=None):
        """Starts larder; waits until the path `wait_for` can be connected to."""
        self.servers.append(subprocess.Popen(
            [BINARY, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})}))
        if wait_for is not None:
            self.connect(wait_for).close()
        return self.servers[-1]

    def connect(self, address):
        """A client of the port or the path, as soon as somebody listens there."""
        def connects():
            try:
                self.clients.append(Client(address, SOON))
                return True
            except OSError:
                self.assertIsNone(self.servers[-1].poll(), "the server has ended")
                return False

        self.assertTrue(wait_until(connects, SOON))
        return self.clients[-1]

    def end(self, server):
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(SOON), 0)


class UnixSocketTest(ServiceTest):
    def setUp(self):
        super().setUp()
        self.socket = str(self.path / "larder.sock")

    def start_here(self, *flags):
        return self.start("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
                          *flags, wait_for=self.socket)

    def test_serves_with_its_permissions_and_goes(self):
        server = self.start_here("--threads", "2")
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o700)
        client = self.connect(self.socket)
        self.assertEqual(client.ask("SET", "k", "v"), "+OK")
        self.assertEqual(client.ask("GET", "k"), "v")
        info = client.ask("CLIENT", "INFO")
        self.assertIn(f" addr={self.socket}:0 laddr={self.socket}:0 ", info)
        self.assertIn(" flags=U ", info)
        self.assertEqual(client.ask("CLIENT", "KILL", "LADDR", f"{self.socket}:0"), ":0")
        self.end(server)
        self.assertFalse(os.path.exists(self.socket))

    def test_monitor_shows_where_a_command_came_from(self):
        self.start_here()
        monitor = self.connect(self.socket)
        self.assertEqual(monitor.ask("MONITOR"), "+OK")
        self.connect(self.socket).ask("PING")
        self.assertRegex(monitor.read(), rf"^\+\d+\.\d{{6}} \[0 unix:{self.socket}\] \"PING\"$")

    def test_replaces_what_a_dead_server_left(self):
        self.start_here().kill()
        self.servers[-1].wait()
        self.assertTrue(os.path.exists(self.socket))
        self.start_here()
        self.assertEqual(self.connect(self.socket).ask("PING"), "+PONG")

    def test_leaves_a_live_server_its_socket(self):
        self.start_here()
        second = self.start("--port", "0", "--unixsocket", self.socket)
        self.assertEqual(second.wait(SOON), 1)
        self.assertEqual(self.connect(self.socket).ask("PING"), "+PONG")


class ServiceManagerTest(ServiceTest):
    def notifications(self, name, *flags):
        """What a manager that listens at `name` is told from the start to the end."""
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(SOON)
        manager.bind("\0" + name[1:] if name[0] == "@" else name)
        port = free_port()
        server = self.start("--port", str(port), *flags, environment={"NOTIFY_SOCKET": name})
        heard = [manager.recv(100)]
        client = Client(port, SOON)  # it is ready by now
        self.clients.append(client)
        self.assertIn("\r\nprocess_supervised:systemd\r\n", client.ask("INFO", "server"))
        self.end(server)
        heard.append(manager.recv(100))
        return heard

    def test_is_told_of_start_and_stop(self):
        told = [b"READY=1", b"STOPPING=1"]
        self.assertEqual(
            self.notifications(str(self.path / "notify"), "--supervised", "systemd"), told)
        self.assertEqual(self.notifications(f"@larder-{os.getpid()}", "--supervised", "auto"), told)

    def test_is_not_told_unasked(self):
        port = free_port()
        self.start("--port", str(port), environment={"NOTIFY_SOCKET": str(self.path / "notify")})
        client = self.connect(port)
        self.assertIn("\r\nprocess_supervised:no\r\n", client.ask("INFO", "server"))

    def test_none_is_claimed_where_there_is_none(self):
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        os.environ.pop("NOTIFY_SOCKET", None)
        self.addCleanup(os.environ.update, environment)
        port = free_port()
        self.start("--port", str(port), "--supervised", "systemd")
        client = self.connect(port)
        self.assertIn("\r\nprocess_supervised:no\r\n", client.ask("INFO", "server"))


class ConfigurationFileTest(ServiceTest):
    def test_survives_a_rewrite_and_a_restart(self):
        port = free_port()
        file = self.path / "larder.conf"
        file.write_text(f"# mine\nport {port}\n\ntimeout 10\nrename-command FLUSHALL \"\"\n"
                        "rename-command GET fetch\n")
        first = self.start(str(file))
        client = self.connect(port)
        self.assertEqual(client.ask("SET", "k", "v"), "+OK")
        self.assertEqual(client.ask("FETCH", "k"), "v")
        for gone in ("GET", "FLUSHALL"):
            self.assertTrue(client.ask(gone, "k").startswith(f"-ERR unknown command '{gone}'"))
        self.assertEqual(client.ask("CONFIG", "SET", "timeout", "0", "requirepass", "a \"b\""), "+OK")
        self.assertEqual(client.ask("CONFIG", "REWRITE"), "+OK")
        text = file.read_text()
        self.assertTrue(text.startswith(f"# mine\nport {port}\n\ntimeout 0\nrename-command "), text)
        self.assertTrue(text.endswith(
            '\n# Generated by CONFIG REWRITE\nrequirepass "a \\"b\\""\n'), text)
        self.end(first)

        self.start(str(file))
        client = self.connect(port)
        self.assertEqual(client.ask("PING"), "-NOAUTH Authentication required.")
        self.assertEqual(client.ask("AUTH", 'a "b"'), "+OK")
        self.assertEqual(client.ask("CONFIG", "REWRITE"), "+OK")
        self.assertEqual(file.read_text(), text)

    def test_a_password_concerns_those_who_come_later(self):
        port = free_port()
        self.start("--port", str(port))
        before = self.connect(port)
        self.assertEqual(before.ask("CONFIG", "SET", "requirepass", "pw"), "+OK")
        self.assertEqual(before.ask("PING"), "+PONG")
        later = self.connect(port)
        self.assertEqual(later.ask("PING"), "-NOAUTH Authentication required.")
        self.assertEqual(before.ask("CONFIG", "SET", "requirepass", ""), "+OK")
        self.assertEqual(later.ask("PING"), "+PONG")


if __name__ == "__main__":
    unittest.main()
