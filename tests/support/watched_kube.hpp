// SPDX-License-Identifier: Apache-2.0
//
// A FakeKube whose watches last until a test ends them, and tell what the test has for them.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/support/fake_kube.hpp"

namespace kredis::tests {

class WatchedKube : public FakeKube {
 public:
  void tell(const std::string& plural, ports::WatchEvent::Kind kind, const Json& object) {
    add(plural, {.event = ports::WatchEvent{kind, object}});
  }
  /// Ends the watch of `plural`, or the next one.
  void end_watch(const std::string& plural, const Error& error) { add(plural, {.error = error}); }
  /// Waits until `condition` holds of what the watchers make of what they were told: it is asked
  /// whenever one of them has dealt with its news. False when it did not in time.
  template <typename Condition>
  bool wait_until(const Condition& condition) {
    std::unique_lock lock(news_mutex_);
    return dealt_with_.wait_for(lock, k_patience, condition);
  }
  /// Ends all watches for good.
  void cancel() {
    const std::scoped_lock lock(news_mutex_);
    cancelled_ = true;
    news_came_.notify_all();
  }

  Status watch(const ports::ResourcePath& path,
               const ports::ListOptions& options,
               ports::Deadline,
               const std::function<ports::WatchStep(const ports::WatchEvent&)>& on_event) override {
    KREDIS_TRY(const Json listed, list(path, options));
    for (const Json& item : listed["items"]) {
      on_event({ports::WatchEvent::Kind::added, item});
    }
    on_event({ports::WatchEvent::Kind::bookmark,
              {{"metadata", {{"annotations", {{"k8s.io/initial-events-end", "true"}}}}}}});
    while (true) {
      const News next = take(path.type.plural);
      if (!next.event) {
        return next.error;
      }
      if (on_event(*next.event) == ports::WatchStep::stop) {
        return {};
      }
    }
  }

 private:
  struct News {
    std::optional<ports::WatchEvent> event = {};
    Error error = Error::timeout("cancelled");
  };

  void add(const std::string& plural, News news) {
    const std::scoped_lock lock(news_mutex_);
    news_[plural].push_back(std::move(news));
    news_came_.notify_all();
  }
  News take(const std::string& plural) {
    std::unique_lock lock(news_mutex_);
    std::deque<News>& mine = news_[plural];
    dealt_with_.notify_all();  // What was taken before, and the list before the watch.
    news_came_.wait(lock, [&] { return cancelled_ || !mine.empty(); });
    if (mine.empty()) {
      return {};
    }
    News next = std::move(mine.front());
    mine.pop_front();
    return next;
  }

  std::mutex news_mutex_;
  std::condition_variable news_came_;
  std::condition_variable dealt_with_;
  std::map<std::string, std::deque<News>> news_;
  bool cancelled_ = false;
};

}  // namespace kredis::tests
