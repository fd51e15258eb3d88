#include "base/thread_role.h"

namespace shmd::base {

namespace {
thread_local ThreadRole g_role = ThreadRole::kNone;
}

void SetThreadRole(ThreadRole role) noexcept {
    g_role = role;
}

ThreadRole CurrentThreadRole() noexcept {
    return g_role;
}

}  // namespace shmd::base
