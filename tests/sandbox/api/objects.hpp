// SPDX-License-Identifier: Apache-2.0
//
// Writing objects as the API server does: decode, default, admit, validate, check the quota, store.
// The order of these steps is all that lives here; each step has a file of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sandbox/api/admission.hpp"
#include "tests/sandbox/api/identity.hpp"
#include "tests/sandbox/api/managed_fields.hpp"
#include "tests/sandbox/api/status.hpp"

namespace kredis::sandbox::api {

/// The object, or with an empty name the collection, that a request is about.
struct Target {
  const ResourceInfo* info = nullptr;
  std::string namespace_;
  std::string name;
  std::string subresource;

  Key key() const { return info->key(namespace_, name); }
};

enum class FieldValidation { ignore, warn, strict };

/// Whether managedFields still have to be brought up to date after a change.
enum class Ownership { to_be_tracked, recorded };

/// Whether admission webhooks still have to be asked: what stands behind a subresource has been
/// admitted with it.
enum class Reviews { to_be_asked, done };

/// Whether reviews name the object. Those of a collection's deletion do not (apiserver's
/// AdmissionToValidateObjectDeleteFunc takes the name of the request).
enum class Named { by_request, by_object_only };

struct WriteOptions {
  Identity user;
  DryRun dry_run = DryRun::no;
  std::string field_manager = "unknown";
  FieldValidation field_validation = FieldValidation::warn;
  OnConflict on_conflict = OnConflict::refuse;  ///< Server-side apply only.
  Ownership ownership = Ownership::to_be_tracked;
  Reviews reviews = Reviews::to_be_asked;
  Named named = Named::by_request;
};

/// What the webhooks are asked about `target`; the objects are still to be put in.
AdmissionRequest admission_request(const Target& target,
                                   const WriteOptions& options,
                                   const char* operation);

enum class Outcome { created, changed, deleted, deleting };

struct Written {
  Json object;
  Outcome outcome = Outcome::changed;
  std::vector<std::string> warnings = {};
};

enum class PatchKind { json, merge, strategic, apply };

/// Fills in what a Service gets from the cluster: its clusterIP and node ports.
using ServiceFiller = std::function<void(Json& service)>;

class Objects {
 public:
  Objects(Store& store, Admission& admission, ServiceFiller allocate)
      : store_(store), admission_(admission), allocate_(std::move(allocate)) {}

  ApiResult<Written> create(const Target& target, const Json& sent, const WriteOptions& options);
  ApiResult<Written> update(const Target& target, const Json& sent, const WriteOptions& options);
  ApiResult<Written> patch(const Target& target,
                           PatchKind kind,
                           const Json& sent,
                           const WriteOptions& options);
  /// `sent` is a DeleteOptions object or null.
  ApiResult<Written> remove(const Target& target, const Json& sent, const WriteOptions& options);

  /// Changes an object by `change`, with every check, again when somebody else was quicker.
  using Change = std::function<ApiResult<Json>(const Json& live)>;
  ApiResult<Written> modify(const Target& target,
                            const Change& change,
                            const WriteOptions& options);

  Store& store() { return store_; }

 private:
  struct Draft;
  ApiResult<Written> apply(const Target& target, const Json& sent, const WriteOptions& options);
  ApiResult<Written> create_decoded(Target target,
                                    Json object,
                                    const WriteOptions& options,
                                    std::vector<std::string> warnings);
  ApiStatus mutate(AdmissionRequest& request,
                   const WriteOptions& options,
                   std::vector<std::string>& warnings);
  ApiStatus validate(const AdmissionRequest& request,
                     const WriteOptions& options,
                     std::vector<std::string>& warnings);
  ApiStatus admit_new(const Target& target,
                      Json& object,
                      const WriteOptions& options,
                      std::vector<std::string>& warnings);
  ApiResult<Json> next_state(const Target& target,
                             const Json& live,
                             const Change& change,
                             const WriteOptions& options,
                             std::vector<std::string>& warnings);
  ApiResult<Json> decode_sent(const ResourceInfo& info,
                              const Json& sent,
                              const WriteOptions& options,
                              std::vector<std::string>& warnings);
  ApiStatus check_namespace(const Target& target) const;

  Store& store_;
  Admission& admission_;
  ServiceFiller allocate_;
};

}  // namespace kredis::sandbox::api
