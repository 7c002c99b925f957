// node-redis (`redis`): RESP2 and RESP3, pipelines, transactions, scans, pools.
"use strict";

const { createClient, createClientPool, WatchError } = require("redis");
const { equal, port, socketPath } = require("./check.js");

async function strings(client) {
  equal("set", await client.set("a", "1", { EX: 100, NX: true }), "OK");
  equal("set nx again", await client.set("a", "2", { NX: true }), null);
  equal("set with GET", await client.set("a", "5", { GET: true, KEEPTTL: true }), "1");
  equal("ttl", (await client.ttl("a")) > 0, true);
  equal("incrBy", await client.incrBy("a", 5), 10);
  equal("incrByFloat", await client.incrByFloat("a", 0.5), "10.5");
  equal("mSet", await client.mSet({ b: "x", c: "ü" }), "OK");
  equal("mGet", await client.mGet(["b", "none", "c"]), ["x", null, "ü"]);
  equal("getEx", await client.getEx("b", { type: "PX", value: 50000 }), "x");
  equal("getDel", await client.getDel("b"), "x");
  equal("exists", await client.exists(["b", "c"]), 1);
  equal("configGet", { ...(await client.configGet("maxclients")) }, { maxclients: "10000" });
  const error = await client.incr("c").catch((caught) => caught.message);
  equal("an error", error, "ERR value is not an integer or out of range");
}

async function pipelines(client) {
  const incremented = Array.from({ length: 1000 }, () => client.incr("n"));
  equal("a pipeline by itself", (await Promise.all(incremented)).at(-1), 1000);
  equal("multi", await client.multi().set("t", "1").incr("t").get("t").exec(), ["OK", 2, "2"]);
  equal("execAsPipeline", await client.multi().get("t").ping().execAsPipeline(), ["2", "PONG"]);
  await client.watch("t");
  const rival = await client.duplicate().connect();
  await rival.set("t", "9");
  rival.destroy();
  const caught = await client.multi().set("t", "0").exec().catch((error) => error);
  equal("WatchError", caught instanceof WatchError, true);
}

async function scans(client) {
  await client.flushDb();
  const names = Array.from({ length: 500 }, (_, i) => `scan:${i}`);
  await client.mSet(names.concat("other").map((name) => [name, "x"]));
  const seen = new Set();
  for await (const batch of client.scanIterator({ MATCH: "scan:*", COUNT: 50, TYPE: "string" })) {
    batch.forEach((name) => seen.add(name));
  }
  equal("scanIterator", [...seen].sort(), [...names].sort());
  equal("dbSize", await client.dbSize(), 501);
  await client.flushDb();
}

async function connections() {
  const pool = await createClientPool({ socket: { port } }, { maximum: 3 }).connect();
  await Promise.all(Array.from({ length: 100 }, () => pool.incr("pooled")));
  equal("a pool", await pool.get("pooled"), "100");
  await pool.close();

  const local = await createClient({ socket: { path: socketPath }, database: 2 }).connect();
  await local.set("k", "v");
  equal("the socket, and a database", (await local.clientInfo()).db, 2);
  await local.flushDb();
  await local.close();
}

async function main() {
  for (const RESP of [2, 3]) {
    console.log(`        RESP${RESP}`);
    const client = createClient({ socket: { port }, RESP, name: "tester" });
    client.on("error", (error) => equal("no error of the connection", error, null));
    await client.connect();
    equal("clientGetName", await client.clientGetName(), "tester");
    for (const part of [strings, pipelines, scans]) await part(client);
    await client.close();
  }
  await connections();
}

main();
