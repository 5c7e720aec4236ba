// SPDX-License-Identifier: Apache-2.0
//
// Admission webhooks: which ones a request concerns, what they are asked, and what their answers
// do. How one is reached is in webhook_client.hpp.
#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/status.hpp"
#include "tests/sandbox/api/webhook_client.hpp"

namespace kredis::sandbox::api {

enum class DryRun { no, yes };

/// One question to the webhooks: who does what to which object.
struct AdmissionRequest {
  const ResourceInfo* info = nullptr;
  std::string subresource = {};
  std::string namespace_ = {};
  std::string name = {};
  std::string operation = {};  ///< CREATE, UPDATE, DELETE or CONNECT.
  Identity user = {};
  DryRun dry_run = DryRun::no;
  Json object = nullptr;
  Json old_object = nullptr;
  std::string_view object_kind = {};  ///< When it is not the resource's own ("Scale").
  std::string_view object_api_version = {};
};

class Admission {
 public:
  explicit Admission(const Store& store) : store_(store), client_(store) {}

  /// Lets the mutating webhooks change `request.object`. Errors: what a webhook refuses.
  ApiStatus mutate(AdmissionRequest& request, std::vector<std::string>& warnings);
  /// Errors: what a webhook refuses.
  ApiStatus validate(const AdmissionRequest& request, std::vector<std::string>& warnings);

 private:
  enum class Phase { mutating, validating };
  std::vector<Json> webhooks_for(const AdmissionRequest& request, Phase phase) const;
  bool selects(const Json& webhook, const AdmissionRequest& request) const;
  ApiStatus call(const Json& webhook,
                 AdmissionRequest& request,
                 Phase phase,
                 std::vector<std::string>& warnings);

  const Store& store_;
  WebhookClient client_;
};

}  // namespace kredis::sandbox::api
