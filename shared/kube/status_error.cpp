// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/status_error.hpp"

#include "shared/kube/encoding.hpp"

namespace kredis::kube {
namespace {

/// A refused StatefulSet may bring dozens of causes, and each one is of use.
constexpr std::size_t k_message_limit = 4000;

Json causes_of(const Json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) {
    return Json::array();
  }
  const auto causes = details->find("causes");
  return causes != details->end() && causes->is_array() ? *causes : Json::array();
}

std::string group_of(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

Error forbidden(const Request& request, const std::string& message) {
  // RBAC's own sentence is `... is forbidden: User "x" cannot list resource "pods" in API group
  // ...`; whatever else is forbidden comes from admission: a policy, a quota, a webhook.
  const bool is_rbac = message.empty() || (message.find(" cannot ") != std::string::npos &&
                                           (message.find(" resource \"") != std::string::npos ||
                                            message.find(" path \"") != std::string::npos));
  if (!is_rbac) {
    return Error::invalid_argument("the cluster's policy refused to " + request.to_text() + ": " +
                                   message)
        .with_hint("change the object so that the policy accepts it, or ask who set the policy");
  }
  const std::size_t user = message.find("User \"");
  const std::string who = user == std::string::npos
                              ? "you"
                              : message.substr(user, message.find('"', user + 6) - user + 1);
  return Error::unauthorized("no permission to " + request.to_text() + " (as " + who + ")")
      .with_hint(rbac_hint(request));
}

Error not_found(const Request& request, const Json& status, const std::string& message) {
  const Json details = status.value("details", Json::object());
  // Whatever was asked for in it, the 404 of a namespace that is missing is about the namespace.
  const std::string kind = text_at(details, "/kind");
  const std::string name = text_at(details, "/name");
  if (kind == "namespaces" && request.path.type.plural != "namespaces") {
    return Error::not_found("namespace '" + name + "' does not exist")
        .with_hint("create it: kubectl create namespace " + name);
  }
  if (name.empty() || message == "the server could not find the requested resource") {
    return Error::not_found("this server does not know " + request.path.type.plural + " of " +
                            request.path.type.api_version)
        .with_hint(
            "is the Kubernetes version too old, or the API switched off? "
            "See: kubectl api-resources");
  }
  const std::string& ns = request.path.namespace_;
  return Error::not_found(request.path.type.plural + " '" + name + "' does not exist" +
                          (ns.empty() ? "" : " in namespace " + ns));
}

Error field_conflict(const Request& request, const Json& causes, const std::string& message) {
  std::string fields;
  for (const Json& cause : causes) {
    if (text_at(cause, "/reason") == "FieldManagerConflict") {
      fields += (fields.empty() ? "" : "; ") + text_at(cause, "/field") + " (" +
                text_at(cause, "/message") + ")";
    }
  }
  if (fields.empty()) {
    return Error::conflict("cannot " + request.to_text() + ": " + message)
        .with_hint("it changed in the meantime: look again and repeat");
  }
  return Error::conflict("cannot " + request.to_text() + ": others manage these fields: " + fields)
      .with_hint("leave those fields to their manager, or take them over by force");
}

Error conflict(const Request& request, const Json& status, const std::string& message) {
  // 409 stands for both, a lost race and a name that is taken; only the reason tells them apart.
  if (text_at(status, "/reason") == "AlreadyExists") {
    return Error::conflict("cannot " + request.to_text() + ": it already exists (" + message + ")");
  }
  return field_conflict(request, causes_of(status), message);
}

/// The server's message names every cause once more; where it does not, they are added.
Error invalid(const Request& request, const Json& status, const std::string& message) {
  std::string text = message;
  for (const Json& cause : causes_of(status)) {
    const std::string each = text_at(cause, "/message");
    if (text.find(each) == std::string::npos) {
      text += "; " + text_at(cause, "/field") + ": " + each;
    }
  }
  return Error::invalid_argument("the server refused to " + request.to_text() + ": " + text);
}

Error too_many(const Request& request, const Json& status, const std::string& message) {
  // The eviction API answers 429 for a budget that does not allow it now (Kubernetes docs,
  // API-initiated Eviction). Everywhere else 429 is the server's load (API Priority and Fairness).
  const bool is_budget = request.path.subresource == "eviction" ||
                         message.find("disruption budget") != std::string::npos;
  if (is_budget) {
    std::string causes;
    for (const Json& cause : causes_of(status)) {
      causes += " " + text_at(cause, "/message");
    }
    return Error::conflict("cannot " + request.to_text() + ": " + message + causes)
        .with_hint("wait until the disruption budget allows it: kubectl get pdb");
  }
  return Error::unreachable("the API server is overloaded: " + message)
      .with_hint("try again in a while");
}

Error from_status(const Request& request, int http_status, const Json& status) {
  const std::string message = printable(text_at(status, "/message"), k_message_limit);
  // The kubelet's "previous terminated container ... not found" comes as a 400.
  if (http_status == 400 && request.path.subresource == "log" &&
      message.find("not found") != std::string::npos) {
    return Error::not_found("cannot " + request.to_text() + ": " + message);
  }
  switch (http_status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return invalid(request, status, message);
    case 401:
      return Error::unauthorized("the API server does not know who you are (401 " + message + ")")
          .with_hint("log in again, or renew the credentials of this user in the kubeconfig");
    case 403:
      return forbidden(request, message);
    case 404:
      return not_found(request, status, message);
    case 405:
      return Error::invalid_argument("the server does not allow to " + request.to_text());
    case 409:
      return conflict(request, status, message);
    case 410:
      return Error::conflict("the view is too old: " + message).with_hint("look again");
    case 429:
      return too_many(request, status, message);
    case 504:
      return Error::timeout("the server gave up on " + request.to_text() + ": " + message);
    default:
      break;
  }
  if (message.find("failed to create typed patch object") != std::string::npos) {
    return invalid(request, status, message);  // Server-side apply calls an unknown field a 500.
  }
  const std::string text = "the server could not " + request.to_text() + " (HTTP " +
                           std::to_string(http_status) + "): " + message;
  return http_status >= 500 ? Error::unreachable(text).with_hint("see the API server's log")
                            : Error::protocol(text);
}

}  // namespace

std::string Request::to_text() const {
  std::string text = verb + " " + path.type.plural;
  if (!path.subresource.empty()) {
    text += "/" + path.subresource;
  }
  if (!path.name.empty()) {
    text += " '" + path.name + "'";
  }
  return path.namespace_.empty() ? text : text + " in namespace " + path.namespace_;
}

/// A role names subresources with a slash, and the core group by an empty text (Kubernetes docs,
/// "Using RBAC Authorization").
std::string rbac_hint(const Request& request) {
  if (request.path.type.plural.empty()) {
    return "allow it in a ClusterRole, as nonResourceURLs";
  }
  const std::string where =
      request.path.namespace_.empty()
          ? "add to a ClusterRole of yours: "
          : "add to a Role of yours in namespace " + request.path.namespace_ + ": ";
  const std::string resource =
      request.path.type.plural +
      (request.path.subresource.empty() ? "" : "/" + request.path.subresource);
  return where + "{apiGroups: [\"" + group_of(request.path.type.api_version) +
         "\"], resources: [\"" + resource + "\"], verbs: [\"" + request.verb + "\"]}";
}

Error error_from_answer(const Request& request, int http_status, const std::string& body) {
  Json status = Json::parse(body, nullptr, false);
  if (!status.is_object() || text_at(status, "/kind") != "Status") {
    const std::string text = printable(body, 300);
    // What Go's TLS server tells a client that speaks plain HTTP, as text and not as a Status.
    if (text.find("HTTP request to an HTTPS server") != std::string::npos) {
      return Error::unreachable("the server speaks TLS on this port, and was asked in plain text")
          .with_hint("write https:// in the server's address");
    }
    status = Json{{"message", text.empty() ? "no explanation" : text}};
  }
  return from_status(request, http_status, status);
}

}  // namespace kredis::kube
