// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/finish_jobs.hpp"

#include <chrono>
#include <optional>
#include <string>

#include "plugin/apply/slot_job_part.hpp"
#include "shared/core/running_jobs.hpp"

namespace kredis::plugin {
namespace {

using ports::Deadline;
using namespace std::chrono_literals;

constexpr auto k_look_again = 100ms;

}  // namespace

Result<bool> finish_running_jobs(observe::Cluster& cluster, const Conduct& conduct) {
  const auto running = core::running_jobs(cluster.view());
  if (running.empty()) {
    return false;
  }
  std::optional<Deadline> failing;
  std::string cancel = core::cancel_command(cluster.view(), running.front());
  const auto still_runs = [&]() -> Result<std::string> {
    const auto jobs = core::running_jobs(cluster.view());
    if (jobs.empty()) {
      return std::string();
    }
    std::string text = "the servers move ";
    bool fails = false;
    for (const core::RunningJob& each : jobs) {
      text += (&each == &jobs.front() ? "" : ", ") + core::job_text(cluster.view(), each);
      fails = fails || each.job->fails;
      cancel = core::cancel_command(cluster.view(), each);
    }
    failing = fails ? failing.value_or(conduct.now()) : std::optional<Deadline>();
    if (failing && conduct.now() - *failing > k_failing_patience) {
      return Error::conflict(text + ", and fail").with_hint("end it: " + cancel);
    }
    cluster.ask(observe::Ask::everything, conduct.call_deadline());
    return text;
  };
  const Status over = wait_until(conduct, k_look_again, still_runs);
  if (!over && over.error().code != ErrorCode::conflict) {
    return over.error().with_hint(
        "they go on by themselves; end it, and nothing of it has moved: " + cancel);
  }
  KREDIS_CHECK(over);
  // The maps were read a moment before the list in which there was none any more.
  cluster.ask(observe::Ask::everything, conduct.call_deadline());
  return true;
}

}  // namespace kredis::plugin
