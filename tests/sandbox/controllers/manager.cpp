// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/manager.hpp"

#include <algorithm>
#include <utility>

#include "tests/sandbox/controllers/bootstrap.hpp"
#include "tests/sandbox/controllers/deployment.hpp"
#include "tests/sandbox/controllers/disruption.hpp"
#include "tests/sandbox/controllers/endpoints.hpp"
#include "tests/sandbox/controllers/garbage_collector.hpp"
#include "tests/sandbox/controllers/hosts_file.hpp"
#include "tests/sandbox/controllers/replica_set.hpp"
#include "tests/sandbox/controllers/scheduler.hpp"
#include "tests/sandbox/controllers/services.hpp"
#include "tests/sandbox/controllers/stateful_set.hpp"
#include "tests/sandbox/controllers/volumes.hpp"

namespace kredis::sandbox {
namespace {

using std::chrono::milliseconds;

// Changes come in bursts; a pass looks at all of one. A pass that takes long waits as long again,
// so that the controllers of a large sandbox leave the machine to its pods.
constexpr milliseconds k_shortest_settle{5};
constexpr milliseconds k_longest_settle{200};
constexpr milliseconds k_longest_wait{5'000};

milliseconds until(TimePoint due) {
  const TimePoint now = std::chrono::system_clock::now();
  if (due <= now) {
    return milliseconds(0);
  }
  if (due - now > k_longest_wait) {
    return k_longest_wait;
  }
  return std::chrono::ceil<milliseconds>(due - now);
}

}  // namespace

Controllers::Controllers(Store& store, ControllerOptions options, RoutesSink on_routes)
    : store_(store), options_(std::move(options)), on_routes_(std::move(on_routes)) {}

Controllers::~Controllers() { stop(); }

void Controllers::start(int api_port) {
  options_.api_port = api_port;
  Context context{store_, options_, std::chrono::system_clock::now()};
  bootstrap(context);
  thread_ = std::thread([this] { run(); });
}

void Controllers::stop() {
  stopping_ = true;
  store_.wake_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

TimePoint Controllers::reconcile_once(TimePoint now) {
  Context context{store_, options_, now};
  reconcile_accounts(context);
  nodes_.reconcile(context);
  collect_orphaned_pods(context);
  reconcile_deployments(context);
  reconcile_replica_sets(context);
  reconcile_stateful_sets(context);
  reconcile_services(context);
  reconcile_volumes(context);
  reconcile_scheduler(context);
  reconcile_endpoints(context);
  reconcile_hosts_files(context);
  reconcile_disruption_budgets(context);
  collect_garbage(context);
  reconcile_namespaces(context);
  if (on_routes_) {
    on_routes_(routes_of(
        store_.list("", "services"), store_.list("", "pods"), store_.list("", "nodes"), options_));
  }
  return context.due;
}

void Controllers::run() {
  std::uint64_t seen = 0;
  TimePoint due{};
  milliseconds settle = k_shortest_settle;
  while (!stopping_) {
    const std::uint64_t latest = store_.wait_past(seen, until(due));
    if (latest > seen) {
      std::this_thread::sleep_for(settle);
    }
    if (stopping_) {
      return;
    }
    // Read before the pass: what it changes itself is looked at again.
    seen = store_.revision();
    const TimePoint begin = std::chrono::system_clock::now();
    due = reconcile_once(begin);
    const auto took =
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now() - begin);
    settle = std::clamp(took, k_shortest_settle, k_longest_settle);
  }
}

}  // namespace kredis::sandbox
