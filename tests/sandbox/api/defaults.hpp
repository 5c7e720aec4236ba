// SPDX-License-Identifier: Apache-2.0
//
// What Kubernetes fills in by itself, so that users and programs see the same objects here.
// Follows pkg/apis/*/v1/defaults.go. Filling in twice changes nothing.
#pragma once

#include "tests/sandbox/api/resources.hpp"

namespace kredis::sandbox::api {

/// Fills in what the kind's author left out.
void apply_defaults(const ResourceInfo& info, Json& object);

/// Sets what only the server may set on a new object: the first status and system labels.
void prepare_new(const ResourceInfo& info, Json& object);

/// What the admission plugins of a stock cluster add to a new object: a pod's service account and
/// tolerations, a claim's default storage class.
void apply_builtin_admission(const Store& store, const ResourceInfo& info, Json& object);

}  // namespace kredis::sandbox::api
