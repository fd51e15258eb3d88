#pragma once

#include "base/unique_fd.h"
#include "fuzz/input.h"
#include "wire/codec.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace shmd::fuzz {

/** A message as it is sent, right or wrong, with its descriptors. */
class Packet {
  public:
    template <typename T>
    explicit Packet(const T& message) : Packet{wire::BytesOf(message)} {}
    explicit Packet(std::span<const std::byte> bytes)
        : bytes_{bytes.begin(), bytes.end()} {}

    /** Have `fd` sent with it, and say so in the header. */
    void Attach(base::UniqueFd fd);

    void Append(std::span<const std::byte> payload);

    /** Change some of its bytes as the script says; often none. */
    void Mutate(Input& input);

    /** Send it without waiting. @return 0 or an errno */
    [[nodiscard]] int SendTo(int socket) const noexcept;

  private:
    void Store(size_t offset, std::span<const std::byte> value) noexcept;

    std::vector<std::byte> bytes_;
    std::vector<base::UniqueFd> fds_;
};

/** As many bytes as the script says, of any content. */
Packet TakeRaw(Input& input);

/** Receives into memory of its own, without waiting. */
class Receiving {
  public:
    /** The next message, until the next call; empty when there is none. */
    std::span<const std::byte> TakeNext(int socket);

    [[nodiscard]] std::vector<base::UniqueFd>& Fds() noexcept { return fds_; }

    /** `message` as a T, if that is what it is. */
    template <typename T>
    std::optional<T> Find(std::span<const std::byte> message) const noexcept {
        const auto header = wire::FindHeader(message, fds_.size());
        if (!header || header->type != static_cast<uint16_t>(T::kType)) return {};
        return wire::FindMessage<T>(message);
    }

  private:
    std::array<std::byte, wire::kMaxMessageBytes> buffer_{};
    std::vector<base::UniqueFd> fds_;
};

}  // namespace shmd::fuzz
