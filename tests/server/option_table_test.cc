#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "server/config.h"
#include "server/config_file.h"
#include "server/option.h"

namespace larder::server {
namespace {

TEST(OptionTableTest, DefaultsAreValidAndReportedUnchanged) {
  for (size_t i = 0; i < OptionCount(); ++i) {
    const Option& option = OptionAt(i);
    SCOPED_TRACE(option.name);
    EXPECT_EQ(FindOption(option.name), i) << "the name occurs twice";
    EXPECT_NE(option.doc.empty(), option.Is(kIgnored) == false);
    if (option.Is(kFileOnly) || option.Is(kImmutable) || option.Is(kProtected)) continue;
    Config config;
    const std::string before = config.Text(option.name);
    const std::pair<std::string_view, std::string_view> pairs[] = {{option.name, before}};
    EXPECT_EQ(config.Set(pairs), std::nullopt);
    EXPECT_EQ(config.Text(option.name), before);
  }
}

TEST(OptionTableTest, LarderConfDocumentsEveryServedOptionWithItsDefault) {
  std::ifstream file(LARDER_SOURCE_DIR "/conf/larder.conf");
  ASSERT_TRUE(file) << "conf/larder.conf is missing";
  std::set<std::string> documented;
  std::string previous;
  for (std::string line; std::getline(file, line); previous = line) {
    // `threads` has no default to show: its line is a comment.
    const bool sample = line == "# threads 4";
    if (line.empty() || (line[0] == '#' && !sample)) continue;
    const auto arguments = SplitArguments(sample ? line.substr(2) : line);
    ASSERT_TRUE(arguments.has_value()) << line;
    const std::string& name = arguments->front();
    const auto index = FindOption(name);
    ASSERT_TRUE(index && *index < ServedOptions().size()) << line;
    EXPECT_TRUE(documented.contains(name) || previous.starts_with("# ")) << name << " has no prose";
    documented.insert(name);
  }
  for (const Option& option : ServedOptions()) {
    EXPECT_TRUE(documented.contains(std::string(option.name))) << option.name << " is missing";
  }

  Config loaded;
  const Config defaults;
  EXPECT_EQ(ReadConfigFile(LARDER_SOURCE_DIR "/conf/larder.conf", loaded), std::nullopt);
  const std::string_view everything[] = {"*"};
  EXPECT_EQ(loaded.Get(everything), defaults.Get(everything));
  EXPECT_TRUE(loaded.StartWarnings().empty());
}

TEST(OptionTableTest, SuggestsWhatWasProbablyMeant) {
  EXPECT_EQ(NearestOption("prot"), "port");
  EXPECT_EQ(NearestOption("bnid"), "bind");
  EXPECT_EQ(NearestOption("max-clients"), "maxclients");
  EXPECT_EQ(NearestOption("requirepas"), "requirepass");
  EXPECT_EQ(NearestOption("qqqqqq"), "");
  EXPECT_EQ(NearestOption(std::string(100000, 'x')), "");
}

}  // namespace
}  // namespace larder::server
