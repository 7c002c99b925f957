#include "server/stats.h"

#include <algorithm>

namespace larder::server {

void ThreadStats::CountError(std::string_view code) {
  error_replies.Add(1);
  store::MutexLock lock(mu_);
  auto it = errors_.find(code);
  if (it != errors_.end()) {
    ++it->second;
  } else if (errors_.size() < kErrorKindsMax) {
    errors_.emplace(code, 1);
  } else {
    ++errors_["OTHER"];
  }
}

LatencyHistogram* ThreadStats::MakeHistogram(size_t command) {
  LatencyHistogram* histogram = &histograms_.emplace_back();
  // release [stats.histogram]: pairs with the acquire in RawLatenciesOf(), which reads its
  // counters.
  latencies_[command].store(histogram, std::memory_order_release);
  return histogram;
}

Stats::Stats(size_t commands)
    : commands_(commands), start_(std::chrono::steady_clock::now()), start_ticks_(Ticks()) {}

ThreadStats& Stats::AddThread() {
  threads_.push_back(std::make_unique<ThreadStats>(commands_));
  return *threads_.back();
}

StatsTotals Stats::RawTotals() const {
  StatsTotals sum;
  sum.commands.resize(commands_);
  // relaxed: counters.
  sum.connections_received = connections_received_.load(std::memory_order_relaxed);
  sum.connections_rejected = connections_rejected_.load(std::memory_order_relaxed);
  for (const auto& thread : threads_) {
    sum.commands_processed += thread->commands_processed.get();
    sum.reads += thread->reads.get();
    sum.writes += thread->writes.get();
    sum.input_bytes += thread->input_bytes.get();
    sum.output_bytes += thread->output_bytes.get();
    sum.error_replies += thread->error_replies.get();
    sum.input_buffer_max = std::max(sum.input_buffer_max, thread->input_buffer_max.get());
    sum.output_buffer_max = std::max(sum.output_buffer_max, thread->output_buffer_max.get());
    for (size_t i = 0; i < commands_; ++i) {
      const CommandCounters& from = thread->commands_[i];
      CommandTotals& to = sum.commands[i];
      to.calls += from.calls.get();
      to.ticks += from.ticks.get();
      to.rejected += from.rejected.get();
      to.failed += from.failed.get();
    }
    store::MutexLock lock(thread->mu_);
    for (const auto& [code, count] : thread->errors_) sum.errors[code] += count;
  }
  return sum;
}

StatsTotals Stats::Totals() const {
  // Locked first, or the baseline might be newer than what it is taken from.
  store::MutexLock lock(mu_);
  StatsTotals now = RawTotals();
  now.commands_processed -= baseline_.commands_processed;
  now.reads -= baseline_.reads;
  now.writes -= baseline_.writes;
  now.input_bytes -= baseline_.input_bytes;
  now.output_bytes -= baseline_.output_bytes;
  now.error_replies -= baseline_.error_replies;
  now.connections_received -= baseline_.connections_received;
  now.connections_rejected -= baseline_.connections_rejected;
  for (size_t i = 0; i < baseline_.commands.size(); ++i) {
    now.commands[i].calls -= baseline_.commands[i].calls;
    now.commands[i].ticks -= baseline_.commands[i].ticks;
    now.commands[i].rejected -= baseline_.commands[i].rejected;
    now.commands[i].failed -= baseline_.commands[i].failed;
  }
  for (const auto& [code, count] : baseline_.errors) {
    auto it = now.errors.find(code);
    if ((it->second -= count) == 0) now.errors.erase(it);
  }
  return now;
}

LatencyHistogram::Counts Stats::RawLatenciesOf(size_t command) const {
  LatencyHistogram::Counts sum{};
  for (const auto& thread : threads_) {
    // acquire [stats.histogram]: pairs with the release in MakeHistogram().
    const auto* histogram = thread->latencies_[command].load(std::memory_order_acquire);
    if (histogram != nullptr) histogram->AddTo(sum);
  }
  return sum;
}

LatencyHistogram::Counts Stats::LatenciesOf(size_t command) const {
  store::MutexLock lock(mu_);  // first: see Totals()
  LatencyHistogram::Counts now = RawLatenciesOf(command);
  auto baseline = latency_baselines_.find(command);
  if (baseline == latency_baselines_.end()) return now;
  for (size_t i = 0; i < now.size(); ++i) now[i] -= baseline->second[i];
  return now;
}

void Stats::Reset(const KeyspaceCounts& now) {
  store::MutexLock lock(mu_);
  baseline_ = RawTotals();
  latency_baselines_.clear();
  for (size_t i = 0; i < commands_; ++i) {
    if (baseline_.commands[i].calls > 0) latency_baselines_.emplace(i, RawLatenciesOf(i));
  }
  keyspace_baseline_ = now;
  peak_memory_bytes_ = 0;
  samples_taken_ = 0;
}

KeyspaceCounts Stats::SinceReset(KeyspaceCounts counts) const {
  store::MutexLock lock(mu_);
  counts.hits -= keyspace_baseline_.hits;
  counts.misses -= keyspace_baseline_.misses;
  counts.expired -= keyspace_baseline_.expired;
  counts.evicted -= keyspace_baseline_.evicted;
  counts.exceeded_ms -= keyspace_baseline_.exceeded_ms;
  return counts;
}

size_t Stats::PeakMemory(size_t used_memory_bytes) {
  store::MutexLock lock(mu_);
  peak_memory_bytes_ = std::max(peak_memory_bytes_, used_memory_bytes);
  return peak_memory_bytes_;
}

Stats::Sample Stats::TakeRawSample() const {
  Sample sample{.at = std::chrono::steady_clock::now()};
  for (const auto& thread : threads_) {
    sample.commands += thread->commands_processed.get();
    sample.input_bytes += thread->input_bytes.get();
    sample.output_bytes += thread->output_bytes.get();
  }
  return sample;
}

void Stats::TakeSample(size_t used_memory_bytes) {
  Sample sample = TakeRawSample();
  store::MutexLock lock(mu_);
  peak_memory_bytes_ = std::max(peak_memory_bytes_, used_memory_bytes);
  samples_[samples_taken_ % kSamples] = sample;
  ++samples_taken_;
}

Rates Stats::CurrentRates() const {
  store::MutexLock lock(mu_);
  if (samples_taken_ < 2) return {};
  const Sample& last = samples_[(samples_taken_ - 1) % kSamples];
  const Sample& first = samples_[samples_taken_ < kSamples ? 0 : samples_taken_ % kSamples];
  double seconds = std::chrono::duration<double>(last.at - first.at).count();
  if (seconds <= 0) return {};
  return {.commands = static_cast<double>(last.commands - first.commands) / seconds,
          .input_bytes = static_cast<double>(last.input_bytes - first.input_bytes) / seconds,
          .output_bytes = static_cast<double>(last.output_bytes - first.output_bytes) / seconds};
}

double Stats::TicksToMicroseconds(uint64_t ticks) const {
  double elapsed_us =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start_).count();
  double elapsed_ticks = static_cast<double>(Ticks() - start_ticks_);
  return elapsed_ticks <= 0 ? 0 : static_cast<double>(ticks) * elapsed_us / elapsed_ticks;
}

}  // namespace larder::server
