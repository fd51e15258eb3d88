// The codec: what it takes for a message is that message, byte for byte.

#include "wire/codec.h"
#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/target.h"

#include <algorithm>
#include <array>

namespace shmd::fuzz {

namespace {

using Bytes = std::span<const std::byte>;

template <typename T>
void CheckMessage(Bytes bytes) {
    const auto found = wire::FindMessage<T>(bytes);
    if (!found) return;
    Require(std::ranges::equal(wire::BytesOf(*found), bytes),
            "a message that was found is the bytes that it was found in");
    const auto again = wire::FindMessage<T>(wire::BytesOf(*found));
    Require(again.has_value(), "a message that was found is found again");
}

template <typename... Ts>
void CheckMessages(Bytes bytes) {
    (CheckMessage<Ts>(bytes), ...);
}

void CheckHeader(Bytes bytes, size_t fd_count) {
    const auto header = wire::FindHeader(bytes, fd_count);
    if (!header) return;
    Require(header->size_bytes == bytes.size() && header->fd_count == fd_count &&
                bytes.size() <= wire::kMaxMessageBytes,
            "a header that was found says what came");
}

void CheckData(Bytes bytes) {
    const auto view = wire::FindData(bytes);
    if (!view) return;
    Require(
        view->payload.size() + sizeof view->data == bytes.size() &&
            view->payload.data() + view->payload.size() == bytes.data() + bytes.size(),
        "the payload of Data is the rest of its message");
}

template <size_t kSize>
void CheckText(Bytes bytes) {
    std::array<char, kSize> field{};
    std::memcpy(field.data(), bytes.data(), std::min(bytes.size(), kSize));
    const auto text = wire::FindText(field);
    if (!text) return;
    std::array<char, kSize> other{};
    wire::SetText(other, *text);
    Require(wire::FindText(other) == text, "a text that was set is found");
}

void Run(Input input) {
    const size_t fd_count = input.TakeIndex(4);
    const Bytes bytes = input.TakeBytes(2 * wire::kMaxMessageBytes);
    CheckHeader(bytes, fd_count);
    CheckData(bytes);
    CheckText<wire::kMaxNameBytes>(bytes);
    CheckText<wire::kMaxReasonBytes>(bytes);
    CheckMessages<wire::Hello, wire::RegisterPool, wire::PoolRegistered,
                  wire::PoolRefused, wire::OpenStream, wire::StreamOpened,
                  wire::SetParams, wire::ParamsSet, wire::FreeParams, wire::ParamsFreed,
                  wire::SetGain, wire::GainSet, wire::Refused, wire::ClientWords,
                  wire::ServerWords, wire::Kick, wire::Wake, wire::DirectGrant,
                  wire::DirectRecall, wire::DirectReturned>(bytes);
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    shmd::fuzz::Run({data, size});
    return 0;
}
