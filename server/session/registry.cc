#include "session/registry.h"

#include "ipc/socket.h"

#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace shmd::session {

namespace {

// The session, its operations and its socket in the kernel; and the answers on their way.
constexpr Amounts kConnectionAmounts{.connections = 1, .memory_bytes = 32 * 1024};

/**
 * The most sockets beyond their users' limits that are not closed yet. No account is
 * charged for them: the descriptors that are kept from all accounts (machine_limits.cc)
 * must suffice for them and for the server's own. At this number nothing is accepted.
 */
constexpr long kMostBeyondLimits = 64;
/** How many of them are told the reason, at their users' turns. A user that pauses
 * (UserQueue) would delay more of them, so the others are closed elsewhere. */
constexpr long kMostAnswered = 16;

// All sessions are looked at, so not more often: a deadline is kept that well.
constexpr int64_t kLookEveryNs = 100 * base::kNsPerMs;

}  // namespace

Registry::Registry(SessionContext& context, int listen_fd, const Options& options)
    : context_{context},
      options_{options},
      accounts_{std::make_shared<Accounts>(options.limits, ::geteuid(),
                                           [this] { return reserve_.TryKeep(); })},
      unanswered_{context.loop},
      timer_{context.loop, [this] { OnTimer(); }},
      acceptor_{context.loop, listen_fd,
                [this](base::UniqueFd socket) { OnAccept(std::move(socket)); },
                [this](int error) { OnAcceptError(error); },
                [this] { return HasRoom(); }} {}

Registry::~Registry() = default;

bool Registry::HasRoom() const noexcept {
    return beyond_limits_.use_count() - 1 < kMostBeyondLimits;
}

void Registry::OnAccept(base::UniqueFd socket) noexcept {
    last_accept_error_ = 0;
    const uint64_t id = ++last_client_id_;
    try {
        try {
            Add(id, std::move(socket));
        } catch (const std::exception& error) {
            context_.log(
                true, {.kind = "not_accepted"},
                "client=" + std::to_string(id) + " not accepted: " + error.what());
        }
    } catch (const std::exception&) {
        // No memory for the line either.
    }
}

void Registry::Add(uint64_t client_id, base::UniqueFd socket) {
    const ucred peer = ipc::PeerOf(socket.Get());
    Charge connection;
    Charge socket_charge;
    const Shortage shortage = TryCharge(connection, socket_charge, peer.uid);
    const bool is_answered = !shortage || beyond_limits_.use_count() - 1 < kMostAnswered;
    AcceptedSocket accepted{std::move(socket), std::move(socket_charge),
                            shortage ? beyond_limits_ : std::shared_ptr<const void>{}};
    if (is_answered)
        AddSession(client_id, std::move(accepted), peer, std::move(connection), shortage);
    else
        CloseUnanswered(peer.uid, std::move(accepted));
}

void Registry::AddSession(uint64_t client_id, AcceptedSocket socket, const ucred& peer,
                          Charge connection, const Shortage& shortage) {
    const int64_t now_ns = base::SystemClock{}.NowNs();
    const Charge account = connection.OfSameUser();
    ended_.reserve(sessions_.size() + 1);
    Entry& entry = sessions_[client_id];
    try {
        entry = {
            now_ns, std::move(connection),
            std::make_unique<Session>(context_, client_id, std::move(socket), peer,
                                      account, [this, client_id] { OnEnd(client_id); })};
    } catch (...) {
        sessions_.erase(client_id);
        throw;
    }
    if (shortage) entry.session->RefuseConnection(shortage.error, shortage.reason);
    if (!timer_.Armed()) timer_.ArmAtNs(now_ns + options_.hello_ns);
}

void Registry::CloseUnanswered(uid_t uid, AcceptedSocket socket) {
    unanswered_.Own(uid, std::make_unique<AcceptedSocket>(std::move(socket))).reset();
    context_.log(true, {.kind = "refused", .uid = uid},
                 "uid=" + std::to_string(uid) +
                     " refused: one of many connections beyond its limit");
}

/** Both or none. */
Shortage Registry::TryCharge(Charge& connection, Charge& socket, uid_t uid) {
    const Charge none{accounts_, uid};
    const auto try_once = [&] {
        connection = none.OfSameUser();
        socket = none.OfSameUser();
        const Shortage shortage = connection.TryHold(kConnectionAmounts);
        return shortage ? shortage : socket.TryHold(Session::kSocketAmounts);
    };
    Shortage shortage = try_once();
    if (shortage.error == EDQUOT && MakeWay(uid)) shortage = try_once();
    if (shortage) {
        connection.GiveBack();
        socket.GiveBack();
    }
    return shortage;
}

/** End the longest idle connection of a user. @return whether there was one */
bool Registry::MakeWay(uid_t uid) {
    auto oldest = sessions_.end();
    for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
        const Session& session = *entry->second.session;
        if (session.Peer().uid != uid || session.HasParams() || session.HasEnded())
            continue;
        if (oldest == sessions_.end() ||
            entry->second.accepted_ns < oldest->second.accepted_ns)
            oldest = entry;
    }
    const int64_t now_ns = base::SystemClock{}.NowNs();
    if (oldest == sessions_.end() ||
        now_ns - oldest->second.accepted_ns < options_.idle_ns)
        return false;
    oldest->second.session->Drop("idle, and its user needs room for another connection");
    // It may be destroyed at once: no method of it is on the stack.
    RemoveEnded();
    return true;
}

void Registry::OnAcceptError(int error) noexcept {
    // Told once, not at each retry.
    if (error == std::exchange(last_accept_error_, error)) return;
    try {
        context_.log(true, {.kind = "not_accepted"},
                     std::string{"accepting a connection: "} + std::strerror(error));
    } catch (const std::exception&) {
        // No memory for the line.
    }
}

void Registry::OnEnd(uint64_t client_id) noexcept {
    ended_.push_back(client_id);
    if (std::exchange(will_remove_, true)) return;
    try {
        context_.loop.Defer([this] { RemoveEnded(); });
    } catch (const std::exception&) {
        // The timer needs no memory.
        timer_.ArmAtNs(0);
    }
}

void Registry::RemoveEnded() {
    will_remove_ = false;
    std::erase_if(ended_, [this](uint64_t client_id) {
        const auto found = sessions_.find(client_id);
        if (found == sessions_.end()) return true;
        if (!found->second.session->TryRelease()) return false;
        sessions_.erase(found);
        return true;
    });
    // No memory to take its stream from the device: later there may be.
    if (!ended_.empty()) timer_.ArmAtNs(base::SystemClock{}.NowNs() + kLookEveryNs);
}

/** One timer for all: for what is left to remove, and for the next Hello that is due. */
void Registry::OnTimer() {
    const int64_t now_ns = base::SystemClock{}.NowNs();
    const int64_t next_ns = DropSilent(now_ns);
    RemoveEnded();
    if (!timer_.Armed() && next_ns != base::kNever)
        timer_.ArmAtNs(std::max(next_ns, now_ns + kLookEveryNs));
}

/** @return the next deadline of a connection that has not said Hello yet, or kNever */
int64_t Registry::DropSilent(int64_t now_ns) {
    int64_t next_ns = base::kNever;
    for (const auto& [id, entry] : sessions_) {
        if (entry.session->IsGreeted() || entry.session->HasEnded()) continue;
        const int64_t deadline_ns = entry.accepted_ns + options_.hello_ns;
        if (deadline_ns <= now_ns)
            entry.session->Drop("no hello");
        else
            next_ns = std::min(next_ns, deadline_ns);
    }
    return next_ns;
}

}  // namespace shmd::session
