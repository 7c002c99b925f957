#include "server/client_registry.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <vector>

namespace larder::server {
namespace {

// A thread's clients without the thread: messages wait until Run().
class FakeHost final : public ClientHost, public EventLoop {
 public:
  EventLoop& loop() override { return *this; }
  void VisitClients(const std::function<void(Client&)>& visit) override {
    for (Client& client : clients) visit(client);
  }
  void Post(std::function<void()> function) override { messages.push_back(std::move(function)); }
  void PostAfter(std::chrono::milliseconds, std::function<void()>) override {}
  std::unique_ptr<Timer> StartTimer(std::chrono::milliseconds, std::function<void()>) override {
    return nullptr;
  }
  void Run() {
    for (; !messages.empty(); messages.pop_front()) messages.front()();
  }

  std::vector<Client> clients;
  std::deque<std::function<void()>> messages;
};

TEST(ClientRegistryTest, NumbersAreNeverReused) {
  ClientRegistry registry;
  int64_t first = registry.NextId();
  registry.Disconnected();
  EXPECT_GT(registry.NextId(), first);
}

TEST(ClientRegistryTest, AdmitsUpToTheLimit) {
  ClientRegistry registry;
  EXPECT_TRUE(registry.TryConnect(2));
  EXPECT_TRUE(registry.TryConnect(2));
  EXPECT_FALSE(registry.TryConnect(2));
  EXPECT_EQ(registry.connected(), 2);
  registry.Disconnected();
  EXPECT_TRUE(registry.TryConnect(2));
}

TEST(ClientRegistryTest, GathersFromEveryThreadOnce) {
  ClientRegistry registry;
  FakeHost a, b;
  registry.AddHost(a);
  registry.AddHost(b);
  a.clients.resize(2);
  b.clients.resize(3);
  std::vector<int> sizes;
  registry.Gather<int>([](Client&, int& count) { ++count; },
                       [&](std::vector<int>&& parts) { sizes = parts; });
  b.Run();
  EXPECT_TRUE(sizes.empty()) << "one thread has not answered yet";
  a.Run();
  EXPECT_EQ(sizes, (std::vector{2, 3}));
}

}  // namespace
}  // namespace larder::server
