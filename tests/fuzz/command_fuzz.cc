// Property: whatever two clients send, pipelined or not, at whatever times, each reply is the one
// that a model of the keyspace gives (tests/support/command_model.h), and so is what is there at
// the end.
//
// Input: one byte that draws the map and the RESP version, then the steps, of a few bytes each. A
// step is a command on few keys with likely values, or time that passes.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/map_kind.h"
#include "tests/support/command_model.h"
#include "tests/support/harness.h"
#include "tests/support/resp_client.h"

namespace {

using larder::protocol::RespVersion;
using larder::test_support::CommandModel;
using larder::test_support::EncodeRequest;
using larder::test_support::Harness;
using Args = CommandModel::Args;

constexpr int kDatabases = 3;
constexpr size_t kClients = 2;
constexpr int kStepsMax = 400;

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  size_t Next() {
    if (empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  template <typename T, size_t kCount>
  const T& Pick(const T (&from)[kCount]) {
    return from[Next() % kCount];
  }

 private:
  std::span<const uint8_t> bytes_;
};

// Values of each representation: integers, in line, and above 4 KiB.
const std::string kKeys[] = {"a", "b", "c", "", std::string(300, 'k')};
const std::string kValues[] = {"",
                               "1",
                               "-7",
                               "x",
                               "9223372036854775807",
                               "007",
                               "hello\r\n",
                               std::string(100, 'v'),
                               std::string(4000, 'w'),
                               std::string(5000, 'y')};
const std::string kNumbers[] = {"0",
                                "1",
                                "-1",
                                "2",
                                "-3",
                                "5",
                                "100",
                                "4090",
                                "6000",
                                "+1",
                                "9223372036854775807",
                                "-9223372036854775808",
                                "536870912",
                                "9223372036854775",
                                "number"};
const std::string kDatabaseNumbers[] = {"0", "1", "2", "3", "-1", "x", "4294967296"};
const std::string kExpireOptions[] = {"NX", "XX", "GT", "LT", "XY"};
const std::string kSetOptions[] = {"NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT", "NO"};
const std::string kGetExOptions[] = {"EX", "PX", "EXAT", "PXAT", "PERSIST"};
constexpr int kAdvancesMs[] = {1, 2, 3, 50, 1000, 6000, 100'000, 90'000'000};

// What a command's arguments are made of: k key, K keys, p pairs, v value, n number, d database,
// t time to live, T Unix time, e options of EXPIRE, s of SET, g of GETEX.
struct Form {
  std::string_view name;
  std::string_view args;
};
constexpr Form kForms[] = {
    {"GET", "k"},         {"SET", "kv"},      {"SET", "kvs"},      {"DEL", "K"},
    {"EXISTS", "K"},      {"INCRBY", "kn"},   {"APPEND", "kv"},    {"SETRANGE", "knv"},
    {"GETRANGE", "knn"},  {"MSET", "p"},      {"MSETNX", "p"},     {"RENAME", "kk"},
    {"EXPIRE", "kte"},    {"PEXPIRE", "kte"}, {"EXPIREAT", "kTe"}, {"PEXPIREAT", "kTe"},
    {"PERSIST", "k"},     {"TTL", "k"},       {"PTTL", "k"},       {"EXPIRETIME", "k"},
    {"PEXPIRETIME", "k"}, {"GETEX", "kg"},    {"GETDEL", "k"},     {"MGET", "K"},
    {"STRLEN", "k"},      {"MULTI", ""},      {"EXEC", ""},        {"DISCARD", ""},
    {"WATCH", "K"},       {"UNWATCH", ""},    {"SELECT", "d"},     {"FLUSHDB", ""},
    {"SWAPDB", "dd"},     {"GET", ""},        {"MSET", "pk"},      {"EXEC", ""},
};

class Stream {
 public:
  explicit Stream(std::span<const uint8_t> input);

  void Run();

 private:
  void Step();
  // What the other client does meets a WATCH and an EXEC.
  void WatchOneCommand();
  void Send(size_t client, const Args& args);
  // Hands over what is pending and compares the replies.
  void Flush();
  void CompareKeyspaces();
  void Advance(std::chrono::milliseconds by);

  Args DrawCommand();
  void Draw(char kind, Args* args);
  std::string DrawTime(bool absolute, bool in_seconds);
  Harness::Session& SessionOf(size_t client) { return client == 0 ? harness_.first() : other_; }

  Bytes bytes_;
  size_t draw_;
  larder::store::MapKind map_;
  RespVersion resp_;
  Harness harness_;
  Harness::Session& other_;
  CommandModel model_;
  size_t client_ = 0;    // whose commands are pending
  std::string pending_;  // requests
  std::string expected_;
};

Stream::Stream(std::span<const uint8_t> input)
    : bytes_(input),
      draw_(bytes_.Next()),
      map_(larder::store::kMapKinds[draw_ / 2 % std::size(larder::store::kMapKinds)]),
      resp_(draw_ % 2 == 0 ? RespVersion::kResp2 : RespVersion::kResp3),
      harness_({.map = map_, .resp = resp_, .config = {{"databases", std::to_string(kDatabases)}}}),
      other_(harness_.Connect()),
      model_(kDatabases, kClients, resp_, harness_.Now()) {
  other_.client().resp = resp_;
}

void Stream::Run() {
  for (int steps = 0; !bytes_.empty() && steps < kStepsMax; ++steps) Step();
  Flush();
  CompareKeyspaces();
}

void Stream::Step() {
  const size_t how = bytes_.Next();
  if (how % 16 == 0) {
    Flush();
    return Advance(std::chrono::milliseconds(bytes_.Pick(kAdvancesMs)));
  }
  if (how % 16 == 1) return WatchOneCommand();
  const size_t client = how / 16 % kClients;
  if (client != client_) Flush();
  Send(client, DrawCommand());
  const bool pipelines = how / 32 % 2 == 1;
  if (!pipelines) Flush();
}

void Stream::WatchOneCommand() {
  Flush();
  Send(0, {"WATCH", bytes_.Pick(kKeys)});
  Flush();
  Send(1, DrawCommand());
  Flush();
  for (const std::string_view name : {"MULTI", "UNWATCH", "EXEC"}) Send(0, {std::string(name)});
  Flush();
}

void Stream::Send(size_t client, const Args& args) {
  client_ = client;
  pending_ += EncodeRequest(std::span<const std::string>(args));
  expected_ += model_.Run(client, args);
}

void Stream::Flush() {
  const std::string replies = SessionOf(client_).Send(pending_);
  if (replies != expected_) {
    fprintf(stderr, "map %s, client %zu\nrequests: %s\nreplies:  %s\nexpected: %s\n",
            larder::test_support::MapName(map_).c_str(), client_, pending_.c_str(), replies.c_str(),
            expected_.c_str());
    std::abort();
  }
  pending_.clear();
  expected_.clear();
}

void Stream::Advance(std::chrono::milliseconds by) {
  harness_.Advance(by);
  model_.Advance(by);
}

void Stream::CompareKeyspaces() {
  Send(0, {"DISCARD"});
  for (int db = 0; db < kDatabases; ++db) {
    Send(0, {"SELECT", std::to_string(db)});
    for (const std::string& key : kKeys) {
      Send(0, {"GET", key});
      Send(0, {"PEXPIRETIME", key});
    }
  }
  Flush();
}

Args Stream::DrawCommand() {
  const Form& form = bytes_.Pick(kForms);
  Args args = {std::string(form.name)};
  for (const char kind : form.args) Draw(kind, &args);
  return args;
}

void Stream::Draw(char kind, Args* args) {
  const bool in_seconds = args->front()[0] == 'E';
  switch (kind) {
    case 'k':
      return args->push_back(bytes_.Pick(kKeys));
    case 'K':
      for (size_t left = 1 + bytes_.Next() % 4; left > 0; --left) Draw('k', args);
      return;
    case 'p':
      for (size_t left = 1 + bytes_.Next() % 4; left > 0; --left) {
        Draw('k', args);
        Draw('v', args);
      }
      return;
    case 'v':
      return args->push_back(bytes_.Pick(kValues));
    case 'n':
      return args->push_back(bytes_.Pick(kNumbers));
    case 'd':
      return args->push_back(bytes_.Pick(kDatabaseNumbers));
    case 't':
    case 'T':
      return args->push_back(DrawTime(kind == 'T', in_seconds));
    case 'e':
      for (size_t left = bytes_.Next() % 4; left > 1; --left) {
        args->push_back(bytes_.Pick(kExpireOptions));
      }
      return;
    default:
      break;
  }
  // Options of SET, up to three, or the one of GETEX.
  for (size_t left = kind == 's' ? bytes_.Next() % 4 : 1; left > 0; --left) {
    const std::string word = kind == 's' ? bytes_.Pick(kSetOptions) : bytes_.Pick(kGetExOptions);
    args->push_back(word);
    if (word[0] != 'E' && word[0] != 'P') continue;
    if (word != "PERSIST") args->push_back(DrawTime(word.ends_with("AT"), word[0] == 'E'));
  }
}

// Mostly a little before or after now, or now itself.
std::string Stream::DrawTime(bool absolute, bool in_seconds) {
  const size_t byte = bytes_.Next();
  if (byte >= 224) return kNumbers[byte % std::size(kNumbers)];
  const auto offset = static_cast<int64_t>(byte % 32) - 8;
  if (!absolute) return std::to_string(in_seconds ? offset / 4 : offset);
  return std::to_string(in_seconds ? harness_.Now() / 1000 + offset / 4 : harness_.Now() + offset);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Stream({data, size}).Run();
  return 0;
}
