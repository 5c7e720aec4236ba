// SPDX-License-Identifier: Apache-2.0
//
// exec, attach, port-forward and logs: checked here, then handed to the node that runs the pod.
#include "tests/sandbox/api/json_path.hpp"
#include "tests/sandbox/api/rest_call.hpp"

namespace kredis::sandbox::api {

ApiStatus RestApi::answer_stream(const Call& call) {
  const Object pod = parts_.store.get(call.target().key());
  if (pod == nullptr) {
    return not_found(call.info(), call.target().name);
  }
  if (parts_.streams == nullptr) {
    return path_not_found();
  }
  const StreamRequest request{call.request.method,
                              call.target().namespace_,
                              call.target().name,
                              call.request.query,
                              call.request.headers,
                              pod};
  const std::string& part = call.target().subresource;
  if (part == "log") {
    return answer_log(call, request);
  }
  if (dig_text(*pod, {"spec", "nodeName"}).empty()) {
    return bad_request("pod " + request.pod + " does not have a host assigned");
  }
  // Until the implementer wrote something, its error is still ours to send.
  const Status done = part == "exec" ? parts_.streams->exec(request, call.exchange.stream())
                      : part == "attach"
                          ? parts_.streams->attach(request, call.exchange.stream())
                          : parts_.streams->port_forward(request, call.exchange.stream());
  if (!done) {
    send_error(call.exchange, from_error(done.error()));
  }
  call.exchange.take_stream();
  return {};
}

ApiStatus RestApi::answer_log(const Call& call, const StreamRequest& request) {
  Exchange& exchange = call.exchange;
  bool begun = false;
  const auto sink = [&](std::string_view piece) {
    if (piece.empty()) {
      return !exchange.abandoned();
    }
    if (!begun) {
      begun = true;
      exchange.begin_chunks("text/plain");
    }
    return exchange.send_chunk(piece);
  };
  const Status done = parts_.streams->log(request, sink);
  if (!done && !begun) {
    return from_error(done.error());
  }
  if (!begun) {
    exchange.begin_chunks("text/plain");
  }
  exchange.end_chunks();
  return {};
}

}  // namespace kredis::sandbox::api
