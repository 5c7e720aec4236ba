// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/api/reviews.hpp"

#include "tests/sandbox/api/json_path.hpp"

namespace kredis::sandbox::api {
namespace {

Attributes attributes_of(const Json& spec) {
  Attributes what;
  if (const Json& resource = dig(spec, {"resourceAttributes"}); resource.is_object()) {
    what.verb = dig_text(resource, {"verb"});
    what.group = dig_text(resource, {"group"});
    what.resource = dig_text(resource, {"resource"});
    what.subresource = dig_text(resource, {"subresource"});
    what.namespace_ = dig_text(resource, {"namespace"});
    what.name = dig_text(resource, {"name"});
  } else {
    what.verb = dig_text(spec, {"nonResourceAttributes", "verb"});
    what.path = dig_text(spec, {"nonResourceAttributes", "path"});
  }
  return what;
}

Identity subject_of(const Json& spec) {
  Identity subject{dig_text(spec, {"user"}), {}};
  for (const Json& group : dig_list(spec, {"groups"})) {
    if (group.is_string()) {
      subject.groups.push_back(group.get<std::string>());
    }
  }
  return subject;
}

Json token_status(const Authenticator& authenticator, const Json& spec) {
  const auto owner = authenticator.identify_token(dig_text(spec, {"token"}));
  if (!owner) {
    return {{"authenticated", false}, {"error", "invalid bearer token"}};
  }
  return {{"authenticated", true},
          {"user", {{"username", owner->user}, {"groups", owner->groups}}}};
}

}  // namespace

ApiResult<Json> answer_review(const Rbac& rbac,
                              const Authenticator& authenticator,
                              const ResourceInfo& info,
                              const Identity& who,
                              const Json& review) {
  Json answer = review;
  answer["kind"] = info.kind;
  answer["apiVersion"] = info.api_version();
  const Json spec = review.value("spec", Json::object());
  if (info.kind == "SelfSubjectRulesReview") {
    answer["status"] = rbac.rules_for(who, dig_text(spec, {"namespace"}));
  } else if (info.kind == "TokenReview") {
    answer["status"] = token_status(authenticator, spec);
  } else if (info.kind == "SelfSubjectReview") {
    answer["status"] = {{"userInfo", {{"username", who.user}, {"groups", who.groups}}}};
  } else if (info.kind.ends_with("SubjectAccessReview")) {
    const Identity subject = info.kind == "SelfSubjectAccessReview" ? who : subject_of(spec);
    answer["status"] = {{"allowed", rbac.allows(subject, attributes_of(spec))}};
  } else {
    return method_not_allowed();
  }
  return answer;
}

}  // namespace kredis::sandbox::api
