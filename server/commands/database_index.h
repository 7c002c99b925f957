// The number of a database, as SELECT, COPY and MOVE take it.
//
// Pure, any thread.
#pragma once

#include <cstdint>

#include "protocol/reply_errors.h"
#include "server/arg_reader.h"

namespace larder::server {

// The next argument; 0 with an error in `args` if it names no database.
inline int NextDatabase(ArgReader& args, int databases) {
  const int64_t db = args.NextInt64();
  if (db != static_cast<int32_t>(db)) {
    args.Fail(protocol::kNotAnInt32);
  } else if (db < 0 || db >= databases) {
    args.Fail(protocol::kDbIndexOutOfRange);
  }
  return args.error() ? 0 : static_cast<int>(db);
}

}  // namespace larder::server
