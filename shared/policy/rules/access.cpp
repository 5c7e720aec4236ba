// SPDX-License-Identifier: Apache-2.0
#include "shared/policy/rules/access.hpp"

#include <algorithm>

#include "shared/policy/patch.hpp"
#include "shared/policy/subject.hpp"

namespace kredis::policy {
namespace {

/// Whether `default`, as whom a replica without masteruser logs in, is known to have a password:
/// >TEXT and #HASH of its ACL line set one (redis.io, ACL SETUSER).
bool default_has_password(const Subject& subject) {
  const auto password = subject.setting("requirepass");
  const auto account = subject.setting("user");
  const bool required = password && (!password->known || !password->first().empty());
  return required || (account && account->known && account->first() == "default" &&
                      std::ranges::any_of(account->values, [](const std::string& word) {
                        return word.starts_with('>') || word.starts_with('#');
                      }));
}

bool may_log_in(const Subject& subject) {
  // Valkey's name for masterauth is the second (config.c).
  return std::ranges::any_of(
      std::vector<const char*>{"masterauth", "primaryauth"}, [&](const char* key) {
        const auto found = subject.setting(key);
        return found ? !found->known || !found->first().empty() : subject.may_hide(key);
      });
}

}  // namespace

/// masterTryPartialResync() never comes: the master answers NOAUTH to PSYNC (replication.c).
void check_master_password(const Subject& subject, Report& report) {
  if (!default_has_password(subject) || may_log_in(subject)) {
    return;
  }
  const auto password = subject.setting("requirepass");
  const bool here = password && !password->path.empty();
  report.objection(here ? password->path : subject.container_path() + "/args",
                   "a password, and no masterauth",
                   "masterauth with the same password",
                   "replicas cannot log in: they copy nothing, and a failover loses all");
}

}  // namespace kredis::policy
