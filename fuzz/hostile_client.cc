#include "fuzz/hostile_client.h"

#include "audio/format.h"
#include "fuzz/checks.h"
#include "fuzz/descriptors.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>

namespace shmd::fuzz {

namespace {

using Words = std::array<std::atomic<uint64_t>, sizeof(wire::ClientBlock) / 8>;

constexpr size_t kCommandWord = offsetof(wire::ClientBlock, command) / 8;

constexpr std::array<std::string_view, 8> kDevices{
    "", "ring", "default", "monitor", "ring.monitor", "nowhere", ".monitor", "ring"};
constexpr std::array<uint32_t, 8> kRatesHz{48000, 48000, 48000,  44100,
                                           8000,  96000, 384000, 4000};
constexpr std::array<uint8_t, 8> kChannels{2, 2, 2, 1, 6, 8, 32, 3};
constexpr std::array<uint8_t, 8> kFormats{3, 3, 3, 1, 7, 9, 11, 14};
constexpr std::array<uint32_t, 6> kPeriodsFrames{480, 64, 16, 1, 1024, 4800};
constexpr std::array<uint32_t, 4> kPeriods{10, 2, 4, 100};

}  // namespace

HostileClient::HostileClient(base::UniqueFd socket) : socket_{std::move(socket)} {}

void HostileClient::Send(Input& input) {
    Packet packet = TakePacket(input);
    packet.Mutate(input);
    // A server that has gone, or a full socket, is what the script may have made.
    std::ignore = packet.SendTo(socket_.Get());
}

Packet HostileClient::TakePacket(Input& input) {
    switch (input.TakeIndex(16)) {
        case 0:
            return TakeHello(input);
        case 1:
            return TakePool(input);
        case 2:
            return TakeOpen(input);
        case 3:
        case 4:
            return TakeParams(input);
        case 5:
            return Packet{wire::MakeMessage<wire::FreeParams>(input.TakeByte())};
        case 6: {
            auto gain = wire::MakeMessage<wire::SetGain>(input.TakeByte());
            gain.gain_milli = input.Take<uint16_t>();
            return Packet{gain};
        }
        case 7:
        case 8:
            return TakeData(input);
        case 9:
        case 10:
            return TakeWords(input);
        case 11: {
            auto returned = wire::MakeMessage<wire::DirectReturned>();
            returned.grant = input.TakeByte();
            return Packet{returned};
        }
        case 12:
            return TakeRaw(input);
        default:
            return Packet{wire::MakeMessage<wire::Kick>()};
    }
}

Packet HostileClient::TakeHello(Input& input) const {
    auto hello = wire::MakeMessage<wire::Hello>(1);
    hello.version = wire::kProtocolVersion;
    hello.flags = ~uint32_t{input.TakeByte()};
    wire::SetText(hello.name, "fuzz");
    return Packet{hello};
}

Packet HostileClient::TakePool(Input& input) {
    auto registration = wire::MakeMessage<wire::RegisterPool>(2);
    registration.pool_id = wire::kClientPoolId;
    registration.size_bytes = wire::kPoolBytes;
    const size_t kind = input.TakeIndex(4);
    if (kind == 0) registration.size_bytes = input.TakeWord();
    Packet packet{registration};
    // Its own pool, which it can send once, and mostly that.
    base::UniqueFd own = kind < 2 ? base::UniqueFd{} : pool_.TakeFd();
    if (own)
        packet.Attach(std::move(own));
    else
        packet.Attach(TakeDescriptor(input, registration.size_bytes % (1 << 24)));
    if (kind == 1 && input.TakeIndex(2) == 1)
        packet.Attach(TakeDescriptor(input, wire::kPoolBytes));
    return packet;
}

Packet HostileClient::TakeOpen(Input& input) const {
    auto open = wire::MakeMessage<wire::OpenStream>(3);
    const uint8_t choice = input.TakeByte();
    open.direction = choice & 1;
    wire::SetText(open.device, kDevices[choice / 2 % kDevices.size()]);
    return Packet{open};
}

Packet HostileClient::TakeParams(Input& input) {
    auto params = wire::MakeMessage<wire::SetParams>(4);
    const uint8_t choice = input.TakeByte();
    params.transport = (choice & 1) == 0 ? 1 : 2;
    params.direct = choice / 2 % 3;
    params.format = input.Pick(kFormats);
    params.channels = input.Pick(kChannels);
    params.rate_hz = input.Pick(kRatesHz);
    params.period_frames = input.Pick(kPeriodsFrames);
    params.buffer_frames = params.period_frames * input.Pick(kPeriods);
    frame_bytes_ =
        audio::SampleBytes(*audio::FindFormat(params.format)) * params.channels;
    if ((choice & 64) == 0 && params.transport == 1) {
        params.ring_offset = wire::kBlockBytes + uint64_t{choice} / 128;
        params.ring_bytes = uint64_t{params.buffer_frames} * frame_bytes_;
    }
    return Packet{params};
}

Packet HostileClient::TakeData(Input& input) const {
    auto data = wire::MakeMessage<wire::Data>();
    data.position_frames = TakeFrame(input);
    data.frames = input.TakeByte();
    Packet packet{data};
    const std::vector<std::byte> payload(size_t{data.frames} * frame_bytes_,
                                         std::byte{input.TakeByte()});
    packet.Append(payload);
    return packet;
}

Packet HostileClient::TakeWords(Input& input) {
    auto words = wire::MakeMessage<wire::ClientWords>();
    words.command = TakeCommand(input);
    words.written_frames = TakeFrame(input);
    words.start_frames = input.TakeIndex(4) == 0 ? input.TakeWord() : 0;
    words.armed = input.TakeWord();
    words.avail_min_frames = input.TakeWord();
    words.stop_threshold_frames = input.TakeWord();
    return Packet{words};
}

/** Mostly one that is for its stream. */
uint64_t HostileClient::TakeCommand(Input& input) {
    const uint8_t choice = input.TakeByte();
    if (choice >= 250) return input.TakeWord();
    if (choice % 8 < 4) ++epoch_;
    return wire::Command{epoch_, generation_, static_cast<wire::Wanted>(choice / 8 % 4)}
        .Pack();
}

/** Mostly one that is near those of before. */
uint64_t HostileClient::TakeFrame(Input& input) const {
    const uint8_t choice = input.TakeByte();
    if (choice >= 250) return input.TakeWord();
    return written_ + uint64_t{choice} * 16;
}

void HostileClient::Store(Input& input) {
    const std::span<std::byte> pool = pool_.Bytes();
    const size_t place = input.TakeIndex(32);
    if (place < std::tuple_size_v<Words>) {
        auto& words = *reinterpret_cast<Words*>(pool.data());
        const bool is_command = place == kCommandWord;
        const uint64_t word = is_command   ? TakeCommand(input)
                              : place == 0 ? written_ = TakeFrame(input)
                                           : input.TakeWord();
        words[place].store(word, std::memory_order_release);
        return;
    }
    const auto bytes = input.TakeBytes(64);
    const size_t offset = wire::kBlockBytes + input.Take<uint16_t>() % (size_t{1} << 16);
    if (bytes.empty()) return;
    std::memcpy(pool.data() + offset, bytes.data(), bytes.size());
}

void HostileClient::Receive() {
    for (;;) {
        const auto message = receiving_.TakeNext(socket_.Get());
        if (message.empty()) return;
        Require(wire::FindHeader(message, receiving_.Fds().size()).has_value(),
                "what the server sends is well formed");
        if (const auto set = receiving_.Find<wire::ParamsSet>(message))
            generation_ = set->generation;
    }
}

}  // namespace shmd::fuzz
