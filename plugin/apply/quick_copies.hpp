// SPDX-License-Identifier: Apache-2.0
//
// Masters wait five seconds for more replicas before they begin a copy for one. Where all that come
// are known, that is time lost.
#pragma once

#include <map>
#include <string>

#include "plugin/apply/conduct.hpp"
#include "shared/observe/cluster.hpp"

namespace kredis::plugin {

/// For as long as it lives repl-diskless-sync-delay is short on every node; then it is what it was.
/// Who does not take that is left as it is. Killed meanwhile, it stays short until a restart.
/// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
class QuickCopies {
 public:
  /// `seconds`: 1 where several replicas of one master come at once and one copy serves them.
  QuickCopies(observe::Cluster& cluster, const Conduct& conduct, int seconds = 0);
  ~QuickCopies();
  QuickCopies(const QuickCopies&) = delete;
  QuickCopies& operator=(const QuickCopies&) = delete;

 private:
  /// Tells the nodes of these pods.
  void set(const std::map<std::string, std::string>& delays, ports::Deadline deadline);

  observe::Cluster& cluster_;
  const Conduct& conduct_;
  std::map<std::string, std::string> before_ = {};  ///< By pod.
};

}  // namespace kredis::plugin
