#include "session/registry.h"

#include "ipc/socket.h"
#include "wire/limits.h"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace shmd::session {

namespace {

/** What a connection may map here: its own pool and the server's for it. */
constexpr uint64_t kConnectionBytes = 2 * wire::kPoolBytes;

}  // namespace

Registry::Registry(SessionContext& context, int listen_fd, const Quota::Limits& limits)
    : context_{context},
      quota_{limits},
      acceptor_{context.loop, listen_fd,
                [this](base::UniqueFd socket) { OnAccept(std::move(socket)); },
                [this](int error) { OnAcceptError(error); }} {}

Registry::~Registry() = default;

void Registry::OnAccept(base::UniqueFd socket) {
    last_accept_error_ = 0;
    const uint64_t id = ++last_client_id_;
    bool is_charged = false;
    uid_t uid = 0;
    try {
        const ucred peer = ipc::PeerOf(socket.Get());
        uid = peer.uid;
        const char* exceeded = quota_.TryCharge(uid, kConnectionBytes);
        is_charged = exceeded == nullptr;
        auto session = std::make_unique<Session>(context_, id, std::move(socket), peer,
                                                 [this, id] { Remove(id); });
        Session& added = *session;
        sessions_[id] = {std::move(session), is_charged};
        if (!is_charged)
            added.RefuseConnection(EDQUOT, std::string{"the limit "} + exceeded +
                                               " of shmd.conf is reached");
    } catch (const std::system_error& error) {
        if (is_charged) quota_.Discharge(uid, kConnectionBytes);
        context_.log(true, {.kind = "not_accepted", .uid = uid},
                     "client=" + std::to_string(id) + " not accepted: " + error.what());
    }
}

void Registry::OnAcceptError(int error) {
    // Told once, not at each retry.
    if (error != last_accept_error_)
        context_.log(true, {.kind = "not_accepted"},
                     std::string{"accepting a connection: "} + std::strerror(error));
    last_accept_error_ = error;
}

void Registry::Remove(uint64_t client_id) {
    const auto found = sessions_.find(client_id);
    if (found == sessions_.end()) return;
    if (found->second.is_charged)
        quota_.Discharge(found->second.session->Peer().uid, kConnectionBytes);
    sessions_.erase(found);
}

}  // namespace shmd::session
