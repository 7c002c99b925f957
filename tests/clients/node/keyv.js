// keyv with @keyv/redis: the cache that many Node applications ask through.
"use strict";

const { Keyv } = require("keyv");
const { default: KeyvRedis } = require("@keyv/redis");
const { equal, sleep, port } = require("./check.js");

const SHORT_MS = 500;

async function main() {
  const address = `redis://127.0.0.1:${port}`;
  const keyv = new Keyv({ store: new KeyvRedis(address), namespace: "users" });
  const others = new Keyv({ store: new KeyvRedis(address), namespace: "others" });
  keyv.on("error", (error) => equal("no error", error, null));

  equal("set", await keyv.set("ann", { age: 30, tags: ["x", "ü"] }), true);
  equal("get", await keyv.get("ann"), { age: 30, tags: ["x", "ü"] });
  equal("get of no key", await keyv.get("none"), undefined);
  equal("another namespace", await others.get("ann"), undefined);
  await keyv.set("brief", "x", SHORT_MS);
  equal("get before its time", await keyv.get("brief"), "x");
  await sleep(SHORT_MS + 20);
  equal("get after its time", await keyv.get("brief"), undefined);
  equal("has", [await keyv.has("ann"), await keyv.has("brief")], [true, false]);

  await keyv.setMany([{ key: "m1", value: 1 }, { key: "m2", value: 2, ttl: 60000 }]);
  equal("getMany", await keyv.getMany(["m1", "none", "m2"]), [1, undefined, 2]);
  equal("delete", [await keyv.delete("m1"), await keyv.get("m1")], [true, undefined]);

  const iterated = [];
  for await (const [key] of keyv.iterator()) iterated.push(key);
  equal("iterator", iterated.sort(), ["ann", "m2"]);
  await others.set("kept", "y");
  await keyv.clear();
  equal("clear", [await keyv.get("ann"), await keyv.get("m2")], [undefined, undefined]);
  equal("clear keeps other namespaces", await others.get("kept"), "y");
  await keyv.disconnect();
  await others.disconnect();
}

main();
