// CommandModel's commands on keys of any type.
#include <algorithm>
#include <set>

#include "tests/support/command_model.h"
#include "tests/support/model_replies.h"

namespace larder::test_support {
namespace {

using store::kNoDeadline;
using store::UnixMs;
using Args = CommandModel::Args;
using Item = StoreModel::Item;

}  // namespace

std::string CommandModel::Exists(const Args& args) {
  return Integer(std::count_if(args.begin() + 1, args.end(),
                               [&](const std::string& key) { return Find(key) != nullptr; }));
}

std::string CommandModel::Ttl(const Args& args) {
  const Item* item = Find(args[1]);
  if (item == nullptr) return Integer(-2);
  if (item->deadline == kNoDeadline) return Integer(-1);
  const int64_t ms = args[0].ends_with("TIME") ? item->deadline : item->deadline - now_;
  return Integer(args[0][0] == 'P' ? ms : ms / 1000 + (ms % 1000 >= 500 ? 1 : 0));
}

std::string CommandModel::Del(const Args& args) {
  int64_t erased = 0;
  for (size_t i = 1; i < args.size(); ++i) erased += Erase(args[i]) ? 1 : 0;
  return Integer(erased);
}

std::string CommandModel::Rename(const Args& args) {
  if (Find(args[1]) == nullptr) return "-ERR no such key\r\n";
  if (args[1] == args[2]) return kOk;
  store_.Rename(client_->db, args[1], args[2]);
  TouchKey(client_->db, args[1]);
  TouchKey(client_->db, args[2]);
  return kOk;
}

std::string CommandModel::Expire(const Args& args) {
  const std::set<std::string> words(args.begin() + 3, args.end());
  const bool nx = words.contains("NX"), xx = words.contains("XX");
  const bool gt = words.contains("GT"), lt = words.contains("LT");
  for (size_t i = 3; i < args.size(); ++i) {
    if (args[i] != "NX" && args[i] != "XX" && args[i] != "GT" && args[i] != "LT") {
      return "-ERR Unsupported option " + args[i] + "\r\n";
    }
  }
  if (nx && words.size() > 1) {
    return "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  }
  if (gt && lt) return "-ERR GT and LT options at the same time are not compatible\r\n";
  const std::optional<int64_t> amount = ParseInteger(args[2]);
  if (!amount) return kNotAnInteger;
  const auto deadline = Deadline(*amount, args[0][0] == 'E', args[0].ends_with("AT"));
  if (!deadline) return InvalidExpireTime(args[0]);

  const Item* item = Find(args[1]);
  if (item == nullptr) return Integer(0);
  const bool has_deadline = item->deadline != kNoDeadline;
  const bool refused = (nx && has_deadline) || (xx && !has_deadline) ||
                       (gt && (!has_deadline || *deadline <= item->deadline)) ||
                       (lt && has_deadline && *deadline >= item->deadline);
  if (refused) return Integer(0);
  if (*deadline <= now_) {  // -1, kNoDeadline's value, is one
    Erase(args[1]);
  } else {
    SetDeadline(args[1], *deadline);
  }
  return Integer(1);
}

std::string CommandModel::Persist(const Args& args) {
  const Item* item = Find(args[1]);
  if (item == nullptr || item->deadline == kNoDeadline) return Integer(0);
  SetDeadline(args[1], kNoDeadline);
  return Integer(1);
}

}  // namespace larder::test_support
