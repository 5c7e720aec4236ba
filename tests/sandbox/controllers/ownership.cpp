// SPDX-License-Identifier: Apache-2.0
#include "tests/sandbox/controllers/ownership.hpp"

#include "tests/sandbox/controllers/selector.hpp"

namespace kredis::sandbox {
namespace {

bool is_adoptable(const Json& owner, const Json& object) {
  return !is_terminating(owner) && !is_terminating(object) && controller_of(object).is_null() &&
         matches_selector(at(owner, "spec.selector"), at(object, "metadata.labels"));
}

}  // namespace

Objects owned_by(Context& context,
                 const Json& owner,
                 const std::string& group,
                 const std::string& resource,
                 const std::function<bool(const Json&)>& may_adopt) {
  Objects mine;
  for (const Object& object : context.store.list(group, resource, namespace_of(owner))) {
    if (is_controlled_by(*object, owner)) {
      mine.push_back(object);
    } else if (is_adoptable(owner, *object) && (!may_adopt || may_adopt(*object))) {
      const Key key = key_of(group, resource, *object);
      update_status(context.store, key, [&](Json& changed) {
        changed["metadata"]["ownerReferences"].push_back(controller_reference(owner));
      });
      if (Object adopted = context.store.get(key)) {
        mine.push_back(std::move(adopted));
      }
    }
  }
  return mine;
}

}  // namespace kredis::sandbox
