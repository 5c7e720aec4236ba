// SPDX-License-Identifier: Apache-2.0
//
// ControllerRevisions: the pod templates that a StatefulSet has had, each stored once.
#pragma once

#include <string>

#include "tests/sandbox/controllers/context.hpp"

namespace kredis::sandbox {

/// The name of the revision of the set's present template. Pure.
std::string revision_name(const Json& set);

/// The ControllerRevision of the set's present template. Pure.
Json make_revision(const Json& set, std::int64_t number);

/// The template that a revision keeps; null when the revision is none of this set's.
const Json& revision_template(const Objects& revisions, const std::string& name);

/// Stores the present template unless it is stored, moves it to the front when it is an old one,
/// and drops revisions past `revisionHistoryLimit`. Returns all that remain.
Objects sync_revisions(Context& context, const Json& set);

}  // namespace kredis::sandbox
