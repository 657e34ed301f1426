#include "services/hook.h"

#include <array>

namespace kb::services {

const Hook* FindHook(std::string_view module) {
  static const std::array kHooks{&kPostgresqlHa, &kPgbouncer, &kRedisHa,       &kRedisWatcher,
                                 &kRabbitmqHa,   &kMinio,     &kMariadbGalera, &kProxysql};
  for (const Hook* hook : kHooks) {
    if (hook->module == module) return hook;
  }
  return nullptr;
}

}  // namespace kb::services
