// The life of a million entries in larder's own slabs and under mimalloc, jemalloc and glibc.
//
//   Heap/<heap>/<sizes>
//
// Time is the CPU time of a replacement: the new entry is allocated and written, and one that was
// replaced a while ago is freed, as epochs do it. fill_ns and free_ns are the same for the first
// filling and for freeing in random order. over_B is what an entry costs in resident memory beyond
// its own size while the heap is new, aged_B the same after each key was replaced four times on
// average, left_B (a former entry) what stays resident after 95 % of the entries went, at random.
//
// Sizes: a key of 16 and a value of 32 bytes make 56, with a TTL 64; "mixed" is 40 to 119, evenly.
//
// Every run happens in a forked process, so that no heap inherits what another one left. The
// libraries are loaded, not linked: two of them cannot both be malloc.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <mimalloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <span>
#include <string>
#include <utility>

#include "store/slab.h"

namespace {

namespace store = larder::store;

constexpr size_t kEntries = 1'000'000;
constexpr size_t kReplacements = 4 * kEntries;
// So many entries wait for readers to move on before they are freed.
constexpr size_t kRetiredMax = 4096;

struct Sizes {
  size_t min;
  size_t count;  // of different sizes from `min` on
};

struct Heap {
  void* (*allocate)(size_t) = nullptr;
  void (*free)(void*) = nullptr;
  size_t (*size_of)(void*) = nullptr;

  explicit operator bool() const { return allocate && free && size_of; }
};

Heap Mimalloc() {
  return {mi_malloc, mi_free, [](void* block) { return mi_usable_size(block); }};
}

Heap Slabs() {
  static store::SlabHeap& heap = store::SlabHeap::Take();
  return {
      [](size_t bytes) { return heap.Allocate(bytes, store::CellKind::kEntry); },
      [](void* block) { heap.Free(block); },
      [](void* block) -> size_t { return store::SlabRegion::Of(block).PageOf(block).cell_bytes; }};
}

// The malloc of one shared library, whoever else defines one.
Heap HeapOf(const char* library) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return {};
  return {reinterpret_cast<void* (*)(size_t)>(dlsym(handle, "malloc")),
          reinterpret_cast<void (*)(void*)>(dlsym(handle, "free")),
          reinterpret_cast<size_t (*)(void*)>(dlsym(handle, "malloc_usable_size"))};
}
Heap Jemalloc() { return HeapOf("libjemalloc.so.2"); }
Heap Glibc() { return HeapOf("libc.so.6"); }

struct Figures {
  double fill_ns, replace_ns, free_ns;
  double over_bytes, aged_bytes, left_bytes;
};

double ResidentBytes() {
  long total = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Pages that are resident before the first measurement.
template <typename T>
std::span<T> MapResident(size_t count) {
  void* pages = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) std::abort();
  return {static_cast<T*>(pages), count};
}

class Run {
 public:
  Run(const Heap& heap, const Sizes& sizes) : heap_(heap), sizes_(sizes) {}

  Figures operator()() {
    Figures figures{};
    const double before = ResidentBytes();
    figures.fill_ns = Time(kEntries, [&] {
      for (Entry& entry : entries_) entry = Make();
    });
    figures.over_bytes = BytesOver(before);
    figures.replace_ns = Time(kReplacements, [&] {
      for (size_t i = 0; i < kReplacements; ++i) Replace(i);
    });
    for (void*& block : retired_) Free(block);
    figures.aged_bytes = BytesOver(before);
    constexpr size_t kFreed = kEntries / 20 * 19;
    Shuffle();
    figures.free_ns = Time(kFreed, [&] {
      for (Entry& entry : entries_.first(kFreed)) {
        bytes_ -= entry.bytes;
        Free(entry.block);
      }
    });
    figures.left_bytes = BytesOver(before) * kEntries / kFreed;
    return figures;
  }

 private:
  struct Entry {
    void* block;
    size_t bytes;
  };

  template <typename Work>
  static double Time(size_t operations, Work work) {
    const std::clock_t start = std::clock();  // CPU time, so that a busy machine matters less
    work();
    return static_cast<double>(std::clock() - start) * 1e9 / CLOCKS_PER_SEC /
           static_cast<double>(operations);
  }

  // xorshift64* (Vigna), high bits.
  size_t Random(size_t below) {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return ((random_ * 0x2545F4914F6CDD1DULL) >> 32) * below >> 32;
  }

  // As the store does: it looks the size up when a block comes and when it goes.
  Entry Make() {
    const size_t bytes = sizes_.min + Random(sizes_.count);
    void* block = heap_.allocate(bytes);
    std::memset(block, 'e', bytes);
    used_ += heap_.size_of(block);
    bytes_ += bytes;
    return {block, bytes};
  }
  void Free(void* block) {
    if (block == nullptr) return;
    used_ -= heap_.size_of(block);
    heap_.free(block);
  }
  void Replace(size_t i) {
    Entry& entry = entries_[Random(kEntries)];
    void*& longest_retired = retired_[i % kRetiredMax];
    Free(longest_retired);
    longest_retired = entry.block;
    bytes_ -= entry.bytes;
    entry = Make();
  }
  void Shuffle() {
    for (size_t i = kEntries - 1; i > 0; --i) std::swap(entries_[i], entries_[Random(i + 1)]);
  }
  double BytesOver(double resident_before) const {
    benchmark::DoNotOptimize(used_);
    return (ResidentBytes() - resident_before - static_cast<double>(bytes_)) / kEntries;
  }

  const Heap heap_;
  const Sizes sizes_;
  const std::span<Entry> entries_ = MapResident<Entry>(kEntries);
  const std::span<void*> retired_ = MapResident<void*>(kRetiredMax);
  uint64_t random_ = 88172645463325252ULL;
  size_t bytes_ = 0;  // asked for and not given back
  size_t used_ = 0;   // what the heap says it spent
};

// False if the child could not say.
bool RunInChild(const Heap& heap, const Sizes& sizes, Figures* figures) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const Figures mine = Run(heap, sizes)();
    _exit(write(ends[1], &mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
  }
  close(ends[1]);
  const bool complete = read(ends[0], figures, sizeof(*figures)) == sizeof(*figures);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return complete;
}

void EntryLife(benchmark::State& state, Heap (*open)(), Sizes sizes) {
  const Heap heap = open();
  if (!heap) return state.SkipWithError("the library is not there");
  while (state.KeepRunningBatch(kReplacements)) {
    Figures figures;
    if (!RunInChild(heap, sizes, &figures)) return state.SkipWithError("the child died");
    state.SetIterationTime(figures.replace_ns * kReplacements * 1e-9);
    state.counters["fill_ns"] = figures.fill_ns;
    state.counters["free_ns"] = figures.free_ns;
    state.counters["over_B"] = figures.over_bytes;
    state.counters["aged_B"] = figures.aged_bytes;
    state.counters["left_B"] = figures.left_bytes;
  }
}

void Register() {
  struct {
    const char* name;
    Sizes sizes;
  } const kSizes[] = {{"56", {56, 1}}, {"64", {64, 1}}, {"mixed", {40, 80}}};
  struct {
    const char* name;
    Heap (*open)();
  } const kHeaps[] = {
      {"slabs", Slabs}, {"mimalloc", Mimalloc}, {"jemalloc", Jemalloc}, {"glibc", Glibc}};
  for (const auto& sizes : kSizes) {
    for (const auto& heap : kHeaps) {
      const std::string name = std::string("Heap/") + heap.name + "/" + sizes.name;
      benchmark::RegisterBenchmark(name.c_str(), EntryLife, heap.open, sizes.sizes)
          ->Iterations(kReplacements)
          ->UseManualTime();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  // jemalloc wants more thread-local storage than glibc keeps for libraries that come late.
  constexpr const char* kTunables = "GLIBC_TUNABLES";
  if (std::getenv(kTunables) == nullptr) {
    setenv(kTunables, "glibc.rtld.optional_static_tls=16384", 1);
    execv("/proc/self/exe", argv);
  }
  Register();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
