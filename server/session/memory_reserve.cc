#include "session/memory_reserve.h"

#include "shm/mapping.h"

#include <mutex>
#include <new>
#include <system_error>
#include <utility>

namespace shmd::session {

namespace {

std::mutex g_mutex;
shm::Mapping g_reserve;
std::new_handler g_former_handler = nullptr;

/** operator new tries again after each return of this. */
void SpendReserve() {
    const std::lock_guard lock{g_mutex};
    if (!g_reserve) throw std::bad_alloc{};
    const shm::Mapping spent = std::exchange(g_reserve, {});
}

}  // namespace

MemoryReserve::MemoryReserve() {
    static_cast<void>(TryKeep());
    g_former_handler = std::set_new_handler(SpendReserve);
}

MemoryReserve::~MemoryReserve() {
    std::set_new_handler(g_former_handler);
    const std::lock_guard lock{g_mutex};
    const shm::Mapping unused = std::exchange(g_reserve, {});
}

bool MemoryReserve::TryKeep() noexcept {
    const std::lock_guard lock{g_mutex};
    if (g_reserve) return true;
    try {
        g_reserve = shm::Mapping::OfNothing(kBytes);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace shmd::session
