// ioredis: strings, pipelines, transactions, scan streams, a connection that comes back.
"use strict";

const Redis = require("ioredis");
const { equal, sleep, port, socketPath } = require("./check.js");

async function strings(redis) {
  equal("set with options", await redis.set("a", "1", "EX", 100, "NX"), "OK");
  equal("set nx again", await redis.set("a", "2", "NX"), null);
  equal("get", await redis.get("a"), "1");
  equal("incr", await redis.incr("a"), 2);
  equal("ttl", (await redis.ttl("a")) > 0, true);
  equal("mset of an object", await redis.mset({ b: "x", c: "ü" }), "OK");
  equal("mget", await redis.mget("b", "none", "c"), ["x", null, "ü"]);
  const bytes = Buffer.from([0, 255, 13, 10, 128]);
  await redis.set("bytes", bytes);
  equal("getBuffer", Buffer.compare(await redis.getBuffer("bytes"), bytes), 0);
  const error = await redis.incr("b").catch((caught) => caught);
  equal("a ReplyError", [error.name, error.message],
    ["ReplyError", "ERR value is not an integer or out of range"]);
}

async function pipelines(redis) {
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1000; i++) pipeline.incr("n");
  const replies = await pipeline.exec();
  equal("pipeline", replies.map(([, value]) => value), [...Array(1000).keys()].map((i) => i + 1));
  equal("multi", await redis.multi().set("t", "1").incr("t").get("t").exec(),
    [[null, "OK"], [null, 2], [null, "2"]]);

  const rival = redis.duplicate();
  await redis.watch("t");
  await rival.set("t", "9");
  equal("a watched key that changed", await redis.multi().set("t", "0").exec(), null);
  rival.disconnect();

  const automatic = redis.duplicate({ enableAutoPipelining: true });
  const gets = await Promise.all(Array.from({ length: 100 }, () => automatic.get("t")));
  equal("enableAutoPipelining", gets, Array(100).fill("9"));
  automatic.disconnect();
}

async function scans(redis) {
  await redis.flushdb();
  const names = Array.from({ length: 500 }, (_, i) => `scan:${i}`);
  await redis.mset(...names.flatMap((name) => [name, "x"]), "other", "y");
  const seen = new Set();
  for await (const batch of redis.scanStream({ match: "scan:*", count: 50 })) {
    batch.forEach((name) => seen.add(name));
  }
  equal("scanStream", [...seen].sort(), [...names].sort());
}

async function connections(redis) {
  const prefixed = new Redis({ port, keyPrefix: "app:", db: 2 });
  await prefixed.set("k", "v");
  await redis.select(2);
  equal("keyPrefix and db", await redis.get("app:k"), "v");
  await redis.select(0);
  const id = await prefixed.client("ID");
  await redis.client("KILL", "ID", id);
  await sleep(50);
  equal("a killed connection comes back to its database", await prefixed.get("k"), "v");
  prefixed.disconnect();

  const local = new Redis(socketPath);
  equal("the socket", await local.ping(), "PONG");
  equal("quit", await local.quit(), "OK");
}

async function main() {
  const redis = new Redis({ port });
  for (const part of [strings, pipelines, scans, connections]) await part(redis);
  await redis.quit();
}

main();
