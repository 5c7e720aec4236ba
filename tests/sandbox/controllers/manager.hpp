// SPDX-License-Identifier: Apache-2.0
//
// Runs the controllers: one thread, a pass over all of them whenever the store changed or something
// is due. Each looks at the whole and does what is missing, so a missed change costs nothing.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "tests/sandbox/controllers/context.hpp"
#include "tests/sandbox/controllers/node_lifecycle.hpp"
#include "tests/sandbox/controllers/routes.hpp"

namespace kredis::sandbox {

class Controllers {
 public:
  using RoutesSink = std::function<void(Routes)>;
  /// `on_routes` is told after each pass where services lead; the service proxy, in a sandbox.
  Controllers(Store& store, ControllerOptions options, RoutesSink on_routes = {});
  ~Controllers();
  Controllers(const Controllers&) = delete;
  Controllers& operator=(const Controllers&) = delete;

  /// Creates the bootstrap objects, then starts the thread. `api_port` is where the API server
  /// listens.
  void start(int api_port);
  void stop();

  /// One pass, for tests. Returns when the next one is due though nothing changes.
  /// Threads: not while the thread runs.
  TimePoint reconcile_once(TimePoint now);

 private:
  void run();

  Store& store_;
  ControllerOptions options_;
  RoutesSink on_routes_;
  NodeLifecycle nodes_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace kredis::sandbox
