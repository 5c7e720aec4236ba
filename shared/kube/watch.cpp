// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/resource_url.hpp"

namespace kredis::kube {
namespace {

using ports::WatchEvent;
using ports::WatchStep;
using OnEvent = std::function<WatchStep(const WatchEvent&)>;

/// The server ends a watch by itself after this time; the next one goes on where it ended.
constexpr auto k_watch_life = std::chrono::seconds(290);
constexpr auto k_watch_grace = std::chrono::seconds(20);
constexpr std::size_t k_line_limit_bytes = 64U << 20U;

/// A round that ends sooner than this is followed by a pause.
constexpr auto k_short_round = std::chrono::seconds(1);

/// Why a round of watching ended.
enum class End { stopped, resume, list_again };

/// One call of KubeClient::watch. Of what it told it keeps nothing: whoever may write objects would
/// fill the memory with their names.
class Watcher {
 public:
  Watcher(KubeClient::Impl& impl,
          const ports::ResourcePath& path,
          const ports::ListOptions& options,
          Deadline deadline,
          const OnEvent& on_event)
      : impl_(impl),
        request_{"watch", path},
        options_(options),
        deadline_(deadline),
        on_event_(on_event) {
    if (!path.name.empty()) {
      // An object is watched as the collection with just that member.
      options_.field_selector +=
          (options_.field_selector.empty() ? "" : ",") + ("metadata.name=" + path.name);
      request_.path.name.clear();
    }
  }

  Status run();

 private:
  Result<End> list();
  Result<End> stream();
  Result<End> take_lines(std::string& buffer);
  Result<End> take_line(std::string_view line);
  Result<End> take_error(const Json& status);
  bool may_go_on(const Error& error) const;
  bool pause();
  Error too_late() const;

  KubeClient::Impl& impl_;
  Request request_;
  ports::ListOptions options_;
  const Deadline deadline_;
  const OnEvent& on_event_;
  std::string version_;
  int failures_ = 0;  // In a row.
};

Error Watcher::too_late() const {
  return Error::timeout("time is up while waiting to " + request_.to_text());
}

/// Trouble on the way is sat out until the deadline, once the list has worked.
bool Watcher::may_go_on(const Error& error) const {
  const bool is_trouble = error.code == ErrorCode::unreachable || error.code == ErrorCode::timeout;
  return is_trouble && !impl_.rest->interrupt().raised();
}

Status Watcher::run() {
  KREDIS_TRY(End next, list());
  while (next == End::resume) {
    if (Clock::now() >= deadline_) {
      return too_late();
    }
    const auto begin = Clock::now();
    const auto round = stream();
    if (!round && !may_go_on(round.error())) {
      return round.error();
    }
    next = round ? *round : End::resume;
    // A server that ends every watch at once must not make us spin.
    if (next != End::resume || (round && Clock::now() - begin > k_short_round)) {
      continue;
    }
    if (Clock::now() >= deadline_ || !pause()) {
      return impl_.rest->interrupt().raised() ? interrupted() : too_late();
    }
  }
  if (next == End::stopped) {
    return {};
  }
  // Nor one that forgets at once make those spin who begin again.
  if (!pause() && impl_.rest->interrupt().raised()) {
    return interrupted();
  }
  return Error::timeout("the API server has forgotten what changed since " + version_);
}

bool Watcher::pause() {
  return sleep_for(back_off(++failures_), deadline_, impl_.rest->interrupt()).has_value();
}

/// Reads everything, a page at a time. The stream begins at this very list's version, so nothing
/// that happens in between is missed.
Result<End> Watcher::list() {
  End end = End::resume;
  const auto take = [&](KubeClient::Impl::Page page) {
    if (page.is_first && !version_.empty()) {
      // It began anew: what is gone by now has been told as being there.
      end = End::list_again;
      return WatchStep::stop;
    }
    version_ = text_at(page.content, "/metadata/resourceVersion");
    for (const Json& item : page.content["items"]) {
      if (on_event_({WatchEvent::Kind::added, item}) == WatchStep::stop) {
        end = End::stopped;
        return WatchStep::stop;
      }
    }
    return WatchStep::go_on;
  };
  KREDIS_CHECK(impl_.list_pages(request_.path, options_, deadline_, take));
  if (end != End::resume) {
    return end;
  }
  const WatchStep step =
      on_event_({WatchEvent::Kind::bookmark,
                 {{"metadata",
                   {{"resourceVersion", version_},
                    {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}}});
  return step == WatchStep::stop ? End::stopped : End::resume;
}

Result<End> Watcher::stream() {
  KREDIS_TRY(const std::string url, resource_url(request_.path));
  const Deadline end = std::min(deadline_, Clock::now() + k_watch_life);
  const auto life = std::chrono::ceil<std::chrono::seconds>(end - Clock::now());
  Query query;
  query.add("watch", "true").add("allowWatchBookmarks", "true");
  query.add("resourceVersion", version_).add("timeoutSeconds", std::to_string(life.count()));
  query.add("labelSelector", options_.label_selector);
  query.add("fieldSelector", options_.field_selector);
  auto answer = impl_.rest->open({.method = "GET",
                                  .target = url + query.to_text(),
                                  .request = request_,
                                  .repeat = Repeat::never,
                                  .headers = content_headers(options_.content, Answer::objects)},
                                 std::min(deadline_, end + k_watch_grace));
  if (!answer) {
    // The version we know has been compacted away: 410 before the stream even began.
    return answer.error().code == ErrorCode::conflict ? Result<End>(End::list_again)
                                                      : answer.error();
  }
  std::string buffer;
  while (true) {
    KREDIS_TRY(const bool has_more,
               answer->http->read_some(buffer, std::min(deadline_, end + k_watch_grace)));
    KREDIS_TRY(const End step, take_lines(buffer));
    if (step != End::resume || !has_more) {
      return step;
    }
    if (buffer.size() > k_line_limit_bytes) {
      return Error::protocol("the API server sent an endless watch event");
    }
  }
}

/// Takes the whole lines out of `buffer`.
Result<End> Watcher::take_lines(std::string& buffer) {
  std::size_t begin = 0;
  for (std::size_t newline = buffer.find('\n'); newline != std::string::npos;
       newline = buffer.find('\n', begin)) {
    KREDIS_TRY(const End step, take_line(std::string_view(buffer).substr(begin, newline - begin)));
    if (step != End::resume) {
      return step;
    }
    begin = newline + 1;
  }
  buffer.erase(0, begin);
  return End::resume;
}

Result<End> Watcher::take_line(std::string_view line) {
  const Json event = Json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("object") || !event["object"].is_object()) {
    return Error::protocol("the API server sent a watch event that is not one");
  }
  const std::string type = text_at(event, "/type");
  const Json& object = event["object"];
  if (type == "ERROR") {
    return take_error(object);
  }
  failures_ = 0;
  if (const std::string version = text_at(object, "/metadata/resourceVersion"); !version.empty()) {
    version_ = version;
  }
  WatchEvent::Kind kind = WatchEvent::Kind::bookmark;
  if (type == "ADDED") {
    kind = WatchEvent::Kind::added;
  } else if (type == "MODIFIED") {
    kind = WatchEvent::Kind::modified;
  } else if (type == "DELETED") {
    kind = WatchEvent::Kind::deleted;
  } else if (type != "BOOKMARK") {
    return Error::protocol("the API server sent a watch event of an unknown type");
  }
  return on_event_({kind, object}) == WatchStep::stop ? End::stopped : End::resume;
}

Result<End> Watcher::take_error(const Json& status) {
  const auto code = status.find("code");
  const int number = code != status.end() && code->is_number_integer() ? code->get<int>() : 500;
  if (number == 410) {
    return End::list_again;
  }
  return error_from_answer(request_, number, status.dump());
}

}  // namespace

Status KubeClient::watch(const ports::ResourcePath& path,
                         const ports::ListOptions& options,
                         Deadline deadline,
                         const std::function<WatchStep(const WatchEvent&)>& on_event) {
  return Watcher(*impl_, path, options, deadline, on_event).run();
}

}  // namespace kredis::kube
