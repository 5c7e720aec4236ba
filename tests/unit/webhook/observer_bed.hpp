// SPDX-License-Identifier: Apache-2.0
//
// An Observer over a Kubernetes and Redis nodes in memory, with a clock that only the test moves.
#pragma once

#include <stdio.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "shared/core/text.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_cluster.hpp"
#include "tests/support/lent.hpp"
#include "tests/support/watched_kube.hpp"
#include "webhook/log.hpp"
#include "webhook/observer.hpp"
#include "webhook/snapshot.hpp"

namespace kredis::webhook {

/// Takes what is written to stderr, where the log goes, for as long as it lives.
class StderrCapture {
 public:
  StderrCapture() : file_(::tmpfile()), old_(::dup(STDERR_FILENO)) {
    ::fflush(stderr);
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  ~StderrCapture() {
    ::fflush(stderr);
    ::dup2(old_, STDERR_FILENO);
    ::close(old_);
    ::fclose(file_);
  }
  StderrCapture(const StderrCapture&) = delete;
  StderrCapture& operator=(const StderrCapture&) = delete;

  std::string text() const {
    ::fflush(stderr);
    std::string all;
    std::array<char, 4096> buffer{};
    off_t at = 0;
    for (ssize_t got = 0; (got = ::pread(::fileno(file_), buffer.data(), buffer.size(), at)) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(got));
      at += got;
    }
    return all;
  }
  /// The lines of the log whose message is, or begins with, `message`.
  std::vector<Json> lines(const std::string& message) const {
    std::vector<Json> found;
    const std::string all = text();
    for (const std::string_view line : core::split_lines(all)) {
      Json json = Json::parse(line, nullptr, false);
      if (json.is_object() && text_at(json, "/message").starts_with(message)) {
        found.push_back(std::move(json));
      }
    }
    return found;
  }

 private:
  FILE* file_;
  int old_;
};

struct ObserverBed {
  ObserverBed() = default;
  ~ObserverBed() {
    kube.cancel();
    snapshot.join();
    observer.join();
  }
  ObserverBed(const ObserverBed&) = delete;
  ObserverBed& operator=(const ObserverBed&) = delete;

  /// The article's cluster: a StatefulSet, its pods, and nodes that answer.
  void add_article(const tests::FakeCluster& cluster = {}) {
    kube.put("statefulsets", tests::article_set(cluster.size()));
    for (int i = 0; i < cluster.size(); ++i) {
      kube.put("pods", tests::article_pod(i));
    }
    cluster.install(redis);
  }
  /// The same with a Deployment and a Service for each node, whose address it announces.
  void add_deployments(tests::FakeCluster cluster = {}) {
    for (int i = 0; i < cluster.size(); ++i) {
      kube.put("deployments", tests::node_deployment(i));
      kube.put("services", tests::node_service(i));
      kube.put("pods", tests::deployment_pod(i));
      cluster.announced[i] = tests::service_ip(i);
    }
    cluster.install(redis);
  }
  /// Lets the snapshot read what there is.
  void read() {
    snapshot.start();
    kube.wait_until([this] { return snapshot.is_complete(); });
  }
  /// One look, by the test's own thread.
  void look() {
    if (!snapshot.is_complete()) {
      read();
    }
    observer.look_around();
  }
  void pass(std::chrono::seconds time) { clock.sleep_until(clock.now() + time); }

  tests::WatchedKube kube;
  tests::FakeRedis redis;
  tests::FakeClock clock;
  int opened = 0;  ///< Ways in.
  Status opens = {};
  Log log{LogLevel::info};
  Snapshot snapshot{kube, log};
  Observer observer{
      kube,
      snapshot,
      std::chrono::seconds(30),
      log,
      [this](ports::KubePort&,
             const std::string&,
             const Json&) -> Result<std::unique_ptr<ports::RedisPort>> {
        KREDIS_CHECK(opens);
        ++opened;
        return std::unique_ptr<ports::RedisPort>(std::make_unique<tests::LentRedis>(redis));
      },
      clock};
};

}  // namespace kredis::webhook
