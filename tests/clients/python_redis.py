"""python3-redis: pipelines, transactions, scans, options, pools, and the socket."""

import datetime
import threading

from checks import Skipped

WORKERS = 4
INCREMENTS = 50


def run(checks, server):
    try:
        import redis
    except ImportError as error:
        raise Skipped("python3 has no module 'redis' here") from error
    address = {"host": "127.0.0.1", "port": server.port, "socket_timeout": 20}
    with redis.Redis(**address, decode_responses=True) as client:
        strings(checks, client)
        set_options(checks, client)
        pipelines(checks, client, redis)
        scans(checks, client)
        answers_as_objects(checks, client)
    watch_and_retry(checks, redis, address)
    pool(checks, redis, address)
    with redis.Redis(**address) as client:
        binary(checks, client)
    with redis.Redis(unix_socket_path=server.socket_path, decode_responses=True) as client:
        checks.equal("the socket", client.get("text"), "grüße")


def strings(checks, client):
    checks.equal("set", client.set("text", "grüße"), True)
    checks.equal("get, decoded", client.get("text"), "grüße")
    checks.equal("get of no key", client.get("none"), None)
    checks.equal("mset", client.mset({"m1": 1, "m2": 2.5}), True)
    checks.equal("mget", client.mget("m1", "none", "m2"), ["1", None, "2.5"])
    checks.equal("incrby", client.incrby("m1", 41), 42)
    checks.equal("incrbyfloat", client.incrbyfloat("m2", 0.25), 2.75)
    checks.equal("append", client.append("m1", "!"), 3)
    checks.equal("exists", client.exists("m1", "m2", "none"), 2)
    checks.equal("delete", client.delete("m1", "m2", "none"), 2)


def set_options(checks, client):
    checks.equal("set nx", client.set("option", "1", nx=True, ex=100), True)
    checks.equal("set nx again", client.set("option", "2", nx=True), None)
    checks.equal("set xx get", client.set("option", "3", xx=True, get=True, keepttl=True), "1")
    checks.equal("set keepttl", 0 < client.ttl("option") <= 100, True)
    checks.equal("getex persist", client.getex("option", persist=True), "3")
    checks.equal("ttl without a deadline", client.ttl("option"), -1)
    checks.equal("set px", client.set("option", "4", px=datetime.timedelta(seconds=50)), True)
    checks.equal("pttl", 0 < client.pttl("option") <= 50_000, True)
    checks.equal("expireat", client.expireat("option", datetime.datetime(2100, 1, 1)), True)
    checks.equal("expiretime", client.execute_command("EXPIRETIME", "option") > 4_000_000_000, True)
    checks.equal("getdel", client.getdel("option"), "4")
    checks.equal("a key after getdel", client.exists("option"), 0)


def pipelines(checks, client, redis):
    for transaction in (True, False):
        name = "a transaction" if transaction else "a pipeline"
        client.delete("n")
        with client.pipeline(transaction=transaction) as pipe:
            for _ in range(1000):
                pipe.incr("n")
            pipe.set("n2", "x").get("n2")
            replies = pipe.execute()
        checks.equal(name, replies, list(range(1, 1001)) + [True, "x"])

        with client.pipeline(transaction=transaction) as pipe:
            pipe.set("n3", "1").incr("n2").incr("n3")
            replies = pipe.execute(raise_on_error=False)
        wrong = isinstance(replies[1], redis.ResponseError) and "not an integer" in str(replies[1])
        checks.true(f"{name} with an error inside", wrong and replies[2] == 2, replies)

    with client.pipeline() as pipe:
        pipe.set("n4", "1").execute_command("NONSENSE")
        try:
            checks.true("an unknown command aborts the transaction", False, pipe.execute())
        except redis.ResponseError as error:
            checks.contains("an unknown command aborts the transaction", str(error), "unknown")
    checks.equal("and nothing of it has run", client.exists("n4"), 0)


def scans(checks, client):
    client.flushdb()
    keys = {f"scan:{i}" for i in range(1000)}
    client.mset(dict.fromkeys(keys, "x"))
    client.set("other", "y")
    checks.equal("scan_iter", set(client.scan_iter()), keys | {"other"})
    checks.equal("scan_iter with match and count", set(client.scan_iter("scan:*", 77)), keys)
    checks.equal("scan_iter with a type", len(set(client.scan_iter(_type="string"))), 1001)
    checks.equal("scan_iter with another type", list(client.scan_iter(_type="hash")), [])
    checks.equal("keys", sorted(client.keys("scan:99?")), [f"scan:{i}" for i in range(990, 1000)])
    checks.equal("dbsize", client.dbsize(), 1001)
    checks.equal("flushdb", (client.flushdb(), client.dbsize()), (True, 0))
    client.set("text", "grüße")


def answers_as_objects(checks, client):
    info = client.info()
    checks.equal("info: keyspace", info["db0"]["keys"], 1)
    checks.true("info: memory", info["used_memory"] > 0, info)
    checks.equal("config_get", client.config_get("maxclients"), {"maxclients": "10000"})
    client.client_setname("tester")
    me = client.client_list()[0]
    checks.equal("client_list", (me["name"], me["cmd"]), ("tester", "client|list"))
    checks.equal("client_id", client.client_id(), int(me["id"]))
    arity = client.command()["get"]["arity"]
    checks.equal("command", arity, 2)
    checks.true("time", client.time()[0] > 1_700_000_000)
    checks.equal("object encoding", client.object("encoding", "text"), "embstr")
    checks.true("memory_usage", client.memory_usage("text") > 0)


def watch_and_retry(checks, redis, address):
    """The loop of redis-py's own documentation, by several clients on one key."""
    retries = []

    def work():
        with redis.Redis(**address) as client:
            for _ in range(INCREMENTS):
                increment(client)

    def increment(client):
        with client.pipeline() as pipe:
            while True:
                try:
                    pipe.watch("watched")
                    value = int(pipe.get("watched") or 0)
                    pipe.multi()
                    pipe.set("watched", value + 1)
                    pipe.execute()
                    return
                except redis.WatchError:
                    retries.append(1)

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with redis.Redis(**address) as client:
        checks.equal("WATCH loses no increment", int(client.get("watched")), WORKERS * INCREMENTS)
    checks.true("WATCH saw a conflict", retries)


def pool(checks, redis, address):
    connections = redis.BlockingConnectionPool(
        max_connections=2, timeout=20, retry_on_error=[redis.ConnectionError], **address
    )
    client = redis.Redis(connection_pool=connections)
    workers = [
        threading.Thread(target=lambda: [client.incr("pooled") for _ in range(INCREMENTS)])
        for _ in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    checks.equal("a pool of 2 under 4 threads", int(client.get("pooled")), WORKERS * INCREMENTS)
    first = client.client_id()
    client.client_kill_filter(_id=first, skipme=False)
    checks.true("a killed connection is replaced", client.client_id() != first)
    connections.disconnect()


def binary(checks, client):
    every_byte = bytes(range(256)) * 4096
    client.set(every_byte[:256], every_byte)
    checks.equal("a megabyte of every byte", client.get(every_byte[:256]) == every_byte, True)
    checks.equal("setrange and getrange", (client.setrange("r", 3, b"\xff"), client.get("r")),
                 (4, b"\0\0\0\xff"))
