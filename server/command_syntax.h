// A row's syntax string, read into the tree of arguments that COMMAND DOCS shows.
//
// The string is written for people; what they do not need stands in suffixes:
//
//   key                     an argument; its type follows from its name ("key" is a key, "seconds"
//                           an integer; else a string) or is written: increment:double
//   EX seconds              an argument behind its token
//   KEEPTTL                 a token alone, named "keepttl"
//   "~"                     a token that is no word in capitals
//   (a b)  (A | B)          several arguments as one: a block, or one of several
//   [a]  [a b]  [A | B]     the same, optional; brackets around a single argument add no level
//   TYPE (A | B)            a group behind a token
//   a ...  (a b) ...        may be repeated
//   [GET a] ...             may be repeated with its token
//   a@6.2.0  [A | B]@6.2.0  since when
//   a~6.2.0                 deprecated since when
//   [A | B]=condition       the name of a group (without it, "a_b"), or of a token; a token with a
//                           suffix stands alone: in "A=a b", b has no token
//
// Alternatives of more than one argument become blocks. Keys refer to the row's key specs in order:
// the first to spec 0, the second to spec 1, and those left over to the last.
//
// Pure functions, any thread; they allocate, and run only for COMMAND DOCS, HELP and the tests.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::server {

struct SyntaxArgument {
  enum class Type {
    kString,
    kInteger,
    kDouble,
    kKey,
    kPattern,
    kUnixTime,
    kPureToken,
    kOneOf,
    kBlock
  };
  Type type = Type::kString;
  std::string name;
  std::optional<std::string> token;
  std::string since;
  std::string deprecated_since;
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;            // a repetition repeats the token too
  int key_spec_index = -1;                // of a key; -1 if the row has no key specs
  std::vector<SyntaxArgument> arguments;  // of a kOneOf or kBlock
};

// As COMMAND DOCS names it: "string", "pure-token", ...
std::string_view Name(SyntaxArgument::Type type);

// The arguments of `syntax`, empty for an empty string; nothing if it breaks the grammar.
std::optional<std::vector<SyntaxArgument>> ParseSyntax(std::string_view syntax,
                                                       size_t key_spec_count);

// For people, without types, names and versions: "key value [NX | XX] [GET pattern ...]".
std::string FormatSyntax(const std::vector<SyntaxArgument>& arguments);

}  // namespace larder::server
