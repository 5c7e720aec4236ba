// SPDX-License-Identifier: Apache-2.0
#include "plugin/apply/copy_functions.hpp"

#include <string>
#include <vector>

#include "shared/redis/reply_error.hpp"

namespace kredis::plugin {
namespace {

Result<core::Reply> ask_pod(Site& site,
                            const std::string& pod,
                            core::Command command,
                            const Conduct& conduct) {
  const core::Member* member = site.cluster->view().by_pod(pod);
  if (member == nullptr) {
    return Error::conflict("pod " + pod + " went away");
  }
  const auto at = static_cast<std::size_t>(member - site.cluster->view().members.data());
  KREDIS_TRY(const auto replies,
             site.cluster->switchboard().ask_one(at, {command}, conduct.call_deadline()));
  const core::Reply& reply = replies.front();
  return reply.is_error() ? Result<core::Reply>(redis::error_of(reply, pod)) : reply;
}

}  // namespace

Status carry_out(const core::CopyFunctions& step, Site& site, const Conduct& conduct) {
  KREDIS_TRY(const core::Reply dump, ask_pod(site, step.from_pod, {"FUNCTION", "DUMP"}, conduct));
  KREDIS_TRY(const core::Reply told,
             ask_pod(site, step.pod, {"FUNCTION", "RESTORE", dump.text, "FLUSH"}, conduct));
  static_cast<void>(told);
  return {};
}

}  // namespace kredis::plugin
