// Opening a card's ring for a client.

#include "base/error.h"
#include "device/card_ring.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sound/asound.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <string>
#include <thread>

namespace shmd::device {

namespace {

// <linux/landlock.h> of Linux 6.10; headers may be older than the kernel.
constexpr uint64_t kDenyDeviceIoctls = uint64_t{1} << 15;
constexpr long kFirstAbiWithIt = 5;

bool KernelCanRestrict() {
    return ::syscall(SYS_landlock_create_ruleset, nullptr, 0,
                     LANDLOCK_CREATE_RULESET_VERSION) >= kFirstAbiWithIt;
}

/** From here on no file that this thread opens takes an ioctl. @return an errno or 0 */
int RestrictThisThread() {
    const landlock_ruleset_attr attributes{.handled_access_fs = kDenyDeviceIoctls};
    const base::UniqueFd rules{static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
    if (!rules || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::syscall(SYS_landlock_restrict_self, rules.Get(), 0) != 0)
        return errno;
    return 0;
}

/** Of several substreams the one that the thread's control prefers is appended to. */
int Open(const Substream& substream, bool unrestricted, base::UniqueFd& opened) {
    const std::string card = "/dev/snd/controlC" + std::to_string(substream.card);
    const std::string pcm = "/dev/snd/pcmC" + std::to_string(substream.card) + "D" +
                            std::to_string(substream.device) + "p";
    const base::UniqueFd control{::open(card.c_str(), O_RDWR | O_CLOEXEC)};
    int preferred = static_cast<int>(substream.subdevice);
    if (!control ||
        ::ioctl(control.Get(), SNDRV_CTL_IOCTL_PCM_PREFER_SUBDEVICE, &preferred) < 0)
        return errno;
    if (const int error = unrestricted ? 0 : RestrictThisThread(); error != 0)
        return error;
    opened =
        base::UniqueFd{::open(pcm.c_str(), O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC)};
    return opened ? 0 : errno;
}

}  // namespace

base::UniqueFd OpenSharedRing(const Substream& substream, bool unrestricted) {
    if (!unrestricted && !KernelCanRestrict())
        base::ThrowError(EOPNOTSUPP,
                         "this kernel cannot restrict a descriptor (Linux 6.10 can)");
    base::UniqueFd opened;
    int error = 0;
    std::thread{[&] { error = Open(substream, unrestricted, opened); }}.join();
    if (error != 0) base::ThrowError(error, "opening the card's ring once more");
    return opened;
}

}  // namespace shmd::device
