// SPDX-License-Identifier: Apache-2.0
#include "shared/observe/redis_access.hpp"

#include <doctest/doctest.h>

#include <map>

#include "shared/kube/encoding.hpp"
#include "tests/support/fake_cluster.hpp"
#include "tests/support/fake_kube.hpp"

namespace kredis::observe {
namespace {

Json secret(const std::string& name, const std::map<std::string, std::string>& values) {
  Json data = Json::object();
  for (const auto& [key, value] : values) {
    data[key] = kube::base64_encode(value);
  }
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}}, {"data", data}};
}

Json annotated(const Json& annotations) {
  Json workload = tests::article_set(6);
  workload["metadata"]["annotations"] = annotations;
  return workload;
}

/// A second container that is given the password, as the article's exporter is.
Json with_environment(Json workload) {
  workload["spec"]["template"]["spec"]["containers"] = Json::array(
      {{{"name", "redis"}},
       {{"name", "exporter"},
        {"env",
         Json::array({{{"name", "OTHER"}, {"value", "x"}},
                      {{"name", "REDISCLI_AUTH"},
                       {"valueFrom",
                        {{"secretKeyRef", {{"name", "env-auth"}, {"key", "password"}}}}}}})}}});
  return workload;
}

Status opened(tests::FakeKube& kube, const RedisAccess& access) {
  const auto port = open_redis(kube, "shop", access, redis::Via::direct);
  return port ? Status{} : Status{port.error()};
}

RedisAccess found(const Json& workload, const RedisAccess& wanted) {
  tests::FakeKube kube;
  return find_access(kube, "shop", workload, wanted);
}

TEST_SUITE("observe/redis_access") {
  TEST_CASE("which Secrets: what is named, then annotations, then REDISCLI_AUTH") {
    const Json notes{{"kubectl-redis.dev/auth-secret", "noted-auth"},
                     {"kubectl-redis.dev/tls-secret", "noted-tls"}};
    struct Case {
      const char* label;
      Json workload;
      RedisAccess wanted;
      const char* auth;
      const char* tls;
    };
    for (const Case& it :
         {Case{"nothing said", tests::article_set(6), {}, "", ""},
          Case{"annotations", annotated(notes), {}, "noted-auth", "noted-tls"},
          Case{"the environment", with_environment(tests::article_set(6)), {}, "env-auth", ""},
          Case{"both", with_environment(annotated(notes)), {}, "noted-auth", "noted-tls"},
          Case{"named",
               with_environment(annotated(notes)),
               {.auth_secret = "mine", .tls_secret = "my-tls"},
               "mine",
               "my-tls"},
          Case{"no workload", Json(), {}, "", ""},
          Case{"containers of a wrong type",
               {{"spec", {{"template", {{"spec", {{"containers", {1, "x"}}}}}}}}},
               {},
               "",
               ""}}) {
      CAPTURE(it.label);
      const RedisAccess access = found(it.workload, it.wanted);
      CHECK(access.auth_secret == it.auth);
      CHECK(access.tls_secret == it.tls);
    }
  }

  TEST_CASE("the headless Service is the workload's, unless another is named") {
    CHECK(found(tests::article_set(6), {}).service == "redis-service");
    CHECK(found(tests::article_set(6), {.service = "other"}).service == "other");
    CHECK(found(tests::node_deployment(0), {}).service.empty());
  }

  TEST_CASE("who logs in: the user that is named, else the Secret's, else the default one") {
    tests::FakeKube kube;
    kube.put("secrets", secret("plain", {{"password", "s3cret"}}));
    kube.put("secrets", secret("acl", {{"password", "s3cret"}, {"username", "reader"}}));
    struct Case {
      RedisAccess access;
      const char* user;
    };
    for (const Case& it : {Case{{.auth_secret = "plain"}, ""},
                           Case{{.auth_secret = "acl"}, "reader"},
                           Case{{.auth_secret = "acl", .user = "writer"}, "writer"}}) {
      CAPTURE(it.access.auth_secret);
      const auto found = read_credentials(kube, "shop", it.access);
      REQUIRE(found.has_value());
      CHECK(found->user == it.user);
      CHECK(found->password == "s3cret");
    }
  }

  TEST_CASE("what is wrong with a Secret is told by its name and the key that it lacks") {
    tests::FakeKube kube;
    kube.put("secrets", secret("no-password", {{"pass", "s3cret"}, {"word", "s3cret"}}));
    kube.put("secrets", secret("no-key", {{"ca.crt", "x"}, {"tls.crt", "x"}}));
    Json broken = secret("broken", {});
    broken["data"]["password"] = "%%% no base64 %%%";
    kube.put("secrets", broken);
    struct Case {
      const char* label;
      RedisAccess access;
      const char* message;
    };
    for (const Case& it :
         {Case{"no Secret", {.auth_secret = "absent"}, "\"absent\" not found"},
          Case{"no password",
               {.auth_secret = "no-password"},
               "no-password has no key \"password\"; it has pass and word"},
          Case{"no base64", {.auth_secret = "broken"}, "broken has no key \"password\""},
          Case{"no TLS Secret", {.tls_secret = "absent"}, "\"absent\" not found"},
          Case{"no TLS key",
               {.tls_secret = "no-key"},
               "no-key has no key \"tls.key\"; it has ca.crt and tls.crt"}}) {
      CAPTURE(it.label);
      const Status outcome = opened(kube, it.access);
      REQUIRE_FALSE(outcome.has_value());
      CHECK(outcome.error().code == ErrorCode::not_found);
      CHECK(outcome.error().message.find(it.message) != std::string::npos);
      CHECK(outcome.error().message.find("s3cret") == std::string::npos);
    }
  }

  TEST_CASE("a Secret that may not be read says so") {
    tests::FakeKube kube;
    kube.refuse("secrets", Error::unauthorized("secrets is forbidden"));
    for (const RedisAccess& access :
         {RedisAccess{.auth_secret = "a"}, RedisAccess{.tls_secret = "a"}}) {
      const Status outcome = opened(kube, access);
      REQUIRE_FALSE(outcome.has_value());
      CHECK(outcome.error().code == ErrorCode::unauthorized);
    }
    CHECK(opened(kube, {}).has_value());
  }

  TEST_CASE("a port logs in as the Secret says, and certificates that are none are refused") {
    tests::FakeKube kube;
    kube.put("secrets", secret("acl", {{"password", "s3cret"}, {"username", "reader"}}));
    const auto port = open_redis(kube, "shop", {.auth_secret = "acl"}, redis::Via::direct);
    REQUIRE(port.has_value());
    CHECK((*port)->login() == core::Command{"AUTH2", "reader", "s3cret"});

    kube.put("secrets",
             secret("rubbish", {{"ca.crt", "x"}, {"tls.crt", "y"}, {"tls.key", "z3cret"}}));
    const Status outcome = opened(kube, {.tls_secret = "rubbish"});
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().code == ErrorCode::invalid_argument);
    CHECK(outcome.error().message.find("z3cret") == std::string::npos);
  }
}

}  // namespace
}  // namespace kredis::observe
