#pragma once

#include "client/stream.h"

#include <alsa/asoundlib.h>

namespace shmd::plugin {

using ChannelPositions = decltype(client::Stream::Params::channel_map);

/**
 * The usual layouts, malloc'ed as snd_pcm_query_chmaps(3) wants. The channels of each may
 * come in any order; what else is asked for is taken too (ReadChannelMap).
 * @return NULL: no memory.  Thread: any.
 */
snd_pcm_chmap_query_t** UsualChannelMaps() noexcept;

/** The layout of a stream of `channels`, malloc'ed; NULL: no memory. 0s: the usual one.
 */
snd_pcm_chmap_t* MakeChannelMap(const ChannelPositions& positions,
                                unsigned channels) noexcept;

/**
 * Read an application's layout for a stream of `channels`.
 * @return 0, or -EINVAL: another number of channels, an unknown position, or one
 *         with its phase inverted or given by a driver
 */
int ReadChannelMap(const snd_pcm_chmap_t& map, unsigned channels,
                   ChannelPositions& positions) noexcept;

}  // namespace shmd::plugin
