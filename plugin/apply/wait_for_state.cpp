// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/wait_for_state.hpp"

#include <algorithm>
#include <chrono>

#include "plugin/apply/object_name.hpp"
#include "plugin/apply/wait_for_pods.hpp"
#include "shared/core/findings/whole.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr auto k_state_pace = 300ms;
/// A deletion that happened between a look and the watch after it is found by the next look.
constexpr auto k_gone_again = 5s;

Error waited_in_vain(const Error& error, const std::string& hint) {
  return error.code == ErrorCode::timeout ? error.with_hint(hint) : error;
}

Status wait(const core::PodsReady& state, Site& site, const Conduct& conduct) {
  return wait_for_pods(*site.kube, state, conduct);
}

/// Pods of the revision before may be ready while those of this one are not.
Status wait(const core::RolledOut& state, Site& site, const Conduct& conduct) {
  const std::string what = to_text(core::State(state));
  const Status waited = wait_until(conduct, k_state_pace, [&]() -> Result<std::string> {
    KREDIS_TRY(const Json found, site.kube->get(path_of(state.workload)));
    const Json status = found.value("status", Json::object());
    const auto number = [&](const char* key) { return status.value(key, std::int64_t{0}); };
    const auto wanted = found.value("/spec/replicas"_json_pointer, std::int64_t{1});
    const bool seen =
        number("observedGeneration") >= found.at("metadata").value("generation", std::int64_t{0});
    const bool all = seen && number("updatedReplicas") == wanted && number("replicas") == wanted;
    const std::int64_t well = std::max(number("availableReplicas"), number("readyReplicas"));
    return all && well >= wanted ? ""
                                 : std::to_string(number("updatedReplicas")) + " of " +
                                       std::to_string(wanted) + " pods are of the newest revision";
  });
  return waited
             ? waited
             : waited_in_vain(waited.error(),
                              "see kubectl describe " + state.workload.to_text() + " -n " +
                                  state.workload.namespace_ + ", then run the same command again")
                   .while_doing("waiting until " + what);
}

Status wait(const core::Gone& state, Site& site, const Conduct& conduct) {
  const ports::ResourcePath path = path_of(state.object);
  ports::ResourcePath collection = path;
  collection.name.clear();
  const ports::ListOptions only{.field_selector = "metadata.name=" + path.name};
  while (!conduct.is_cancelled()) {
    const auto still = site.kube->get(path);
    if (!still) {
      return still.error().code == ErrorCode::not_found ? Status{} : Status{still.error()};
    }
    if (conduct.now() >= conduct.end()) {
      return Error::timeout("waited in vain until " + to_text(core::State(state)))
          .with_hint("it goes on in the background; kubectl get " + state.object.to_text() +
                     (path.namespace_.empty() ? "" : " -n " + path.namespace_) + " shows it");
    }
    conduct.say("waiting until " + to_text(core::State(state)));
    const auto pause = std::min(conduct.end(), conduct.now() + k_gone_again);
    const Status watched =
        site.kube->watch(collection, only, pause, [&](const ports::WatchEvent& event) {
          const bool gone = event.kind == ports::WatchEvent::Kind::deleted;
          return gone || conduct.is_cancelled() ? ports::WatchStep::stop : ports::WatchStep::go_on;
        });
    if (!watched && watched.error().code != ErrorCode::timeout) {
      return watched.error();
    }
  }
  return conduct.ended_while(to_text(core::State(state)));
}

Status wait(const core::FieldSet& state, Site& site, const Conduct& conduct) {
  const Json::json_pointer where(state.pointer);
  const Status waited = wait_until(conduct, k_state_pace, [&]() -> Result<std::string> {
    const auto found = site.kube->get(path_of(state.object));
    if (!found && found.error().code != ErrorCode::not_found) {
      return found.error();
    }
    const bool is_set = found && found->contains(where) && !found->at(where).empty();
    return is_set ? "" : "waiting until " + state.meaning;
  });
  return waited ? waited
                : waited_in_vain(waited.error(),
                                 "see kubectl get " + state.object.to_text() +
                                     " -o yaml, then run the same command again");
}

Status wait(const core::ClusterWhole&, Site& site, const Conduct& conduct) {
  return wait_until(conduct, k_state_pace, [&] { return look_for_whole(*site.cluster, conduct); });
}

}  // namespace

Result<std::string> look_for_whole(observe::Cluster& cluster, const Conduct& conduct) {
  const Status seen = cluster.look(observe::Ask::everything, conduct.call_deadline());
  if (seen) {
    return core::not_whole(cluster.view());
  }
  return seen.error().code == ErrorCode::unauthorized ? Result<std::string>(seen.error())
                                                      : seen.error().message;
}

Status carry_out(const core::WaitFor& step, Site& site, const Conduct& conduct) {
  return std::visit(
      core::Overload{[&](const core::PodsReady& state) { return wait(state, site, conduct); },
                     [&](const core::RolledOut& state) { return wait(state, site, conduct); },
                     [&](const core::Gone& state) { return wait(state, site, conduct); },
                     [&](const core::FieldSet& state) { return wait(state, site, conduct); },
                     [&](const core::ClusterWhole& state) { return wait(state, site, conduct); }},
      step.state);
}

}  // namespace kredis::plugin
