// SPDX-License-Identifier: Apache-2.0
//
// Label selectors in the shapes that objects carry: a plain map, matchLabels with matchExpressions,
// and a node selector's terms. Selectors in URLs are the API server's.
#pragma once

#include "shared/json/json.hpp"

namespace kredis::sandbox {

/// Whether every pair of `selector` is among `labels`. An empty selector matches all.
bool matches_map(const Json& selector, const Json& labels);

/// Whether a LabelSelector matches. Null matches nothing, an empty one all.
bool matches_selector(const Json& selector, const Json& labels);

/// Whether one of a node selector's terms matches the node's labels and name.
bool matches_node_terms(const Json& terms, const Json& node);

/// Whether one node selector term (matchExpressions and matchFields) matches.
bool matches_node_term(const Json& term, const Json& node);

}  // namespace kredis::sandbox
