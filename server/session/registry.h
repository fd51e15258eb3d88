#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "loop/accept.h"
#include "loop/helpers.h"
#include "loop/timer.h"
#include "session/accepted_socket.h"
#include "session/accounts.h"
#include "session/memory_reserve.h"
#include "session/session.h"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace shmd::session {

/**
 * Accepts connections and owns their sessions.
 *
 * A new connection is charged with what a silent one holds (doc/decisions/0013), and has
 * a deadline for its Hello. When its user may have no more connections, the registry
 * drops that user's oldest one without parameters, if it was accepted idle_ns ago. A
 * connection beyond the limit is told the reason; where many of those come, the registry
 * closes the rest unanswered.
 *
 * Thread: loop.  Errors: an error that a connection causes ends only that connection.
 */
class Registry {
  public:
    struct Options {
        Accounts::Limits limits{};
        /** The most time from accepting a connection to its Hello. */
        int64_t hello_ns = 5 * base::kNsPerSecond;
        /** Since it was accepted; a younger one may be about to send SetParams. */
        int64_t idle_ns = 10 * base::kNsPerSecond;
    };

    /** @param listen_fd  borrowed.  `context` outlives this. */
    Registry(SessionContext& context, int listen_fd, const Options& options);
    ~Registry();

    void SetLimits(const Accounts::Limits& limits) noexcept {
        accounts_->SetLimits(limits);
    }
    [[nodiscard]] size_t Count() const noexcept { return sessions_.size(); }
    [[nodiscard]] const Accounts& GetAccounts() const noexcept { return *accounts_; }

  private:
    struct Entry {
        int64_t accepted_ns;
        Charge charge;
        std::unique_ptr<Session> session;
    };

    void OnAccept(base::UniqueFd socket) noexcept;
    void Add(uint64_t client_id, base::UniqueFd socket);
    void AddSession(uint64_t client_id, AcceptedSocket socket, const ucred& peer,
                    Charge connection, const Shortage& shortage);
    void CloseUnanswered(uid_t uid, AcceptedSocket socket);
    [[nodiscard]] bool HasRoom() const noexcept;
    [[nodiscard]] Shortage TryCharge(Charge& connection, Charge& socket, uid_t uid);
    bool MakeWay(uid_t uid);
    void OnAcceptError(int error) noexcept;
    void OnEnd(uint64_t client_id) noexcept;
    void RemoveEnded();
    void OnTimer();
    [[nodiscard]] int64_t DropSilent(int64_t now_ns);

    SessionContext& context_;
    Options options_;
    MemoryReserve reserve_;
    std::shared_ptr<Accounts> accounts_;
    // Each socket beyond its user's limit is an owner too, until it is closed.
    std::shared_ptr<const int> beyond_limits_ = std::make_shared<const int>();
    // Apart from the helpers that close what clients sent, because those may hang.
    loop::Helpers unanswered_;
    std::unordered_map<uint64_t, Entry> sessions_;
    std::vector<uint64_t> ended_;  // has room for all, so that it never grows in OnEnd
    bool will_remove_ = false;
    uint64_t last_client_id_ = 0;
    int last_accept_error_ = 0;
    loop::Timer timer_;
    loop::Acceptor acceptor_;
};

}  // namespace shmd::session
