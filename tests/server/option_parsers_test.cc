#include "server/option_parsers.h"

#include <gtest/gtest.h>

#include "tests/support/set_case.h"

namespace larder::server {
namespace {

using test_support::SetCase;

// What redis-server 7.0.15 answered, but for larder's own options and defaults.
constexpr SetCase kSetCases[] = {
    {"hz", "0", "", "1"},
    {"hz", "1000", "", "500"},
    {"bind", "127.0.0.1 -::1", "", "127.0.0.1 -::1"},
    {"bind", "", "", ""},
    {"bind", "a a a a a a a a a a a a a a a a a", "Too many bind addresses specified.",
     "127.0.0.1 -::1"},
    {"save", "900 1 300 10", "", "900 1 300 10"},
    {"save", "", "", ""},
    {"save", "10", "Invalid save parameters", ""},
    {"save", "0 1", "Invalid save parameters", ""},
    {"save", "10 -1", "Invalid save parameters", ""},
    {"save", " 900 1  300 10 ", "Invalid save parameters", ""},
    {"client-output-buffer-limit", "NORMAL 1gb 2mb 3", "",
     "normal 1073741824 2097152 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "replica 1 2 3 pubsub 4 5 6", "",
     "normal 268435456 0 0 slave 1 2 3 pubsub 4 5 6"},
    {"client-output-buffer-limit", "normal 1 2",
     "Wrong number of arguments in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "master 1 2 3",
     "Invalid client class specified in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-output-buffer-limit", "normal 1 2 3 pubsub 1 2 -3",
     "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
     "normal 268435456 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"oom-score-adj-values", "3 2 1", "", "3 2 1"},
    {"oom-score-adj-values", "1 2", "wrong number of arguments", "0 200 800"},
    {"oom-score-adj-values", "3000 2 3",
     "Invalid oom-score-adj-values, elements must be between -2000 and 2000.", "0 200 800"},
    {"notify-keyspace-events", "KEA", "", "AKE"},
    {"notify-keyspace-events", "nmK", "", "nKm"},
    {"notify-keyspace-events", "g$lshzxetd", "", "A"},
    {"notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", ""},
    {"latency-tracking-info-percentiles", "1e1 99.123", "", "10 99.123"},
    {"latency-tracking-info-percentiles", "", "", ""},
    {"latency-tracking-info-percentiles", "x",
     "Invalid latency-tracking-info-percentiles parameters", "50 99 99.9"},
    {"latency-tracking-info-percentiles", "101",
     "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]", "50 99 99.9"},
    {"shutdown-on-sigint", "SAVE force", "", "save force"},
    {"shutdown-on-sigint", "default now", "", "now"},
    {"shutdown-on-sigint", "save nosave",
     "shutdown options SAVE and NOSAVE can't be used simultaneously", "default"},
    {"shutdown-on-sigint", "",
     "argument(s) must be one of the following: default, save, nosave, now, force", "default"},
    {"cluster-announce-hostname", "a b",
     "Hostnames may only contain alphanumeric characters, hyphens or dots", ""},
    {"proc-title-template", "{foo}", "template format is invalid or contains unknown variables",
     "{title} {listen-addr} {server-mode}"},
    {"proc-title-template", "{{ {title}", "", "{{ {title}"},
    {"activedefrag", "yes",
     "Active defragmentation cannot be enabled: it requires a Redis server compiled with a "
     "modified "
     "Jemalloc like the one shipped by default with the Redis source distribution",
     "no"},
    {"tls-port", "1", "Unable to update TLS configuration. Check server logs.", "0"},
};

TEST(OptionParsersTest, ValidatesAndReportsAsRedisDoes) { test_support::Check(kSetCases); }

}  // namespace
}  // namespace larder::server
