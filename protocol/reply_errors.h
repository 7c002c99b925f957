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
inline constexpr std::string_view kOutOfMemory =
    "OOM command not allowed when used memory > 'maxmemory'.";

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
inline constexpr std::string_view kMaxClients = "ERR max number of clients reached";

// Commands that block.
inline constexpr std::string_view kTimeoutNotAnInteger =
    "ERR timeout is not an integer or out of range";
inline constexpr std::string_view kTimeoutNegative = "ERR timeout is negative";

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
inline constexpr std::string_view kSlowLogCount =
    "ERR count should be greater than or equal to -1";
inline constexpr std::string_view kNoResp2 = "ERR RESP2 is not supported by this command";
inline constexpr std::string_view kNoSuchProtocolType =
    "ERR Wrong protocol type name. Please use one of the following: "
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
inline constexpr std::string_view kNoShutdownInProgress = "ERR No shutdown in progress.";
inline constexpr std::string_view kShutdownFailed = "ERR Errors trying to SHUTDOWN. Check logs.";

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
