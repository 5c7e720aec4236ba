// SPDX-License-Identifier: Apache-2.0
//
// What goes when its owner goes, and in which order.
// https://kubernetes.io/docs/concepts/architecture/garbage-collection/
#pragma once

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// Deletes objects whose every owner is gone; finishes foreground and orphaning deletions.
void collect_garbage(Context& context);

}  // namespace kredis::sandbox
