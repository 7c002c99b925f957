// Every error text of the server, code first, byte for byte those of Redis 7.0.15. A constant is a
// whole reply; a function fills in what the client sent. ReplyWriter::Error makes CR and LF
// harmless, so client bytes may be passed as they are. Pure functions, any thread; they allocate:
// error paths only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace larder::protocol {

// Arguments.
inline constexpr std::string_view kSyntax = "ERR syntax error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kNotAFloat = "ERR value is not a valid float";
inline constexpr std::string_view kOutOfRange = "ERR value is out of range";
inline constexpr std::string_view kNotPositive = "ERR value is out of range, must be positive";
// An int64 where an int is wanted ("must between" is Redis' own).
inline constexpr std::string_view kNotAnInt32 =
    "ERR value is out of range, value must between -2147483648 and 2147483647";

// Keys and values.
inline constexpr std::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kNoSuchKey = "ERR no such key";
inline constexpr std::string_view kSameObject = "ERR source and destination objects are the same";
inline constexpr std::string_view kBusyKey = "BUSYKEY Target key name already exists.";
inline constexpr std::string_view kInvalidTtl = "ERR Invalid TTL value, must be >= 0";
inline constexpr std::string_view kInvalidIdleTime = "ERR Invalid IDLETIME value, must be >= 0";
inline constexpr std::string_view kInvalidFrequency =
    "ERR Invalid FREQ value, must be >= 0 and <= 255";
inline constexpr std::string_view kBadPayload = "ERR DUMP payload version or checksum are wrong";
inline constexpr std::string_view kBadDataFormat = "ERR Bad data format";
inline constexpr std::string_view kIndexOutOfRange = "ERR index out of range";
inline constexpr std::string_view kOffsetOutOfRange = "ERR offset is out of range";
inline constexpr std::string_view kStringTooLong =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kIncrementOverflow = "ERR increment or decrement would overflow";
inline constexpr std::string_view kDecrementOverflow = "ERR decrement would overflow";
inline constexpr std::string_view kIncrementNaN = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view kLcsLengthAndIndexes =
    "ERR If you want both the length and indexes, please just use IDX.";
inline constexpr std::string_view kLcsTooLarge =
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
inline constexpr std::string_view kLcsOutOfMemory =
    "ERR Insufficient memory, failed allocating transient memory for LCS";
inline constexpr std::string_view kOutOfMemory =
    "OOM command not allowed when used memory > 'maxmemory'.";

// Bitmaps.
inline constexpr std::string_view kBadBitOffset =
    "ERR bit offset is not an integer or out of range";
inline constexpr std::string_view kBadBit = "ERR bit is not an integer or out of range";
inline constexpr std::string_view kBitNeitherOneNorZero = "ERR The bit argument must be 1 or 0.";
inline constexpr std::string_view kBitOpNotManyKeys =
    "ERR BITOP NOT must be called with a single source key.";
inline constexpr std::string_view kBadFieldType =
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 "
    "is.";
inline constexpr std::string_view kBadFieldOverflow = "ERR Invalid OVERFLOW type specified";
inline constexpr std::string_view kBitFieldRoWrites =
    "ERR BITFIELD_RO only supports the GET subcommand";

// OBJECT.
inline constexpr std::string_view kNoFrequency =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.";
inline constexpr std::string_view kNoIdleTime =
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust.";

// EXPIRE and its family.
inline constexpr std::string_view kExpireNxIncompatible =
    "ERR NX and XX, GT or LT options at the same time are not compatible";
inline constexpr std::string_view kExpireGtLtIncompatible =
    "ERR GT and LT options at the same time are not compatible";

// Databases and cursors.
inline constexpr std::string_view kDbIndexOutOfRange = "ERR DB index is out of range";
inline constexpr std::string_view kInvalidFirstDb = "ERR invalid first DB index";
inline constexpr std::string_view kInvalidSecondDb = "ERR invalid second DB index";
inline constexpr std::string_view kInvalidCursor = "ERR invalid cursor";

// Connections: AUTH, HELLO, CLIENT, limits.
inline constexpr std::string_view kNoAuth = "NOAUTH Authentication required.";
inline constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kNoPasswordSet =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?";
inline constexpr std::string_view kNoProto = "NOPROTO unsupported protocol version";
inline constexpr std::string_view kProtocolVersionNotAnInteger =
    "ERR Protocol version is not an integer or out of range";
inline constexpr std::string_view kHelloNoAuth =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
    "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version "
    "at the same time";
inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view kNoSuchClient = "ERR No such client";
inline constexpr std::string_view kInvalidClientId = "ERR Invalid client ID";
inline constexpr std::string_view kClientIdNotPositive = "ERR client-id should be greater than 0";
// A monitor is exempt from CLIENT PAUSE, as Redis' replicas are.
inline constexpr std::string_view kMonitorTouchesKeys =
    "ERR Replica can't interact with the keyspace";
inline constexpr std::string_view kUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
inline constexpr std::string_view kUnblockReason =
    "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
inline constexpr std::string_view kPauseMode = "ERR CLIENT PAUSE mode must be WRITE or ALL";
inline constexpr std::string_view kTimeoutNotAnInteger =
    "ERR timeout is not an integer or out of range";
inline constexpr std::string_view kTimeoutNegative = "ERR timeout is negative";
inline constexpr std::string_view kNotTracking =
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
    "OPTOUT mode enabled";
inline constexpr std::string_view kTrackingRedirectTwice =
    "ERR A client can only redirect to a single other client";
inline constexpr std::string_view kTrackingRedirectMissing =
    "ERR The client ID you want redirect to does not exist";
inline constexpr std::string_view kTrackingUnsupported =
    "ERR CLIENT TRACKING ON is not supported: larder sends no invalidation messages";
// What a client from elsewhere finds in place of a server without a password.
inline constexpr std::string_view kProtectedMode =
    "DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. If you want to connect from external computers to Redis you may adopt one of the "
    "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET "
    "protected-mode no' from the loopback interface by connecting to Redis from the same host the "
    "server is running, however MAKE SURE Redis is not publicly accessible from internet if you "
    "do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just "
    "disable the protected mode by editing the Redis configuration file, and setting the "
    "protected mode option to 'no', and then restarting the server. 3) If you started the server "
    "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an "
    "authentication password for the default user. NOTE: You only need to do one of the above "
    "things in order for the server to start accepting connections from the outside.";
inline constexpr std::string_view kMaxClients = "ERR max number of clients reached";

// COMMAND, CONFIG, DEBUG, SHUTDOWN.
inline constexpr std::string_view kInvalidCommandSpecified = "ERR Invalid command specified";
inline constexpr std::string_view kNoKeyArguments = "ERR The command has no key arguments";
inline constexpr std::string_view kInvalidArgumentCount =
    "ERR Invalid number of arguments specified for command";
inline constexpr std::string_view kInvalidArguments = "ERR Invalid arguments specified for command";
inline constexpr std::string_view kDebugNotAllowed =
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you "
    "can "
    "run it from a local connection, otherwise you need to set this option in the configuration "
    "file, "
    "and then restart the server.";
// Transactions.
inline constexpr std::string_view kExecWithoutMulti = "ERR EXEC without MULTI";
inline constexpr std::string_view kDiscardWithoutMulti = "ERR DISCARD without MULTI";
inline constexpr std::string_view kNestedMulti = "ERR MULTI calls can not be nested";
inline constexpr std::string_view kWatchInsideMulti = "ERR WATCH inside MULTI is not allowed";
inline constexpr std::string_view kMonitorInTransaction =
    "ERR MONITOR isn't allowed for DENY BLOCKING client";
inline constexpr std::string_view kExecAborted =
    "EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view kNotInTransaction =
    "ERR Command not allowed inside a transaction";

inline constexpr std::string_view kNoConfigFile = "ERR The server is running without a config file";
inline constexpr std::string_view kSlowLogCount = "ERR count should be greater than or equal to -1";
inline constexpr std::string_view kNoResp2 = "ERR RESP2 is not supported by this command";
inline constexpr std::string_view kNoSuchProtocolType =
    "ERR Wrong protocol type name. Please use one of the following: "
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
inline constexpr std::string_view kNoShutdownInProgress = "ERR No shutdown in progress.";
inline constexpr std::string_view kShutdownFailed = "ERR Errors trying to SHUTDOWN. Check logs.";

// LARDER.
inline constexpr std::string_view kProfileSeconds = "ERR seconds must be an integer from 1 to 3600";
inline constexpr std::string_view kHotKeysCount = "ERR count must be an integer from 1 to 128";
inline constexpr std::string_view kMapIsPlain =
    "ERR the map is plain, which cannot be left while larder runs: start it with another --map";
inline constexpr std::string_view kNotToPlain =
    "ERR plain guards nothing and cannot be entered while larder runs: start it with --map plain "
    "--threads 1";

namespace internal {

// How much of what the client sent comes back in a reply, at most. Redis bounds only the names of
// commands and subcommands so; an option of 512 MB is not worth repeating either.
inline constexpr size_t kEchoBytesMax = 128;

// Redis formats with %s: a NUL byte ends the text.
inline std::string_view Echo(std::string_view text, size_t bytes_max = kEchoBytesMax) {
  return text.substr(0, std::min(text.find('\0'), bytes_max));
}

inline std::string Join(std::string_view before, std::string_view echoed, std::string_view after) {
  std::string text;
  text.reserve(before.size() + echoed.size() + after.size());
  return text.append(before).append(echoed).append(after);
}

}  // namespace internal

// `command` is the full name in lower case, "set" or "config|get".
// Of a refusal's text. Of codes only the general one is left out.
inline std::string ExecAbortedBecause(std::string_view reason) {
  if (reason.starts_with("ERR ")) reason.remove_prefix(4);
  return "EXECABORT Transaction discarded because of: " + std::string(reason);
}

inline std::string WrongArgumentCount(std::string_view command) {
  return internal::Join("ERR wrong number of arguments for '", command, "' command");
}
inline std::string InvalidExpireTime(std::string_view command) {
  return internal::Join("ERR invalid expire time in '", command, "' command");
}

// args[0] is the command's name as sent. About 128 bytes of the others are shown.
inline std::string UnknownCommand(std::span<const std::string_view> args) {
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < internal::kEchoBytesMax; ++i) {
    std::string_view arg = internal::Echo(args[i], internal::kEchoBytesMax - shown.size());
    shown.append("'").append(arg).append("' ");
  }
  return internal::Join("ERR unknown command '", internal::Echo(args[0]),
                        "', with args beginning with: ") +
         shown;
}

// `container` in upper case: "CONFIG".
inline std::string UnknownSubcommand(std::string_view container, std::string_view subcommand) {
  return internal::Join("ERR unknown subcommand '", internal::Echo(subcommand), "'. Try ")
      .append(container)
      .append(" HELP.");
}
// DEBUG's, which has no rows for its subcommands in Redis and so cannot tell the two apart.
inline std::string UnknownSubcommandOrArity(std::string_view container,
                                            std::string_view subcommand) {
  return internal::Join("ERR unknown subcommand or wrong number of arguments for '",
                        internal::Echo(subcommand), "'. Try ")
      .append(container)
      .append(" HELP.");
}

inline std::string UnsupportedOption(std::string_view option) {  // EXPIRE
  return internal::Join("ERR Unsupported option ", internal::Echo(option), "");
}
inline std::string HelloSyntax(std::string_view option) {
  return internal::Join("ERR Syntax error in HELLO option '", internal::Echo(option), "'");
}
inline std::string UnknownClientType(std::string_view type) {
  return internal::Join("ERR Unknown client type '", internal::Echo(type), "'");
}
inline std::string NoSuchUser(std::string_view user) {
  return internal::Join("ERR No such user '", internal::Echo(user), "'");
}
inline std::string ClientSetInfoUnknown(std::string_view option) {  // 7.2's
  return internal::Join("ERR Unrecognized option '", internal::Echo(option), "'");
}
inline std::string ClientSetInfoBadValue(std::string_view option) {  // 7.2's
  return internal::Join("ERR ", internal::Echo(option),
                        " cannot contain spaces, newlines or special characters.");
}

inline std::string NoSuchShard(int shards) {
  return "ERR no such shard: they are numbered from 0 to " + std::to_string(shards - 1);
}
inline std::string UnknownMap(std::string_view map) {
  return internal::Join("ERR unknown map '", internal::Echo(map),
                        "': a shard's is one of mutex, rwmutex, sync, rcu");
}

inline std::string ConfigRewriteFailed(std::string_view reason) {
  return internal::Join("ERR Rewriting config file: ", reason, "");
}

inline std::string NoLatencySamples(std::string_view event) {
  return internal::Join("ERR No samples available for event '", internal::Echo(event), "'");
}

inline std::string ConfigUnknownOption(std::string_view directive) {
  return internal::Join("ERR Unknown option or number of arguments for CONFIG SET - '",
                        internal::Echo(directive), "'");
}
inline std::string ConfigSetFailed(std::string_view directive, std::string_view reason) {
  return internal::Join("ERR CONFIG SET failed (possibly related to argument '",
                        internal::Echo(directive), "') - ")
      .append(reason);
}

}  // namespace larder::protocol
