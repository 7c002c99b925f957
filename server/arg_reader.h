// A cursor over the arguments of a request that keeps the first error.
//
// A handler reads all of its arguments, then tests for an error once:
//
//   ArgReader args(call.args, 2);
//   while (!args.done()) {
//     if (args.Take("EX")) {
//       seconds = args.NextInt64();
//     } else if (args.Take("NX")) {
//       only_if_absent = true;
//     } else {
//       args.Fail(protocol::kSyntax);
//     }
//   }
//   if (auto error = args.error()) return reply.Error(*error);
//
// After an error every read yields an empty or zero value and done() is true, so that loops end.
// Never allocates; belongs to one call, on the thread that runs it. Views that it returns live as
// long as the request's arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/reply_errors.h"

namespace larder::server {

class ArgReader {
 public:
  // Starts at args[from]. REQUIRES: from <= args.size() (arity has been checked).
  ArgReader(std::span<const std::string_view> args, size_t from);

  // No argument is left, or an error was met.
  bool done() const { return position_ == args_.size(); }
  size_t remaining() const { return args_.size() - position_; }
  // Index in args of the argument that Next() would return.
  size_t position() const { return position_; }

  // The next argument. Its absence is a syntax error.
  std::string_view Next();
  // The next argument without consuming it; empty if there is none.
  std::string_view Peek() const { return done() ? std::string_view() : args_[position_]; }
  // The next argument as an integer within [min, max]; `otherwise` is the error's text if it is not
  // one.
  int64_t NextInt64(std::string_view otherwise = protocol::kNotAnInteger) {
    return NextInt64In(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                       otherwise);
  }
  int64_t NextInt64In(int64_t min, int64_t max,
                      std::string_view otherwise = protocol::kNotAnInteger);
  // The next argument as a floating-point number.
  double NextDouble();

  // Consumes the next argument if it is `keyword`, in any case. With `values` > 0 only if as many
  // arguments follow it, as Redis does for options with a value: "EX" in the last place is then no
  // option at all.
  bool Take(std::string_view keyword, size_t values = 0);

  // Records an error unless there is one already, and ends the reading. `text` must outlive the
  // reader: a constant.
  void Fail(std::string_view text);

  // The first error, with its code ("ERR syntax error").
  std::optional<std::string_view> error() const { return error_; }

 private:
  std::span<const std::string_view> args_;
  size_t position_;
  std::optional<std::string_view> error_;
};

// ASCII case-insensitive comparison, the way Redis matches keywords. Non-ASCII bytes compare
// exactly.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace larder::server
