#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace shmd::bench {

/**
 * PipeWire's mixer of float channels, as its own graph runs it: the node audio.mixer.dsp
 * of its installed plugin, with the loops that the plugin chooses for this processor.
 *
 * Thread: one at a time.
 */
class SpaMixer {
  public:
    /**
     * @param plugin_dir  what SPA_PLUGIN_DIR names
     * @param streams     that are added up, one channel of each
     * @param frames      in a cycle
     * Errors: std::runtime_error, also where there is no such plugin.
     */
    SpaMixer(const std::string& plugin_dir, size_t streams, size_t frames);
    ~SpaMixer();
    SpaMixer(const SpaMixer&) = delete;
    SpaMixer& operator=(const SpaMixer&) = delete;

    /** What each stream's samples are. */
    static constexpr float kSample = 0.0001F;

    /** One cycle. @return the mix. Errors: std::runtime_error. */
    const float* Process();

  private:
    struct Graph;
    std::unique_ptr<Graph> graph_;
};

}  // namespace shmd::bench
