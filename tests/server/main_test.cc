// The program's command line, as a user meets it: the binary is run, and fails or ends before it
// serves.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace larder::server {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string output;  // standard output and standard error
};

// `arguments` as a shell reads them; `environment`: "NAME=value ..." put before the command.
Outcome RunLarder(const std::string& arguments, const std::string& environment = "") {
  Outcome outcome;
  const std::string command = "{ " + environment + " " LARDER_BINARY " " + arguments + "\n} 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> block{};
  for (size_t size; (size = fread(block.data(), 1, block.size(), pipe)) > 0;) {
    outcome.output.append(block.data(), size);
  }
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

struct RefusedCase {
  std::string_view arguments;
  int exit_code;
  std::string_view message;
};

// `--tls-port 1` comes last where the rest is right: it ends the start, so that nothing is served.
constexpr RefusedCase kRefusedCases[] = {
    {"--prot 7000", 2, "larder: command line: 'prot' is not a directive; did you mean 'port'?\n"},
    {"--prot=7000", 2, "larder: command line: 'prot' is not a directive; did you mean 'port'?\n"},
    {"/dev/null extra", 2, "larder: command line: 'extra' is not expected here\n"},
    {"-x", 2, "larder: command line: '-x' is not expected here\n"},
    {"--rename-command FLUSHALL x", 2, "'rename-command' takes a name and a new one, in the"},
    {"- <<'END'\nport 0\nrename-command NOSUCH x\nEND", 1,
     "rename-command NOSUCH: No such command in rename-command\n"},
    {"- <<'END'\nport 0\nrename-command get set\nEND", 1,
     "rename-command get: Target command name already exists\n"},
    {"--port 0 --unixsocket /nonexistent/s", 1,
     "Cannot listen on unix socket /nonexistent/s: No such file or directory\n"},
    {"--port", 2, "--port"},
    {"--port x", 1, "larder: command line: --port: argument couldn't be parsed into an integer\n"},
    {"--port x --port 7000 --tls-port 1", 1, "--tls-port: larder does not speak TLS"},
    {"--slowlog-log-slower-than -1 --bind 127.0.0.1 -::1 --tls-port 1", 1, "--tls-port"},
    {"--slowlog-log-slower-than -2", 1, "must be between -1 and 9223372036854775807"},
    {"--save 900 1 --save 300", 1, "--save: Invalid save parameters"},
    {"--save '' --client-output-buffer-limit 'normal 1 2'", 1,
     "Wrong number of arguments in buffer"},
    {"--map plain --threads 2", 1, "larder: map plain guards nothing, so it needs threads 1"},
    {"/nonexistent.conf", 1,
     "larder: /nonexistent.conf: cannot read it: No such file or directory\n"},
    {"- </dev/null --tls-port 1", 1, "--tls-port"},
    {"--logfile /proc/larder.log", 1, "larder: logfile: "},
};

TEST(MainTest, RefusesToStartAndSaysWhy) {
  for (const RefusedCase& c : kRefusedCases) {
    SCOPED_TRACE(c.arguments);
    const Outcome outcome = RunLarder(std::string(c.arguments));
    EXPECT_EQ(outcome.exit_code, c.exit_code);
    EXPECT_NE(outcome.output.find(c.message), std::string::npos) << outcome.output;
  }
}

// The map is plain throughout, so the start ends with the number of threads that counted in the
// end.
TEST(MainTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string from_file = "<<'END'\nmap plain\nthreads 2\nEND";
  EXPECT_NE(RunLarder("- " + from_file).output.find("threads is 2"), std::string::npos);
  EXPECT_NE(RunLarder("- " + from_file, "LARDER_THREADS=3").output.find("threads is 3"),
            std::string::npos);
  EXPECT_NE(RunLarder("- --threads 4 " + from_file, "LARDER_THREADS=3").output.find("threads is 4"),
            std::string::npos);
}

TEST(MainTest, NamesThePlaceOfABadValue) {
  EXPECT_EQ(RunLarder("- <<'END'\n# comment\nport file\nEND").output,
            "larder: standard input:2: port: argument couldn't be parsed into an integer\n");
  EXPECT_EQ(
      RunLarder("", "LARDER_PORT=x").output,
      "larder: environment: LARDER_PORT: port: argument couldn't be parsed into an integer\n");
}

TEST(MainTest, TellsItsVersionAndItsOptions) {
  const Outcome version = RunLarder("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.output.starts_with("larder 0.1.0 (redis protocol 7.0.15)")) << version.output;

  const Outcome help = RunLarder("--help");
  EXPECT_EQ(help.exit_code, 0);
  for (const std::string_view shown :
       {"--port", "--map", "[rcu]", "--client-output-buffer-limit"}) {
    EXPECT_NE(help.output.find(shown), std::string::npos) << shown;
  }
  EXPECT_EQ(help.output.find("--appendonly"), std::string::npos) << "accepted, but not offered";
}

// README.md shows the commands between two comments: larder --print-commands writes them.
TEST(MainTest, ReadmeListsTheCommands) {
  std::ifstream file(LARDER_SOURCE_DIR "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  constexpr std::string_view kBegin = "<!-- commands: the output of larder --print-commands -->\n";
  const size_t begin = readme.find(kBegin);
  const size_t end = readme.find("<!-- end of commands -->");
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos);
  const size_t first = begin + kBegin.size();
  const Outcome printed = RunLarder("--print-commands");
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_EQ(readme.substr(first, end - first), printed.output);
}

}  // namespace
}  // namespace larder::server
