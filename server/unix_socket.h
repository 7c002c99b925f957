// The file of `unixsocket`: a listening socket that clients of this machine reach by its path.
//
// It gets its permissions before it listens, so that nobody ever reaches it with others. What a
// dead server left at the path is replaced; a live server's socket and files that are no sockets
// are not.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>

namespace larder::server {

class UnixSocketFile {
 public:
  // `permissions` 0: what the umask leaves. Null, and why in *error, if it cannot be; nothing is
  // left then.
  static std::unique_ptr<UnixSocketFile> Open(const std::string& path, mode_t permissions,
                                              int backlog, std::string* error);
  // What Open() made: a bound socket.
  UnixSocketFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  // Removes the file, unless somebody listens there. REQUIRES: fd() is closed.
  ~UnixSocketFile();
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;

  const std::string& path() const { return path_; }
  // Listening, non-blocking, close-on-exec; whoever accepts from it closes it.
  int fd() const { return fd_; }

 private:
  const std::string path_;
  const int fd_;
};

}  // namespace larder::server
