// SPDX-License-Identifier: Apache-2.0
//
// One watch: what is there (where asked for), then every change, filtered and in order.
#include <charconv>
#include <chrono>
#include <optional>

#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/reading.hpp"

namespace kredis::sandbox::api {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// How often a quiet watch looks whether its client is still there.
constexpr milliseconds k_look_round{500};
constexpr seconds k_bookmark_interval{60};
constexpr seconds k_longest{3600};

std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class Watch {
 public:
  Watch(const Store& store,
        const HttpRequest& request,
        const Selection& selection,
        Exchange& exchange)
      : store_(store),
        selection_(selection),
        exchange_(exchange),
        presentation_(presentation_of(request)),
        bookmarks_(request.query.flag("allowWatchBookmarks")),
        send_initial_(request.query.flag("sendInitialEvents")),
        from_(request.query.get("resourceVersion")) {
    const std::uint64_t wanted = number_in(request.query.get("timeoutSeconds"));
    const seconds limit = wanted > 0 ? seconds(std::min<std::uint64_t>(wanted, 86'400)) : k_longest;
    end_ = Clock::now() + limit;
  }

  void run() {
    if (!begin()) {
      return;
    }
    Clock::time_point next_bookmark = Clock::now() + k_bookmark_interval;
    while (Clock::now() < end_ && !exchange_.abandoned()) {
      const auto events = store_.events_after(revision_);
      if (!events) {
        send_expired(events.error().message);
        return;
      }
      for (const Event& event : *events) {
        if (!send_event(event)) {
          return;
        }
      }
      if (bookmarks_ && Clock::now() >= next_bookmark) {
        send_bookmark(Json::object());
        next_bookmark = Clock::now() + k_bookmark_interval;
      }
      const auto left = std::chrono::duration_cast<milliseconds>(end_ - Clock::now());
      store_.wait_past(revision_, std::clamp(left, milliseconds{0}, k_look_round));
    }
  }

 private:
  // Sends what is there, unless the client knows that already. False when there is no going on.
  bool begin() {
    const bool fresh = from_.empty() || from_ == "0";
    if (!fresh && !send_initial_) {
      revision_ = number_in(from_);
      if (const auto known = store_.events_after(revision_); !known) {
        send_expired(known.error().message);
        return false;
      }
      return true;
    }
    const ResourceInfo& info = *selection_.target.info;
    const Store::Snapshot snapshot = store_.snapshot(
        std::string(info.group), std::string(info.resource), selection_.target.namespace_);
    revision_ = snapshot.revision;
    for (const Object& object : snapshot.objects) {
      if (selection_.matches(*object) && !send("ADDED", *object)) {
        return false;
      }
    }
    if (send_initial_) {
      send_bookmark({{"k8s.io/initial-events-end", "true"}});
    }
    return true;
  }

  bool concerns(const Key& key) const {
    const Target& target = selection_.target;
    return key.group == target.info->group && key.resource == target.info->resource &&
           (target.namespace_.empty() || key.namespace_ == target.namespace_);
  }

  // An object that a change moves into or out of the selection appears or disappears.
  bool send_event(const Event& event) {
    revision_ = event.revision;
    if (!concerns(event.key)) {
      return true;
    }
    const bool was_in = event.previous != nullptr && selection_.matches(*event.previous);
    const bool is_in = event.kind != Event::Kind::deleted && selection_.matches(*event.object);
    if (is_in) {
      return send(was_in ? "MODIFIED" : "ADDED", *event.object);
    }
    if (!was_in) {
      return true;
    }
    Json gone = event.kind == Event::Kind::deleted ? *event.object : *event.previous;
    gone["metadata"]["resourceVersion"] = std::to_string(event.revision);
    return send("DELETED", gone);
  }

  bool send(const char* type, const Json& object) {
    const Json line = {{"type", type},
                       {"object", present(*selection_.target.info, object, presentation_)}};
    return exchange_.send_chunk(line.dump() + "\n");
  }

  void send_bookmark(const Json& annotations) {
    const ResourceInfo& info = *selection_.target.info;
    Json mark = {{"kind", info.kind},
                 {"apiVersion", info.api_version()},
                 {"metadata", {{"resourceVersion", std::to_string(revision_)}}}};
    if (!annotations.empty()) {
      mark["metadata"]["annotations"] = annotations;
    }
    send("BOOKMARK", mark);
  }

  void send_expired(const std::string& why) {
    const Json line = {{"type", "ERROR"}, {"object", expired(why).to_json()}};
    exchange_.send_chunk(line.dump() + "\n");
  }

  const Store& store_;
  const Selection& selection_;
  Exchange& exchange_;
  Presentation presentation_;
  bool bookmarks_;
  bool send_initial_;
  std::string from_;
  std::uint64_t revision_ = 0;
  Clock::time_point end_;
};

}  // namespace

ApiStatus watch_objects(const Store& store,
                        const HttpRequest& request,
                        const Selection& selection,
                        Exchange& exchange) {
  const std::string from = request.query.get("resourceVersion");
  if (from.find_first_not_of("0123456789") != std::string::npos) {
    return bad_request("invalid resource version \"" + from + "\"");
  }
  exchange.begin_chunks("application/json");
  Watch(store, request, selection, exchange).run();
  exchange.end_chunks();
  return {};
}

}  // namespace kredis::sandbox::api
