#include "fuzz/scripted_server.h"

#include "base/error.h"
#include "fuzz/descriptors.h"
#include "ipc/address.h"
#include "shm/position.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <tuple>
#include <utility>

namespace shmd::fuzz {

namespace {

using wire::MessageType;
using Words = std::array<std::atomic<uint64_t>, sizeof(wire::ServerBlock) / 8>;

constexpr int kActsInAWait = 4;

ScriptedServer* active = nullptr;

}  // namespace

ScriptedServer* ScriptedServer::Active() noexcept {
    return active;
}

ScriptedServer::ScriptedServer(Input& input, const std::string& path)
    : input_{input},
      listening_{base::RequireNonNegative(
          ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
          "socket")} {
    ::unlink(path.c_str());
    const auto address = ipc::FindAddress(path);
    base::RequireNonNegative(
        ::bind(listening_.Get(), reinterpret_cast<const sockaddr*>(&*address),
               sizeof *address),
        "bind");
    base::RequireNonNegative(::listen(listening_.Get(), 8), "listen");
    active = this;
}

ScriptedServer::~ScriptedServer() {
    active = nullptr;
}

void ScriptedServer::Accept() {
    base::UniqueFd socket{::accept4(listening_.Get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) return;
    Close();
    if (is_down_) return;
    socket_ = std::move(socket);
    pool_.emplace(shm::OwnPool::Shared());
}

void ScriptedServer::Close() {
    socket_.Reset();
    client_pool_ = {};
    requests_.clear();
}

void ScriptedServer::TakeRequests() {
    Accept();
    if (!socket_) return;
    for (;;) {
        const auto message = receiving_.TakeNext(socket_.Get());
        if (message.empty()) return;
        const auto header = wire::FindHeader(message, receiving_.Fds().size());
        if (!header) continue;
        requests_.push_back(*header);
        if (const auto params = receiving_.Find<wire::SetParams>(message))
            params_ = *params;
        if (const auto words = receiving_.Find<wire::ClientWords>(message))
            words_command_ = words->command;
        if (const auto pool = receiving_.Find<wire::RegisterPool>(message))
            client_pool_ = shm::Mapping::OfFile(receiving_.Fds().front().Get(),
                                                static_cast<size_t>(pool->size_bytes),
                                                shm::Mapping::Access::kReadOnly);
    }
}

void ScriptedServer::OnWait() {
    for (int acts = 0; acts < kActsInAWait; ++acts) {
        Act();
        if (has_sent_) return;
    }
}

void ScriptedServer::Act() {
    has_sent_ = false;
    TakeRequests();
    switch (input_.TakeIndex(16)) {
        case 1:
        case 2:
        case 3:
        case 4:
            return SendAny();
        case 5:
            return Send(TakeRaw(input_));
        case 6:
        case 7:
            return StorePosition();
        case 8:
            return StoreWord();
        case 9:
            return StoreBytes();
        case 10:
            is_down_ = input_.TakeIndex(2) == 1;
            return Close();
        case 11:
            if (!requests_.empty()) requests_.pop_front();
            return;
        default:
            return AnswerOldest();
    }
}

void ScriptedServer::Send(Packet packet) {
    packet.Mutate(input_);
    has_sent_ = true;
    if (socket_) std::ignore = packet.SendTo(socket_.Get());
}

/** As a server should that grants everything. */
void ScriptedServer::AnswerOldest() {
    while (!requests_.empty() && !has_sent_) {
        const wire::MessageHeader request = requests_.front();
        requests_.pop_front();
        Answer(request);
    }
}

void ScriptedServer::Answer(const wire::MessageHeader& request) {
    const auto send = [this](const auto& message) { Send(Packet{message}); };
    switch (static_cast<MessageType>(request.type)) {
        case MessageType::kHello:
            return Greet(request.serial);
        case MessageType::kOpenStream: {
            auto opened = wire::MakeMessage<wire::StreamOpened>(request.serial);
            opened.stream_id = 5;
            opened.device_rate_hz = 48000;
            opened.device_channels = 2;
            return send(opened);
        }
        case MessageType::kRegisterPool: {
            auto registered = wire::MakeMessage<wire::PoolRegistered>(request.serial);
            registered.pool_id = wire::kClientPoolId;
            return send(registered);
        }
        case MessageType::kSetParams: {
            Packet set = TakeParamsSet();
            return Send(std::move(set));
        }
        case MessageType::kFreeParams:
            return send(wire::MakeMessage<wire::ParamsFreed>(request.serial));
        default:
            return;
    }
}

/** With a pool, or as a server without memfds. */
void ScriptedServer::Greet(uint32_t serial) {
    const bool has_pool = input_.TakeIndex(4) != 1;
    auto hello = wire::MakeMessage<wire::Hello>(serial);
    hello.version = wire::kProtocolVersion;
    hello.flags = has_pool ? wire::kCapabilityMemfd : 0;
    Send(Packet{hello});
    if (has_pool) SendPool();
}

void ScriptedServer::SendPool() {
    if (!pool_) return;
    auto registration = wire::MakeMessage<wire::RegisterPool>();
    registration.pool_id = wire::kServerPoolId;
    registration.size_bytes = wire::kPoolBytes;
    Packet packet{registration};
    if (base::UniqueFd fd = pool_->TakeFd(); fd && input_.TakeIndex(8) != 1)
        packet.Attach(std::move(fd));
    else
        packet.Attach(TakeDescriptor(input_, wire::kPoolBytes));
    Send(std::move(packet));
}

void ScriptedServer::SendAny() {
    if (input_.TakeIndex(8) == 1) return SendPool();
    Send(TakePacket());
}

Packet ScriptedServer::TakePacket() {
    switch (input_.TakeIndex(12)) {
        case 0:
            return TakeRefused();
        case 1:
            return TakeParamsSet();
        case 2:
        case 3:
            return TakeData();
        case 4:
        case 5:
            return TakeServerWords();
        case 6:
        case 7:
            return TakeGrant();
        case 8: {
            auto recall = wire::MakeMessage<wire::DirectRecall>();
            recall.grant = grants_;
            return Packet{recall};
        }
        case 9:
            return Packet{wire::MakeMessage<wire::StreamOpened>(TakeSerial())};
        case 10:
            return Packet{wire::MakeMessage<wire::PoolRefused>(TakeSerial())};
        default:
            return Packet{wire::MakeMessage<wire::Wake>()};
    }
}

Packet ScriptedServer::TakeRefused() {
    auto refused = wire::MakeMessage<wire::Refused>(TakeSerial());
    refused.error = static_cast<int32_t>(input_.TakeWord());
    wire::SetText(refused.reason, "as the script says");
    return Packet{refused};
}

/** Mostly that of the newest request, or none. */
uint32_t ScriptedServer::TakeSerial() {
    const size_t choice = input_.TakeIndex(4);
    if (choice == 1) return 0;
    if (choice == 2) return input_.TakeByte();
    return requests_.empty() ? params_.header.serial : requests_.back().serial;
}

Packet ScriptedServer::TakeParamsSet() {
    auto set = wire::MakeMessage<wire::ParamsSet>(params_.header.serial);
    set.generation = ++generation_;
    // A player does not look at these.
    set.ring_offset = wire::kBlockBytes;
    set.ring_bytes = input_.TakeIndex(4) == 1 ? input_.TakeWord() : params_.ring_bytes;
    if (set.ring_bytes == 0) set.ring_bytes = uint64_t{params_.buffer_frames} * 4;
    return Packet{set};
}

Packet ScriptedServer::TakeData() {
    auto data = wire::MakeMessage<wire::Data>();
    data.position_frames = TakeFrame();
    data.frames = input_.Take<uint16_t>() % 1024;
    Packet packet{data};
    packet.Append(std::vector<std::byte>(size_t{data.frames} * 4));
    return packet;
}

Packet ScriptedServer::TakeServerWords() {
    auto words = wire::MakeMessage<wire::ServerWords>();
    words.acted = input_.TakeIndex(8) == 1 ? input_.TakeWord() : Command();
    words.state = input_.TakeIndex(8);
    words.position_frames = TakeFrame();
    words.position_ns = TakeTimeNs();
    words.limit_frames = TakeFrame();
    words.delay_frames = input_.TakeWord();
    words.woken = input_.TakeByte();
    return Packet{words};
}

Packet ScriptedServer::TakeGrant() {
    auto grant = wire::MakeMessage<wire::DirectGrant>();
    grant.grant = ++grants_;
    grant.ring_frames = input_.TakeIndex(4) == 1
                            ? static_cast<uint32_t>(input_.TakeWord())
                            : 2 * params_.buffer_frames;
    Packet packet{grant};
    packet.Attach(TakeDescriptor(input_, uint64_t{params_.buffer_frames} * 2 * 4));
    return packet;
}

uint64_t ScriptedServer::Command() const noexcept {
    if (!client_pool_) return words_command_;
    return reinterpret_cast<const wire::ClientBlock*>(client_pool_.Bytes().data())
        ->command.load();
}

/** Mostly one that the client may believe. */
uint64_t ScriptedServer::TakeFrame() {
    if (input_.TakeIndex(4) == 1) return input_.TakeWord();
    return input_.Take<uint16_t>() % 10000;
}

int64_t ScriptedServer::TakeTimeNs() {
    return input_.TakeIndex(4) == 1 ? static_cast<int64_t>(input_.TakeWord()) : now_ns_;
}

void ScriptedServer::StorePosition() {
    if (!pool_) return;
    auto& block = *reinterpret_cast<wire::ServerBlock*>(pool_->Bytes().data());
    shm::WritePosition(
        block,
        {.acted = input_.TakeIndex(8) == 1 ? input_.TakeWord() : Command(),
         .state = static_cast<wire::StreamState>(input_.TakeIndex(8)),
         .frames = TakeFrame(),
         .time_ns =
             input_.TakeIndex(4) == 1 ? static_cast<int64_t>(input_.TakeWord()) : now_ns_,
         .limit_frames = TakeFrame(),
         .delay_frames = input_.TakeIndex(4) == 1 ? input_.TakeWord() : 0,
         .xruns = 0});
}

void ScriptedServer::StoreWord() {
    if (!pool_) return;
    auto& words = *reinterpret_cast<Words*>(pool_->Bytes().data());
    const size_t place = input_.TakeIndex(words.size());
    words[place] = input_.TakeWord();
}

void ScriptedServer::StoreBytes() {
    const auto bytes = input_.TakeBytes(input_.TakeByte());
    if (!pool_) return;
    std::ranges::copy(bytes, pool_->Bytes().subspan(wire::kBlockBytes).begin());
}

}  // namespace shmd::fuzz

// What the client's calls are linked to (fuzz/module.am).
extern "C" {
int __real_poll(pollfd* fds, nfds_t count, int timeout_ms);
ssize_t __real_sendmsg(int socket, const msghdr* message, int flags);
int __wrap_poll(pollfd* fds, nfds_t count, int timeout_ms);
ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags);

int __wrap_poll(pollfd* fds, nfds_t count, int timeout_ms) {
    const int ready = __real_poll(fds, count, 0);
    auto* const server = shmd::fuzz::ScriptedServer::Active();
    if (ready != 0 || timeout_ms == 0 || server == nullptr) return ready;
    server->OnWait();
    return __real_poll(fds, count, 0);
}

ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags) {
    auto* const server = shmd::fuzz::ScriptedServer::Active();
    if ((flags & MSG_DONTWAIT) == 0 && server != nullptr) server->TakeRequests();
    return __real_sendmsg(socket, message, flags);
}
}
