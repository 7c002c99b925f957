#include "server/config_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"

namespace larder::server {
namespace {

using Arguments = std::optional<std::vector<std::string>>;

struct SplitCase {
  std::string_view line;
  Arguments arguments;
};

TEST(ConfigFileTest, SplitsLinesAsRedisDoes) {
  using namespace std::string_view_literals;
  const SplitCase cases[] = {
      {"", Arguments{std::in_place}},
      {"  \t\r", Arguments{std::in_place}},
      {"port 7000\r", {{"port", "7000"}}},
      {" a\t b  c ", {{"a", "b", "c"}}},
      {R"(a "b c" 'd e')", {{"a", "b c", "d e"}}},
      {R"(a "" '')", {{"a", "", ""}}},
      {R"("\x41\x6a\n\r\t\b\a\\\"\q")", {{"Aj\n\r\t\b\a\\\"q"}}},
      {R"("\xZZ\x4")", {{"xZZx4"}}},
      {R"('it\'s \n')", {{"it's \\n"}}},
      {R"(a"b c")", {{"ab c"}}},
      {"#a", {{"#a"}}},
      {"a\0b"sv, {{std::string("a\0b", 3)}}},
      {R"(")", std::nullopt},
      {R"('a)", std::nullopt},
      {R"("a\")", std::nullopt},
      {R"("a"b)", std::nullopt},
      {R"('a'"b")", std::nullopt},
  };
  for (const SplitCase& c : cases) EXPECT_EQ(SplitArguments(c.line), c.arguments) << c.line;
}

TEST(ConfigFileTest, ReadsDirectivesInAnyCaseAndSkipsComments) {
  Config config;
  EXPECT_EQ(ReadConfigText("# a comment\r\n\n  # another\nPort 7000\r\n\trequirepass \"a \\x41\"\n"
                           "proto-max-bulk-len 2mb",
                           "t", config),
            std::nullopt);
  EXPECT_EQ(config.port(), 7000);
  EXPECT_TRUE(config.PasswordIs("a A"));
  EXPECT_EQ(config.proto_max_bulk_len(), 2 << 20);
}

TEST(ConfigFileTest, LinesOfListsAddUp) {
  Config config;
  EXPECT_EQ(ReadConfigText("save 900 1\nsave 300 10 60 100\n"
                           "client-output-buffer-limit normal 1 2 3\n"
                           "client-output-buffer-limit replica 4 5 6\n"
                           "list-max-ziplist-entries 512\n",
                           "t", config),
            std::nullopt);
  EXPECT_EQ(config.Text("save"), "900 1 300 10 60 100");
  EXPECT_EQ(config.Text("client-output-buffer-limit"),
            "normal 1 2 3 slave 4 5 6 pubsub 33554432 8388608 60");
  EXPECT_EQ(ReadConfigText("save \"\"\n", "t", config), std::nullopt);
  EXPECT_EQ(config.Text("save"), "");
}

struct ErrorCase {
  std::string_view text;
  std::string_view error;
};

constexpr ErrorCase kErrorCases[] = {
    {"prot 1", "t:1: 'prot' is not a directive; did you mean 'port'?"},
    {"\n# c\nqqqqqq 1", "t:3: 'qqqqqq' is not a directive"},
    {"\"\"", "t:1: '' is not a directive"},
    {"port", "t:1: port: wrong number of arguments"},
    {"port 1 2", "t:1: port: wrong number of arguments"},
    {"port 65536", "t:1: port: argument must be between 0 and 65535 inclusive"},
    {"port x", "t:1: port: argument couldn't be parsed into an integer"},
    {"appendonly maybe", "t:1: appendonly: argument must be 'yes' or 'no'"},
    {"map fast",
     "t:1: map: argument(s) must be one of the following: plain, mutex, rwmutex, sync, rcu, auto"},
    {"requirepass \"x", "t:1: unbalanced quotes"},
    {"include", "t:1: include: wrong number of arguments"},
    {"include /nonexistent/a.conf",
     "t:1: /nonexistent/a.conf: cannot read it: No such file or directory"},
    {"replicaof localhost", "t:1: replicaof: wrong number of arguments"},
    {"replicaof localhost x", "t:1: replicaof: Invalid master port"},
    {"tls-port 6380", "t:1: tls-port: larder does not speak TLS: put a TLS proxy in front of it"},
    {"dbfilename a/b", "t:1: dbfilename: dbfilename can't be a path, just a filename"},
    {"rename-command FLUSHALL",
     "t:1: 'rename-command' takes a name and a new one, in the configuration file only"},
    {"user default on",
     "t:1: 'user' is not supported: larder has no ACL users yet, only "
     "'requirepass'"},
    {"loadmodule x.so", "t:1: 'loadmodule' is not supported: larder loads no modules"},
};

TEST(ConfigFileTest, ErrorsNameFileLineAndReason) {
  for (const ErrorCase& c : kErrorCases) {
    Config config;
    EXPECT_EQ(ReadConfigText(c.text, "t", config), c.error);
  }
}

TEST(ConfigFileTest, CollectsRenamedCommandsInOrder) {
  Config config;
  ASSERT_EQ(ReadConfigText("rename-command FLUSHALL \"\"\nRENAME-COMMAND get fetch\n", "t", config),
            std::nullopt);
  ASSERT_EQ(config.command_renames().size(), 2u);
  EXPECT_EQ(config.command_renames()[0].from, "FLUSHALL");
  EXPECT_EQ(config.command_renames()[0].to, "");
  EXPECT_EQ(config.command_renames()[1].to, "fetch");
}

// A directory of its own for each test, removed at the end.
class ConfigIncludeTest : public testing::Test {
 protected:
  ConfigIncludeTest() { std::filesystem::create_directories(directory_); }
  ~ConfigIncludeTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& text) const {
    std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  const std::string directory_ = testing::TempDir() + "larder_" +
                                 testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ConfigIncludeTest, ReadsTheFileInPlace) {
  const std::string inner = Write("inner.conf", "port 2\ntimeout 3\n");
  const std::string outer = Write("outer.conf", "port 1\ninclude " + inner + "\ntimeout 4\n");
  Config config;
  EXPECT_EQ(ReadConfigFile(outer, config), std::nullopt);
  EXPECT_EQ(config.port(), 2);
  EXPECT_EQ(config.timeout_s(), 4);
}

TEST_F(ConfigIncludeTest, TakesWildcards) {
  Write("a1.conf", "port 1\n");
  Write("a2.conf", "port 2\n");
  Config config;
  EXPECT_EQ(ReadConfigText("include " + directory_ + "/a*.conf\ninclude " + directory_ + "/b*\n",
                           "t", config),
            std::nullopt);
  EXPECT_EQ(config.port(), 2);
}

TEST_F(ConfigIncludeTest, NamesBothPlacesOfAnError) {
  const std::string inner = Write("inner.conf", "port 2\nprot 3\n");
  Config config;
  EXPECT_EQ(ReadConfigText("include " + inner + "\n", "t", config),
            "t:1: " + inner + ":2: 'prot' is not a directive; did you mean 'port'?");
}

TEST_F(ConfigIncludeTest, EndsWhenAFileIncludesItself) {
  const std::string path = directory_ + "/loop.conf";
  Write("loop.conf", "include " + path + "\n");
  Config config;
  const std::string error = ReadConfigFile(path, config).value_or("");
  EXPECT_TRUE(error.ends_with("include: files are nested too deeply")) << error;
}

TEST_F(ConfigIncludeTest, RefusesADirectory) {
  Config config;
  EXPECT_NE(ReadConfigFile(directory_, config), std::nullopt);
}

TEST(ConfigEnvironmentTest, OverridesTheFile) {
  Config config;
  ASSERT_FALSE(ReadConfigText("port 1\ntimeout 2\n", "t", config));
  const char* const environment[] = {"PATH=/bin",
                                     "LARDER_PORT=7000",
                                     "LARDER_TCP_KEEPALIVE=60",
                                     "LARDER_BIND=10.0.0.1 -::1",
                                     "LARDER_REQUIREPASS=two words",
                                     "LARDER_BIO_CPULIST=0-3",
                                     "LARDER_",
                                     nullptr};
  std::vector<std::string> warnings;
  EXPECT_EQ(ReadEnvironment(environment, config, &warnings), std::nullopt);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(config.port(), 7000);
  EXPECT_EQ(config.timeout_s(), 2);
  EXPECT_EQ(config.tcp_keepalive_s(), 60);
  EXPECT_EQ(config.bind().size(), 2U);
  EXPECT_TRUE(config.PasswordIs("two words"));
  EXPECT_EQ(config.Text("bio_cpulist"), "0-3");
}

TEST(ConfigEnvironmentTest, StopsAtABadValueAndWarnsOfStrangers) {
  Config config;
  std::vector<std::string> warnings;
  const char* const strangers[] = {"LARDER_PORT=tcp://10.0.0.1:6379",
                                   "LARDER_SERVICE_HOST=10.0.0.1", nullptr};
  EXPECT_EQ(ReadEnvironment(strangers, config, &warnings), std::nullopt);
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_EQ(config.port(), 6379);
  const char* const bad[] = {"LARDER_MAXCLIENTS=0", nullptr};
  EXPECT_EQ(ReadEnvironment(bad, config, &warnings),
            "environment: LARDER_MAXCLIENTS: maxclients: argument must be between 1 and 4294967295 "
            "inclusive");
}

}  // namespace
}  // namespace larder::server
