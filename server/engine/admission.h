#pragma once

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace shmd::engine {

/**
 * Limits how much time of audio threads a user's streams, and all streams, may take: on
 * one device, or on all devices together. doc/decisions/0010-the-audio-threads-time.md.
 *
 * A stream counts from SetParams until its parameters are gone. It counts while it is
 * stopped or its client writes into the card's ring too, for it may play at any moment.
 *
 * Thread: loop.
 */
class Admission {
  public:
    /** In parts of a processor: all streams together, and those of one user. */
    static constexpr double kMostOfAll = 0.7;
    static constexpr double kMostOfOneUser = 0.5;

    static constexpr uid_t kNoOwner = static_cast<uid_t>(-1);

    /**
     * @param processors  how many the streams share; a device has one
     * @param owner       the user who runs the server
     */
    explicit Admission(unsigned processors = 1, uid_t owner = kNoOwner) noexcept;

    /** What a stream takes. */
    struct Cost {
        int64_t ns;             // of a processor, for a second of sound
        bool is_plain = false;  // neither remixed nor resampled: costs little
    };

    /**
     * Count the stream, unless that goes beyond a share. A stream that is not plain is
     * counted only while its user's streams take at most half of what other users'
     * streams leave of kMostOfAll; the owner's may take all of that.
     * @return empty, or why not: what the stream costs, and what there is
     * Errors: std::bad_alloc, and nothing has changed.
     */
    std::string TryAdd(uint64_t stream_id, uid_t uid, const Cost& cost);

    /** It is on another device now, and costs this there. Allowed beyond the share. */
    void Update(uint64_t stream_id, int64_t cost_ns) noexcept;

    /** Does nothing if it was not counted. */
    void Remove(uint64_t stream_id) noexcept;

    [[nodiscard]] int64_t TotalNs() const noexcept { return total_ns_; }
    [[nodiscard]] int64_t OfUserNs(uid_t uid) const noexcept;

  private:
    struct Entry {
        uid_t uid;
        int64_t cost_ns;
    };

    struct User {
        size_t streams = 0;
        int64_t cost_ns = 0;
    };

    [[nodiscard]] std::string WhyNot(uid_t uid, const Cost& cost) const;
    void Charge(uint64_t stream_id, uid_t uid, int64_t cost_ns);

    int64_t most_ns_;
    int64_t most_of_one_user_ns_;
    uid_t owner_;
    int64_t total_ns_ = 0;
    std::unordered_map<uint64_t, Entry> streams_;
    std::unordered_map<uid_t, User> users_;  // those that have streams here
};

}  // namespace shmd::engine
