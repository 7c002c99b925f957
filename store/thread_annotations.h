// Names for clang's thread-safety attributes (empty under other compilers).
//
// A field says which lock guards it, a function says which locks it needs, takes or must not hold,
// and clang -Wthread-safety checks every caller. The attributes and their meaning are described in
// the "Thread Safety Analysis" chapter of the clang manual.
#pragma once

#if defined(__clang__)
#define LARDER_TS(x) __attribute__((x))
#else
#define LARDER_TS(x)
#endif

#define CAPABILITY(name) LARDER_TS(capability(name))
#define SCOPED_CAPABILITY LARDER_TS(scoped_lockable)
#define GUARDED_BY(lock) LARDER_TS(guarded_by(lock))
#define PT_GUARDED_BY(lock) LARDER_TS(pt_guarded_by(lock))
#define REQUIRES(...) LARDER_TS(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) LARDER_TS(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) LARDER_TS(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) LARDER_TS(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) LARDER_TS(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) LARDER_TS(release_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) LARDER_TS(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) LARDER_TS(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(...) LARDER_TS(assert_capability(__VA_ARGS__))
#define RETURN_CAPABILITY(x) LARDER_TS(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS LARDER_TS(no_thread_safety_analysis)
