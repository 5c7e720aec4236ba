// SPDX-License-Identifier: Apache-2.0
//
// What `delete` takes away and what it leaves, and how the webhook is installed, as plans.
#include "plugin/operations/delete/removal.hpp"

#include <doctest/doctest.h>

#include <variant>

#include "plugin/operations/webhook/install.hpp"
#include "tests/support/verb_bed.hpp"

namespace kredis::tests {
namespace {

using plugin::KeepData;

plugin::Removal removal_of(VerbBed& bed, KeepData keep) {
  auto found = plugin::find_removal(bed.kube, "shop", "redis", keep);
  REQUIRE(found.has_value());
  return std::move(*found);
}

/// The failure policy of the validating configuration that a stage applies.
std::string policy_in(const core::Stage& stage) {
  const Json object = Json::parse(std::get<core::ApplyObject>(stage.steps[1].what).json);
  return text_at(object, "/webhooks/0/failurePolicy");
}

}  // namespace

TEST_SUITE("operations/removal") {
  TEST_CASE("find_removal keeps data apart, and says what would be lost") {
    const auto bed = VerbBed::whole();
    const plugin::Removal kept = removal_of(*bed, KeepData::yes);
    CHECK(kept.goes.size() == 5);
    CHECK(kept.goes.front().to_text() == "statefulset.apps/redis-app");
    CHECK(kept.stays.size() == 6);
    CHECK(kept.loss == "");
    const plugin::Removal purged = removal_of(*bed, KeepData::no);
    CHECK(purged.goes.size() == 11);
    CHECK(purged.stays.empty());
    CHECK(purged.loss == "the data in 6 claims would be lost for good");
  }

  TEST_CASE("find_removal finds nothing where there is nothing, and then nothing is lost") {
    VerbBed bed;
    const plugin::Removal none = removal_of(bed, KeepData::no);
    CHECK(none.goes.empty());
    CHECK(none.loss == "");
  }

  TEST_CASE("volumes that one may not see are taken for none, claims are not") {
    const auto bed = VerbBed::whole();
    bed->kube.refuse("persistentvolumes", Error::unauthorized("forbidden"));
    CHECK(removal_of(*bed, KeepData::no).goes.size() == 11);
    bed->kube.refuse("persistentvolumeclaims", Error::unauthorized("forbidden"));
    CHECK_FALSE(plugin::find_removal(bed->kube, "shop", "redis", KeepData::no).has_value());
  }

  TEST_CASE("plan_removal risks data only where some is lost, and waits for pods last") {
    const auto bed = VerbBed::whole();
    const core::Plan keeps = plugin::plan_removal(removal_of(*bed, KeepData::yes));
    CHECK(core::worst_risk(keeps) == core::Risk::none);
    REQUIRE(keeps.stages.size() == 1);
    CHECK(std::holds_alternative<core::WaitFor>(keeps.stages.front().steps.back().what));
    const core::Plan purges = plugin::plan_removal(removal_of(*bed, KeepData::no));
    CHECK(core::worst_risk(purges) == core::Risk::data);
  }

  TEST_CASE("require_removal_rights asks only about what goes") {
    const auto bed = VerbBed::whole();
    bed->kube.forbidden = {"delete persistentvolumeclaims"};
    const auto rights = [&](KeepData keep) {
      return plugin::require_removal_rights(bed->kube, "shop", removal_of(*bed, keep));
    };
    CHECK(rights(KeepData::yes).has_value());
    const Status purge = rights(KeepData::no);
    REQUIRE_FALSE(purge.has_value());
    CHECK(contains(purge.error().message, "may not delete persistentvolumeclaims"));
  }
}

TEST_SUITE("operations/webhook install") {
  TEST_CASE("plan_install leads to a harmless webhook first, and to a trusted one at once") {
    manifest::WebhookSpec spec;
    spec.version = "1.0.0";
    spec.validate_failure = "Fail";
    plugin::WebhookSite there{.objects = manifest::webhook_objects(spec)};
    there.before.resize(there.objects.size());
    const plugin::InstallPlan first = plugin::plan_install(spec, there);
    REQUIRE(first.lead.stages.size() == 3);
    REQUIRE(first.rely.stages.size() == 1);
    CHECK(policy_in(first.lead.stages.back()) == "Ignore");
    CHECK(policy_in(first.rely.stages.front()) == "Fail");
    there.trusted = true;
    const plugin::InstallPlan again = plugin::plan_install(spec, there);
    CHECK(again.rely.empty());
    CHECK(policy_in(again.lead.stages.back()) == "Fail");
  }
}

}  // namespace kredis::tests
