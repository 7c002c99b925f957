#include "server/command_syntax.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace larder::server {
namespace {

using Type = SyntaxArgument::Type;
using Arguments = std::vector<SyntaxArgument>;

struct NamedType {
  std::string_view name;
  Type type;
};

// Types that can be written behind an argument's name.
constexpr std::array kTypeNames = {
    NamedType{"string", Type::kString},   NamedType{"integer", Type::kInteger},
    NamedType{"double", Type::kDouble},   NamedType{"key", Type::kKey},
    NamedType{"pattern", Type::kPattern}, NamedType{"unix-time", Type::kUnixTime},
};

// What an argument's name says of its type. A name that is not here is a string's.
constexpr std::array kTypesByName = {
    NamedType{"client-id", Type::kInteger},
    NamedType{"count", Type::kInteger},
    NamedType{"cursor", Type::kInteger},
    NamedType{"db", Type::kInteger},
    NamedType{"decrement", Type::kInteger},
    NamedType{"destination", Type::kKey},
    NamedType{"destination-db", Type::kInteger},
    NamedType{"increment", Type::kInteger},
    NamedType{"index", Type::kInteger},
    NamedType{"index1", Type::kInteger},
    NamedType{"index2", Type::kInteger},
    NamedType{"key", Type::kKey},
    NamedType{"latitude", Type::kDouble},
    NamedType{"limit", Type::kInteger},
    NamedType{"longitude", Type::kDouble},
    NamedType{"milliseconds", Type::kInteger},
    NamedType{"newkey", Type::kKey},
    NamedType{"numkeys", Type::kInteger},
    NamedType{"offset", Type::kInteger},
    NamedType{"pattern", Type::kPattern},
    NamedType{"port", Type::kInteger},
    NamedType{"protover", Type::kInteger},
    NamedType{"radius", Type::kDouble},
    NamedType{"seconds", Type::kInteger},
    NamedType{"source", Type::kKey},
    NamedType{"timeout", Type::kDouble},
    NamedType{"unix-time-milliseconds", Type::kUnixTime},
    NamedType{"unix-time-seconds", Type::kUnixTime},
};

std::optional<Type> FindType(std::span<const NamedType> types, std::string_view name) {
  for (const NamedType& type : types) {
    if (type.name == name) return type.type;
  }
  return std::nullopt;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

// Recursive descent over the grammar in the header. After a failure every step does nothing, and
// Parse() returns nothing.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Arguments> Parse() {
    Arguments arguments = ParseSequence();
    if (failed_ || !rest_.empty()) return std::nullopt;
    return arguments;
  }

 private:
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }

  // The next character that is no blank, '\0' at the end.
  char Peek() {
    SkipBlanks();
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool Take(std::string_view text) {
    if (Peek() == '\0' || !rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  void Fail() {
    failed_ = true;
    rest_ = {};
  }

  static bool StartsToken(char c) { return (c >= 'A' && c <= 'Z') || c == '"'; }
  static bool StartsValue(char c) { return (c >= 'a' && c <= 'z') || c == '('; }

  // A name, a token or a suffix: up to a blank or a character of the grammar.
  std::string_view TakeWord() {
    std::string_view word = rest_.substr(0, rest_.find_first_of(" ()[]|=@~\""));
    while (word.ends_with('.')) word.remove_suffix(1);  // "a...": repetition
    if (word.empty()) Fail();
    rest_.remove_prefix(std::min(word.size(), rest_.size()));
    return word;
  }

  std::string TakeToken() {
    if (!Take("\"")) return std::string(TakeWord());
    std::string token(rest_.substr(0, rest_.find('"')));
    rest_.remove_prefix(std::min(token.size(), rest_.size()));
    if (!Take("\"")) Fail();
    return token;
  }

  // Sequence: up to the end, or to the bracket or bar that ends it.
  Arguments ParseSequence() {
    Arguments arguments;
    for (char c = Peek(); c != '\0' && c != ')' && c != ']' && c != '|'; c = Peek()) {
      arguments.push_back(ParseElement());
    }
    return arguments;
  }

  SyntaxArgument ParseElement() {
    char c = Peek();
    SyntaxArgument argument;
    if (c == '[') {
      argument = ParseOptional();
    } else if (StartsToken(c)) {
      argument = ParseToken();
    } else if (StartsValue(c)) {
      argument = ParseValue();
    } else {
      Fail();
      return argument;
    }
    if (Take("...")) {
      argument.multiple = true;
      argument.multiple_token = c == '[' && argument.token.has_value();
    }
    return argument;
  }

  SyntaxArgument ParseToken() {
    std::string token = TakeToken();
    bool has_suffix = !rest_.empty() && std::string_view("=@~").find(rest_.front()) != rest_.npos;
    SyntaxArgument argument;
    if (!has_suffix && StartsValue(Peek())) {
      argument = ParseValue();
    } else {
      argument.type = Type::kPureToken;
      argument.name = ToLower(token);
      TakeSuffixes(&argument);
    }
    argument.token = std::move(token);
    return argument;
  }

  SyntaxArgument ParseValue() {
    SyntaxArgument argument;
    if (Take("(")) {
      argument = MakeGroup(ParseAlternatives());
      if (!Take(")")) Fail();
    } else {
      std::string_view word = TakeWord();
      size_t colon = word.rfind(':');
      std::optional<Type> written;
      if (colon != word.npos) written = FindType(kTypeNames, word.substr(colon + 1));
      if (written) word = word.substr(0, colon);
      argument.name = word;
      argument.type = written ? *written : FindType(kTypesByName, word).value_or(Type::kString);
    }
    TakeSuffixes(&argument);
    return argument;
  }

  SyntaxArgument ParseOptional() {
    Take("[");
    std::vector<Arguments> alternatives = ParseAlternatives();
    bool single = alternatives.size() == 1 && alternatives[0].size() == 1;
    SyntaxArgument argument =
        single ? std::move(alternatives[0][0]) : MakeGroup(std::move(alternatives));
    if (!Take("]")) Fail();
    TakeSuffixes(&argument);
    argument.optional = true;
    return argument;
  }

  std::vector<Arguments> ParseAlternatives() {
    std::vector<Arguments> alternatives;
    do {
      alternatives.push_back(ParseSequence());
      if (alternatives.back().empty()) Fail();
    } while (Take("|"));
    return alternatives;
  }

  static SyntaxArgument MakeGroup(std::vector<Arguments> alternatives) {
    SyntaxArgument group;
    if (alternatives.size() == 1) {
      group.type = Type::kBlock;
      group.arguments = std::move(alternatives[0]);
    } else {
      group.type = Type::kOneOf;
      for (Arguments& alternative : alternatives) {
        group.arguments.push_back(alternative.size() == 1 ? std::move(alternative[0])
                                                          : MakeGroup({std::move(alternative)}));
      }
    }
    for (const SyntaxArgument& argument : group.arguments) {
      if (!group.name.empty()) group.name += '_';
      group.name += argument.name;
    }
    return group;
  }

  // Suffixes follow without a blank: "~" behind a blank would be something else.
  void TakeSuffixes(SyntaxArgument* argument) {
    while (!rest_.empty()) {
      char kind = rest_.front();
      std::string* target = kind == '='   ? &argument->name
                            : kind == '@' ? &argument->since
                            : kind == '~' ? &argument->deprecated_since
                                          : nullptr;
      if (target == nullptr) return;
      rest_.remove_prefix(1);
      *target = TakeWord();
    }
  }

  std::string_view rest_;
  bool failed_ = false;
};

void NumberKeys(Arguments* arguments, int last_spec, int* next) {
  for (SyntaxArgument& argument : *arguments) {
    if (argument.type == Type::kKey) argument.key_spec_index = std::min((*next)++, last_spec);
    NumberKeys(&argument.arguments, last_spec, next);
  }
}

std::string Format(const SyntaxArgument& argument, bool in_brackets);

std::string Join(const Arguments& arguments, std::string_view separator) {
  std::string text;
  for (const SyntaxArgument& argument : arguments) {
    if (!text.empty()) text += separator;
    text += Format(argument, false);
  }
  return text;
}

// `in_brackets`: what surrounds the group delimits it already.
std::string FormatValue(const SyntaxArgument& argument, bool in_brackets) {
  switch (argument.type) {
    case Type::kPureToken:
      return {};
    case Type::kBlock:
      return Join(argument.arguments, " ");
    case Type::kOneOf:
      return in_brackets ? Join(argument.arguments, " | ")
                         : "(" + Join(argument.arguments, " | ") + ")";
    default:
      return argument.name;
  }
}

std::string Format(const SyntaxArgument& argument, bool in_brackets) {
  if (argument.optional && !in_brackets) return "[" + Format(argument, true) + "]";
  bool bare = in_brackets && !argument.token && !argument.multiple;
  std::string value = FormatValue(argument, bare);
  std::string token =
      argument.token ? (*argument.token == "" ? "\"\"" : *argument.token) : std::string();
  std::string whole = token.empty() ? value : value.empty() ? token : token + " " + value;
  if (!argument.multiple) return whole;
  return whole + " [" + (argument.multiple_token ? whole : value) + " ...]";
}

}  // namespace

std::string_view Name(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kInteger:
      return "integer";
    case Type::kDouble:
      return "double";
    case Type::kKey:
      return "key";
    case Type::kPattern:
      return "pattern";
    case Type::kUnixTime:
      return "unix-time";
    case Type::kPureToken:
      return "pure-token";
    case Type::kOneOf:
      return "oneof";
    case Type::kBlock:
      return "block";
  }
  return {};
}

std::optional<std::vector<SyntaxArgument>> ParseSyntax(std::string_view syntax,
                                                       size_t key_spec_count) {
  std::optional<Arguments> arguments = Parser(syntax).Parse();
  if (arguments) {
    int next = 0;
    if (key_spec_count > 0) NumberKeys(&*arguments, static_cast<int>(key_spec_count) - 1, &next);
  }
  return arguments;
}

std::string FormatSyntax(const std::vector<SyntaxArgument>& arguments) {
  return Join(arguments, " ");
}

}  // namespace larder::server
