// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/node/streams.hpp"

#include <charconv>
#include <optional>

#include "tests/sandbox/controllers/objects.hpp"
#include "tests/sandbox/node/agent.hpp"
#include "tests/sandbox/node/exec.hpp"
#include "tests/sandbox/node/logs.hpp"
#include "tests/sandbox/node/port_forward.hpp"

namespace kredis::sandbox {
namespace {

std::optional<std::int64_t> query_number(const std::string& text) {
  std::int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

LogQuery log_query_of(const Query& query) {
  LogQuery asked;
  asked.follow = query.flag("follow") ? LogQuery::Follow::yes : LogQuery::Follow::no;
  asked.stamps = query.flag("timestamps") ? LogQuery::Stamps::yes : LogQuery::Stamps::no;
  asked.tail_lines = query_number(query.get("tailLines"));
  if (const auto limit = query_number(query.get("limitBytes")); limit && *limit > 0) {
    asked.limit_bytes = static_cast<std::uintmax_t>(*limit);
  }
  if (const auto seconds = query_number(query.get("sinceSeconds"))) {
    asked.since = std::chrono::system_clock::now() - std::chrono::seconds(*seconds);
  } else if (query.has("sinceTime")) {
    asked.since = parse_time(query.get("sinceTime"));
  }
  return asked;
}

class NodeStreams : public PodStreams {
 public:
  explicit NodeStreams(NodeAgent& agent) : agent_(agent) {}

  Status exec(const StreamRequest& request, ByteStream& stream) override {
    KREDIS_TRY(const ContainerPlace place, find(request));
    return serve_exec(request, stream, place);
  }

  Status attach(const StreamRequest& request, ByteStream& stream) override {
    KREDIS_TRY(const ContainerPlace place, find(request));
    return serve_attach(request, stream, place);
  }

  Status port_forward(const StreamRequest& request, ByteStream& stream) override {
    KREDIS_TRY(const std::string address, agent_.find_address(request.namespace_, request.pod));
    const std::string node = text_at(*request.pod_object, "spec.nodeName");
    return serve_port_forward(request, stream, {address, uid_of(*request.pod_object), [this, node] {
                                                  return agent_.answers(node);
                                                }});
  }

  Status log(const StreamRequest& request, const LogSink& sink) override {
    const auto previous =
        request.query.flag("previous") ? NodeAgent::Previous::yes : NodeAgent::Previous::no;
    KREDIS_TRY(
        const std::shared_ptr<Log> log,
        agent_.find_log(request.namespace_, request.pod, request.query.get("container"), previous));
    read_log(*log, log_query_of(request.query), sink);
    return {};
  }

 private:
  Result<ContainerPlace> find(const StreamRequest& request) {
    return agent_.find(request.namespace_, request.pod, request.query.get("container"));
  }

  NodeAgent& agent_;
};

}  // namespace

std::unique_ptr<PodStreams> make_pod_streams(NodeAgent& agent) {
  return std::make_unique<NodeStreams>(agent);
}

}  // namespace kredis::sandbox
