// What the server should reply: the commands on strings, keys, deadlines, databases and
// transactions of several clients, over a StoreModel.
//
// An oracle for streams of commands that are drawn by chance. It shares no code with the server:
// replies and errors are spelled out here, as redis-server 7.0.15 words them. It knows as much of
// each command as the streams use; an unknown one throws std::out_of_range. Single-threaded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/resp_version.h"
#include "store/clock.h"
#include "tests/support/model.h"

namespace larder::test_support {

class CommandModel {
 public:
  using Args = std::vector<std::string>;

  CommandModel(int databases, size_t clients, protocol::RespVersion resp, store::UnixMs now);

  void Advance(std::chrono::milliseconds by);
  // The reply on the wire to one request of a client. Names of commands and options are upper case.
  std::string Run(size_t client, const Args& args);

 private:
  using Handler = std::string (CommandModel::*)(const Args& args);
  struct Command {
    std::string_view name;
    int arity;  // as in COMMAND INFO
    Handler handler;
  };
  struct Watched {
    int db;
    std::string key;
    bool existed;
  };
  struct Client {
    int db = 0;
    bool queueing = false;
    bool aborted = false;
    bool touched = false;
    std::vector<Args> queue;
    std::vector<Watched> watched;
  };
  // EX, PX, EXAT, PXAT with their amounts, KEEPTTL, PERSIST.
  struct Expiry {
    std::string word;  // "" for none
    std::optional<std::string> amount;
  };

  static const Command* FindCommand(std::string_view name);

  std::string Get(const Args& args);
  std::string MGet(const Args& args);
  std::string GetRange(const Args& args);
  std::string StrLen(const Args& args);
  std::string Exists(const Args& args);
  std::string Ttl(const Args& args);
  std::string Set(const Args& args);
  std::string GetEx(const Args& args);
  std::string GetDel(const Args& args);
  std::string Del(const Args& args);
  std::string IncrBy(const Args& args);
  std::string Append(const Args& args);
  std::string SetRange(const Args& args);
  std::string MSet(const Args& args);
  std::string MSetNx(const Args& args);
  std::string Rename(const Args& args);
  std::string Expire(const Args& args);
  std::string Persist(const Args& args);
  std::string Select(const Args& args);
  std::string FlushDb(const Args& args);
  std::string SwapDb(const Args& args);
  std::string Multi(const Args& args);
  std::string Exec(const Args& args);
  std::string Discard(const Args& args);
  std::string Watch(const Args& args);
  std::string Unwatch(const Args& args);

  StoreModel::Item* Find(const std::string& key) { return store_.Find(client_->db, key); }
  // Stores a value and tells the watchers.
  void Put(const std::string& key, std::string value, store::UnixMs deadline);
  bool Erase(const std::string& key);
  // The key's deadline becomes `deadline`; one that has come already is the key's end.
  void SetDeadline(const std::string& key, store::UnixMs deadline);

  void TouchKey(int db, const std::string& key);
  void TouchExpired();

  // Nothing if that overflows.
  std::optional<store::UnixMs> Deadline(int64_t amount, bool seconds, bool absolute) const;
  // Returns an error or "".
  std::string ReadExpiry(const Expiry& expiry, std::string_view command,
                         store::UnixMs* deadline) const;

  std::string Null() const { return resp3_ ? "_\r\n" : "$-1\r\n"; }
  std::string NullArray() const { return resp3_ ? "_\r\n" : "*-1\r\n"; }
  std::string BulkOrNull(const StoreModel::Item* item) const;

  int databases_;
  bool resp3_;
  store::UnixMs now_;
  StoreModel store_;
  std::vector<Client> clients_;
  Client* client_ = nullptr;  // whose command runs
};

}  // namespace larder::test_support
