#pragma once

#include "base/unique_fd.h"
#include "loop/accept.h"
#include "session/quota.h"
#include "session/session.h"

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace shmd::session {

/** Accepts connections and owns their sessions. Thread: loop. */
class Registry {
  public:
    /** @param listen_fd  borrowed.  `context` outlives this. */
    Registry(SessionContext& context, int listen_fd, const Quota::Limits& limits);
    ~Registry();

    void SetLimits(const Quota::Limits& limits) noexcept { quota_.SetLimits(limits); }
    [[nodiscard]] size_t Count() const noexcept { return sessions_.size(); }

  private:
    void OnAccept(base::UniqueFd socket);
    void OnAcceptError(int error);
    void Remove(uint64_t client_id);

    struct Entry {
        std::unique_ptr<Session> session;
        bool is_charged;
    };

    SessionContext& context_;
    Quota quota_;
    std::unordered_map<uint64_t, Entry> sessions_;
    uint64_t last_client_id_ = 0;
    int last_accept_error_ = 0;
    loop::Acceptor acceptor_;
};

}  // namespace shmd::session
