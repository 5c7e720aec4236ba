// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

using ports::Clock;
using ports::DryRun;
using ports::Force;
using ports::Propagation;

const ports::ResourcePath k_map{{"v1", "configmaps"}, "shop", "redis-conf"};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string status(int code, const std::string& reason, const std::string& message) {
  return Json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}}.dump();
}

/// Keeps what was asked and answers everything alike.
struct Recorder {
  std::mutex mutex;
  std::vector<TestRequest> requests;
  void operator()(const TestRequest& request, TestPeer& peer) {
    {
      const std::lock_guard lock(mutex);
      requests.push_back(request);
    }
    peer.answer(200, R"({"kind":"ConfigMap"})");
  }
};

}  // namespace

TEST_SUITE("kube/client") {
  TEST_CASE("each call is the request that the API conventions ask for") {
    Recorder seen;
    TestServer server(good_tls(), std::ref(seen));
    Access access = access_to(server);
    access.server += "/k8s/c-1";
    access.token = "secret";
    access.as = "root";
    access.as_uid = "7";
    access.as_groups = {"a", "b"};
    access.as_extra = {{"team/x", "one"}, {"team/x", "two"}};
    const auto client = client_of(access);
    const Json object{{"kind", "ConfigMap"}};
    REQUIRE(client->get(k_map).has_value());
    REQUIRE(client->apply(k_map, object, Force::yes, DryRun::server).has_value());
    REQUIRE(client->merge_patch(k_map, object, DryRun::no).has_value());
    REQUIRE(client->create(k_map, object, DryRun::no).has_value());
    REQUIRE(client->remove(k_map, Propagation::foreground, "u-1", DryRun::server).has_value());
    REQUIRE(client->logs("shop", "redis-app-0", "redis", 20, true).has_value());
    REQUIRE(client->get({{"apps/v1", "statefulsets"}, "shop", "redis-app", "scale"}).has_value());
    REQUIRE(seen.requests.size() == 7);
    const std::string map = "/k8s/c-1/api/v1/namespaces/shop/configmaps";
    CHECK(seen.requests[0].target == map + "/redis-conf");
    CHECK(seen.requests[0].headers["authorization"] == "Bearer secret");
    CHECK(seen.requests[0].headers["impersonate-user"] == "root");
    CHECK(seen.requests[0].headers["impersonate-uid"] == "7");
    CHECK(seen.requests[0].headers["impersonate-group"] == "a,b");
    CHECK(seen.requests[0].headers["impersonate-extra-team%2fx"] == "one,two");
    CHECK(seen.requests[1].method == "PATCH");
    CHECK(seen.requests[1].target == map +
                                         "/redis-conf?fieldManager=kubectl-redis&dryRun=All"
                                         "&force=true&fieldValidation=Strict");
    CHECK(seen.requests[1].headers["content-type"] == "application/apply-patch+yaml");
    CHECK(seen.requests[2].headers["content-type"] == "application/merge-patch+json");
    CHECK(seen.requests[3].method == "POST");
    CHECK(seen.requests[3].target.rfind(map + "?", 0) == 0);
    const Json options = Json::parse(seen.requests[4].body);
    CHECK(options["propagationPolicy"] == "Foreground");
    CHECK(options["preconditions"]["uid"] == "u-1");
    CHECK(options["dryRun"][0] == "All");
    CHECK(seen.requests[5].target ==
          "/k8s/c-1/api/v1/namespaces/shop/pods/redis-app-0/log"
          "?container=redis&previous=true&tailLines=20");
    CHECK(seen.requests[6].target ==
          "/k8s/c-1/apis/apps/v1/namespaces/shop/statefulsets/redis-app/scale");
  }

  TEST_CASE("a name that would lead elsewhere never leaves the machine") {
    TestServer server(good_tls(),
                      [](const TestRequest&, TestPeer& peer) { peer.answer(200, "{}"); });
    const auto client = client_of(access_to(server));
    for (const char* bad : {"../secrets", "..", ".", "a/b", "a%2fb"}) {
      CAPTURE(bad);
      const auto got = client->get({{"v1", "pods"}, "shop", bad});
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code == ErrorCode::invalid_argument);
    }
    CHECK(server.connections() == 0);
  }

  TEST_CASE("list follows continue, and begins again when the token has expired") {
    std::vector<std::string> targets;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      targets.push_back(request.target);
      if (has(request.target, "continue=old")) {
        return peer.answer(410, status(410, "Expired", "too old"));
      }
      if (has(request.target, "continue=new")) {
        return peer.answer(200, R"({"items":[{"n":2}],"metadata":{"resourceVersion":"9"}})");
      }
      const std::string token = targets.size() == 1 ? "old" : "new";
      peer.answer(200, R"({"items":[{"n":1}],"metadata":{"continue":")" + token + "\"}}");
    });
    const auto client = client_of(access_to(server));
    const auto pods = client->list(k_pods, {.label_selector = "app=redis"});
    REQUIRE(pods.has_value());
    CHECK((*pods)["items"] == Json::parse(R"([{"n":1},{"n":2}])"));
    CHECK((*pods)["metadata"]["resourceVersion"] == "9");
    CHECK(targets.at(0) == "/api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dredis");
    CHECK(targets.size() == 4);
  }

  TEST_CASE("reads are repeated after 503 and 429, and Retry-After is honoured") {
    std::vector<Clock::time_point> times;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      times.push_back(Clock::now());
      if (times.size() == 1) {
        return peer.answer(429, "", "Retry-After: 1\r\n");
      }
      peer.answer(times.size() == 2 ? 503 : 200, "{}");
    });
    REQUIRE(client_of(access_to(server))->get(k_map).has_value());
    REQUIRE(times.size() == 3);
    CHECK(times[1] - times[0] >= std::chrono::seconds(1));
  }

  TEST_CASE("a create is not repeated unless the server says that it did nothing") {
    std::atomic<int> count = 0;
    int answer = 503;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      ++count;
      peer.answer(count == 1 ? answer : 201, "{}", "Retry-After: 0\r\n");
    });
    const auto client = client_of(access_to(server));
    SUBCASE("503 is final") {
      const auto created = client->create(k_map, Json::object(), DryRun::no);
      REQUIRE_FALSE(created.has_value());
      CHECK(created.error().code == ErrorCode::unreachable);
      CHECK(count == 1);
    }
    SUBCASE("429 is asked again") {
      answer = 429;
      CHECK(client->create(k_map, Json::object(), DryRun::no).has_value());
      CHECK(count == 2);
    }
    SUBCASE("429 to an eviction is the disruption budget's answer") {
      answer = 429;
      const auto evicted = client->create(
          {{"v1", "pods"}, "shop", "redis-app-0", "eviction"}, Json::object(), DryRun::no);
      REQUIRE_FALSE(evicted.has_value());
      CHECK(evicted.error().code == ErrorCode::conflict);
      CHECK(count == 1);
    }
  }

  TEST_CASE("a connection that breaks in the middle is retried for reads only") {
    std::atomic<int> count = 0;
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      if (++count == 1) {
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half");
        return peer.close();
      }
      peer.answer(200, "{}");
    });
    const auto client = client_of(access_to(server));
    SUBCASE("get") {
      CHECK(client->get(k_map).has_value());
      CHECK(count == 2);
    }
    SUBCASE("create") {
      const auto created = client->create(k_map, Json::object(), DryRun::no);
      REQUIRE_FALSE(created.has_value());
      CHECK(has(created.error().message, "in the middle of its answer"));
      CHECK(count == 1);
    }
  }

  TEST_CASE("a kept connection that the server has closed is replaced without a word") {
    TestServer server(good_tls(), [&](const TestRequest&, TestPeer& peer) {
      peer.answer(200, "{}");
      peer.close();
    });
    const auto client = client_of(access_to(server));
    for (int i = 0; i < 3; ++i) {
      CHECK(client->get(k_map).has_value());
    }
  }

  TEST_CASE("threads share the client, each on a connection of its own") {
    TestServer server(good_tls(), [](const TestRequest& request, TestPeer& peer) {
      peer.answer(200, Json{{"target", request.target}}.dump());
    });
    const auto client = client_of(access_to(server));
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        const std::string name = "map-" + std::to_string(t);
        for (int i = 0; i < 20; ++i) {
          const auto got = client->get({{"v1", "configmaps"}, "shop", name});
          good += got && has((*got)["target"], name) ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(good == 160);
    CHECK(server.connections() <= 8);
  }

  TEST_CASE("a refusal leaves the connection usable") {
    TestServer server(good_tls(), [](const TestRequest&, TestPeer& peer) {
      peer.answer(404, status(404, "NotFound", "no"));
    });
    const auto client = client_of(access_to(server));
    for (int i = 0; i < 3; ++i) {
      CHECK(client->get(k_map).error().code == ErrorCode::not_found);
    }
    CHECK(server.connections() == 1);
  }

  TEST_CASE("a name to act as cannot smuggle in a header") {
    Access access;
    access.server = "http://127.0.0.1:1";
    access.as = "jane\r\nImpersonate-Group: system:masters";
    const auto client = connect(access, {});
    REQUIRE_FALSE(client.has_value());
    CHECK(client.error().code == ErrorCode::invalid_argument);
  }

  TEST_CASE("warnings arrive once each") {
    TestServer server(good_tls(), [](const TestRequest&, TestPeer& peer) {
      peer.answer(
          200, "{}", "Warning: 299 - \"v1 \\\"X\\\" is old\"\r\nWarning: 299 - \"two\"\r\n");
    });
    std::vector<std::string> warnings;
    KubeOptions options;
    options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    const auto client = client_of(access_to(server), options);
    CHECK(client->get(k_map).has_value());
    CHECK(client->get(k_map).has_value());
    CHECK(warnings == std::vector<std::string>{"v1 \"X\" is old", "two"});
  }

  TEST_CASE("can_i asks about subresources in the review's own fields") {
    Json review;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      review = Json::parse(request.body);
      peer.answer(201, R"({"status":{"allowed":true}})");
    });
    const auto client = client_of(access_to(server));
    CHECK(client->can_i({"get", "", "pods/portforward", "shop"}).value());
    const Json& attributes = review["spec"]["resourceAttributes"];
    CHECK(attributes["resource"] == "pods");
    CHECK(attributes["subresource"] == "portforward");
  }

  TEST_CASE("cancel ends a call that waits, and all later ones") {
    TestServer server(good_tls(), [](const TestRequest&, TestPeer& peer) { peer.read(); });
    const auto client = client_of(access_to(server));
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      client->cancel();
    });
    const auto begin = Clock::now();
    const auto got = client->get(k_map);
    canceller.join();
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message == "interrupted");
    CHECK(Clock::now() - begin < std::chrono::seconds(10));
    CHECK(client->get(k_map).error().message == "interrupted");
  }

  TEST_CASE("who puts back what must not stay is let pass after cancel") {
    TestServer server(good_tls(), [](const TestRequest&, TestPeer& peer) {
      peer.answer(200, R"({"kind":"ConfigMap"})");
    });
    const auto client = client_of(access_to(server));
    client->cancel();
    REQUIRE_FALSE(client->get(k_map).has_value());
    client->let_pass();
    CHECK(client->get(k_map).has_value());
  }

  TEST_CASE("a login page instead of an API server is named as such") {
    TestServer server(good_tls(), [](const TestRequest&, TestPeer& peer) {
      peer.answer(200, "<html>Please log in</html>");
    });
    const auto got = client_of(access_to(server))->get(k_map);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == ErrorCode::protocol);
    CHECK(has(got.error().hint, "login page"));
  }

  TEST_CASE("a proxy is asked to connect, and its refusal is told as the proxy's") {
    TestServer server(good_tls(),
                      [](const TestRequest&, TestPeer& peer) { peer.answer(200, "{}"); });
    std::string asked;
    TestServer proxy({.has_tls = false}, [&](const TestRequest& request, TestPeer& peer) {
      asked = request.method + " " + request.target + " " +
              request.headers.find("proxy-authorization")->second;
      peer.answer(407, "");
    });
    Access access = access_to(server);
    access.proxy_url = "http://me:secret@127.0.0.1:" + std::to_string(proxy.port());
    const auto got = client_of(access)->get(k_map);
    REQUIRE_FALSE(got.has_value());
    CHECK(has(got.error().message, "the proxy http://127.0.0.1:"));
    CHECK(has(got.error().message, "407"));
    CHECK_FALSE(has(got.error().message, "secret"));
    CHECK(asked == "CONNECT 127.0.0.1:" + std::to_string(server.port()) + " Basic bWU6c2VjcmV0");
    access.proxy_url = "socks5://127.0.0.1:1";
    CHECK(has(connect(access, {}).error().hint, "http://"));
  }
}

}  // namespace kredis::kube
