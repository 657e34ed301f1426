// Types: the record types that several scopes share.
#pragma once

#include "tmpl/type.h"

namespace kb::lower {

tmpl::TypeRef TopologyType();
tmpl::TypeRef NetworkType();
tmpl::TypeRef InstallType();
tmpl::TypeRef ServerType();
tmpl::TypeRef VolumeType();
tmpl::TypeRef ImageType();
tmpl::TypeRef SecretType();
tmpl::TypeRef AddressType();
tmpl::TypeRef ResourceType();
tmpl::TypeRef RoleType();

}  // namespace kb::lower
