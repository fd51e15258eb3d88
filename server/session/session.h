#pragma once

#include "audio/channel_map.h"
#include "audio/format.h"
#include "base/log_subject.h"
#include "base/unique_fd.h"
#include "engine/engine.h"
#include "loop/helpers.h"
#include "loop/loop.h"
#include "loop/message_buffer.h"
#include "loop/receive.h"
#include "loop/send.h"
#include "loop/user_task.h"
#include "session/accepted_socket.h"
#include "session/charge.h"
#include "session/connection_memory.h"
#include "session/right.h"
#include "session/socket_closer.h"
#include "session/socket_payload.h"
#include "session/stream_build.h"
#include "wire/codec.h"

#include <sys/socket.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shmd::session {

/** What all sessions use. Outlives them. */
struct SessionContext {
    loop::Loop& loop;
    loop::Helpers& helpers;
    SocketCloser& closer;
    std::shared_ptr<loop::MessageBuffer> buffer;
    engine::Engine& engine;
    bool use_memfd = true;
    float gain = 1.0F;
    /** The users who may write into a card's ring; and those who may even with an
     * unrestricted descriptor. */
    Right direct{"direct", "same_user"};
    Right direct_trusted{"direct_trusted", "no"};
    /** The users who may record what a device captures; and what others play on it. */
    Right record = Right::ToHear(false);
    Right monitor = Right::ToHear(false);
    /** Writes a line to the log; `subject` is what it is about. `warning`: the session
     * was dropped or refused something. */
    std::function<void(bool warning, const base::LogSubject& subject,
                       const std::string& line)>
        log;
};

/**
 * One connected client: answers its messages (doc/protocol.md) and owns its stream.
 *
 *     Connected ── Hello ──► Greeted ── OpenStream ──► Open ◄── FreeParams ── Ready
 *                                                       └────── SetParams ─────►┘
 *
 * A message that is malformed or out of order drops the client. A well-formed request
 * that cannot be granted is refused, and the client stays.
 *
 * The session works for its client only at the turn of the client's user
 * (loop::UserTask): it receives and answers one message, or sends wakes and refusals that
 * are due. While a stream is made on the user's helper thread, it receives no message.
 *
 * Thread: loop.
 */
class Session final : private loop::Receiver::Listener, private engine::StreamListener {
  public:
    /**
     * @param socket   kept and charged until it is closed, which may be after this
     * @param account  all that the client causes here is charged to it
     * @param on_end  called once, from inside a method of this, and does not throw: it
     *                arranges that this is destroyed when no method of it is on the stack
     * Errors: std::system_error.
     */
    Session(SessionContext& context, uint64_t client_id, AcceptedSocket socket,
            const ucred& peer, const Charge& account, std::function<void()> on_end);
    ~Session();

    /** What a silent connection holds, in addition to the session itself. */
    static constexpr Amounts kSocketAmounts{.descriptors = 1};

    [[nodiscard]] const ucred& Peer() const noexcept { return peer_; }

    [[nodiscard]] bool IsGreeted() const noexcept { return greeted_; }
    /** Whether a stream has parameters. */
    [[nodiscard]] bool HasParams() const noexcept { return stream_id_ != 0; }
    [[nodiscard]] bool HasEnded() const noexcept { return ended_; }

    /** Refuse the connection as a whole: send the reason, and end when it is sent. */
    void RefuseConnection(int error, const std::string& reason);

    /** End it at once; the log says why. */
    void Drop(const std::string& reason);

    /** Remove its stream from the engine. @return false: no memory for that, try later */
    [[nodiscard]] bool TryRelease() noexcept;

  private:
    void OnMessage(std::span<const std::byte> message, std::span<base::UniqueFd> fds,
                   bool fds_were_lost) override;
    void OnBadMessage(const char* reason) override;
    void OnClosed(int error) override;
    void OnDear(int64_t cost_ns) override;
    void OnStreamFault(const char* word, uint64_t value) override;
    void OnStreamWake() override;
    void OnRingRecall() override;
    void OnDeviceExchanged() override;

    std::shared_ptr<const void> LeaveMemory(
        std::shared_ptr<ConnectionMemory> memory) const;
    void OnTurn();
    void Soon(std::function<void()> action);
    void Tell();

    template <typename T, typename Handler>
    void Dispatch(std::span<const std::byte> message, Handler handler);
    void OnLostFds(std::span<const std::byte> message);
    void OnUnknown(const wire::MessageHeader& header);
    void OnHello(const wire::Hello& hello);
    void OnRegisterPool(const wire::RegisterPool& request, std::span<base::UniqueFd> fds);
    void RefusePool(const wire::RegisterPool& request, int error, const std::string& why);
    void OnOpenStream(const wire::OpenStream& request);
    [[nodiscard]] std::string WhyNoEndpoint(std::string_view device) const;
    void RefuseToHear(const wire::OpenStream& request, const char* key);
    void OnSetParams(const wire::SetParams& request);
    void OnFreeParams(const wire::FreeParams& request);
    void OnSetGain(const wire::SetGain& request);
    void OnData(std::span<const std::byte> message);
    void OnWords(const wire::ClientWords& words);
    void FlushPayload();
    void OnDirectReturned(const wire::DirectReturned& message);
    [[nodiscard]] std::string WhyNotDirect() const;
    std::string GrantRing();
    void ForgetGrant();
    void SendGrant(device::SharedRing ring);

    /** The parameters of a stream that direct mode depends on. */
    struct Params {
        audio::StreamFormat format;
        audio::ChannelMap channel_map;
        uint32_t buffer_frames = 0;
    };

    [[nodiscard]] uint64_t StreamBytes(const audio::StreamFormat& format) const;
    void BuildStream(const wire::SetParams& request, render::StreamSetup setup);
    void StartBuild(const std::shared_ptr<StreamBuild>& build);
    void FinishBuild(const StreamBuild& build);
    void TakeBuild();
    void AddStream(const StreamBuild& build);
    template <typename Action>
    void OrRefuse(const wire::MessageHeader& request, Action action);
    template <typename Action>
    void OrRelease(Action action);
    void RemoveStream();
    [[nodiscard]] engine::StreamOwner Owner(const char* transport) const;

    template <typename T>
    void Send(const T& message, std::vector<base::UniqueFd> fds = {});
    void Refuse(const wire::MessageHeader& request, int error, const std::string& reason);
    void End() noexcept;
    void ChargeQueue();
    [[nodiscard]] bool HasReadAll() const noexcept;
    template <typename Action>
    void Guard(Action action) noexcept;
    void Handle(std::span<const std::byte> message, std::span<base::UniqueFd> fds,
                bool fds_were_lost);
    void Log(bool warning, const char* kind, const std::string& what);

    SessionContext& context_;
    uint64_t client_id_;
    ucred peer_;
    std::function<void()> on_end_;
    std::string name_;
    Charge send_charge_;    // what the kernel may keep of what was sent
    Charge queue_charge_;   // what waits to be sent
    Charge grants_charge_;  // descriptors of cards that the client may not have read
    Charge stream_charge_;  // what the server makes for the stream
    std::shared_ptr<AcceptedSocket> socket_;
    std::shared_ptr<ConnectionMemory> memory_;
    loop::UserTask task_;
    std::vector<std::function<void()>> to_do_;  // at the user's turn
    bool has_to_tell_ = false;                  // the client is to be woken
    loop::Sender sender_;
    bool ended_ = false;
    bool refused_ = false;
    bool greeted_ = false;
    bool memfd_agreed_ = false;
    bool is_capture_ = false;
    uint16_t generation_ = 0;
    std::optional<engine::Endpoint> endpoint_;
    uint64_t stream_id_ = 0;  // 0: no parameters are set
    float gain_;
    std::shared_ptr<StreamBuild> build_;  // while a helper makes a stream
    bool build_is_done_ = false;
    std::optional<SocketPayload> payload_;
    wire::Direct direct_ = wire::Direct::kNever;  // as the client asked
    Params params_{};                             // of the present stream
    uint32_t grants_made_ = 0;
    bool has_grant_ = false;
    loop::Receiver receiver_;
};

}  // namespace shmd::session
