#pragma once

#include "device/alsa_setup.h"
#include "device/alsa_spec.h"
#include "device/card_ring.h"
#include "device/pcm_handover.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shmd::device {

/**
 * An open PCM of alsa-lib, its parameters, and the thread that has it at present: what
 * AlsaPlayback and AlsaCapture share on the loop's side.
 */
class AlsaPcm {
  public:
    /** Open it. Thread: loop. Errors: as OpenAlsaPcm. */
    AlsaPcm(AlsaSpec spec, snd_pcm_stream_t direction);

    [[nodiscard]] const AlsaSpec& Spec() const noexcept { return spec_; }

    /** Constant for life. Thread: any. Realtime: yes. */
    [[nodiscard]] const AlsaSetup& Setup() const noexcept { return setup_; }

    /** Thread: any. Realtime: no. */
    [[nodiscard]] std::string Description() const { return Describe(spec_, setup_); }

    /**
     * The handle, for the thread that has it by Handover(); nullptr if closed.
     * Thread: any. Realtime: yes.
     */
    [[nodiscard]] snd_pcm_t* Get() const noexcept { return pcm_.get(); }
    PcmHandover& Handover() noexcept { return handover_; }

    /** The card's ring, if it plays and can be used without appl_ptr; else nullptr.
     * Thread: the one that has the handle. Realtime: yes. */
    [[nodiscard]] const CardRing* Ring() const noexcept {
        return ring_ ? &*ring_ : nullptr;
    }

    /** See OpenSharedRing. @pre Ring(). Thread: loop. */
    [[nodiscard]] base::UniqueFd ShareRing(bool unrestricted) const;

    /** Space for the longest block, for what cannot be in the card's ring.
     * Thread: the one that has the handle. Realtime: yes. */
    std::span<std::byte> Block() noexcept { return block_; }

    /** A period of silence. Thread: the one that has the handle. Realtime: yes. */
    [[nodiscard]] std::span<const std::byte> Silence() const noexcept { return silence_; }

    /** Open it again, as it was, if it is closed or has failed.
     * Thread: loop. Errors: as OpenAlsaPcm; EINVAL if it has become another. */
    void Open();

    /** @return whether it is closed. Thread: loop. */
    bool Close() noexcept;

    /**
     * Wait until the card has played what is in its ring, or should have.
     * @return whether it has.  Thread: loop, while there is no audio thread.
     */
    bool WaitUntilPlayed() noexcept;

  private:
    void FindRing();

    const AlsaSpec spec_;
    const snd_pcm_stream_t direction_;
    AlsaSetup setup_;
    UniquePcm pcm_;
    std::optional<CardRing> ring_;
    Substream substream_{};  // of the present handle
    std::vector<std::byte> block_;
    std::vector<std::byte> silence_;
    PcmHandover handover_;
};

}  // namespace shmd::device
