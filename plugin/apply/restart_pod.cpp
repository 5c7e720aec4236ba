// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/restart_pod.hpp"

#include "plugin/apply/wait_for_state.hpp"

namespace kredis::plugin {
namespace {

using namespace std::chrono_literals;

constexpr auto k_restart_pace = 300ms;

/// What is still missing after the pod of `path`, which had the uid `old_uid`, was told to go. (A
/// Deployment's next pod has another name, so pods are counted.)
Result<std::string> missing_after(const ports::ResourcePath& path,
                                  const std::string& old_uid,
                                  std::size_t pods,
                                  Site& site,
                                  const Conduct& conduct) {
  const auto object = site.kube->get(path);
  if (object && text_at(*object, "/metadata/uid") == old_uid) {
    return path.name + " ends";
  }
  KREDIS_TRY(std::string lacks, look_for_whole(*site.cluster, conduct));
  const bool is_missing = site.cluster->view().members.size() != pods;
  return is_missing ? "the next " + path.name + " is not there yet" : lacks;
}

}  // namespace

Status carry_out(const core::RestartPod& step, Site& site, const Conduct& conduct) {
  const ports::ResourcePath path{{"v1", "pods"}, site.cluster->view().namespace_, step.pod};
  KREDIS_TRY(const Json object, site.kube->get(path));
  const std::string uid = text_at(object, "/metadata/uid");
  const std::size_t pods = site.cluster->view().members.size();
  const auto removed = site.kube->remove(path, ports::Propagation::background, uid, site.dry_run);
  if (!removed && removed.error().code != ErrorCode::not_found) {
    return removed.error().while_doing("restarting " + step.pod);
  }
  return wait_until(
      conduct, k_restart_pace, [&] { return missing_after(path, uid, pods, site, conduct); });
}

}  // namespace kredis::plugin
