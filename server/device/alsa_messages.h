#pragma once

#include <string>

namespace shmd::device {

/**
 * Catches what alsa-lib says to its error handler, instead of its standard error.
 *
 * The first one replaces the handler for the process, for good. What is said on a thread
 * without a living AlsaMessages, the audio thread's for one, is dropped unformatted.
 *
 * Thread: any, and ends on the one that it began on; one at a time on a thread.
 */
class AlsaMessages {
  public:
    AlsaMessages() noexcept;
    ~AlsaMessages();
    AlsaMessages(const AlsaMessages&) = delete;
    AlsaMessages& operator=(const AlsaMessages&) = delete;

    /** `what`, and the first thing that alsa-lib said, if it did. */
    [[nodiscard]] std::string Append(const std::string& what) const;
};

}  // namespace shmd::device
