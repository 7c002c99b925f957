# ruby-redis: strings, pipelines, transactions, scans, connections that come back.

require "redis"

$failed = 0

def equal(what, got, expected)
  $failed += 1 unless got == expected
  puts(got == expected ? "ok      #{what}" : "FAILED  #{what}: got #{got.inspect}")
end

port, socket_path = ARGV
redis = Redis.new(host: "127.0.0.1", port: port.to_i, timeout: 5)

equal "set with options", redis.set("a", "1", nx: true, ex: 100), true
equal "set nx again", redis.set("a", "2", nx: true), false
equal "set with get", redis.set("a", "5", get: true, keepttl: true), "1"
equal "get", redis.get("a"), "5"
equal "incrby", redis.incrby("a", 37), 42
equal "incrbyfloat", redis.incrbyfloat("a", 0.5), 42.5
equal "ttl", redis.ttl("a").positive?, true
equal "getex", redis.getex("a", persist: true), "42.5"
equal "mapped_mset", redis.mapped_mset("b" => "x", "c" => "\0\xff\r\n".b), "OK"
equal "mapped_mget", redis.mapped_mget("b", "none"), { "b" => "x", "none" => nil }
equal "binary", redis.get("c").b, "\0\xff\r\n".b
equal "exists", redis.exists("a", "b", "none"), 2
equal "exists?", redis.exists?("none"), false
equal "del", redis.del("b", "none"), 1
equal "config", redis.config(:get, "maxclients"), { "maxclients" => "10000" }
begin
  redis.incr("c")
rescue Redis::CommandError => error
  equal "a CommandError", error.message, "ERR value is not an integer or out of range"
end

futures = []
redis.pipelined { |pipe| 1000.times { futures << pipe.incr("n") } }
equal "pipelined", futures.map(&:value), (1..1000).to_a
equal "multi", redis.multi { |t| t.set("t", "1"); t.incr("t"); t.get("t") }, ["OK", 2, "2"]

rival = Redis.new(path: socket_path)
equal "the socket", rival.ping, "PONG"
changed = redis.watch("t") do
  rival.set("t", "9")
  redis.multi { |t| t.set("t", "0") }
end
equal "a watched key that changed", changed, nil

redis.select(1)
names = Array.new(500) { |i| "scan:#{i}" }
redis.mset(*(names + ["other"]).flat_map { |name| [name, "x"] })
equal "scan_each", redis.scan_each(match: "scan:*", count: 50).to_a.uniq.sort, names.sort
equal "scan_each with a type", redis.scan_each(type: "hash").to_a, []
equal "dbsize", redis.dbsize, 501

rival.call(["CLIENT", "KILL", "ID", redis.call(["CLIENT", "ID"])])
equal "a killed connection comes back to its database", redis.get("other"), "x"
equal "flushdb", redis.flushdb, "OK"
equal "quit", redis.quit, "OK"

exit($failed.zero? ? 0 : 1)
