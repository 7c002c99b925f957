// What parsing and replying cost a command, without sockets and store: the time of one iteration is
// that of one request of a pipeline of N, or of one reply.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_buffer.h"
#include "protocol/reply_writer.h"
#include "protocol/request_parser.h"

namespace larder::protocol {
namespace {

constexpr std::string_view kGet = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000123456\r\n";
constexpr std::string_view kSet =
    "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000123456\r\n$32\r\n0123456789abcdef0123456789abcdef\r\n";
constexpr std::string_view kInline = "GET key:000000123456\r\n";

void Parse(benchmark::State& state, std::string_view request) {
  const auto pipeline = static_cast<size_t>(state.range(0));
  std::string input;
  for (size_t i = 0; i < pipeline; ++i) input += request;
  RequestParser parser;
  std::vector<std::string_view> args;
  while (state.KeepRunningBatch(state.range(0))) {
    args.clear();
    std::string_view rest = input;
    while (parser.Next(rest, &args) == RequestParser::Status::kRequest) {
      rest.remove_prefix(parser.consumed());
    }
    benchmark::DoNotOptimize(args.data());
    benchmark::ClobberMemory();
  }
}

// The same, but the first of every two calls sees only half of a request.
void ParseInHalves(benchmark::State& state, std::string_view request) {
  RequestParser parser;
  std::vector<std::string_view> args;
  for (auto _ : state) {
    args.clear();
    benchmark::DoNotOptimize(parser.Next(request.substr(0, request.size() / 2), &args));
    benchmark::DoNotOptimize(parser.Next(request, &args));
  }
}

BENCHMARK_CAPTURE(Parse, get, kGet)->Arg(1)->Arg(16)->Arg(100);
BENCHMARK_CAPTURE(Parse, set, kSet)->Arg(1)->Arg(16)->Arg(100);
BENCHMARK_CAPTURE(Parse, inline_get, kInline)->Arg(16);
BENCHMARK_CAPTURE(ParseInHalves, get, kGet);

template <typename Write>
void Reply(benchmark::State& state, Write write) {
  ReplyBuffer buffer;
  ReplyWriter reply(buffer, RespVersion::kResp2);
  while (state.KeepRunningBatch(100)) {
    for (int i = 0; i < 100; ++i) write(reply);
    benchmark::ClobberMemory();
    buffer.Consume(buffer.size());
  }
}

void ReplyBulk32(benchmark::State& state) {
  Reply(state, [](ReplyWriter& reply) { reply.Bulk("0123456789abcdef0123456789abcdef"); });
}
void ReplyOk(benchmark::State& state) {
  Reply(state, [](ReplyWriter& reply) { reply.Ok(); });
}
void ReplyInteger(benchmark::State& state) {
  Reply(state, [n = int64_t{0}](ReplyWriter& reply) mutable { reply.Integer(++n); });
}
BENCHMARK(ReplyBulk32);
BENCHMARK(ReplyOk);
BENCHMARK(ReplyInteger);

}  // namespace
}  // namespace larder::protocol
