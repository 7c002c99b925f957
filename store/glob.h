// Glob patterns as Redis has them, for KEYS, SCAN, CONFIG GET and their like. Pure functions: any
// thread, no memory.
//
//   *        any bytes, none included          ?       any one byte
//   [abc]    one byte of these                 [^abc]  one byte of none of these
//   [a-z]    one byte of a range, whose ends may come in either order and compare as signed bytes
//   \c       the byte c itself, in a class too; a backslash that ends the pattern is itself
//
// A class that is not closed ends with the pattern. Empty text matches the empty pattern only, not
// even "*": Redis answers KEYS * and SCAN without looking at the keys, and so must a caller that
// wants an empty key listed.
#pragma once

#include <string_view>

namespace larder::store {

// Whether the whole of `text` matches `pattern`. With `ignore_case`, ASCII letters match in either
// case, but for an escaped letter within a class. Time O(pattern * text) at the worst, whatever the
// number of stars; linear in practice.
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace larder::store
