// SPDX-License-Identifier: Apache-2.0
#include "shared/kube/client.hpp"

#include <utility>

#include "shared/kube/client_impl.hpp"
#include "shared/kube/resource_url.hpp"

namespace kredis::kube {
namespace {

using ports::DryRun;
using ports::ResourcePath;

constexpr const char* k_field_manager = "kubectl-redis";
constexpr const char* k_json = "application/json";

std::string dry_run_text(DryRun dry_run) { return dry_run == DryRun::server ? "All" : ""; }

const char* propagation_text(ports::Propagation propagation) {
  switch (propagation) {
    case ports::Propagation::background:
      return "Background";
    case ports::Propagation::foreground:
      return "Foreground";
    case ports::Propagation::orphan:
      return "Orphan";
  }
  return "";
}

/// Broken UTF-8 is replaced: `dump` would throw, and text from a server's log may have it.
std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<Json> KubeClient::Impl::call_json(const Call& call, Deadline deadline) {
  KREDIS_TRY(const std::string body, rest->call(call, deadline));
  Json answer = Json::parse(body, nullptr, false);
  // Log-in pages and proxies answer 200 with HTML.
  if (!answer.is_object()) {
    return Error::protocol("the API server answered to " + call.request.to_text() +
                           " with something that is not JSON")
        .with_hint("is this address an API server, or a login page in front of one?");
  }
  return answer;
}

KubeClient::KubeClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KubeClient::~KubeClient() = default;

const std::string& KubeClient::default_namespace() const {
  return impl_->rest->access().namespace_;
}
const std::string& KubeClient::context() const { return impl_->rest->access().context; }
const std::string& KubeClient::cluster() const { return impl_->rest->access().cluster; }
const std::string& KubeClient::server() const { return impl_->rest->access().server; }
void KubeClient::cancel() noexcept { impl_->rest->interrupt().raise(); }

void KubeClient::let_pass() noexcept { impl_->rest->interrupt().lower(); }

Result<Json> KubeClient::get(const ResourcePath& path) {
  KREDIS_TRY(const std::string url, resource_url(path));
  return impl_->call_json(
      {.method = "GET", .target = url, .request = {"get", path}, .repeat = Repeat::always});
}

Result<Json> KubeClient::list(const ResourcePath& path, const ports::ListOptions& options) {
  return impl_->list(path, options);
}

Result<Json> KubeClient::create(const ResourcePath& path, const Json& object, DryRun dry_run) {
  // An object is posted to its collection and brings its name along; a subresource is posted to the
  // object. The 429 of an eviction is a budget's answer, so it is not repeated here.
  const bool is_subresource = !path.subresource.empty();
  ResourcePath collection = path;
  collection.name = is_subresource ? path.name : "";
  KREDIS_TRY(const std::string url, resource_url(collection));
  Query query;
  query.add("fieldManager", k_field_manager).add("dryRun", dry_run_text(dry_run));
  query.add("fieldValidation", "Warn");
  return impl_->call_json({.method = "POST",
                           .target = url + query.to_text(),
                           .request = {"create", path},
                           .content_type = k_json,
                           .body = to_text(object),
                           // A create that may have been carried out is not repeated: it would end
                           // in "already exists".
                           .repeat = is_subresource ? Repeat::never : Repeat::when_refused});
}

Result<Json> KubeClient::apply(const ResourcePath& path,
                               const Json& object,
                               ports::Force force,
                               DryRun dry_run) {
  KREDIS_TRY(const std::string url, resource_url(path));
  Query query;
  query.add("fieldManager", k_field_manager).add("dryRun", dry_run_text(dry_run));
  // Strict, as `kubectl apply` asks by default: a field that is misspelt must not just vanish.
  query.add("force", force == ports::Force::yes ? "true" : "").add("fieldValidation", "Strict");
  return impl_->call_json({.method = "PATCH",
                           .target = url + query.to_text(),
                           .request = {"patch", path},
                           // Server-side apply's type; JSON is YAML, so the body need not be
                           // written anew.
                           .content_type = "application/apply-patch+yaml",
                           .body = to_text(object),
                           .repeat = Repeat::always});
}

/// Safe to repeat: the same patch twice makes the same object (RFC 7386), and one with a
/// resourceVersion then conflicts.
Result<Json> KubeClient::merge_patch(const ResourcePath& path, const Json& patch, DryRun dry_run) {
  KREDIS_TRY(const std::string url, resource_url(path));
  Query query;
  query.add("fieldManager", k_field_manager).add("dryRun", dry_run_text(dry_run));
  query.add("fieldValidation", "Warn");
  return impl_->call_json({.method = "PATCH",
                           .target = url + query.to_text(),
                           .request = {"patch", path},
                           .content_type = "application/merge-patch+json",
                           .body = to_text(patch),
                           .repeat = Repeat::always});
}

Result<Json> KubeClient::remove(const ResourcePath& path,
                                ports::Propagation propagation,
                                const std::string& uid,
                                DryRun dry_run) {
  // DELETE on a collection deletes everything in it (API verb deletecollection).
  if (path.name.empty()) {
    return Error::internal("remove was asked to delete a whole collection");
  }
  KREDIS_TRY(const std::string url, resource_url(path));
  Json options{{"apiVersion", "v1"},
               {"kind", "DeleteOptions"},
               {"propagationPolicy", propagation_text(propagation)}};
  if (!uid.empty()) {
    // The one that was looked at, and not another that has come by the same name since.
    options["preconditions"] = {{"uid", uid}};
  }
  if (dry_run == DryRun::server) {
    options["dryRun"] = {"All"};
  }
  // Repeated only where the server did nothing: a second DELETE might hit the next pod of that
  // name.
  return impl_->call_json({.method = "DELETE",
                           .target = url,
                           .request = {"delete", path},
                           .content_type = k_json,
                           .body = to_text(options),
                           .repeat = Repeat::when_refused});
}

Result<std::string> KubeClient::logs(const std::string& namespace_,
                                     const std::string& pod,
                                     const std::string& container,
                                     int tail_lines,
                                     bool previous) {
  const ResourcePath path{{"v1", "pods"}, namespace_, pod, "log"};
  KREDIS_TRY(const std::string url, resource_url(path));
  Query query;
  query.add("container", container).add("previous", previous ? "true" : "");
  query.add("tailLines", tail_lines < 0 ? "" : std::to_string(tail_lines));
  return impl_->rest->call({.method = "GET",
                            .target = url + query.to_text(),
                            .request = {"get", path},
                            .repeat = Repeat::always});
}

Result<bool> KubeClient::can_i(const ports::AccessQuestion& question) {
  const ResourcePath path{{"authorization.k8s.io/v1", "selfsubjectaccessreviews"}, ""};
  KREDIS_TRY(const std::string url, resource_url(path));
  // "pods/exec" in one field would be asked about a resource of that name, which nobody may use.
  const std::size_t slash = question.resource.find('/');
  Json attributes{{"verb", question.verb},
                  {"group", question.group},
                  {"resource", question.resource.substr(0, slash)},
                  {"namespace", question.namespace_},
                  {"name", question.name}};
  if (slash != std::string::npos) {
    attributes["subresource"] = question.resource.substr(slash + 1);
  }
  const Json review{{"apiVersion", "authorization.k8s.io/v1"},
                    {"kind", "SelfSubjectAccessReview"},
                    {"spec", {{"resourceAttributes", attributes}}}};
  KREDIS_TRY(const Json answer,
             impl_->call_json({.method = "POST",
                               .target = url,
                               .request = {"create", path},
                               .content_type = k_json,
                               .body = to_text(review),
                               .repeat = Repeat::always}));
  const auto allowed = Json::json_pointer("/status/allowed");
  if (!answer.contains(allowed) || !answer[allowed].is_boolean()) {
    return Error::protocol("the API server gave no proper answer to an access review");
  }
  return answer[allowed].get<bool>();
}

/// Everybody may read it (ClusterRole system:public-info-viewer).
Result<Json> KubeClient::server_version() {
  return impl_->call_json({.method = "GET",
                           .target = "/version",
                           .request = {"get", {{"", ""}, "", "", "version"}},
                           .repeat = Repeat::always});
}

Result<std::unique_ptr<KubeClient>> connect(const Access& access, const KubeOptions& options) {
  auto impl = std::make_unique<KubeClient::Impl>();
  KREDIS_TRY(impl->rest, RestClient::make(access, options));
  return std::make_unique<KubeClient>(std::move(impl));
}

Result<std::unique_ptr<KubeClient>> connect(const KubeOptions& options) {
  KREDIS_TRY(const Access access, find_access(options, Environment::of_process()));
  return connect(access, options);
}

}  // namespace kredis::kube
