// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/rest.hpp"

#include "tests/sandbox/api/discovery.hpp"
#include "tests/sandbox/api/openapi.hpp"
#include "tests/sandbox/api/reading.hpp"
#include "tests/sandbox/api/rest_call.hpp"

namespace kredis::sandbox::api {
namespace {

bool is_health_path(const std::string& path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

// The groups that come with a ServiceAccount's name; none for any other user.
std::vector<std::string> account_groups(const std::string& user) {
  constexpr std::string_view k_prefix = "system:serviceaccount:";
  if (!user.starts_with(k_prefix)) {
    return {};
  }
  const std::string rest = user.substr(k_prefix.size());
  return {"system:serviceaccounts", "system:serviceaccounts:" + rest.substr(0, rest.find(':'))};
}

bool is_watch(const HttpRequest& request) { return request.query.flag("watch"); }

std::string verb_of(const HttpRequest& request, const RequestPath& path) {
  const bool named = !path.target.name.empty();
  if (request.method == "GET" || request.method == "HEAD") {
    return is_watch(request) ? "watch" : named || !path.is_resource ? "get" : "list";
  }
  if (request.method == "POST") {
    return "create";
  }
  if (request.method == "PUT") {
    return "update";
  }
  if (request.method == "PATCH") {
    return "patch";
  }
  return request.method == "DELETE" ? (named ? "delete" : "deletecollection") : "";
}

Attributes attributes_of(const HttpRequest& request, const RequestPath& path) {
  Attributes what;
  what.verb = verb_of(request, path);
  if (!path.is_resource) {
    what.path = request.path;
    return what;
  }
  what.group = path.group;
  what.resource = path.resource;
  what.subresource = path.target.subresource;
  what.namespace_ = path.target.namespace_;
  what.name = path.target.name;
  if (path.group.empty() && path.resource == "namespaces") {
    what.namespace_ = path.target.name;  // So that a Role in it can grant reading itself.
  }
  return what;
}

}  // namespace

void RestApi::handle(const HttpRequest& request, Exchange& exchange) {
  try {
    if (const auto done = dispatch(request, exchange); !done) {
      send_error(exchange, done.error());
    }
  } catch (const std::exception& problem) {
    send_error(exchange, internal_error(problem.what()));
  }
}

ApiResult<Identity> RestApi::authenticate(const HttpRequest& request, Exchange& exchange) const {
  auto identity = parts_.authenticator.identify(request, exchange.stream());
  if (!identity) {
    return unauthorized();
  }
  const std::string other = request.header("Impersonate-User");
  if (other.empty()) {
    return *identity;
  }
  Attributes acting{"impersonate"};
  acting.resource = "users";
  acting.name = other;
  KREDIS_CHECK(parts_.rbac.check(*identity, acting));
  Identity played{other, {}};
  for (const std::string_view group : split_commas(request.header("Impersonate-Group"))) {
    acting.resource = "groups";
    acting.name = group.substr(group.find_first_not_of(' '));
    KREDIS_CHECK(parts_.rbac.check(*identity, acting));
    played.groups.push_back(acting.name);
  }
  if (played.groups.empty()) {
    played.groups = account_groups(other);
  }
  played.groups.emplace_back("system:authenticated");
  return played;
}

ApiStatus RestApi::dispatch(const HttpRequest& request, Exchange& exchange) {
  if (is_health_path(request.path)) {
    exchange.send(200, "text/plain", "ok");
    return {};
  }
  KREDIS_TRY(Identity who, authenticate(request, exchange));
  const Call call{request, exchange, std::move(who), parse_path(request.path)};
  KREDIS_CHECK(parts_.rbac.check(call.who, attributes_of(request, call.path)));
  if (!call.path.is_resource || call.path.resource.empty()) {
    return answer_path(call);
  }
  return call.path.target.info == nullptr ? path_not_found() : answer_resource(call);
}

ApiStatus RestApi::answer_path(const Call& call) {
  if (const auto document = discovery_document(call.request.path, parts_.server_version)) {
    send_json(call.exchange, 200, *document);
    return {};
  }
  if (const auto document = openapi_document(call.request)) {
    call.exchange.send(200, document->content_type, document->body);
    return {};
  }
  return path_not_found();
}

ApiStatus RestApi::answer_resource(const Call& call) {
  const Target& target = call.target();
  // Everything of a namespaced kind but reading across all namespaces needs one in its path.
  const bool reading = call.request.method == "GET";
  if (call.info().scope == Scope::namespaced && target.namespace_.empty() &&
      (!reading || !target.name.empty())) {
    return call.request.method == "POST" || !target.name.empty() ? path_not_found()
                                                                 : method_not_allowed();
  }
  if (!target.subresource.empty()) {
    return call.info().has_subresource(target.subresource) ? answer_subresource(call)
                                                           : path_not_found();
  }
  if (call.info().storage == Storage::virtual_ && call.request.method != "POST") {
    return method_not_allowed();
  }
  return target.name.empty() ? answer_collection(call) : answer_object(call);
}

ApiStatus RestApi::answer_collection(const Call& call) {
  if (call.request.method == "POST") {
    return create(call);
  }
  if (call.request.method == "DELETE") {
    return remove_collection(call);
  }
  if (call.request.method != "GET") {
    return method_not_allowed();
  }
  KREDIS_TRY(const Selection selection, selection_of(call.request, call.target()));
  if (is_watch(call.request)) {
    return watch_objects(parts_.store, call.request, selection, call.exchange);
  }
  KREDIS_TRY(const Json list, list_objects(parts_.store, call.request, selection));
  send_json(call.exchange, 200, list);
  return {};
}

ApiStatus RestApi::answer_object(const Call& call) {
  if (call.request.method != "GET") {
    return answer_write(call);
  }
  if (is_watch(call.request)) {
    KREDIS_TRY(const Selection selection, selection_of(call.request, call.target()));
    return watch_objects(parts_.store, call.request, selection, call.exchange);
  }
  const Object object = parts_.store.get(call.target().key());
  if (object == nullptr) {
    return not_found(call.info(), call.target().name);
  }
  send_json(call.exchange, 200, present(call.info(), *object, presentation_of(call.request)));
  return {};
}

ApiStatus RestApi::answer_write(const Call& call) {
  if (call.request.method == "PATCH") {
    return patch(call);
  }
  if (call.request.method == "DELETE") {
    return remove(call);
  }
  if (call.request.method != "PUT") {
    return method_not_allowed();
  }
  KREDIS_TRY(const WriteOptions options, write_options_of(call.request, call.who));
  KREDIS_TRY(const Json body, body_of(call.request));
  KREDIS_TRY(const Written written, parts_.objects.update(call.target(), body, options));
  send_written(call.request, call.exchange, call.info(), written);
  return {};
}

}  // namespace kredis::sandbox::api
