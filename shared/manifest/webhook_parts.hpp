// SPDX-License-Identifier: Apache-2.0
//
// Pieces of the webhook's objects: names and labels, and the two configurations that lead the API
// server to it. Only for the files of this layer.
#pragma once

#include <map>
#include <string>

#include "shared/manifest/webhook_objects.hpp"

namespace kredis::manifest {

enum class Scope { namespaced, cluster };
enum class Judging { mutating, validating };

std::map<std::string, std::string> webhook_selector_labels();
std::map<std::string, std::string> webhook_labels(const WebhookSpec& spec);

/// An object named like the webhook, with its labels.
Json webhook_object(const WebhookSpec& spec,
                    const std::string& api_version,
                    const std::string& kind,
                    Scope scope);

/// The image that is asked for, else the product's own of this version.
std::string webhook_image(const WebhookSpec& spec);

/// Which changes are asked about, in which namespaces, and what holds when nobody answers.
Json webhook_configuration(const WebhookSpec& spec, Judging judging);

}  // namespace kredis::manifest
