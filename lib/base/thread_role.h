#pragma once

namespace shmd::base {

/** Which of the server's threads the caller is. */
enum class ThreadRole { kNone, kLoop, kAudio };

/** Thread: any. Realtime: yes. */
void SetThreadRole(ThreadRole role) noexcept;
[[nodiscard]] ThreadRole CurrentThreadRole() noexcept;

}  // namespace shmd::base
