"""twemproxy (nutcracker) in front of three larders, as conf/nutcracker.yml sets it up; one of them
dies and comes back."""

import os
import pathlib
import re
import shutil

from checks import Skipped
from server_process import Process, Server, free_port, wait_until

SAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "conf" / "nutcracker.yml"
KEYS = 300
RETRY_MS = 1000
REPLY_MS = 10_000  # a busy machine is no dead server; one that is dead refuses at once
MOVE_TIMEOUT_S = 15


def run(checks, server):
    if not shutil.which("nutcracker"):
        raise Skipped("no nutcracker here")
    try:
        import redis
    except ImportError as error:
        raise Skipped("python3 has no module 'redis' here") from error
    larders = [server] + [Server(server.binary, []) for _ in range(2)]
    proxy = None
    try:
        proxy = start_proxy(larders)
        client = redis.Redis(port=proxy.port, socket_timeout=20, decode_responses=True)
        direct = [redis.Redis(port=larder.port, decode_responses=True) for larder in larders]
        spread(checks, client, direct)
        theirs = one_dies(checks, client, direct, larders, redis.RedisError)
        it_returns(checks, client, direct, larders, theirs, redis.RedisError)
    finally:
        for process in ([proxy] if proxy else []) + larders[1:]:
            process.stop()


def start_proxy(larders):
    """The sample, with free ports in place of its own and times that suit a test."""
    directory, port = larders[0].directory.name, free_port()
    text = SAMPLE.read_text(encoding="utf-8").replace(":22121", f":{port}")
    for sample_port, larder in zip((6379, 6380, 6381), larders):
        text = text.replace(f"127.0.0.1:{sample_port}:", f"127.0.0.1:{larder.port}:")
    text = re.sub(r"server_retry_timeout: \d+", f"server_retry_timeout: {RETRY_MS}", text)
    text = re.sub(r"(?m)^  timeout: \d+", f"  timeout: {REPLY_MS}", text)
    path = os.path.join(directory, "nutcracker.yml")
    pathlib.Path(path).write_text(text, encoding="utf-8")
    log_path = os.path.join(directory, "nutcracker.log")
    command = ["nutcracker", "-c", path, "-a", "127.0.0.1", "-s", str(free_port()),
               "-p", os.path.join(directory, "nutcracker.pid"), "-o", log_path]
    return Process(command, port, log_path)


def spread(checks, client, direct):
    for i in range(KEYS):
        client.set(f"key:{i}", i, ex=1000)
    held = [len(larder.keys("key:*")) for larder in direct]
    checks.true("every larder holds a share", min(held) > KEYS / 6 and sum(held) == KEYS, held)
    names = [f"key:{i}" for i in range(KEYS)]
    checks.equal("MGET over all of them", client.mget(names), [str(i) for i in range(KEYS)])
    checks.equal("DEL over all of them", client.delete("key:0", "key:1", "key:2", "none"), 3)
    client.mset({"u:{7}:name": "ann", "u:{7}:mail": "a@b"})
    homes = [larder.exists("u:{7}:name", "u:{7}:mail") for larder in direct]
    checks.equal("a hash tag keeps keys together", sorted(homes), [0, 0, 2])
    with client.pipeline(transaction=False) as pipe:
        for i in range(KEYS):
            pipe.incr(f"n:{i}")
        checks.equal("a pipeline", pipe.execute(), [1] * KEYS)


def set_works(client, key, value, errors):
    try:
        return client.set(key, value)
    except errors:
        return False


def one_dies(checks, client, direct, larders, errors):
    """Returns the keys that the dead one held."""
    theirs = direct[2].keys("key:*")
    ours = direct[0].keys("key:*") + direct[1].keys("key:*")
    larders[2].stop()
    moved = wait_until(lambda: set_works(client, theirs[0], "moved", errors), MOVE_TIMEOUT_S)
    checks.true("a dead larder's key finds another home", moved)
    lost = [set_works(client, key, "moved", errors) for key in theirs].count(False)
    found = sum(direct[0].exists(key) + direct[1].exists(key) for key in theirs)
    # Each time the proxy asks whether the dead one is back, a request or two pay for it.
    some = len(theirs) / 4
    checks.true("so do its other keys", found >= len(theirs) - lost and lost < some, (lost, found))
    stayed = direct[0].exists(*ours) + direct[1].exists(*ours)
    checks.equal("the others' keys stay", stayed, len(ours))
    return theirs


def it_returns(checks, client, direct, larders, theirs, errors):
    larders[2] = Server(larders[0].binary, [], port=larders[2].port)

    def back():
        for key in theirs:
            set_works(client, key, "back", errors)
        return direct[2].dbsize() == len(theirs)

    checks.true("its keys return to it", wait_until(back, MOVE_TIMEOUT_S), direct[2].dbsize())
    checks.equal("and are read from it", client.get(theirs[0]), "back")
    checks.equal("its home holds them", direct[2].get(theirs[0]), "back")
