// A card that fails when it is told to: a PCM for tests, of alsa-lib's type "shmdtest".
//
//     pcm.card { type shmdtest panel FILE heard FILE rate 44100 channels 4 format S32_LE
//     }
//
// It stands for a card without a mappable ring (SND_PCM_INFO_MMAP) that can do one rate,
// one number of channels and one format: frames can only be written and read. What the
// kernel answers in a call (-ESTRPIPE, -EIO, -ENODEV, -EAGAIN, fewer frames) comes from
// here, when the panel says so. Two things differ from a card, since alsa-lib's ioplug is
// between: it is not "hardware" (snd_pcm_type is SND_PCM_TYPE_IOPLUG, so it stops by
// itself when it has nothing more to play), and snd_pcm_avail tells an error of the
// pointer as -EPIPE, and a suspended or lost card not at all: that is seen in the state,
// and in the next write. Cards that can be mapped are in tests/vm, with a kernel of their
// own.
//
// Playing, it appends what is heard to the file `heard`, if there is one. Capturing, it
// gives frames whose samples are all the number of the frame, by the card's clock.

#include "audio/format.h"
#include "base/clock.h"
#include "tests/support/card_double/panel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

namespace {

using shmd::testing::Panel;
using shmd::testing::PanelCall;

struct Settings {
    std::string panel;
    std::string heard;
    std::string format = "S32_LE";
    long rate = 44100;
    long channels = 4;
};

class Card {
  public:
    Card(const Settings& settings, snd_pcm_stream_t stream);
    Card(const Card&) = delete;
    Card& operator=(const Card&) = delete;
    ~Card();

    /** @return 0 or what the open gives; then this is alsa-lib's */
    int Open(const char* name, int mode, snd_pcm_t** pcm);

  private:
    static Card& Of(snd_pcm_ioplug_t* io) {
        return *static_cast<Card*>(io->private_data);
    }
    static snd_pcm_ioplug_callback_t Callbacks();

    int Restrict();
    [[nodiscard]] bool Plays() const { return stream_ == SND_PCM_STREAM_PLAYBACK; }
    [[nodiscard]] int64_t Clock() const;
    int FaultOf(PanelCall call);
    void Halt(snd_pcm_state_t state);
    int Start();
    int Stop();
    int Prepare();
    int Resume();
    [[nodiscard]] int64_t Moved() const;
    snd_pcm_sframes_t Pointer();
    void Hear(int64_t until);
    [[nodiscard]] int64_t MostFrames() const;
    snd_pcm_sframes_t Transfer(const snd_pcm_channel_area_t* areas,
                               snd_pcm_uframes_t offset, snd_pcm_uframes_t frames);
    [[nodiscard]] std::byte* At(const snd_pcm_channel_area_t* areas,
                                snd_pcm_uframes_t offset) const;
    void Capture(std::byte* to, int64_t frames) const;

    const Settings settings_;
    const snd_pcm_stream_t stream_;
    const snd_pcm_format_t format_;
    snd_pcm_ioplug_callback_t callbacks_ = Callbacks();
    snd_pcm_ioplug_t io_{};
    Panel* panel_ = nullptr;
    int heard_fd_ = -1;
    size_t frame_bytes_;

    // Frames since the last prepare.
    std::vector<std::byte> written_;
    int64_t taken_ = 0;  // written, or read
    int64_t moved_ = 0;  // by the card
    int64_t heard_ = 0;
    bool is_moving_ = false;
    int64_t offset_ = 0;  // while it moves: moved_ + offset_ is the clock's frame
    bool was_short_ = false;
};

Card::Card(const Settings& settings, snd_pcm_stream_t stream)
    : settings_{settings},
      stream_{stream},
      format_{snd_pcm_format_value(settings.format.c_str())},
      frame_bytes_{static_cast<size_t>(snd_pcm_format_physical_width(format_)) / 8 *
                   static_cast<size_t>(settings.channels)} {
    const int fd = ::open(settings_.panel.c_str(), O_RDWR | O_CLOEXEC);
    void* const map =
        ::mmap(nullptr, sizeof(Panel), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) ::close(fd);
    if (map == MAP_FAILED) return;
    panel_ = static_cast<Panel*>(map);
    panel_->opens += 1;
}

Card::~Card() {
    if (panel_ != nullptr) {
        panel_->closes += 1;
        ::munmap(panel_, sizeof(Panel));
    }
    if (heard_fd_ >= 0) ::close(heard_fd_);
}

int Card::Open(const char* name, int mode, snd_pcm_t** pcm) {
    if (panel_ == nullptr) return -EINVAL;
    if (const uint64_t error = panel_->open_error; error != 0)
        return -static_cast<int>(error);
    if (Plays() && !settings_.heard.empty())
        heard_fd_ = ::open(settings_.heard.c_str(),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    io_.version = SND_PCM_IOPLUG_VERSION;
    io_.name = "a card that fails when it is told to";
    io_.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
    io_.poll_fd = -1;
    io_.mmap_rw = 0;
    io_.callback = &callbacks_;
    io_.private_data = this;
    if (const int error = snd_pcm_ioplug_create(&io_, name, stream_, mode); error < 0)
        return error;
    if (const int error = Restrict(); error < 0) return error;
    *pcm = io_.pcm;
    return 0;
}

int Card::Restrict() {
    const std::vector<unsigned> access{SND_PCM_ACCESS_RW_INTERLEAVED};
    const std::vector<unsigned> format{static_cast<unsigned>(format_)};
    const auto set = [this](int type, const std::vector<unsigned>& list) {
        return snd_pcm_ioplug_set_param_list(
            &io_, type, static_cast<unsigned>(list.size()), list.data());
    };
    const auto limit = [this](int type, size_t least, size_t most) {
        return snd_pcm_ioplug_set_param_minmax(&io_, type, static_cast<unsigned>(least),
                                               static_cast<unsigned>(most));
    };
    const auto rate = static_cast<size_t>(settings_.rate);
    const auto channels = static_cast<size_t>(settings_.channels);
    return std::min(
        {set(SND_PCM_IOPLUG_HW_ACCESS, access), set(SND_PCM_IOPLUG_HW_FORMAT, format),
         limit(SND_PCM_IOPLUG_HW_RATE, rate, rate),
         limit(SND_PCM_IOPLUG_HW_CHANNELS, channels, channels),
         limit(SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64 * frame_bytes_, 16384 * frame_bytes_),
         limit(SND_PCM_IOPLUG_HW_PERIODS, 2, 64)});
}

snd_pcm_ioplug_callback_t Card::Callbacks() {
    snd_pcm_ioplug_callback_t callbacks{};
    callbacks.start = [](auto* io) { return Of(io).Start(); };
    callbacks.stop = [](auto* io) { return Of(io).Stop(); };
    callbacks.pointer = [](auto* io) { return Of(io).Pointer(); };
    callbacks.prepare = [](auto* io) { return Of(io).Prepare(); };
    callbacks.resume = [](auto* io) { return Of(io).Resume(); };
    callbacks.transfer = [](auto* io, const auto* areas, auto offset, auto frames) {
        return Of(io).Transfer(areas, offset, frames);
    };
    callbacks.close = [](auto* io) {
        delete &Of(io);
        return 0;
    };
    return callbacks;
}

/** The card's own count of frames, which runs whether it plays or not. */
int64_t Card::Clock() const {
    if (panel_->is_manual != 0) return static_cast<int64_t>(panel_->frame.load());
    return shmd::base::MulDiv(shmd::base::SystemClock{}.NowNs(), settings_.rate,
                              shmd::base::kNsPerSecond);
}

/** @return what is wrong with this call: 0, or a negative errno */
int Card::FaultOf(PanelCall call) {
    const uint64_t number = panel_->calls++;
    if (io_.state == SND_PCM_STATE_DISCONNECTED) return -ENODEV;
    if ((panel_->fault_calls & call) == 0 || number < panel_->fault_from ||
        number >= panel_->fault_until)
        return 0;
    const auto fault = static_cast<int>(panel_->fault);
    if (fault == ESTRPIPE) Halt(SND_PCM_STATE_SUSPENDED);
    if (fault == ENODEV) Halt(SND_PCM_STATE_DISCONNECTED);
    return -fault;
}

void Card::Halt(snd_pcm_state_t state) {
    moved_ = Moved();
    is_moving_ = false;
    snd_pcm_ioplug_set_state(&io_, state);
}

int Card::Start() {
    if (const int fault = FaultOf(PanelCall::kStartCall); fault < 0) return fault;
    is_moving_ = true;
    offset_ = Clock() - moved_;
    return 0;
}

int Card::Stop() {
    moved_ = Moved();
    is_moving_ = false;
    if (Plays()) Hear(moved_);
    return 0;
}

int Card::Prepare() {
    if (const int fault = FaultOf(PanelCall::kPrepareCall); fault < 0) return fault;
    panel_->prepares += 1;
    written_.clear();
    taken_ = moved_ = heard_ = 0;
    is_moving_ = was_short_ = false;
    return 0;
}

int Card::Resume() {
    panel_->resumes += 1;
    if (panel_->cannot_resume != 0) return 0;  // ioplug asks for no more
    is_moving_ = true;
    offset_ = Clock() - moved_;
    snd_pcm_ioplug_set_state(&io_, SND_PCM_STATE_RUNNING);
    return 0;
}

int64_t Card::Moved() const {
    return is_moving_ ? Clock() - offset_ : moved_;
}

snd_pcm_sframes_t Card::Pointer() {
    const int fault = FaultOf(PanelCall::kPointerCall);
    // ioplug makes an xrun of each error, and looks at the state for these two.
    if (fault == -ESTRPIPE || fault == -ENODEV) return moved_;
    const int64_t now = Moved();
    const bool is_over =
        Plays() ? now >= taken_ : now - taken_ > static_cast<int64_t>(io_.buffer_size);
    if (Plays()) Hear(now);
    if (fault == 0 && !(is_moving_ && is_over)) return now;
    moved_ = now;
    is_moving_ = false;
    return fault < 0 ? fault : -EPIPE;
}

/** Play: append the frames to the file. */
void Card::Hear(int64_t until) {
    until = std::min(until, taken_);
    if (until <= heard_) return;
    const auto* const from = written_.data() + static_cast<size_t>(heard_) * frame_bytes_;
    const size_t bytes = static_cast<size_t>(until - heard_) * frame_bytes_;
    if (heard_fd_ >= 0 && ::write(heard_fd_, from, bytes) < 0) return;
    heard_ = until;
}

std::byte* Card::At(const snd_pcm_channel_area_t* areas, snd_pcm_uframes_t offset) const {
    return static_cast<std::byte*>(areas->addr) + areas->first / 8 +
           offset * frame_bytes_;
}

/** What the next transfer moves at most. */
int64_t Card::MostFrames() const {
    const auto limit = static_cast<int64_t>(panel_->most_frames);
    const int64_t most = limit != 0 ? limit : INT64_MAX;
    const auto room = static_cast<int64_t>(panel_->room_frames);
    if (!Plays() || room == 0) return most;
    return std::clamp<int64_t>(room - (taken_ - Moved()), 0, most);
}

snd_pcm_sframes_t Card::Transfer(const snd_pcm_channel_area_t* areas,
                                 snd_pcm_uframes_t offset, snd_pcm_uframes_t frames) {
    if (const int fault = FaultOf(PanelCall::kTransferCall); fault < 0) return fault;
    // alsa-lib tries again for the rest: it must be told that there is no more.
    if (std::exchange(was_short_, false)) return -EAGAIN;
    const auto most = static_cast<snd_pcm_uframes_t>(MostFrames());
    if (most == 0) return -EAGAIN;
    was_short_ = frames > most;
    frames = std::min(frames, most);
    std::byte* const area = At(areas, offset);
    if (Plays())
        written_.insert(written_.end(), area, area + frames * frame_bytes_);
    else
        Capture(area, static_cast<int64_t>(frames));
    taken_ += static_cast<int64_t>(frames);
    return static_cast<snd_pcm_sframes_t>(frames);
}

void Card::Capture(std::byte* to, int64_t frames) const {
    const size_t sample_bytes = frame_bytes_ / static_cast<size_t>(settings_.channels);
    for (int64_t frame = offset_ + taken_, end = frame + frames; frame < end; ++frame)
        for (long channel = 0; channel < settings_.channels;
             ++channel, to += sample_bytes)
            std::memcpy(to, &frame, std::min(sample_bytes, sizeof frame));
}

int ReadText(snd_config_t* node, std::string& text) {
    const char* value = nullptr;
    const int error = snd_config_get_string(node, &value);
    if (error >= 0) text = value;
    return error;
}

int ReadSetting(snd_config_t* node, Settings& settings) {
    const char* id = nullptr;
    if (const int error = snd_config_get_id(node, &id); error < 0) return error;
    const std::string_view key{id};
    if (key == "panel") return ReadText(node, settings.panel);
    if (key == "heard") return ReadText(node, settings.heard);
    if (key == "format") return ReadText(node, settings.format);
    if (key == "rate") return snd_config_get_integer(node, &settings.rate);
    if (key == "channels") return snd_config_get_integer(node, &settings.channels);
    return key == "type" || key == "comment" || key == "hint" ? 0 : -EINVAL;
}

int OpenCard(snd_pcm_t** pcm, const char* name, snd_config_t* config,
             snd_pcm_stream_t stream, int mode) {
    Settings settings;
    snd_config_iterator_t at = nullptr;
    snd_config_iterator_t next = nullptr;
    snd_config_for_each(at, next, config) {
        const int error = ReadSetting(snd_config_iterator_entry(at), settings);
        if (error < 0) return error;
    }
    auto card = std::make_unique<Card>(settings, stream);
    const int error = card->Open(name, mode, pcm);
    if (error >= 0) (void)card.release();  // alsa-lib's, until it closes it
    return error;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

SND_PCM_PLUGIN_DEFINE_FUNC(shmdtest) {
    (void)root;
    return OpenCard(pcmp, name, conf, stream, mode);
}
SND_PCM_PLUGIN_SYMBOL(shmdtest)

}  // extern "C"
#pragma GCC visibility pop
