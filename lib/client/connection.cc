#include "client/connection.h"

#include "base/clock.h"
#include "base/error.h"
#include "client/program_name.h"
#include "ipc/server_trust.h"
#include "ipc/socket.h"
#include "shm/memfd.h"

#include <poll.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace shmd::client {

namespace {

using wire::MessageType;

constexpr int kMostErrno = 4095;  // the kernel's MAX_ERRNO

shm::OwnPool MakePool() {
    try {
        return shm::OwnPool::Shared(wire::kPoolBytes, wire::kBlockBytes);
    } catch (const std::system_error&) {
        // A sandbox forbids memfds, or the kernel is old: the socket carries the payload.
        return shm::OwnPool::Private(wire::kBlockBytes);
    }
}

[[noreturn]] void ThrowProtocol(const char* what) {
    base::ThrowError(EPROTO, what);
}

/** Errors that say nothing about the server, but about this process or this machine. */
bool IsOwnWant(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

[[noreturn]] void ThrowOwnWant(int error) {
    const char* const what = error == EMFILE   ? "this process can open no more files"
                             : error == ENFILE ? "this machine can open no more files"
                                               : "no memory is left";
    base::ThrowError(error, what);
}

/** `named` is the user whom the PCM trusts, who may not exist, or empty. */
[[noreturn]] void ThrowDistrusted(const std::string& path, uid_t owner,
                                  const std::string& named) {
    const std::string others = named.empty() ? " or root" : ", root or '" + named + "'";
    base::ThrowError(
        EACCES, ("the server at " + path + " belongs to user " + std::to_string(owner) +
                 ", and not to this user" + others +
                 "; the key server_user or SHMD_SERVER_USER can name that user")
                    .c_str());
}

/** `denied` is the first socket that this user cannot reach, or empty. */
[[noreturn]] void ThrowNoServer(int error, const std::string& tried,
                                const std::string& denied) {
    // No socket file means the same to an application as a socket without a listener.
    if (error == ENOENT) error = ECONNREFUSED;
    if (error == EACCES && !denied.empty())
        base::ThrowError(error, ("this user may not reach the socket " + denied).c_str());
    base::ThrowError(error, ("no server answers at " + tried + " (start shmd)").c_str());
}

base::UniqueFd RequireServer(const Connection::Options& options) {
    std::string tried;
    std::string denied;
    std::optional<std::pair<std::string, uid_t>> distrusted;
    int error = ENOENT;
    for (const std::string& path : ipc::ClientSocketPaths(options.server)) {
        tried += (tried.empty() ? "" : " or ") + path;
        if (base::UniqueFd socket = ipc::TryConnect(path); socket) {
            const uid_t owner = ipc::PeerOf(socket.Get()).uid;
            if (ipc::IsTrusted(owner, path, options.server_user)) return socket;
            if (!distrusted) distrusted = {path, owner};
            continue;
        }
        if (IsOwnWant(errno)) ThrowOwnWant(errno);
        if (errno == EACCES && denied.empty()) denied = path;
        // Of several places the one that exists says more than the one that does not.
        if (errno != ENOENT) error = errno;
    }
    if (distrusted)
        ThrowDistrusted(distrusted->first, distrusted->second, options.server_user);
    ThrowNoServer(error, tried, denied);
}

int64_t AnswerDeadlineNs() noexcept {
    return base::SystemClock{}.NowNs() + Connection::kAnswerTimeoutMs * base::kNsPerMs;
}

/** Wait until `socket` is readable. Errors: ETIMEDOUT. */
void RequireReadable(int socket, int64_t deadline_ns) {
    pollfd waiting{socket, POLLIN, 0};
    int ready = 0;
    do {
        const int64_t left_ns = deadline_ns - base::SystemClock{}.NowNs();
        if (left_ns <= 0) break;
        ready = ::poll(&waiting, 1, static_cast<int>(left_ns / base::kNsPerMs + 1));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) base::ThrowError(ETIMEDOUT, "the shmd server does not answer");
}

[[noreturn]] void ThrowReceiveError(int error) {
    if (IsOwnWant(error)) ThrowOwnWant(error);
    if (error == EMSGSIZE) ThrowProtocol("a message of the server is too long");
    base::ThrowError(error, "the shmd server is gone");
}

}  // namespace

Connection::Connection(const Options& options)
    : own_pool_{MakePool()},
      socket_{RequireServer(options)},
      buffer_(wire::kMaxMessageBytes) {
    Greet(options);
    if (server_pool_) OfferOwnPool();
}

void Connection::Greet(const Options& options) {
    auto hello = wire::MakeMessage<wire::Hello>(NextSerial());
    hello.version = wire::kProtocolVersion;
    hello.flags = own_pool_.IsShared() ? wire::kCapabilityMemfd : 0;
    wire::SetText(hello.name, ProgramName());
    RequireSent(wire::BytesOf(hello));
    auto open = wire::MakeMessage<wire::OpenStream>(NextSerial());
    open.direction = static_cast<uint8_t>(options.direction);
    if (options.device.size() >= sizeof open.device)
        base::ThrowError(ENODEV, "the device's name is too long");
    wire::SetText(open.device, options.device);
    // The server would take the message for malformed, and close the connection.
    if (!wire::FindText(open.device))
        base::ThrowError(ENODEV, "the device's name has a control character");
    RequireSent(wire::BytesOf(open));
    const int64_t deadline_ns = AnswerDeadlineNs();
    for (bool greeted = false;;) {
        const auto [header, message] = Receive(deadline_ns);
        switch (static_cast<MessageType>(header.type)) {
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
                TakeServerPool(message);
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

void Connection::TakeServerPool(std::span<const std::byte> message) {
    const auto pool = wire::FindMessage<wire::RegisterPool>(message);
    if (!pool || pool->header.fd_count != 1 || pool->pool_id != wire::kServerPoolId ||
        server_pool_ || !own_pool_.IsShared() || !server_has_memfd_ ||
        pool->size_bytes <= wire::kBlockBytes || pool->size_bytes > wire::kPoolBytes)
        ThrowProtocol("malformed pool from the server");
    // This process has no room for the descriptor: the socket carries the payload.
    if (fds_.Count() == 0) return;
    const int fd = fds_.All().front().Get();
    const auto fault = shm::CheckOneWay(fd, pool->size_bytes);
    if (fault != shm::PoolFault::kNone) ThrowProtocol(shm::Describe(fault));
    try {
        server_pool_ =
            shm::Mapping::OfFile(fd, wire::kBlockBytes, shm::Mapping::Access::kReadOnly);
        server_pool_bytes_ = static_cast<size_t>(pool->size_bytes);
    } catch (const std::system_error&) {
        // No address space left (a 32-bit program, a limit): the socket carries the
        // payload.
    }
}

void Connection::OfferOwnPool() {
    auto registration = wire::MakeMessage<wire::RegisterPool>(NextSerial());
    registration.header.fd_count = 1;
    registration.pool_id = wire::kClientPoolId;
    registration.size_bytes = own_pool_.SizeBytes();
    const base::UniqueFd fd = own_pool_.TakeFd();
    const int raw_fd = fd.Get();
    const int error =
        ipc::SendMessage(socket_.Get(), wire::BytesOf(registration), {&raw_fd, 1}, 0);
    // ETOOMANYREFS: this user has as many descriptors on their way as RLIMIT_NOFILE
    // (unix(7)). The socket carries the payload; a server that is gone is seen next.
    if (error == 0) pool_serial_ = registration.header.serial;
}

bool Connection::PoolsAreShared(Listener& listener) {
    if (pool_serial_ == 0) return pools_are_shared_;
    const auto answer = AwaitAnswer(std::exchange(pool_serial_, 0), listener);
    pools_are_shared_ =
        answer.header.type == static_cast<uint16_t>(MessageType::kPoolRegistered);
    return pools_are_shared_;
}

bool Connection::TryMapOwnPool(size_t bytes) noexcept {
    return bytes <= own_pool_.SizeBytes() && own_pool_.TryMap(bytes);
}

bool Connection::TryMapServerPool(size_t bytes) noexcept {
    return bytes <= server_pool_bytes_ && server_pool_.TryGrow(bytes);
}

std::optional<Connection::Incoming> Connection::FindIncoming(
    const ipc::Received& received) const noexcept {
    const auto bytes = std::span{buffer_}.first(received.bytes);
    wire::MessageHeader header{};
    std::memcpy(&header, bytes.data(), std::min(sizeof header, bytes.size()));
    // How many there would have been is known from the header alone.
    const size_t fd_count = received.fds_error != 0 ? header.fd_count : fds_.Count();
    const auto checked = wire::FindHeader(bytes, fd_count);
    if (!checked || checked->fd_count > wire::kMaxMessageFds) return {};
    return Incoming{*checked, bytes};
}

Connection::Incoming Connection::Receive(int64_t deadline_ns) {
    RequireReadable(socket_.Get(), deadline_ns);
    auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds_, MSG_DONTWAIT);
    // A reset is told once, and before what the server has said last (unix(7): it closed
    // with something unread).
    if (received.error == ECONNRESET)
        received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds_, MSG_DONTWAIT);
    if (received.error != 0) ThrowReceiveError(received.error);
    const auto incoming = FindIncoming(received);
    if (!incoming) ThrowProtocol("malformed message from the server");
    return *incoming;
}

Connection::Incoming Connection::AwaitAnswer(uint32_t serial, Listener& listener) {
    const int64_t deadline_ns = AnswerDeadlineNs();
    for (;;) {
        const auto message = Receive(deadline_ns);
        if (message.header.serial != serial) {
            listener.OnMessage(message.header, message.bytes, fds_.All());
            continue;
        }
        if (static_cast<MessageType>(message.header.type) == MessageType::kRefused)
            ThrowRefused(message.bytes);
        return message;
    }
}

template <typename Answer, typename Request>
Answer Connection::Ask(Request request, Listener& listener) {
    PoolsAreShared(listener);
    request.header.serial = NextSerial();
    RequireSent(wire::BytesOf(request));
    const auto message = AwaitAnswer(request.header.serial, listener);
    const auto answer = wire::FindMessage<Answer>(message.bytes);
    if (!answer || message.header.type != static_cast<uint16_t>(Answer::kType) ||
        message.header.fd_count != 0)
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
    const auto received = ipc::ReceiveMessage(socket_.Get(), buffer_, fds_, MSG_DONTWAIT);
    if (received.error != 0)
        return received.error == EWOULDBLOCK ? EAGAIN : received.error;
    const auto message = FindIncoming(received);
    if (!message) return EPROTO;
    listener.OnMessage(message->header, message->bytes, fds_.All());
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
    // What alsa-lib hands on as -errno must be one: it is the server's word.
    const bool is_errno = refused->error > 0 && refused->error <= kMostErrno;
    base::ThrowError(is_errno ? refused->error : EPROTO, reason.c_str());
}

void Connection::RequireSent(std::span<const std::byte> message) {
    const int error = ipc::SendMessage(socket_.Get(), message, std::span<const int>{}, 0);
    // A server that refuses a connection sends the reason and closes it. Every caller
    // reads next, and gets that reason.
    if (error == 0 || error == EPIPE || error == ECONNRESET) return;
    if (IsOwnWant(error)) ThrowOwnWant(error);
    base::ThrowError(error, "sending to the shmd server");
}

}  // namespace shmd::client
