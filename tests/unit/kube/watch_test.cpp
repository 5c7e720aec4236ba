// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "shared/kube/client.hpp"
#include "tests/unit/kube/test_access.hpp"

namespace kredis::kube {
namespace {

using ports::Clock;
using ports::WatchEvent;
using ports::WatchStep;

Json pod(const std::string& name, const std::string& version, const std::string& uid = "u") {
  return {{"kind", "Pod"},
          {"metadata",
           {{"name", name}, {"namespace", "shop"}, {"resourceVersion", version}, {"uid", uid}}}};
}

std::string pod_list(const std::string& version, const std::vector<Json>& pods) {
  return Json{{"kind", "PodList"}, {"metadata", {{"resourceVersion", version}}}, {"items", pods}}
      .dump();
}

std::string event(const std::string& type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

std::string chunk(const std::string& text) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

const std::string k_stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Answers the n-th list and the n-th watch with what the test wrote down.
struct Script {
  std::vector<std::string> lists;
  std::vector<std::string> watches;  ///< Lines; an unfinished one breaks the connection.
  std::mutex mutex;
  std::vector<std::string> targets;
  std::size_t list_count = 0;
  std::size_t watch_count = 0;

  void operator()(const TestRequest& request, TestPeer& peer) {
    const std::lock_guard lock(mutex);
    targets.push_back(request.target);
    if (request.target.find("watch=true") == std::string::npos) {
      peer.answer(200, lists.at(std::min(list_count++, lists.size() - 1)));
      return;
    }
    if (watch_count >= watches.size()) {
      peer.answer(403,
                  R"({"kind":"Status","message":"User \"x\" cannot watch resource \"pods\""})");
      return;
    }
    const std::string& lines = watches[watch_count++];
    if (lines == "gone") {
      peer.answer(410, R"({"kind":"Status","code":410,"message":"too old"})");
      return;
    }
    peer.write(k_stream + chunk(lines));
    if (lines.empty() || lines.back() == '\n') {
      peer.write("0\r\n\r\n");
    } else {
      peer.close();
    }
  }
};

/// Runs a watch until `count` events have come and tells them as "added a 1".
std::vector<std::string> events_of(Script& script,
                                   std::size_t count,
                                   const ports::ResourcePath& path = k_pods) {
  TestServer server(good_tls(), std::ref(script));
  const auto client = client_of(access_to(server));
  std::vector<std::string> seen;
  const char* names[] = {"added", "modified", "deleted", "bookmark"};
  const auto status =
      client->watch(path, {}, Clock::now() + std::chrono::seconds(20), [&](const WatchEvent& each) {
        const Json& metadata = each.object["metadata"];
        if (ports::ends_list(each)) {
          seen.push_back("all as of " + metadata.value("resourceVersion", ""));
          return seen.size() == count ? WatchStep::stop : WatchStep::go_on;
        }
        seen.push_back(names[static_cast<int>(each.kind)] + std::string(" ") +
                       metadata.value("name", "") + " " + metadata.value("resourceVersion", ""));
        return seen.size() == count ? WatchStep::stop : WatchStep::go_on;
      });
  if (!status) {
    seen.push_back(status.error().message);
  }
  return seen;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE("kube/watch") {
  TEST_CASE("what is there comes first as added, then every change, from the list's version on") {
    Script script;
    script.lists = {pod_list("5", {pod("a", "1")})};
    script.watches = {event("ADDED", pod("b", "6")) + event("MODIFIED", pod("a", "7")) +
                      event("DELETED", pod("b", "8"))};
    CHECK(events_of(script, 5) ==
          Texts{"added a 1", "all as of 5", "added b 6", "modified a 7", "deleted b 8"});
    CHECK(script.targets.at(1).find("resourceVersion=5") != std::string::npos);
    CHECK(script.targets.at(1).find("allowWatchBookmarks=true") != std::string::npos);
  }

  TEST_CASE("a list comes page by page; one that begins anew is for the next call") {
    const auto page = [](const std::string& next, const std::vector<Json>& pods) {
      Json list = Json::parse(pod_list("5", pods));
      list["metadata"]["continue"] = next;
      return list.dump();
    };
    std::vector<std::string> targets;
    TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
      targets.push_back(request.target);
      if (targets.size() == 2) {
        return peer.answer(410, R"({"kind":"Status","code":410,"message":"expired"})");
      }
      const bool follows = request.target.find("continue=next") != std::string::npos;
      peer.answer(
          200, follows ? page("", {pod("c", "3")}) : page("next", {pod("a", "1"), pod("b", "2")}));
    });
    const auto client = client_of(access_to(server));
    std::vector<std::string> seen;
    const auto watch = [&] {
      return client->watch(
          k_pods,
          {.content = ports::Content::metadata, .page_size = 2},
          Clock::now() + std::chrono::seconds(20),
          [&](const WatchEvent& each) {
            seen.push_back(ends_list(each) ? "all" : each.object["metadata"].value("name", ""));
            return seen.back() == "all" ? WatchStep::stop : WatchStep::go_on;
          });
    };
    // Whoever keeps a and b would not hear that they went meanwhile.
    const auto first = watch();
    REQUIRE_FALSE(first.has_value());
    CHECK((first.error().code == ErrorCode::timeout));
    CHECK(seen == Texts{"a", "b"});
    CHECK(watch().has_value());
    CHECK(seen == Texts{"a", "b", "a", "b", "c", "all"});
    CHECK(targets.at(0).find("limit=2") != std::string::npos);
    CHECK(targets.at(4).find("continue=next") != std::string::npos);
  }

  TEST_CASE("metadata alone is asked for by the Accept header, whole objects by none of it") {
    for (const auto content : {ports::Content::whole, ports::Content::metadata}) {
      std::vector<std::string> accepted;
      TestServer server(good_tls(), [&](const TestRequest& request, TestPeer& peer) {
        accepted.push_back(request.headers.at("accept"));
        peer.answer(200, pod_list("5", {}));
      });
      const auto client = client_of(access_to(server));
      REQUIRE(client->list(k_pods, {.content = content}).has_value());
      REQUIRE(accepted.size() == 1);
      const bool is_partial = accepted[0].find("as=PartialObjectMetadata") != std::string::npos;
      CHECK(is_partial == (content == ports::Content::metadata));
      CHECK(accepted[0].find("application/json") != std::string::npos);
    }
  }

  TEST_CASE("one object is watched as the collection with that member") {
    Script script;
    script.lists = {pod_list("5", {pod("a", "1")})};
    ports::ResourcePath path = k_pods;
    path.name = "a";
    CHECK(events_of(script, 1, path) == Texts{"added a 1"});
    CHECK(script.targets.at(0).find("/pods?limit=500&fieldSelector=metadata.name%3Da") !=
          std::string::npos);
  }

  TEST_CASE("a watch that ends or breaks goes on from the last version, bookmarks included") {
    Script script;
    script.lists = {pod_list("5", {})};
    script.watches = {event("ADDED", pod("a", "6")) + event("BOOKMARK", pod("", "9")),
                      event("MODIFIED", pod("a", "10")) + "{\"type\":\"MOD",
                      event("DELETED", pod("a", "11"))};
    CHECK(events_of(script, 5) ==
          Texts{"all as of 5", "added a 6", "bookmark  9", "modified a 10", "deleted a 11"});
    CHECK(script.list_count == 1);
    CHECK(script.targets.at(2).find("resourceVersion=9") != std::string::npos);
    CHECK(script.targets.at(3).find("resourceVersion=10") != std::string::npos);
  }

  TEST_CASE("after 410 Gone the next call begins with a list, however the 410 comes") {
    for (const char* gone : {"gone", "event"}) {
      CAPTURE(gone);
      Script script;
      script.lists = {pod_list("5", {pod("a", "1"), pod("b", "2")})};
      script.watches = {gone == std::string("gone")
                            ? "gone"
                            : event("ERROR", {{"kind", "Status"}, {"code", 410}})};
      CHECK(events_of(script, 10) == Texts{"added a 1",
                                           "added b 2",
                                           "all as of 5",
                                           "the API server has forgotten what changed since 5"});
      CHECK(script.list_count == 1);
    }
  }

  TEST_CASE("a watch that is not permitted ends with that error") {
    Script script;
    script.lists = {pod_list("5", {pod("a", "1")})};
    CHECK(events_of(script, 9) ==
          Texts{"added a 1",
                "all as of 5",
                "no permission to watch pods in namespace shop (as User \"x\")"});
  }

  TEST_CASE("rubbish in the stream is an error, not an event") {
    Script script;
    script.lists = {pod_list("5", {})};
    script.watches = {"[]\n"};
    CHECK(events_of(script, 9) ==
          Texts{"all as of 5", "the API server sent a watch event that is not one"});
    Script unknown;
    unknown.lists = {pod_list("5", {})};
    unknown.watches = {event("SHOUTED", pod("a", "1"))};
    CHECK(events_of(unknown, 9).back().find("unknown type") != std::string::npos);
  }

  TEST_CASE("a silent watch ends at the deadline, or when it is cancelled") {
    TestServer server(good_tls(), [](const TestRequest& request, TestPeer& peer) {
      if (request.target.find("watch=true") == std::string::npos) {
        return peer.answer(200, pod_list("5", {}));
      }
      peer.write(k_stream);
      peer.read();
    });
    const auto client = client_of(access_to(server));
    const auto go_on = [](const WatchEvent&) { return WatchStep::go_on; };
    const auto late =
        client->watch(k_pods, {}, Clock::now() + std::chrono::milliseconds(100), go_on);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::timeout);
    CHECK(late.error().message == "time is up while waiting to watch pods in namespace shop");
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      client->cancel();
    });
    const auto cancelled =
        client->watch(k_pods, {}, Clock::now() + std::chrono::seconds(60), go_on);
    canceller.join();
    REQUIRE_FALSE(cancelled.has_value());
    CHECK(cancelled.error().message == "interrupted");
  }
}

}  // namespace kredis::kube
