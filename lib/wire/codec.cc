#include "wire/codec.h"

#include <algorithm>

namespace shmd::wire {

namespace {

// Which fields of a message must be zero; a message without such fields needs no
// overload.
template <typename T>
bool ReservedIsZero(const T&) noexcept {
    return true;
}
bool ReservedIsZero(const RegisterPool& m) noexcept {
    return m.reserved == 0;
}
bool ReservedIsZero(const PoolRegistered& m) noexcept {
    return m.reserved == 0;
}
bool ReservedIsZero(const OpenStream& m) noexcept {
    return std::ranges::all_of(m.reserved, [](uint8_t byte) { return byte == 0; });
}
bool ReservedIsZero(const StreamOpened& m) noexcept {
    return std::ranges::all_of(m.reserved, [](uint8_t byte) { return byte == 0; });
}
bool ReservedIsZero(const ParamsSet& m) noexcept {
    return std::ranges::all_of(m.reserved, [](uint16_t word) { return word == 0; });
}
bool ReservedIsZero(const SetGain& m) noexcept {
    return m.reserved == 0;
}
bool ReservedIsZero(const DirectRecall& m) noexcept {
    return m.reserved == 0;
}
bool ReservedIsZero(const DirectReturned& m) noexcept {
    return m.reserved == 0;
}
bool ReservedIsZero(const Refused& m) noexcept {
    return m.reserved == 0;
}

}  // namespace

std::optional<MessageHeader> FindHeader(std::span<const std::byte> message,
                                        size_t fd_count) noexcept {
    MessageHeader header;
    if (message.size() < sizeof header || message.size() > kMaxMessageBytes) return {};
    std::memcpy(&header, message.data(), sizeof header);
    if (header.size_bytes != message.size() || header.fd_count != fd_count ||
        header.reserved != 0)
        return {};
    return header;
}

void SetText(std::span<char> field, std::string_view text) noexcept {
    const size_t length = std::min(text.size(), field.size() - 1);
    std::ranges::fill(field, '\0');
    std::copy_n(text.begin(), length, field.begin());
}

std::optional<std::string_view> FindText(std::span<const char> field) noexcept {
    const auto end = std::ranges::find(field, '\0');
    if (end == field.end()) return {};
    const std::string_view text{field.data(), static_cast<size_t>(end - field.begin())};
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == 127;
    };
    if (std::ranges::any_of(text, is_control)) return {};
    return text;
}

template <typename T>
std::optional<T> FindMessage(std::span<const std::byte> message) noexcept {
    T result;
    if (message.size() != sizeof result) return {};
    std::memcpy(&result, message.data(), sizeof result);
    if (!ReservedIsZero(result)) return {};
    return result;
}

template std::optional<Hello> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<RegisterPool> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<PoolRegistered> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<PoolRefused> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<OpenStream> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<StreamOpened> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<SetParams> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<ParamsSet> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<FreeParams> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<ParamsFreed> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<SetGain> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<GainSet> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<Refused> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<ClientWords> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<ServerWords> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<Kick> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<Wake> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<DirectGrant> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<DirectRecall> FindMessage(std::span<const std::byte>) noexcept;
template std::optional<DirectReturned> FindMessage(std::span<const std::byte>) noexcept;

std::optional<DataView> FindData(std::span<const std::byte> message) noexcept {
    DataView view{};
    if (message.size() < sizeof view.data) return {};
    std::memcpy(&view.data, message.data(), sizeof view.data);
    if (view.data.reserved != 0) return {};
    view.payload = message.subspan(sizeof view.data);
    return view;
}

}  // namespace shmd::wire
