#include "client/connection.h"

#include "base/error.h"
#include "ipc/fd_passing.h"
#include "ipc/socket.h"
#include "shm/memfd.h"

#include <poll.h>
#include <sys/socket.h>
#include <cerrno>
#include <system_error>

namespace shmd::client {

namespace {

using wire::MessageType;

shm::OwnPool MakePool() {
    try {
        return shm::OwnPool::Shared();
    } catch (const std::system_error&) {
        // A sandbox forbids memfds, or the kernel is old: the socket carries the payload.
        return shm::OwnPool::Private();
    }
}

[[noreturn]] void ThrowProtocol(const char* what) {
    base::ThrowError(EPROTO, what);
}

base::UniqueFd RequireServer(const std::string& configured) {
    std::string tried;
    int error = ENOENT;
    for (const std::string& path : ipc::ClientSocketPaths(configured)) {
        if (base::UniqueFd socket = ipc::TryConnect(path); socket) return socket;
        // Of several places the one that exists says more than the one that does not.
        if (errno != ENOENT) error = errno;
        tried += (tried.empty() ? "" : " or ") + path;
    }
    // No socket file means the same to an application as one that nobody answers on.
    if (error == ENOENT) error = ECONNREFUSED;
    base::ThrowError(error, ("no server answers at " + tried + " (start shmd)").c_str());
}

}  // namespace

Connection::Connection(const Options& options)
    : own_pool_{MakePool()},
      socket_{RequireServer(options.server)},
      buffer_(wire::kMaxMessageBytes) {
    Greet(options);
    if (server_pool_) OfferOwnPool();
}

void Connection::Greet(const Options& options) {
    auto hello = wire::MakeMessage<wire::Hello>(++serial_);
    hello.version = wire::kProtocolVersion;
    hello.flags = own_pool_.IsShared() ? wire::kCapabilityMemfd : 0;
    wire::SetText(hello.name, program_invocation_short_name);
    RequireSent(wire::BytesOf(hello), {});
    auto open = wire::MakeMessage<wire::OpenStream>(++serial_);
    open.direction = static_cast<uint8_t>(options.direction);
    if (options.device.size() >= sizeof open.device)
        base::ThrowError(ENODEV, "the device's name is too long");
    wire::SetText(open.device, options.device);
    RequireSent(wire::BytesOf(open), {});
    for (bool greeted = false;;) {
        std::vector<base::UniqueFd> fds;
        const auto message = Receive(fds);
        const auto header = wire::FindHeader(message, fds.size());
        if (!header) ThrowProtocol("malformed message from the server");
        switch (static_cast<MessageType>(header->type)) {
            case MessageType::kHello: {
                const auto answer = wire::FindMessage<wire::Hello>(message);
                if (!answer || answer->version != wire::kProtocolVersion)
                    ThrowProtocol("the server speaks another protocol");
                server_has_memfd_ = (answer->flags & wire::kCapabilityMemfd) != 0;
                greeted = true;
                break;
            }
            case MessageType::kRegisterPool:
                if (!greeted) ThrowProtocol("a pool before the server's hello");
                TakeServerPool(message, fds);
                break;
            case MessageType::kStreamOpened: {
                const auto opened = wire::FindMessage<wire::StreamOpened>(message);
                if (!greeted || !opened) ThrowProtocol("malformed answer to OpenStream");
                opened_ = *opened;
                return;
            }
            case MessageType::kRefused:
                ThrowRefused(message);
            default:
                break;  // a later version's; it can do without an answer
        }
    }
}

void Connection::TakeServerPool(std::span<const std::byte> message,
                                std::vector<base::UniqueFd>& fds) {
    const auto pool = wire::FindMessage<wire::RegisterPool>(message);
    if (!pool || fds.size() != 1 || pool->pool_id != wire::kServerPoolId ||
        server_pool_ || !own_pool_.IsShared() || !server_has_memfd_ ||
        pool->size_bytes <= wire::kBlockBytes || pool->size_bytes > wire::kPoolBytes)
        ThrowProtocol("malformed pool from the server");
    const auto fault = shm::CheckOneWay(fds.front().Get(), pool->size_bytes);
    if (fault != shm::PoolFault::kNone) ThrowProtocol(shm::Describe(fault));
    try {
        server_pool_ =
            shm::Mapping::OfFile(fds.front().Get(), static_cast<size_t>(pool->size_bytes),
                                 shm::Mapping::Access::kReadOnly);
    } catch (const std::system_error&) {
        // No address space left (a 32-bit program, a limit): the socket carries the
        // payload.
    }
}

void Connection::OfferOwnPool() {
    auto registration = wire::MakeMessage<wire::RegisterPool>(++serial_);
    registration.header.fd_count = 1;
    registration.pool_id = wire::kClientPoolId;
    registration.size_bytes = own_pool_.Bytes().size();
    const base::UniqueFd fd = own_pool_.TakeFd();
    const int raw_fd = fd.Get();
    RequireSent(wire::BytesOf(registration), {&raw_fd, 1});
    pool_serial_ = registration.header.serial;
}

bool Connection::PoolsAreShared(Listener& listener) {
    if (pool_serial_ == 0) return pools_are_shared_;
    const auto message = AwaitAnswer(std::exchange(pool_serial_, 0), listener);
    const auto header = wire::FindHeader(message, 0);
    pools_are_shared_ =
        header && header->type == static_cast<uint16_t>(MessageType::kPoolRegistered);
    return pools_are_shared_;
}

std::span<const std::byte> Connection::Receive(std::vector<base::UniqueFd>& fds) {
    pollfd waiting{socket_.Get(), POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&waiting, 1, kAnswerTimeoutMs);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) base::ThrowError(ETIMEDOUT, "the shmd server does not answer");
    auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds, MSG_DONTWAIT);
    // A reset is told once, and before what the server has said last (unix(7): it closed
    // with something unread).
    if (received.error == ECONNRESET)
        received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds, MSG_DONTWAIT);
    if (received.error != 0) base::ThrowError(received.error, "the shmd server is gone");
    return std::span{buffer_}.first(received.bytes);
}

std::span<const std::byte> Connection::AwaitAnswer(uint32_t serial, Listener& listener) {
    for (;;) {
        std::vector<base::UniqueFd> fds;
        const auto message = Receive(fds);
        const auto header = wire::FindHeader(message, fds.size());
        if (!header) ThrowProtocol("malformed message from the server");
        const bool is_answer = header->serial == serial;
        const auto type = static_cast<MessageType>(header->type);
        if (type == MessageType::kRefused && is_answer) ThrowRefused(message);
        if (is_answer) return message;
        listener.OnMessage(*header, message, fds);
    }
}

template <typename Answer, typename Request>
Answer Connection::Ask(Request request, Listener& listener) {
    PoolsAreShared(listener);
    request.header.serial = ++serial_;
    RequireSent(wire::BytesOf(request), {});
    const auto message = AwaitAnswer(request.header.serial, listener);
    const auto header = wire::FindHeader(message, 0);
    const auto answer = wire::FindMessage<Answer>(message);
    if (!answer || header->type != static_cast<uint16_t>(Answer::kType))
        ThrowProtocol("another answer than was asked for");
    return *answer;
}

template wire::ParamsSet Connection::Ask(wire::SetParams, Listener&);
template wire::ParamsFreed Connection::Ask(wire::FreeParams, Listener&);
template wire::GainSet Connection::Ask(wire::SetGain, Listener&);

int Connection::Send(std::span<const std::byte> head,
                     std::span<const std::byte> body) noexcept {
    // Blocking, but not for long: the socket has a send timeout (ipc::TryConnect).
    return ipc::SendMessage(socket_.Get(), head, body, 0);
}

int Connection::TakeOne(Listener& listener) noexcept {
    std::vector<base::UniqueFd> fds;
    const auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds, MSG_DONTWAIT);
    if (received.error != 0)
        return received.error == EWOULDBLOCK ? EAGAIN : received.error;
    const auto message = std::span{buffer_}.first(received.bytes);
    const auto header = wire::FindHeader(message, fds.size());
    if (!header) return EPROTO;
    listener.OnMessage(*header, message, fds);
    return 0;
}

bool Connection::IsAlive() const noexcept {
    // Asked this way, the end is seen although a wake may still wait before it.
    pollfd socket{socket_.Get(), POLLRDHUP, 0};
    return ::poll(&socket, 1, 0) <= 0;
}

void Connection::ThrowRefused(std::span<const std::byte> message) {
    const auto refused = wire::FindMessage<wire::Refused>(message);
    if (!refused) ThrowProtocol("malformed refusal");
    const std::string reason{wire::FindText(refused->reason).value_or("refused")};
    base::ThrowError(refused->error > 0 ? refused->error : EPROTO, reason.c_str());
}

void Connection::RequireSent(std::span<const std::byte> message,
                             std::span<const int> fds) {
    const int error = ipc::SendMessage(socket_.Get(), message, fds, 0);
    // A server that refuses a connection says why and closes it. That is still to be
    // read, and all who send read next.
    if (error == 0 || error == EPIPE || error == ECONNRESET) return;
    base::ThrowError(error, "sending to the shmd server");
}

}  // namespace shmd::client
