#include "server/arg_reader.h"

#include <cassert>

#include "protocol/number.h"

namespace larder::server {
namespace {

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ToLower(a[i]) != ToLower(b[i])) return false;
  }
  return true;
}

ArgReader::ArgReader(std::span<const std::string_view> args, size_t from)
    : args_(args), position_(from) {
  assert(from <= args.size());
}

std::string_view ArgReader::Next() {
  if (done()) {
    Fail(protocol::kSyntax);
    return {};
  }
  return args_[position_++];
}

int64_t ArgReader::NextInt64In(int64_t min, int64_t max, std::string_view otherwise) {
  assert(min <= max);
  std::string_view text = Next();
  if (error_) return 0;
  std::optional<int64_t> value = protocol::ParseInt64(text);
  if (!value || *value < min || *value > max) {
    Fail(otherwise);
    return 0;
  }
  return *value;
}

double ArgReader::NextDouble() {
  std::string_view text = Next();
  if (error_) return 0;
  std::optional<double> value = protocol::ParseDouble(text);
  if (!value) {
    Fail(protocol::kNotAFloat);
    return 0;
  }
  return *value;
}

bool ArgReader::Take(std::string_view keyword, size_t values) {
  if (remaining() <= values || !EqualsIgnoreCase(args_[position_], keyword)) return false;
  ++position_;
  return true;
}

void ArgReader::Fail(std::string_view text) {
  if (error_) return;
  error_ = text;
  position_ = args_.size();
}

}  // namespace larder::server
