// SPDX-License-Identifier: Apache-2.0
#include "webhook/kept.hpp"

#include <doctest/doctest.h>

namespace kredis::webhook {
namespace {

Ledger::Key key(const char* namespace_, const char* name) {
  return {"ConfigMap", namespace_, name};
}

TEST_SUITE("webhook/kept") {
  TEST_CASE("what rules read is kept, and nothing that anybody may write besides") {
    const Json whole = {{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata",
                         {{"name", "a"},
                          {"namespace", "shop"},
                          {"uid", "u"},
                          {"labels", {{"app", "redis"}}},
                          {"managedFields", Json::array({1})},
                          {"ownerReferences", Json::array({1})},
                          {"annotations",
                           {{"kubectl.kubernetes.io/last-applied-configuration", "{}"},
                            {"kubectl-redis.dev/masters", "3"},
                            {"note", std::string(1000, 'x')}}}}},
                        {"status", {{"phase", "x"}}},
                        {"binaryData", {{"dump", "eA=="}}},
                        {"data", {{"redis.conf", "port 6379"}}}};
    CHECK(without_ballast(whole) == Json{{"apiVersion", "v1"},
                                         {"kind", "ConfigMap"},
                                         {"metadata",
                                          {{"name", "a"},
                                           {"namespace", "shop"},
                                           {"uid", "u"},
                                           {"labels", {{"app", "redis"}}},
                                           {"annotations", {{"kubectl-redis.dev/masters", "3"}}}}},
                                         {"data", {{"redis.conf", "port 6379"}}}});
    CHECK(without_ballast({{"metadata", 7}, {"spec", 1}}) == Json{{"spec", 1}});
    CHECK(without_ballast({{"metadata", {{"name", "a"}, {"annotations", 7}}}}) ==
          Json{{"metadata", {{"name", "a"}}}});
  }

  TEST_CASE("memory grows with texts, members and items") {
    CHECK(memory_of(Json()) >= sizeof(Json));
    CHECK(memory_of(std::string(10'000, 'x')) > 10'000);
    CHECK(memory_of({{"key", std::string(10'000, 'x')}}) > memory_of(std::string(10'000, 'x')));
    CHECK(memory_of(Json::array({1, 2, 3})) >= 4 * sizeof(Json));
  }

  TEST_CASE("nothing is too much up to the limit, and one byte more is") {
    Ledger ledger(100);
    ledger.set(key("shop", "a"), 60);
    ledger.set(key("web", "b"), 40);
    CHECK_FALSE(ledger.excess().has_value());
    ledger.set(key("web", "b"), 41);
    CHECK(ledger.bytes() == 101);
    CHECK(ledger.excess() == key("shop", "a"));
  }

  TEST_CASE("the largest of the namespace that has most goes, not the largest of all") {
    Ledger ledger(100);
    ledger.set(key("quiet", "large"), 50);
    ledger.set(key("loud", "one"), 30);
    ledger.set(key("loud", "two"), 31);
    CHECK(ledger.excess() == key("loud", "two"));
    ledger.set(key("loud", "two"), 0);
    CHECK(ledger.bytes() == 80);
    CHECK_FALSE(ledger.excess().has_value());
  }

  TEST_CASE("what is taken out twice, or was never in, counts once or not at all") {
    Ledger ledger(1);
    ledger.set(key("shop", "a"), 0);
    ledger.set(key("shop", "a"), 5);
    ledger.set(key("shop", "a"), 0);
    ledger.set(key("shop", "a"), 0);
    CHECK(ledger.bytes() == 0);
    CHECK_FALSE(ledger.excess().has_value());
  }
}

}  // namespace
}  // namespace kredis::webhook
