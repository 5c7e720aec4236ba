// SPDX-License-Identifier: Apache-2.0
//
// Where the API server hands a pod's streams (exec, attach, port-forward, logs) to the node that
// runs the pod. The server has already authenticated and authorised the caller and knows that the
// pod exists; the handshake of the stream and what flows in it belong to the implementer.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/core/result.hpp"
#include "tests/sandbox/store.hpp"

namespace kredis::sandbox {

/// A connected two-way stream, TLS inside.
///
/// Threads: one thread may read while another writes; `close` may be called from any thread and
/// ends both. The stream does not own buffers it was given.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Waits for bytes, at most `at_most`. Returns how many were read; 0 is the end of the stream.
  /// Errors: timeout (nothing came, go on reading if you like), unreachable (the peer broke off).
  virtual Result<std::size_t> read_some(std::span<char> into,
                                        std::chrono::milliseconds at_most) = 0;
  /// Errors: unreachable when the peer is gone or takes nothing for a minute.
  virtual Status write_all(std::string_view bytes) = 0;
  /// Ends the stream both ways.
  virtual void close() = 0;
  /// True when `read_some` has bytes at hand; look at it before waiting on `fd`.
  virtual bool has_buffered() const = 0;
  /// Readable when the peer sent something: for poll(2) only, never for reading.
  virtual int fd() const = 0;
};

/// Orders header names without regard to case.
struct CaselessLess {
  bool operator()(const std::string& left, const std::string& right) const;
};
using Headers = std::map<std::string, std::string, CaselessLess>;

/// Query parameters in the order they came, decoded: `command` may occur many times.
class Query {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Query() = default;
  explicit Query(Pairs pairs) : pairs_(std::move(pairs)) {}

  /// Parses "a=1&b=%20". Never fails: what cannot be decoded is kept as it is.
  static Query parse(std::string_view text);
  /// The first value of `name`, or `fallback`.
  std::string get(std::string_view name, std::string_view fallback = {}) const;
  std::vector<std::string> all(std::string_view name) const;
  /// True for "true" and "1".
  bool flag(std::string_view name) const;
  bool has(std::string_view name) const;
  const Pairs& pairs() const { return pairs_; }

 private:
  Pairs pairs_;
};

struct StreamRequest {
  std::string method;  ///< GET (WebSocket) or POST (SPDY).
  std::string namespace_;
  std::string pod;
  Query query;
  Headers headers;
  Object pod_object;  ///< The pod as it was when the request came; never null.
};

/// Takes the next piece of a log. False: the client has left or the server stops, so return. An
/// empty piece sends nothing and only asks that; a follower calls it at least once a second.
using LogSink = std::function<bool(std::string_view)>;

/// What the node half of the sandbox implements.
///
/// An error returned before anything was written is answered as a Kubernetes Status
/// (invalid_argument 400, not_found 404, conflict 409, anything else 500).
/// Threads: every member is called from many threads at once, each for as long as its stream lives.
class PodStreams {
 public:
  virtual ~PodStreams() = default;
  /// `GET|POST .../pods/POD/exec?container=&command=&stdin=&stdout=&stderr=&tty=`
  virtual Status exec(const StreamRequest& request, ByteStream& stream) = 0;
  virtual Status attach(const StreamRequest& request, ByteStream& stream) = 0;
  /// `GET|POST .../pods/POD/portforward?ports=`
  virtual Status port_forward(const StreamRequest& request, ByteStream& stream) = 0;
  /// `GET
  /// .../pods/POD/log?container=&follow=&previous=&tailLines=&sinceSeconds=&sinceTime=&timestamps=&limitBytes=`
  virtual Status log(const StreamRequest& request, const LogSink& sink) = 0;
};

}  // namespace kredis::sandbox
