#include "session/session.h"

#include "audio/resample.h"
#include "base/clock.h"
#include "base/log_text.h"
#include "session/params_check.h"
#include "shm/memfd.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

namespace shmd::session {

using wire::MessageType;
using wire::Transport;

namespace {

/** Descriptors of a card's ring that may wait for a client to read them. */
constexpr uint64_t kMostUnreadGrants = 4;

/**
 * What the kernel keeps of messages that the client does not receive, its own overhead
 * included: SO_SNDBUF. This is Linux' default; what is set it doubles.
 */
constexpr int kSendBufferBytes = 208 * 1024;

void LimitSendBuffer(int socket) {
    const int half_bytes = kSendBufferBytes / 2;
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &half_bytes, sizeof(half_bytes));
}

/** A source or a sink, its part in the plans, its counters and its record; as measured.
 */
constexpr uint64_t kPlainStreamBytes = 8 * 1024;

/** Answers that are on their way are part of what a connection costs (registry.cc). */
constexpr uint64_t kUnchargedQueueBytes = 16 * 1024;

/**
 * Closes what a client has sent, on its user's thread: that may take long, and until then
 * it is charged. What goes beyond the limit is closed too; what then is short is room for
 * the next connection.
 */
loop::Receiver::Discard MakeDiscard(loop::Helpers& helpers, uid_t uid,
                                    const Charge& account) {
    return
        [&helpers, uid, account = std::make_shared<const Charge>(account.OfSameUser())](
            base::UniqueFd fd) noexcept {
            try {
                auto owned = std::make_unique<ChargedFd>();
                owned->charge = account->OfSameUser();
                static_cast<void>(owned->charge.TryHold({.descriptors = 1}));
                owned->fd = std::move(fd);
                static_cast<void>(helpers.Own(uid, std::move(owned)));
            } catch (const std::exception&) {
                helpers.Close(uid, std::move(fd));
            }
        };
}

/** Without the words of EOPNOTSUPP: the client adds those of its refusal. */
std::string WhatFailed(const std::system_error& error) {
    std::string words = error.what();
    const std::string code = ": " + error.code().message();
    if (error.code().value() == EOPNOTSUPP && words.ends_with(code))
        words.resize(words.size() - code.size());
    return words;
}

}  // namespace

Session::Session(SessionContext& context, uint64_t client_id, AcceptedSocket socket,
                 const ucred& peer, const Charge& account, std::function<void()> on_end)
    : context_{context},
      client_id_{client_id},
      peer_{peer},
      on_end_{std::move(on_end)},
      send_charge_{account.OfSameUser()},
      queue_charge_{account.OfSameUser()},
      grants_charge_{account.OfSameUser()},
      stream_charge_{account.OfSameUser()},
      socket_{context.closer.Own(peer.uid, std::move(socket),
                                 MakeDiscard(context.helpers, peer.uid, send_charge_))},
      task_{context.loop, peer.uid, [this] { OnTurn(); },
            [this](int64_t cost_ns) { OnDear(cost_ns); }},
      sender_{context.loop,
              {peer.uid, socket_->Get(), socket_},
              wire::kMaxQueuedBytes,
              {.on_error = [this](int error) { OnClosed(error); },
               .on_dear = [this](int64_t cost_ns) { OnDear(cost_ns); }}},
      gain_{context.gain},
      receiver_{context.loop,
                context.buffer,
                {peer.uid, socket_->Get(), socket_,
                 [this] { return context_.closer.MayTakeFrom(peer_.uid, *socket_); }},
                *this,
                MakeDiscard(context.helpers, peer.uid, send_charge_)} {}

Session::~Session() {
    // Does nothing if the registry has done so already.
    static_cast<void>(TryRelease());
    if (memory_ && memory_->IsUsed()) LeaveMemory(std::move(memory_));
}

/** Its last owner leaves it to the helper: unmapping pages that were used takes long. */
std::shared_ptr<const void> Session::LeaveMemory(
    std::shared_ptr<ConnectionMemory> memory) const {
    try {
        return context_.helpers.Own(
            peer_.uid,
            // A copy: where memory ends this must still be there to return.
            std::make_unique<std::shared_ptr<ConnectionMemory>>(memory));
    } catch (const std::bad_alloc&) {
        return memory;
    }
}

void Session::RefuseConnection(int error, const std::string& reason) {
    // First, so that the session serves no more of its messages. Without memory for the
    // rest, its deadline for Hello ends it.
    refused_ = true;
    Soon([this, error, reason] {
        Refuse(wire::MessageHeader{}, error, reason);
        sender_.WhenEmpty([this] { End(); });
    });
    Log(true, "refused", "refused: " + reason);
}

/** What a client or its stream causes. Where memory ends, that client ends with it. */
template <typename Action>
void Session::Guard(Action action) noexcept {
    try {
        action();
    } catch (const std::exception& error) {
        try {
            Drop(error.what());
        } catch (const std::exception&) {
            // Not even for the line in the log.
        }
        End();
    }
}

/** Do this at the user's next turn. */
void Session::Soon(std::function<void()> action) {
    to_do_.push_back(std::move(action));
    task_.Request();
}

void Session::OnTurn() {
    Guard([this] {
        for (const auto& action : std::exchange(to_do_, {}))
            if (!ended_) action();
        if (build_is_done_ && !ended_) TakeBuild();
        if (std::exchange(has_to_tell_, false) && !ended_) Tell();
    });
}

/** Send what the audio thread left for the client. */
void Session::Tell() {
    if (payload_) return FlushPayload();
    if (stream_id_ == 0) return;
    // A client that does not read gets one wake, however many it requests, after the
    // messages that are queued already.
    if (sender_.QueuedBytes() != 0) return sender_.WhenEmpty([this] { OnStreamWake(); });
    Send(wire::MakeMessage<wire::Wake>());
}

void Session::OnMessage(std::span<const std::byte> message, std::span<base::UniqueFd> fds,
                        bool fds_were_lost) {
    Guard([&] { Handle(message, fds, fds_were_lost); });
}

void Session::Handle(std::span<const std::byte> message, std::span<base::UniqueFd> fds,
                     bool fds_were_lost) {
    if (ended_ || refused_) return;
    if (fds_were_lost) return OnLostFds(message);
    const auto header = wire::FindHeader(message, fds.size());
    if (!header) return Drop("malformed message header");
    const auto type = static_cast<MessageType>(header->type);
    if (!greeted_ && type != MessageType::kHello) return Drop("a message before hello");
    if (!fds.empty() && type != MessageType::kRegisterPool)
        return Drop("descriptors with a message that takes none");
    switch (type) {
        case MessageType::kHello:
            return Dispatch<wire::Hello>(message, [this](auto& m) { OnHello(m); });
        case MessageType::kRegisterPool:
            return Dispatch<wire::RegisterPool>(message,
                                                [&](auto& m) { OnRegisterPool(m, fds); });
        case MessageType::kOpenStream:
            return Dispatch<wire::OpenStream>(message,
                                              [this](auto& m) { OnOpenStream(m); });
        case MessageType::kSetParams:
            return Dispatch<wire::SetParams>(message,
                                             [this](auto& m) { OnSetParams(m); });
        case MessageType::kFreeParams:
            return Dispatch<wire::FreeParams>(message,
                                              [this](auto& m) { OnFreeParams(m); });
        case MessageType::kSetGain:
            return Dispatch<wire::SetGain>(message, [this](auto& m) { OnSetGain(m); });
        case MessageType::kData:
            return OnData(message);
        case MessageType::kClientWords:
            return Dispatch<wire::ClientWords>(message, [this](auto& m) { OnWords(m); });
        case MessageType::kDirectReturned:
            return Dispatch<wire::DirectReturned>(
                message, [this](auto& m) { OnDirectReturned(m); });
        case MessageType::kKick:
            return Dispatch<wire::Kick>(message, [this](auto&) {
                if (stream_id_ != 0) endpoint_->runner->Kick();
            });
        default:
            return OnUnknown(*header);
    }
}

template <typename T, typename Handler>
void Session::Dispatch(std::span<const std::byte> message, Handler handler) {
    const auto decoded = wire::FindMessage<T>(message);
    if (!decoded)
        return Drop("malformed message of type " +
                    std::to_string(static_cast<unsigned>(T::kType)));
    OrRefuse(decoded->header, [&] { handler(*decoded); });
}

/** What fails here is this server's want: the request is refused, and all goes on. */
template <typename Action>
void Session::OrRefuse(const wire::MessageHeader& request, Action action) {
    try {
        action();
    } catch (const std::system_error& error) {
        Refuse(request, error.code().value(), error.what());
    } catch (const std::bad_alloc&) {
        Refuse(request, ENOMEM, "out of memory");
    }
}

/** A refused stream leaves nothing behind: no charge, nothing on the device. */
template <typename Action>
void Session::OrRelease(Action action) {
    try {
        action();
    } catch (...) {
        if (!TryRelease()) End();
        throw;
    }
}

/** Our table of descriptors was full: the client's pool did not arrive. */
void Session::OnLostFds(std::span<const std::byte> message) {
    const auto request = wire::FindMessage<wire::RegisterPool>(message);
    if (!greeted_ || !request ||
        request->header.type != static_cast<uint16_t>(MessageType::kRegisterPool))
        return Drop("descriptors with a message that takes none");
    RefusePool(*request, EMFILE, "this server has no descriptor left");
}

void Session::OnUnknown(const wire::MessageHeader& header) {
    Refuse(header, ENOSYS, "unknown message type " + std::to_string(header.type));
}

void Session::OnHello(const wire::Hello& hello) {
    if (greeted_) return Drop("a second hello");
    const auto name = wire::FindText(hello.name);
    if (!name) return Drop("malformed client name");
    if (hello.version != wire::kProtocolVersion)
        return RefuseConnection(EPROTONOSUPPORT,
                                "protocol version " + std::to_string(hello.version) +
                                    " is not " + std::to_string(wire::kProtocolVersion));
    name_ = *name;
    try {
        send_charge_.RequireHold({.memory_bytes = kSendBufferBytes});
        LimitSendBuffer(socket_->Get());
        memory_ = std::make_shared<ConnectionMemory>(send_charge_.OfSameUser());
        memory_->MakeServerPool(context_.use_memfd);
    } catch (const std::system_error& error) {
        return RefuseConnection(error.code().value(), error.what());
    }
    greeted_ = true;
    socket_->LetFdsCome();
    task_.SettleIn();
    receiver_.SettleIn();
    sender_.SettleIn();
    memfd_agreed_ =
        (hello.flags & wire::kCapabilityMemfd) != 0 && memory_->ServerPoolIsShared();
    auto reply = wire::MakeMessage<wire::Hello>(hello.header.serial);
    reply.version = wire::kProtocolVersion;
    reply.flags = memory_->ServerPoolIsShared() ? wire::kCapabilityMemfd : 0;
    wire::SetText(reply.name, "shmd");
    Send(reply);
    base::UniqueFd pool = memory_->TakeServerPoolFd();
    if (!memfd_agreed_) return;
    auto registration = wire::MakeMessage<wire::RegisterPool>();
    registration.header.fd_count = 1;
    registration.pool_id = wire::kServerPoolId;
    registration.size_bytes = wire::kPoolBytes;
    std::vector<base::UniqueFd> fds;
    fds.push_back(std::move(pool));
    Send(registration, std::move(fds));
}

void Session::OnRegisterPool(const wire::RegisterPool& request,
                             std::span<base::UniqueFd> fds) {
    if (fds.size() != 1) return Drop("a pool without a descriptor");
    if (!memfd_agreed_) return Drop("a pool, but memfds were not agreed on");
    if (request.pool_id != wire::kClientPoolId)
        return Refuse(request.header, EINVAL,
                      "unknown pool " + std::to_string(request.pool_id));
    if (memory_->ClientPoolIsBound())
        return Refuse(request.header, EEXIST, "the pool is registered already");
    if (request.size_bytes <= wire::kBlockBytes || request.size_bytes > wire::kPoolBytes)
        return Drop("a pool of " + std::to_string(request.size_bytes) + " bytes");
    const auto fault = shm::CheckOneWay(fds.front().Get(), request.size_bytes);
    if (fault != shm::PoolFault::kNone) return Drop(shm::Describe(fault));
    try {
        memory_->BindClientPool(fds.front(), request.size_bytes);
    } catch (const std::system_error& error) {
        return RefusePool(request, error.code().value(), error.what());
    }
    auto registered = wire::MakeMessage<wire::PoolRegistered>(request.header.serial);
    registered.pool_id = request.pool_id;
    Send(registered);
}

/** Ours to fail, not the client's: the payload goes over the socket. */
void Session::RefusePool(const wire::RegisterPool& request, int error,
                         const std::string& why) {
    auto refused = wire::MakeMessage<wire::PoolRefused>(request.header.serial);
    refused.pool_id = request.pool_id;
    refused.error = error;
    memfd_agreed_ = false;
    Log(true, "pool_refused", "pool refused: " + why);
    Send(refused);
}

void Session::OnOpenStream(const wire::OpenStream& request) {
    const auto device = wire::FindText(request.device);
    if (!device || request.direction > static_cast<uint8_t>(wire::Direction::kCapture))
        return Drop("malformed device or direction");
    if (endpoint_) return Refuse(request.header, EBUSY, "the stream is open already");
    is_capture_ = request.direction == static_cast<uint8_t>(wire::Direction::kCapture);
    endpoint_ = context_.engine.FindEndpoint(*device, is_capture_);
    if (!endpoint_) return Refuse(request.header, ENODEV, WhyNoEndpoint(*device));
    if (endpoint_->kind == engine::EndpointKind::kCapture &&
        !context_.record.Allows(peer_, socket_->Get()))
        return RefuseToHear(request, "record");
    if (endpoint_->kind == engine::EndpointKind::kMonitor &&
        !context_.monitor.Allows(peer_, socket_->Get()))
        return RefuseToHear(request, "monitor");
    const device::Device& target = endpoint_->runner->Device();
    const audio::StreamFormat& format = endpoint_->kind == engine::EndpointKind::kCapture
                                            ? target.CaptureFormat()
                                            : target.PlaybackFormat();
    auto opened = wire::MakeMessage<wire::StreamOpened>(request.header.serial);
    opened.stream_id = static_cast<uint32_t>(client_id_);  // for the log alone
    opened.device_rate_hz = format.rate_hz;
    opened.device_format = static_cast<uint8_t>(format.sample);
    opened.device_channels = static_cast<uint8_t>(format.channels);
    Send(opened);
}

std::string Session::WhyNoEndpoint(std::string_view device) const {
    const std::string quoted = "'" + std::string{device} + "'";
    if (is_capture_) return "no device " + quoted + " to record from";
    const auto recorded = context_.engine.FindEndpoint(device, /*is_capture=*/true);
    if (recorded && recorded->kind == engine::EndpointKind::kMonitor)
        return quoted + " is what a device plays, and can only be recorded";
    return "no device " + quoted + " to play on";
}

void Session::RefuseToHear(const wire::OpenStream& request, const char* key) {
    Log(true, "not_allowed", "may not " + std::string{key});
    endpoint_.reset();
    Refuse(request.header, EACCES,
           "uid " + std::to_string(peer_.uid) + " may not " + key + " here (key " + key +
               " of shmd.conf)");
}

void Session::OnSetParams(const wire::SetParams& request) {
    if (!endpoint_) return Refuse(request.header, EBADFD, "no stream is open");
    RemoveStream();
    const bool over_socket =
        request.transport == static_cast<uint8_t>(Transport::kSocket);
    const bool over_memfd = request.transport == static_cast<uint8_t>(Transport::kMemfd);
    if (!over_socket && !over_memfd)
        return Refuse(request.header, EINVAL, "unknown transport");
    if (over_memfd && !memory_->ClientPoolIsBound())
        return Refuse(request.header, EINVAL, "no pool is registered");
    if (over_socket)
        memory_->UsePrivateClientPool();
    else
        memory_->UseClientPool();
    if (request.direct > static_cast<uint8_t>(wire::Direct::kRequire))
        return Refuse(request.header, EINVAL, "unknown value for direct mode");
    direct_ = static_cast<wire::Direct>(request.direct);
    render::StreamSetup setup;
    std::string why = CheckParams(request, setup);
    if (why.empty()) why = CheckRing(request, is_capture_, *memory_, setup);
    if (!why.empty()) return Refuse(request.header, EINVAL, why);
    memory_->ChargeRing(setup.playback_ring);
    memory_->ChargeRing(setup.capture_ring);
    OrRelease([&] {
        stream_charge_.RequireHold({.memory_bytes = StreamBytes(setup.format)});
        BuildStream(request, std::move(setup));
    });
}

/** What the server makes for a stream of that format. */
uint64_t Session::StreamBytes(const audio::StreamFormat& format) const {
    const device::Device& device = endpoint_->runner->Device();
    const bool is_of_capture = endpoint_->kind == engine::EndpointKind::kCapture;
    const uint32_t device_rate_hz =
        (is_of_capture ? device.CaptureFormat() : device.PlaybackFormat()).rate_hz;
    const uint32_t in_rate_hz = is_capture_ ? device_rate_hz : format.rate_hz;
    const uint32_t out_rate_hz = is_capture_ ? format.rate_hz : device_rate_hz;
    return kPlainStreamBytes +
           audio::Resampler::MostBytes(in_rate_hz, out_rate_hz, format.channels);
}

void Session::BuildStream(const wire::SetParams& request, render::StreamSetup setup) {
    setup.uid = peer_.uid;
    setup.generation = ++generation_;
    setup.gain = gain_;
    setup.client_block = &memory_->ClientBlock();
    setup.server_block = &memory_->ServerBlock();
    setup.memory = LeaveMemory(memory_);
    setup.mailbox = std::make_shared<render::Mailbox>();
    setup.is_over_socket = request.transport == static_cast<uint8_t>(Transport::kSocket);
    context_.engine.Identify(setup);
    const auto build = std::make_shared<StreamBuild>();
    build->request = request;
    build->setup = std::move(setup);
    StartBuild(build);
}

void Session::StartBuild(const std::shared_ptr<StreamBuild>& build) {
    build->target = endpoint_->runner->TargetOf(endpoint_->kind);
    if (engine::IsQuicklyMade(build->target, build->setup)) {
        build->Make();
        return FinishBuild(*build);
    }
    context_.helpers.Run(
        peer_.uid, [build] { build->Make(); },
        [this, made = std::weak_ptr{build}] {
            if (made.expired()) return;  // and this is gone, too
            build_is_done_ = true;
            task_.Request();
        });
    build_ = build;
    receiver_.Pause();
}

void Session::FinishBuild(const StreamBuild& build) {
    if (build.error) std::rethrow_exception(build.error);
    AddStream(build);
}

/** What a helper has made. */
void Session::TakeBuild() {
    build_is_done_ = false;
    const auto build = std::exchange(build_, nullptr);
    OrRefuse(build->request.header, [&] {
        // The device may have been exchanged meanwhile.
        const bool fits = build->target == endpoint_->runner->TargetOf(endpoint_->kind);
        OrRelease([&] { fits ? FinishBuild(*build) : StartBuild(build); });
    });
    if (!build_ && !ended_) receiver_.Resume();
}

void Session::AddStream(const StreamBuild& build) {
    const wire::SetParams& request = build.request;
    const render::StreamSetup& setup = build.setup;
    params_ = {setup.format, setup.channel_map, setup.buffer_frames};
    auto reply = wire::MakeMessage<wire::ParamsSet>(request.header.serial);
    reply.generation = setup.generation;
    if (is_capture_ && !setup.is_over_socket) {
        reply.ring_offset = wire::kBlockBytes;
        reply.ring_bytes = setup.capture_ring.size();
    }
    const char* const transport = setup.is_over_socket ? "socket" : "memfd";
    context_.engine.Add(*endpoint_, build.made, Owner(transport), *this);
    stream_id_ = setup.stream_id;
    if (setup.is_over_socket)
        payload_.emplace(memory_, sender_,
                         SocketPayload::Params{is_capture_, setup.format.FrameBytes(),
                                               setup.buffer_frames});
    Log(false, "stream",
        "stream=" + std::to_string(stream_id_) + " device=" + endpoint_->runner->Name() +
            " format=" + std::string{audio::FormatName(params_.format.sample)} +
            " rate=" + std::to_string(request.rate_hz) +
            " channels=" + std::to_string(request.channels) +
            " period=" + std::to_string(request.period_frames) + " buffer=" +
            std::to_string(request.buffer_frames) + " transport=" + transport);
    const std::string why_not = GrantRing();
    if (direct_ == wire::Direct::kRequire && !why_not.empty()) {
        RemoveStream();
        return Refuse(request.header, EOPNOTSUPP, "no direct mode: " + why_not);
    }
    Send(reply);
}

/** @return nothing, or why this stream cannot write into the card's ring */
std::string Session::WhyNotDirect() const {
    const device::Device& device = endpoint_->runner->Device();
    if (is_capture_) return "it records";
    if (direct_ == wire::Direct::kNever) return "not requested";
    if (payload_) return "its frames come over the socket";
    if (!context_.direct.Allows(peer_, socket_->Get()))
        return "not allowed for this user (key direct)";
    if (params_.format != device.PlaybackFormat() ||
        params_.channel_map != audio::DefaultChannelMap(params_.format.channels))
        return "its format, rate or channels are not the device's";
    if (gain_ != 1.0F) return "it has a gain";
    if (grants_charge_.Held().descriptors >= kMostUnreadGrants && !HasReadAll())
        return "the client has not read its earlier grants";
    return "";
}

/** Give the client the card's ring, if it may have it. @return why not, or nothing */
std::string Session::GrantRing() {
    std::string why_not = WhyNotDirect();
    if (why_not.empty()) try {
            auto ring = endpoint_->runner->ShareRing(
                context_.direct_trusted.Allows(peer_, socket_->Get()));
            if (uint64_t{params_.buffer_frames} + ring.ahead_frames > ring.ring_frames)
                why_not = "its buffer is longer than the card's";
            else
                SendGrant(std::move(ring));
        } catch (const std::system_error& error) {
            why_not = WhatFailed(error);
        }
    context_.engine.NoteDirect(stream_id_, why_not.empty() ? "granted" : why_not);
    if (direct_ != wire::Direct::kNever)
        Log(false, "direct",
            "stream=" + std::to_string(stream_id_) +
                " direct: " + (why_not.empty() ? "granted" : why_not));
    return why_not;
}

/** Whether the client has received everything that it was sent. */
bool Session::HasReadAll() const noexcept {
    int unread_bytes = 0;
    return sender_.QueuedBytes() == 0 &&
           ::ioctl(socket_->Get(), SIOCOUTQ, &unread_bytes) == 0 && unread_bytes == 0;
}

/** Errors: ShortageError. */
void Session::SendGrant(device::SharedRing ring) {
    if (HasReadAll()) grants_charge_.GiveBack();
    grants_charge_.RequireHold({.descriptors = grants_charge_.Held().descriptors + 1});
    auto grant = wire::MakeMessage<wire::DirectGrant>();
    grant.header.fd_count = 1;
    grant.grant = ++grants_made_;
    grant.ring_frames = ring.ring_frames;
    std::vector<base::UniqueFd> fds;
    fds.push_back(std::move(ring.fd));
    has_grant_ = true;
    endpoint_->runner->AddGrant();
    endpoint_->runner->GrantRing(stream_id_, ring.ring_frames);
    Send(grant, std::move(fds));
}

void Session::OnRingRecall() {
    Guard([this] {
        if (!has_grant_) return;
        endpoint_->runner->GrantRing(stream_id_, 0);
        Soon([this, grant = grants_made_] {
            auto recall = wire::MakeMessage<wire::DirectRecall>();
            recall.grant = grant;
            Send(recall);
        });
    });
}

void Session::OnDeviceExchanged() {
    OnRingRecall();
    has_grant_ = false;
    Guard([this] {
        Soon([this] {
            if (stream_id_ != 0 && direct_ != wire::Direct::kNever && !has_grant_)
                GrantRing();
        });
    });
}

void Session::OnDirectReturned(const wire::DirectReturned& message) {
    if (message.grant == grants_made_) ForgetGrant();
}

void Session::ForgetGrant() {
    if (!has_grant_) return;
    endpoint_->runner->GrantRing(stream_id_, 0);
    endpoint_->runner->DropGrant();
    has_grant_ = false;
}

void Session::OnFreeParams(const wire::FreeParams& request) {
    RemoveStream();
    Send(wire::MakeMessage<wire::ParamsFreed>(request.header.serial));
}

void Session::OnSetGain(const wire::SetGain& request) {
    if (request.gain_milli > wire::kMaxGainMilli)
        return Refuse(request.header, EINVAL,
                      "gain " + std::to_string(request.gain_milli) + " is out of range");
    gain_ = static_cast<float>(request.gain_milli) / 1000.0F;
    if (stream_id_ != 0) context_.engine.SetGain(stream_id_, gain_);
    Send(wire::MakeMessage<wire::GainSet>(request.header.serial));
}

void Session::OnData(std::span<const std::byte> message) {
    const auto data = wire::FindData(message);
    if (!data) return Drop("malformed data");
    if (!payload_) return Drop("data, but the stream does not use the socket transport");
    if (const char* why = payload_->OnData(*data); why != nullptr) Drop(why);
}

void Session::OnWords(const wire::ClientWords& words) {
    if (!payload_) return Drop("words, but the stream does not use the socket transport");
    if (payload_->OnWords(words)) endpoint_->runner->Kick();
    // The client has taken some of what filled the queue: there may be room for the rest.
    if (payload_->FramesWait()) FlushPayload();
}

void Session::RemoveStream() {
    payload_.reset();
    ForgetGrant();
    if (stream_id_ != 0) context_.engine.Remove(stream_id_);
    stream_id_ = 0;
    stream_charge_.GiveBack();
}

engine::StreamOwner Session::Owner(const char* transport) const {
    return {.client_id = client_id_,
            .client_name = name_,
            .pid = peer_.pid,
            .uid = peer_.uid,
            .transport = transport};
}

void Session::OnStreamFault(const char* word, uint64_t value) {
    Guard([=, this] {
        Drop(std::string{"impossible value in the word "} + word + ": " +
             std::to_string(value));
    });
}

void Session::OnStreamWake() {
    has_to_tell_ = true;
    task_.Request();
}

void Session::FlushPayload() {
    if (!payload_->Flush()) return Drop("it does not read its answers");
    ChargeQueue();
}

void Session::ChargeQueue() {
    const uint64_t queued_bytes = sender_.QueuedBytes();
    if (const auto shortage = queue_charge_.TryHold(
            {.memory_bytes =
                 std::max(queued_bytes, kUnchargedQueueBytes) - kUnchargedQueueBytes}))
        Drop(std::string{"it does not read its answers, and "} + shortage.reason);
}

template <typename T>
void Session::Send(const T& message, std::vector<base::UniqueFd> fds) {
    const auto bytes = wire::BytesOf(message);
    if (!sender_.Send({bytes.begin(), bytes.end()}, std::move(fds)))
        return Drop("it does not read its answers");
    ChargeQueue();
}

void Session::Refuse(const wire::MessageHeader& request, int error,
                     const std::string& reason) {
    auto refused = wire::MakeMessage<wire::Refused>(request.serial);
    refused.request = request.type;
    refused.error = error;
    wire::SetText(refused.reason, reason);
    Send(refused);
}

void Session::OnBadMessage(const char* reason) {
    Guard([=, this] {
        if (!refused_) Drop(reason);
    });
}

void Session::OnClosed(int error) {
    Guard([=, this] {
        if (ended_) return;
        if (!refused_)
            Log(false, "gone",
                error == 0 ? "gone" : std::string{"gone: "} + std::strerror(error));
        End();
    });
}

/** Its socket is a burden: so many wait on the client's end, say, that each message to it
 * or from it takes milliseconds. */
void Session::OnDear(int64_t cost_ns) {
    Guard([=, this] {
        Drop("its messages take too long: " + std::to_string(cost_ns / base::kNsPerUs) +
             " us of processor time each");
    });
}

void Session::Drop(const std::string& reason) {
    if (ended_) return;
    End();  // first: even without memory for the line
    Log(true, "dropped", "dropped: " + reason);
}

void Session::End() noexcept {
    if (ended_) return;
    ended_ = true;
    build_.reset();
    build_is_done_ = false;
    static_cast<void>(TryRelease());
    on_end_();
}

bool Session::TryRelease() noexcept {
    try {
        RemoveStream();
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

void Session::Log(bool warning, const char* kind, const std::string& what) {
    context_.log(warning,
                 {.kind = kind,
                  .uid = peer_.uid,
                  .device = endpoint_ ? endpoint_->runner->Name() : ""},
                 "client=" + std::to_string(client_id_) + " pid=" +
                     std::to_string(peer_.pid) + " uid=" + std::to_string(peer_.uid) +
                     " name=" + base::LogValue(name_) + " " + what);
}

}  // namespace shmd::session
