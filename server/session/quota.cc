#include "session/quota.h"

namespace shmd::session {

const char* Quota::TryCharge(uid_t uid, uint64_t bytes) {
    Held& held = users_[uid];
    const char* exceeded = nullptr;
    if (clients_ >= limits_.clients)
        exceeded = "max_clients";
    else if (held.clients >= limits_.clients_per_user)
        exceeded = "max_clients_per_user";
    else if (bytes > limits_.bytes_per_user ||
             held.bytes > limits_.bytes_per_user - bytes)
        exceeded = "max_memory_per_user_mib";
    if (exceeded == nullptr) {
        ++clients_;
        ++held.clients;
        held.bytes += bytes;
    }
    if (held.clients == 0) users_.erase(uid);
    return exceeded;
}

void Quota::Discharge(uid_t uid, uint64_t bytes) {
    const auto found = users_.find(uid);
    if (found == users_.end()) return;
    --clients_;
    --found->second.clients;
    found->second.bytes -= bytes;
    if (found->second.clients == 0) users_.erase(found);
}

}  // namespace shmd::session
