// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/services.hpp"

#include <set>

namespace kredis::sandbox {
namespace {

// Load balancers are numbered like the services' own addresses, in a range of their own.
Json ingress_of(const AddressPlan& plan, const std::string& cluster_ip) {
  for (std::size_t i = 0; i < AddressPlan::k_service_count; ++i) {
    if (plan.service(i) == cluster_ip) {
      return Json::array({{{"ip", plan.load_balancer(i)}, {"ipMode", "VIP"}}});
    }
  }
  return Json::array();
}

}  // namespace

std::string ServiceAddresses::next() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> taken;
  for (const Object& service : store_.list("", "services")) {
    taken.insert(text_at(*service, "spec.clusterIP"));
  }
  for (std::size_t tries = 1; tries < AddressPlan::k_service_count; ++tries) {
    last_ = last_ % (AddressPlan::k_service_count - 1) + 1;
    if (const std::string address = plan_.service(last_); !taken.contains(address)) {
      return address;
    }
  }
  return {};
}

void reconcile_services(Context& context) {
  for (const Object& service : context.store.list("", "services")) {
    const bool wanting = text_at(*service, "spec.type") == "LoadBalancer" &&
                         at(*service, "status.loadBalancer.ingress").empty();
    if (!wanting || is_terminating(*service)) {
      continue;
    }
    const Json ingress = ingress_of(context.options.addresses, text_at(*service, "spec.clusterIP"));
    update_status(context.store, key_of("", "services", *service), [&](Json& changed) {
      changed["status"]["loadBalancer"]["ingress"] = ingress;
    });
  }
}

}  // namespace kredis::sandbox
